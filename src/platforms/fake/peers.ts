// Who is at the other ends in the fake world: clients of the gateway and the targets it forwards to, moved by hand.
import type { SocketError } from "../../platform.ts";
import { type FakeAnswer, type FakeRequest, readAnswers, readRequests } from "./messages.ts";
import type { FakeNetwork, Server } from "./network.ts";
import type { FakeSocket } from "./socket.ts";

/** How a connection stands, as its peer sees it. */
export type Ending = "open" | "fin" | "reset" | "closed";

/** One end that a test owns: what came is kept, what goes is written by hand. */
class FakePeer {
  readonly socket: FakeSocket;
  /** All that came, latin1. */
  received = "";
  /** `fin`: the other side has ended; `closed`: both have; `reset`: it broke. */
  ending: Ending = "open";
  /** The other side's FIN has come, whatever came after it. */
  hasEnd = false;
  /** Times that a piece or an end came, by the fake clock. */
  lastAt = 0;
  onData: (() => void) | undefined = undefined;
  /** Called when the other side has ended, and when it is gone. */
  onEnding: (() => void) | undefined = undefined;

  constructor(socket: FakeSocket, now: () => number) {
    this.socket = socket;
    socket.handler = {
      data: (bytes) => {
        this.received += Buffer.from(bytes).toString("latin1");
        this.lastAt = now();
        this.onData?.();
      },
      drained: () => undefined,
      ended: () => {
        this.ending = "fin";
        this.hasEnd = true;
        this.lastAt = now();
        this.onEnding?.();
      },
      closed: (error?: SocketError) => {
        this.ending = error === undefined ? "closed" : "reset";
        this.lastAt = now();
        this.onEnding?.();
      },
    };
    socket.start();
  }

  /** Reads what came again only when more has come. */
  protected readOnce<T>(): (read: () => T) => T {
    let of: string | undefined;
    let ended = false;
    let last: T;
    return (read) => {
      if (of !== this.received || ended !== this.hasEnd) last = read();
      of = this.received;
      ended = this.hasEnd;
      return last;
    };
  }

  /** Whether the gateway's side of it is over, in whatever way. */
  get over(): boolean {
    return this.ending !== "open";
  }

  /** Writes text as latin1, or bytes. */
  send(data: string | Uint8Array): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** Sends FIN and reads on. */
  end(): void {
    this.socket.end();
  }

  /** Closes as a process that exits does. */
  leave(): void {
    this.socket.leave();
  }

  /** Closes with a reset. */
  reset(): void {
    this.socket.destroy();
  }

  /** Reads no more until `read`. */
  hold(): void {
    this.socket.pause();
  }

  read(): void {
    this.socket.resume();
  }
}

/** A client. */
export class FakeClient extends FakePeer {
  /** Methods of the requests sent, in order, for the reading of the answers. */
  readonly methods: string[] = [];

  /** Sends a request. Without content the text ends with the empty line. */
  request(method: string, target: string, fields: readonly string[] = [], content = ""): void {
    this.methods.push(method);
    this.send([`${method} ${target} HTTP/1.1`, "Host: gw.test", ...fields, "", content].join("\r\n"));
  }

  /** The answers so far; the last may be incomplete. */
  get answers(): FakeAnswer[] {
    return this.#answers(() => readAnswers(this.received, this.methods, this.hasEnd).messages);
  }

  readonly #answers = this.readOnce<FakeAnswer[]>();

  /** Their statuses, in order. */
  get statuses(): number[] {
    return this.answers.map(({ status }) => status);
  }

  /** The only answer there is; an error when there are none or several. */
  get answer(): FakeAnswer {
    const { answers } = this;
    if (answers.length !== 1) throw new Error(`${answers.length} answers: ${JSON.stringify(this.received)}`);
    return answers[0]!;
  }
}

/** A connection that the gateway made to a target. */
export class FakeTargetConnection extends FakePeer {
  /** Places of the requests that asked to switch protocols and were not let: others follow. */
  readonly refused = new Set<number>();

  /** The requests that came on it; the last may be incomplete. */
  get requests(): FakeRequest[] {
    return this.#requests(() => readRequests(this.received, this.refused).messages);
  }

  readonly #requests = this.readOnce<FakeRequest[]>();

  /** What came behind the last whole message: bytes of a tunnel. */
  get behind(): string {
    return readRequests(this.received, this.refused).rest;
  }

  /** The last request that has begun to come. */
  get request(): FakeRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error(`no request: ${JSON.stringify(this.received)}`);
    return request;
  }

  /** Answers with this content and its length. */
  answer(status: number, content = "", fields: readonly string[] = []): void {
    const head = [`HTTP/1.1 ${status} Fake`, ...fields, `Content-Length: ${content.length}`, "", ""].join("\r\n");
    this.send(head + content);
  }
}

/** A target: accepts connections and keeps them in order. */
export class FakeTarget {
  readonly address: string;
  readonly connections: FakeTargetConnection[] = [];
  /** Called for each connection as it is accepted. */
  onConnection: ((connection: FakeTargetConnection) => void) | undefined = undefined;
  readonly #server: Server;
  readonly #network: FakeNetwork;

  constructor(network: FakeNetwork, address: string) {
    this.address = address;
    this.#network = network;
    this.#server = network.serve(address, (socket) => {
      const connection = new FakeTargetConnection(socket, () => network.clock.time);
      this.connections.push(connection);
      this.onConnection?.(connection);
    });
  }

  /** How the next attempts to connect go. */
  set reception(reception: Server["reception"]) {
    this.#server.reception = reception;
  }

  /** The connection accepted last. */
  get last(): FakeTargetConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error(`nobody has connected to ${this.address}`);
    return last;
  }

  /** Connections of which the gateway still holds its end. */
  get open(): FakeTargetConnection[] {
    return this.connections.filter(({ ending }) => ending === "open");
  }

  /** All requests that have come, on whatever connection. */
  get requests(): FakeRequest[] {
    return this.connections.flatMap(({ requests }) => requests);
  }

  /** Answers every whole request by itself from now on; undefined leaves it to the test. */
  answerAll(answer: (request: FakeRequest, connection: FakeTargetConnection) => string | undefined): void {
    this.onConnection = (connection) => {
      let answered = 0;
      connection.onData = () => {
        for (const request of connection.requests.slice(answered)) {
          if (!request.complete) break;
          answered++;
          const text = answer(request, connection);
          if (text !== undefined) connection.send(text);
        }
      };
    };
  }

  /** Listens no more; connections stay. */
  stop(): void {
    this.#network.unserve(this.address);
  }
}

/** An answer with its length, as text. */
export function answerText(content: string, fields: readonly string[] = [], status = 200): string {
  return [`HTTP/1.1 ${status} Fake`, ...fields, `Content-Length: ${content.length}`, "", content].join("\r\n");
}
