// The edge on Bun: sockets, timers, fetch and lines out, as platform.ts asks for them.
import type {
  ConnectHandler,
  Connecting,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  Platform,
  ServerTls,
} from "../platform.ts";
import { DrawnIds } from "../http/ids.ts";
import { BunSocket, type RawSocket } from "./bun-socket.ts";
import { ownTls, ServerContexts } from "./bun-server-tls.ts";
import { tlsOptions, untrusted } from "./bun-tls.ts";
import { bunRedis } from "./bun-redis.ts";
import { hostname } from "node:os";
import { certificate } from "./certificate.ts";
import { clientCertificate } from "./client-certificate.ts";
import { files } from "./files.ts";
import { LineSinks } from "./line-sinks.ts";
import { type BunListener, type HandedSocket, ListeningSockets, type Wanted } from "./listening.ts";
import { names } from "./names.ts";
import { forOwnerOnly } from "./owner-only.ts";
import { processUsage, threadUsage } from "./process-usage.ts";
import { type StdoutLines, stdoutLines } from "./stdout.ts";
import type { Shared } from "../shared.ts";
import { Verbosity, noticeText } from "../verbosity.ts";

/** What all threads have alike. */
type Edge = Omit<
  Platform,
  "shared" | "terminal" | "now" | "line" | "linesLost" | "linesTo" | "usage" | "verbosity" | "notice" | "listen"
>;

const edge = (): Edge => ({
  runtime: "bun",
  wallClock: () => Date.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: (timer) => clearTimeout(timer as Timer),
  ids: new DrawnIds((bytes) => crypto.getRandomValues(bytes)),
  random: (count) => crypto.getRandomValues(new Int32Array(count)),
  sha256: (bytes) => new Uint8Array(Bun.SHA256.hash(bytes).buffer),
  passwordForms: ["argon2id", "bcrypt"],
  verifyPassword: (password, hash) => Bun.password.verify(password, hash),
  subtle: crypto.subtle,
  certificate,
  clientCertificate,
  files,
  names,
  fetch: (request, { http2, tls }) =>
    fetch(request, {
      decompress: false,
      redirect: "manual",
      // Proxy variables of the environment never redirect traffic.
      proxy: false,
      ...(http2 ? { protocol: "http2" } : {}),
      ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    }),
  connect,
  agreesOnHttp2: true,
  redis: bunRedis,
  self: { host: hostname(), pid: process.pid },
  threadUsage,
});

/** What the executable's own parts know of the platform beside what the gateway asks for. */
export interface BunPlatform extends Platform {
  readonly stdout: StdoutLines;
  readonly sinks: LineSinks;
  /** Where it listens. */
  readonly listening: ListeningSockets;
  /** The same platform for the admin listener, with sockets of its own. */
  readonly forAdmin: Platform & { readonly listening: ListeningSockets };
  /** Writes at once what standard output is still to get. */
  flush(): void;
}

/** Listening sockets of a process that this one takes over from. Plain values. */
export interface HandedSockets {
  readonly gateway: readonly HandedSocket[];
  readonly admin: readonly HandedSocket[];
}

/** What a platform may be made with. */
export interface BunSurroundings {
  readonly lines?: StdoutLines | undefined;
  readonly verbosity?: Verbosity | undefined;
  /** With them nothing is accepted before `listening.resume`. */
  readonly handed?: HandedSockets | undefined;
}

/** The platform for Bun, and for the executable. */
export function bunPlatform(surroundings: BunSurroundings = {}): BunPlatform {
  const { lines = stdoutLines(), verbosity = new Verbosity(), handed } = surroundings;
  const notice: Platform["notice"] = (level, text) => {
    if (verbosity.tells(level)) process.stderr.write(`${noticeText(level, text)}\n`);
  };
  const sinks = new LineSinks((text) => notice("warn", text));
  const listening = new ListeningSockets(handed?.gateway, handed !== undefined);
  const forAdmin = new ListeningSockets(handed?.admin, handed !== undefined);
  const platform = {
    ...edge(),
    terminal: process.stdout.isTTY === true,
    now: () => performance.now(),
    listen: (options) => listen(options, false, listening),
    line: (text) => lines.write(text),
    linesLost: () => lines.dropped,
    linesTo: sinks.open,
    usage: processUsage,
    verbosity,
    notice,
    flush: () => lines.flush(),
    stdout: lines,
    sinks,
    listening,
  } satisfies Omit<BunPlatform, "forAdmin">;
  const listenForAdmin = (options: ListenOptions): ListeningSocket => listen(options, false, forAdmin);
  return { ...platform, forAdmin: { ...platform, listening: forAdmin, listen: listenForAdmin } };
}

/** What a worker thread brings of its own. */
export type ThreadPlatform = Required<
  Pick<Platform, "terminal" | "now" | "line" | "linesLost" | "verbosity" | "notice">
> &
  Pick<Platform, "linesTo"> & {
    readonly shared: Shared;
    /** Where it listens. */
    readonly listening: ListeningSockets;
  };

/** The platform of a worker thread of the executable: it listens on the same port as others. */
export function bunThreadPlatform(thread: ThreadPlatform): Platform & ThreadPlatform {
  return { ...edge(), ...thread, listen: (options) => listen(options, true, thread.listening) };
}

/** What Bun calls for every accepted or connected socket once its owner is known. */
const established = {
  data: (raw: RawSocket, bytes: Buffer) => raw.data!.arrived(bytes),
  drain: (raw: RawSocket) => raw.data?.flush(),
  end: (raw: RawSocket) => raw.data!.ended(),
  close: (raw: RawSocket, error?: Error) => raw.data?.closed(error),
  error: (raw: RawSocket, error: Error) => {
    // A TLS session that failed: `close` follows with the same error.
    if ("code" in error || error.message.includes("SSL routines")) return;
    // A handler of ours has thrown: whatever it was about cannot go on.
    process.stderr.write(`${noticeText("error", `a connection failed inside the gateway: ${error.message}`)}\n`);
    raw.data?.destroy();
  },
};

/** The types lack `reusePort`: with it each of several listeners on a port gets its part of the connections. */
type BunListenOptions = Bun.TCPSocketListenOptions<BunSocket | undefined> & { reusePort: boolean };
type Handlers = Pick<BunListenOptions, "socket" | "allowHalfOpen">;

function listen(options: ListenOptions, reusePort: boolean, sockets: ListeningSockets): ListeningSocket {
  const { tls } = options;
  const contexts = tls && new ServerContexts(tls);
  const handlers: Handlers = {
    allowHalfOpen: true,
    socket: {
      ...established,
      open(raw) {
        const socket = new BunSocket(raw, tls !== undefined);
        raw.data = socket;
        options.accept(socket);
      },
      ...(contexts === undefined ? {} : { ...handshakes(tls?.clients?.required === true), ...pick(contexts) }),
    },
  };
  const listenAt = ({ path, host, port }: Wanted): BunListener => {
    if (path !== undefined) return forOwnerOnly(() => Bun.listen<BunSocket | undefined>({ unix: path, ...handlers }));
    const own = tls === undefined ? {} : { tls: ownTls(tls) };
    const all: BunListenOptions = { hostname: host, port, reusePort, ...own, ...handlers };
    return Bun.listen<BunSocket | undefined>(all);
  };
  const { path, host, port } = options;
  const { listeners, ...opened } = sockets.open({ path, host, port }, listenAt);
  const renewal = (tls: ServerTls): (() => void) => {
    const renewals = listeners.map((listener) => contexts!.renewal(listener, tls));
    return () => {
      for (const renew of renewals) renew();
    };
  };
  return { ...opened, ...(contexts === undefined ? {} : { renewal }) };
}

/** What Bun calls of handshakes of accepted sockets. @param required whether the client must have shown a good certificate */
const handshakes = (required: boolean): Pick<Bun.SocketHandler<BunSocket | undefined>, "handshake"> => ({
  handshake(raw, success) {
    // One that failed is closed by Bun.
    if (success && (!required || raw.authorized)) raw.data!.secured();
    else raw.data!.destroy();
  },
});

/** The types lack both. */
const pick = ({ serverName, alpnCallback }: ServerContexts): object => ({ serverName, alpnCallback });

/** In its form on the wire (RFC 7301 section 3.1). */
const OFFERS_HTTP2 = { ALPNProtocols: Buffer.from("\x02h2") };

function connect(options: ConnectOptions, handler: ConnectHandler): Connecting {
  const { host, port, tls } = options;
  let abandoned = false;
  let opened: RawSocket | undefined;
  const settled = (raw: RawSocket): void => {
    const socket = new BunSocket(raw, tls !== undefined);
    if (tls !== undefined) socket.protocol = raw.alpnProtocol || "";
    raw.data = socket;
    handler.connected(socket);
  };
  const failed = (code: string, message: string): void => {
    if (abandoned) return;
    abandoned = true;
    handler.failed({ code, message });
  };
  // Bun cannot take back an attempt that has not come to anything: its socket lives until the system gives up.
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const attempt = tryConnect({
    hostname: host,
    port,
    allowHalfOpen: true,
    ...(tls === undefined ? {} : { tls: { ...tlsOptions(tls), ...(options.http2 === true ? OFFERS_HTTP2 : {}) } }),
    socket: {
      ...established,
      open(raw) {
        opened = raw;
        if (abandoned) {
          raw.terminate();
          end();
        } else if (tls === undefined) settled(raw);
      },
      handshake(raw, _authorized, error) {
        if (abandoned || tls === undefined || raw.data !== undefined) return;
        const refusal = untrusted(raw, tls, error);
        if (refusal === undefined) return settled(raw);
        failed(refusal.code, refusal.message);
        raw.terminate();
      },
      data(raw, bytes) {
        raw.data?.arrived(bytes);
      },
      end(raw) {
        if (raw.data !== undefined) raw.data.ended();
        else raw.terminate();
      },
      close(raw, error) {
        if (raw.data !== undefined) raw.data.closed(error);
        else
          failed(
            (error as { code?: string } | undefined)?.code ?? "ECONNRESET",
            error?.message ?? "closed while connecting",
          );
      },
      connectError(_raw, error) {
        end();
        failed((error as NodeJS.ErrnoException).code ?? "ECONNREFUSED", error.message);
      },
    },
  });
  // What cannot even be tried, such as a key that cannot be read; the rest connectError has told.
  attempt.catch((error: NodeJS.ErrnoException) => {
    end();
    failed(error.code ?? "ERR_CONNECT", error.message);
  });
  return {
    abort() {
      abandoned = true;
      if (opened === undefined) return ended;
      opened.terminate();
      return undefined;
    },
  };
}

/** Bun throws for some options at once, and rejects for others: here it always rejects. */
// eslint-disable-next-line typescript/require-await
async function tryConnect(options: Bun.TCPSocketConnectOptions<BunSocket | undefined>): Promise<unknown> {
  return Bun.connect<BunSocket | undefined>(options);
}
