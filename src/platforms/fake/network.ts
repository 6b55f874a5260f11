// A network in memory: who listens where, how connecting to it goes, and which ends are open.
import type {
  ConnectHandler,
  Connecting,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  SocketError,
} from "../../platform.ts";
import type { FakeClock } from "./clock.ts";
import { CAPACITY, FakeSocket, type Wire } from "./socket.ts";

/** How a connect attempt goes: accepted, never answered, or failed with a code of the system. */
export type Reception = "accept" | "hang" | (string & {});

/** Somebody who listens. */
export interface Server {
  /** How the next attempts go. */
  reception: Reception;
  readonly accept: (end: FakeSocket) => void;
  readonly isOurs: boolean;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
}

/** A connect attempt that hangs; a test lets it end. */
export interface HangingAttempt {
  readonly address: string;
  /** It goes as any other now. Take it out of the list first. */
  proceed(reception: Reception): void;
}

/** A network of one machine. */
export class FakeNetwork implements Wire {
  readonly clock: FakeClock;
  resetOvertakes = true;
  joins = false;
  looksLate = false;
  /** Whether handshakes with our listeners come to an end; it is at once. */
  handshakes = true;
  /** What they agree to speak (ALPN). */
  protocol = "";
  /** Of all ends that are opened from now on. */
  capacity = CAPACITY;
  /** All ends that are not closed. */
  readonly open = new Set<FakeSocket>();
  /** What an owner of a socket did wrong. */
  readonly faults: string[] = [];
  readonly hanging: HangingAttempt[] = [];
  /** Attempts to connect that were begun, in order, by address. */
  readonly attempts: string[] = [];
  /** Attempts that the one who made them gave up. */
  aborted = 0;
  readonly #servers = new Map<string, Server>();
  #count = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  opened(end: FakeSocket): void {
    this.open.add(end);
  }

  closed(end: FakeSocket): void {
    this.open.delete(end);
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  /** Somebody listens at this address. */
  serve(address: string, accept: (end: FakeSocket) => void, isOurs = false, secure = false): Server {
    const server: Server = { reception: "accept", accept, isOurs, secure };
    this.#servers.set(address, server);
    return server;
  }

  /** Nobody does any more. */
  unserve(address: string): void {
    this.#servers.delete(address);
  }

  /** `Platform.listen`. */
  readonly listen = (options: ListenOptions): ListeningSocket => {
    const { path } = options;
    const port = path !== undefined ? 0 : options.port === 0 ? 40_000 + ++this.#count : options.port;
    const address = path ?? `${options.host}:${port}`;
    if (this.#servers.has(address)) throw socketError("EADDRINUSE");
    this.serve(address, options.accept, true, options.tls !== undefined);
    return { host: path === undefined ? options.host : "", port, stop: () => this.unserve(address) };
  };

  /** `Platform.connect`. */
  readonly connect = (options: ConnectOptions, handler: ConnectHandler): Connecting => {
    const address = `${options.host}:${options.port}`;
    this.attempts.push(address);
    let state: "open" | "aborted" | "told" = "open";
    let end: FakeSocket | undefined;
    let hangs: HangingAttempt | undefined;
    const fail = (code: string): void => {
      if (state !== "open") return;
      state = "told";
      handler.failed({ code, message: "as the test wanted" });
    };
    const proceed = (reception: Reception): void => {
      if (state !== "open") return;
      const server = this.#servers.get(address);
      if (server === undefined) return fail("ECONNREFUSED");
      if (reception === "hang") {
        this.hanging.push((hangs = { address, proceed: (next) => soon(next) }));
        return;
      }
      if (reception !== "accept") return fail(reception);
      end = this.#pair(address, options.tls !== undefined, server);
      // The other side may have accepted, written and even closed before this side hears of it.
      this.clock.soon(() => {
        if (state !== "open") return end!.destroy();
        if (end!.gone) return fail("ECONNRESET");
        state = "told";
        if (options.tls !== undefined) end!.protocol = this.protocol;
        handler.connected(end!);
        end!.start();
      });
    };
    const soon = (reception: Reception): void => this.clock.soon(() => proceed(reception));
    this.clock.soon(() => proceed(this.#servers.get(address)?.reception ?? "accept"));
    return {
      abort: () => {
        if (state !== "open") return;
        state = "aborted";
        this.aborted++;
        const place = hangs === undefined ? -1 : this.hanging.indexOf(hangs);
        if (place >= 0) this.hanging.splice(place, 1);
        end?.destroy();
      },
    };
  };

  /**
   * Connects from outside, at once; what is written before the other side accepts waits for it.
   * @param from who does
   */
  dial(address: string, from = `127.0.0.${1 + (this.#count % 200)}`): FakeSocket {
    const server = this.#servers.get(address);
    if (server !== undefined) return this.#pair(address, false, server, from);
    const end = this.#pair(address, false, { ...REFUSING }, from);
    return end;
  }

  /** A connection; returns the end of who connects. */
  #pair(address: string, wanted: boolean, server: Server, from = GATEWAY): FakeSocket {
    const number = ++this.#count;
    const secure = wanted || server.secure;
    const near = new FakeSocket(this, `#${number} to ${address}`, "10.0.0.1", secure);
    const far = new FakeSocket(this, `#${number} at ${address}`, from, secure);
    near.capacity = far.capacity = this.capacity;
    near.isOurs = from === GATEWAY;
    far.isOurs = server.isOurs;
    FakeSocket.join(near, far);
    this.clock.soon(() => {
      server.accept(far);
      far.protocol = this.protocol;
      if (server.secure && this.handshakes) far.handler.secured?.();
      far.start();
    });
    return near;
  }
}

/** The gateway's address as targets see it. */
const GATEWAY = "10.0.0.2";
const REFUSING: Server = { reception: "accept", accept: (socket) => socket.destroy(), isOurs: false, secure: false };

function socketError(code: string): SocketError & Error {
  return Object.assign(new Error(code), { code });
}
