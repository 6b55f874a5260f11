// What the promises of the Socket contract are checked with: a socket of the platform, and a plain peer at its other end.
import net from "node:net";
import tls from "node:tls";
import type { ClientTls, Platform, Socket, SocketError, SocketHandler } from "../../src/platform.ts";
import { elapse, until, within } from "../support/deadline.ts";

/** PEM texts; made outside, for not every runtime may call openssl. */
export interface Pems {
  readonly ca: Pem;
  readonly otherCa: Pem;
  /** For `up.internal.test`. */
  readonly named: Pem;
  readonly expired: Pem;
  /** For 127.0.0.1. */
  readonly local: Pem;
  readonly client: Pem;
}

/** A certificate and its key. */
export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** How a socket of the platform comes to be. */
export type Side = "accepted" | "accepted tls" | "connected" | "tls";

/** Whether TLS is spoken. */
export const isSecure = (side: Side): boolean => side === "tls" || side === "accepted tls";

/** All that a promise needs. */
export interface Kit {
  readonly platform: Platform;
  /** Undefined without openssl: promises about TLS are skipped. */
  readonly pems: Pems | undefined;
}

/** Keeps all a socket tells. */
export class Listener implements SocketHandler {
  readonly pieces: Uint8Array[] = [];
  received = 0;
  drains = 0;
  ends = 0;
  /** One entry a call of `closed`. */
  readonly closings: (SocketError | undefined)[] = [];
  /** Calls that came after `closed` or inside another call. */
  readonly wrong: string[] = [];
  onData: ((bytes: Uint8Array) => void) | undefined = undefined;
  onSecured: (() => void) | undefined = undefined;
  #inside = false;

  constructor() {
    listeners.push(this);
  }

  data(bytes: Uint8Array): void {
    this.#call("data", () => {
      this.pieces.push(bytes);
      this.received += bytes.length;
      this.onData?.(bytes);
    });
  }

  secured(): void {
    this.#call("secured", () => this.onSecured?.());
  }

  drained(): void {
    this.#call("drained", () => (this.drains += 1));
  }

  ended(): void {
    this.#call("ended", () => (this.ends += 1));
  }

  closed(error?: SocketError): void {
    this.#call("closed", () => this.closings.push(error));
  }

  bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  #call(name: string, work: () => void): void {
    if (this.closings.length > 0) this.wrong.push(`${name} after closed`);
    if (this.#inside) this.wrong.push(`${name} inside another call`);
    this.#inside = true;
    work();
    this.#inside = false;
  }
}

/** The plain peer of a socket, and what it saw. */
export class Peer {
  readonly raw: net.Socket;
  readonly pieces: Buffer[] = [];
  received = 0;
  ended = false;
  closed = false;
  error: string | undefined = undefined;

  constructor(raw: net.Socket) {
    this.raw = raw;
    raw.on("data", (bytes: Buffer | string) => {
      const piece = Buffer.from(bytes as Buffer);
      this.pieces.push(piece);
      this.received += piece.length;
    });
    raw.on("end", () => (this.ended = true));
    raw.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
    raw.on("close", () => (this.closed = true));
  }

  bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

/** A connected socket of the platform, what it told, and its peer. */
export interface Pair {
  readonly socket: Socket;
  readonly told: Listener;
  readonly peer: Peer;
  /** The peer takes no more bytes from the network. */
  hold(): void;
  /** The peer takes bytes again. */
  release(): void;
  /** Cuts the peer's connection with a reset. */
  reset(): void;
}

const opened: { destroy(): void }[] = [];
const listeners: Listener[] = [];

/** Closes all that a promise opened, and returns what sockets told at a wrong moment. */
export function closeAll(): string[] {
  for (const each of opened.splice(0)) each.destroy();
  return listeners.splice(0).flatMap((listener) => listener.wrong);
}

/** A server of node:net or node:tls, and the port it listens on. */
export async function serve(
  onPeer: (raw: net.Socket) => void,
  secure?: tls.TlsOptions,
): Promise<{ port: number; handshakeErrors: string[]; connections: net.Socket[] }> {
  const handshakeErrors: string[] = [];
  const connections: net.Socket[] = [];
  const take = (raw: net.Socket): void => {
    opened.push(raw);
    raw.on("error", () => undefined);
    onPeer(raw);
  };
  const server =
    secure === undefined
      ? net.createServer({ allowHalfOpen: true }, take)
      : tls.createServer({ ...secure, allowHalfOpen: true } as tls.TlsOptions, take);
  server.on("connection", (raw: net.Socket) => connections.push(raw));
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => handshakeErrors.push(error.code ?? error.message));
  await within(new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)), "the server to listen");
  opened.push({
    destroy: () => {
      server.close();
      for (const raw of connections) raw.destroy();
    },
  });
  return { port: (server.address() as net.AddressInfo).port, handshakeErrors, connections };
}

/** TLS towards the peers of these tests. */
export function trust(pems: Pems, changes: Partial<ClientTls> = {}): ClientTls {
  return {
    serverName: "up.internal.test",
    ca: pems.ca.cert,
    cert: undefined,
    key: undefined,
    verify: true,
    ...changes,
  };
}

/** What a connect attempt came to. */
export type Outcome = { socket: Socket; told: Listener } | { error: SocketError };

/** Connects and waits for the outcome. */
export async function attempt(kit: Kit, port: number, secure?: ClientTls, host = "127.0.0.1"): Promise<Outcome> {
  let outcome: Outcome | undefined;
  kit.platform.connect!(
    { host, port, tls: secure },
    {
      connected(socket) {
        const told = new Listener();
        socket.handler = told;
        opened.push(socket);
        outcome = { socket, told };
      },
      failed: (error) => void (outcome = { error }),
    },
  );
  return until(() => outcome, "the connect attempt to end");
}

/** A pair whose platform socket was made in this way. */
export async function pair(kit: Kit, side: Side): Promise<Pair> {
  if (side === "accepted") return acceptedPair(kit);
  if (side === "accepted tls") return acceptedOverTls(kit);
  let peer: Peer | undefined;
  const secure = side === "tls" ? { cert: kit.pems!.named.cert, key: kit.pems!.named.key } : undefined;
  const server = await serve((raw) => void (peer = new Peer(raw)), secure);
  // A TLS server does not hold or reset its connection in every runtime: a plain socket in front of it does.
  const front = side === "tls" ? await serveFront(server.port) : server;
  const outcome = await attempt(kit, front.port, side === "tls" ? trust(kit.pems!) : undefined);
  if ("error" in outcome) throw new Error(`not connected: ${outcome.error.code} ${outcome.error.message}`);
  return { ...outcome, peer: await until(() => peer, "the peer to be connected"), ...valve(front.connections[0]!) };
}

/** A server that passes every byte on to this port and back. */
async function serveFront(
  port: number,
): Promise<{ port: number; connections: net.Socket[]; onwards: readonly net.Socket[] }> {
  const onwards: net.Socket[] = [];
  const front = await serve((raw) => {
    const onward = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    onwards.push(onward);
    opened.push(onward);
    onward.on("error", () => raw.destroy());
    raw.on("close", () => onward.destroy());
    raw.pipe(onward);
    onward.pipe(raw);
  });
  return { ...front, onwards };
}

function valve(raw: net.Socket): Pick<Pair, "hold" | "release" | "reset"> {
  return {
    hold: () => void raw.pause(),
    release: () => void raw.resume(),
    reset: () => void raw.resetAndDestroy(),
  };
}

async function acceptedPair(kit: Kit): Promise<Pair> {
  const { port, told, socket } = accepting(kit);
  const raw = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  opened.push(raw);
  return { socket: await until(socket, "the connection to be accepted"), told, peer: new Peer(raw), ...valve(raw) };
}

async function acceptedOverTls(kit: Kit): Promise<Pair> {
  const { port, told, socket } = accepting(kit, kit.pems!.named);
  // A TLS client does not hold or reset its connection in every runtime: a plain socket behind it does.
  const front = await serveFront(port);
  const options = { port: front.port, host: "127.0.0.1", rejectUnauthorized: false, allowHalfOpen: true } as object;
  const raw = tls.connect(options);
  opened.push(raw);
  raw.on("error", () => undefined);
  let secured = 0;
  told.onSecured = () => secured++;
  const peer = new Peer(raw);
  const accepted = await until(socket, "the connection to be accepted");
  await until(() => secured === 1 && raw.getProtocol() !== null, "the handshake");
  return { socket: accepted, told, peer, ...valve(front.onwards[0]!) };
}

/** Listens, and takes one connection. */
function accepting(kit: Kit, certificate?: Pem): { port: number; told: Listener; socket: () => Socket | undefined } {
  let socket: Socket | undefined;
  const told = new Listener();
  const listening = kit.platform.listen!({
    host: "127.0.0.1",
    port: 0,
    tls: certificate && {
      certificates: [{ ...certificate, names: [] }],
      minVersion: "1.2",
      http2: false,
      clients: undefined,
    },
    accept(accepted) {
      accepted.handler = told;
      socket = accepted;
      opened.push(accepted);
    },
  });
  opened.push({ destroy: () => listening.stop() });
  return { port: listening.port, told, socket: () => socket };
}

/** Bytes that differ at every place, so that a swap or a loss shows. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
  for (let i = size - (size % 4); i < size; i++) bytes[i] = i;
  return bytes;
}

/** Fails with this sentence unless it holds. */
export function check(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence);
}

/** Nothing more happens for a while. */
export async function quiet(expected: number, count: () => number): Promise<void> {
  await elapse(20);
  check(count() === expected, `something was told ${count()} times instead of ${expected}`);
}
