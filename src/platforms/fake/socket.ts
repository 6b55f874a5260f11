// A socket without a network: two ends that obey the Socket contract of src/platform.ts, and its freedoms.
import type { Socket, SocketError, SocketHandler } from "../../platform.ts";
import type { FakeClock } from "./clock.ts";

/** What an end has to know of the network it belongs to. */
export interface Wire {
  readonly clock: FakeClock;
  /** Whether a reset overtakes the bytes before it, as it does in a kernel that is asked for the error first. */
  readonly resetOvertakes: boolean;
  /** Whether a look at what has come takes a turn, as where the kernel cannot be asked. */
  readonly looksLate: boolean;
  /** Whether bytes that wait to be read come as one piece. */
  readonly joins: boolean;
  opened(end: FakeSocket): void;
  closed(end: FakeSocket): void;
  /** The owner did what no owner of a socket may do. */
  fault(text: string): void;
}

/** Bytes, the peer's FIN, or its RST. */
type Arrival = Uint8Array | "fin" | "rst";

/** Bytes that a kernel takes ahead of a reader. */
export const CAPACITY = 256 * 1024;

/** One end of a connection. What the owner of the other end writes arrives here, in order, an event a piece. */
export class FakeSocket implements Socket {
  handler: SocketHandler = UNOWNED;
  readonly remoteAddress: string;
  readonly secure: boolean;
  protocol = "";
  lost = 0;
  /** For messages of failed tests. */
  readonly name: string;
  /** Bytes that the kernel takes of what is written here before the peer reads them. */
  capacity = CAPACITY;
  /** The owner has been told that it is closed, or has left it. */
  isClosed = false;
  paused = false;
  /** Whether the gateway owns this end. */
  isOurs = false;
  readonly #wire: Wire;
  #peer: FakeSocket | undefined = undefined;
  readonly #arrived: Arrival[] = [];
  /** Bytes among what has arrived. */
  #unread = 0;
  #held: Uint8Array[] = [];
  #started = false;
  #scheduled = false;
  #flushing = false;
  #endAsked = false;
  #closing = false;
  #endSent = false;
  #peerEnded = false;
  #left = false;
  #gone = false;

  constructor(wire: Wire, name: string, remoteAddress: string, secure: boolean) {
    this.#wire = wire;
    this.name = name;
    this.remoteAddress = remoteAddress;
    this.secure = secure;
    wire.opened(this);
  }

  /** Joins two ends. */
  static join(one: FakeSocket, other: FakeSocket): void {
    one.#peer = other;
    other.#peer = one;
  }

  /** The other end. */
  get peer(): FakeSocket {
    return this.#peer!;
  }

  /** Bytes that have come and were not read. */
  get unread(): number {
    return this.#unread;
  }

  /** Begins to read, once there is an owner. */
  start(): void {
    this.#started = true;
    this.#schedule();
  }

  /** Nothing more can be written to it or come from it. */
  get gone(): boolean {
    return this.#gone;
  }

  get waiting(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone) return true;
    if (this.#endAsked) {
      this.#wire.fault(`${this.name} wrote behind its own end`);
      return true;
    }
    const waits = this.#held.length > 0;
    // The kernel copies: what the writer does to its bytes afterwards is its own affair.
    if (bytes.length > 0) this.#held.push(bytes.slice());
    if (!waits) this.#flush();
    return this.#held.length === 0;
  }

  writeText(text: string, bytes?: Uint8Array): boolean {
    const head = Buffer.from(text, "latin1");
    return this.write(bytes === undefined ? head : Buffer.concat([head, bytes]));
  }

  look(told: (isQuiet: boolean) => void): void {
    const look = (): void => told(!this.#gone && !this.#peerEnded && this.#arrived.length === 0);
    if (this.#wire.looksLate) this.#wire.clock.soon(look);
    else look();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#gone || this.#endAsked) return;
    this.#endAsked = true;
    if (this.#held.length === 0) this.#flush();
  }

  close(): void {
    if (this.#gone || this.#closing) return;
    this.#closing = true;
    if (this.#endSent) this.#goAway(undefined);
    else this.end();
  }

  destroy(): void {
    if (this.#gone) return;
    this.#goAway(undefined);
    this.#peer!.#reset();
  }

  /**
   * Closes as close(2) does, for a peer that is gone: FIN, and a reset for whatever comes after it. With bytes unread it
   * is a reset at once. The owner hears nothing more.
   */
  leave(): void {
    if (this.#gone) return;
    this.handler = UNOWNED;
    if (this.#unread > 0 || this.#held.length > 0) return this.destroy();
    this.#left = true;
    this.end();
    if (this.#peerEnded) this.#goAway(undefined);
  }

  /** Moves what is held to the peer as far as there is room. */
  #flush(): void {
    const peer = this.#peer!;
    let room = Math.max(0, this.capacity - peer.#unread);
    while (this.#held.length > 0 && room > 0) {
      const piece = this.#held[0]!;
      if (piece.length <= room) this.#held.shift();
      else this.#held[0] = piece.subarray(room);
      peer.#arrive(piece.subarray(0, room));
      room -= Math.min(room, piece.length);
    }
    if (!this.#endAsked || this.#endSent || this.#held.length > 0) return;
    this.#endSent = true;
    peer.#arrive("fin");
    this.#closeWhenBothEnded();
  }

  #arrive(arrival: Arrival): void {
    if (this.#gone && arrival !== "rst") {
      // Nobody is there any more.
      if (arrival !== "fin") this.#peer!.#reset();
      return;
    }
    if (this.#left) {
      if (arrival === "fin") this.#peerEnded = true;
      this.#goAway(undefined);
      if (arrival !== "fin" && arrival !== "rst") this.#peer!.#reset();
      return;
    }
    this.#arrived.push(arrival);
    if (typeof arrival !== "string") this.#unread += arrival.length;
    this.#schedule();
  }

  #reset(): void {
    if (this.#gone) return;
    if (this.#wire.resetOvertakes || this.#left) {
      // It is seen as soon as it is there, paused or not.
      this.#goAway({ code: "ECONNRESET", message: "the peer reset the connection" });
    } else this.#arrive("rst");
  }

  #schedule(): void {
    if (this.#scheduled || !this.#started || this.#gone || this.#arrived.length === 0) return;
    if (this.paused && this.#arrived.at(-1) !== "rst") return;
    this.#scheduled = true;
    this.#wire.clock.soon(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (this.#gone) return;
    if (this.paused) {
      // A reset does not wait for a reader.
      if (this.#arrived.at(-1) === "rst")
        this.#goAway({ code: "ECONNRESET", message: "the peer reset the connection" });
      return;
    }
    const arrival = this.#arrived.shift();
    if (arrival === undefined) return;
    if (arrival === "rst") return this.#goAway({ code: "ECONNRESET", message: "the peer reset the connection" });
    if (this.#closing) return this.#schedule();
    if (arrival === "fin") {
      this.#peerEnded = true;
      this.handler.ended();
      this.#closeWhenBothEnded();
    } else {
      const bytes = this.#wire.joins ? this.#joined(arrival) : arrival;
      this.#unread -= bytes.length;
      this.#peer!.#roomAgain();
      this.handler.data(bytes);
    }
    this.#schedule();
  }

  #joined(first: Uint8Array): Uint8Array {
    const pieces = [first];
    while (this.#arrived[0] instanceof Uint8Array) pieces.push(this.#arrived.shift() as Uint8Array);
    return pieces.length === 1 ? first : Buffer.concat(pieces);
  }

  #roomAgain(): void {
    if (this.#held.length === 0 || this.#flushing) return;
    this.#flushing = true;
    this.#wire.clock.soon(() => {
      this.#flushing = false;
      this.#flush();
      if (!this.#gone && this.#held.length === 0 && !this.#endAsked) this.handler.drained();
    });
  }

  #closeWhenBothEnded(): void {
    if (this.#endSent && (this.#peerEnded || this.#closing) && !this.#gone) this.#goAway(undefined);
  }

  #goAway(error: SocketError | undefined): void {
    this.#gone = true;
    this.lost = this.waiting;
    this.#held = [];
    this.#arrived.length = 0;
    this.#unread = 0;
    this.#wire.clock.soon(() => {
      this.isClosed = true;
      this.#wire.closed(this);
      this.handler.closed(error);
    });
  }
}

const UNOWNED: SocketHandler = {
  data: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
