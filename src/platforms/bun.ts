// The edge on Bun: sockets, timers, fetch and lines out, as platform.ts asks for them.
import type {
  ConnectHandler,
  Connecting,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  Platform,
} from "../platform.ts";
import { BunSocket, type RawSocket } from "./bun-socket.ts";
import { tlsOptions, untrusted } from "./bun-tls.ts";
import { stdoutLines } from "./stdout.ts";

/** The platform for Bun, and for the executable. `flush` writes at once what the access log still holds. */
export function bunPlatform(): Platform & { flush(): void } {
  const lines = stdoutLines();
  return {
    runtime: "bun",
    terminal: process.stdout.isTTY === true,
    now: () => performance.now(),
    wallClock: () => Date.now(),
    setTimer: (callback, ms) => setTimeout(callback, ms),
    clearTimer: (timer) => clearTimeout(timer as Timer),
    uuid: () => crypto.randomUUID(),
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
    listen,
    line: (text) => lines.write(text),
    notice: (level, text) => process.stderr.write(`sluice: ${level === "info" ? "" : `${level}: `}${text}\n`),
    flush: () => lines.flush(),
  };
}

/** What Bun calls for every accepted or connected socket once its owner is known. */
const established = {
  data: (raw: RawSocket, bytes: Buffer) => raw.data!.arrived(bytes),
  drain: (raw: RawSocket) => raw.data?.flush(),
  end: (raw: RawSocket) => raw.data!.ended(),
  close: (raw: RawSocket, error?: Error) => raw.data?.closed(error),
  // `close` follows with the same error.
  error: () => undefined,
};

function listen(options: ListenOptions): ListeningSocket {
  const listener = Bun.listen<BunSocket | undefined>({
    hostname: options.host,
    port: options.port,
    allowHalfOpen: true,
    socket: {
      ...established,
      open(raw) {
        const socket = new BunSocket(raw, false);
        raw.data = socket;
        options.accept(socket);
      },
    },
  });
  return {
    host: listener.hostname,
    port: listener.port,
    stop: () => listener.stop(false),
  };
}

function connect(options: ConnectOptions, handler: ConnectHandler): Connecting {
  const { host, port, tls } = options;
  let abandoned = false;
  let opened: RawSocket | undefined;
  const settled = (raw: RawSocket): void => {
    const socket = new BunSocket(raw, tls !== undefined);
    raw.data = socket;
    handler.connected(socket);
  };
  const failed = (code: string, message: string): void => {
    if (abandoned) return;
    abandoned = true;
    handler.failed({ code, message });
  };
  const attempt = Bun.connect<BunSocket | undefined>({
    hostname: host,
    port,
    allowHalfOpen: true,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    socket: {
      ...established,
      open(raw) {
        opened = raw;
        if (abandoned) raw.terminate();
        else if (tls === undefined) settled(raw);
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
        failed((error as NodeJS.ErrnoException).code ?? "ECONNREFUSED", error.message);
      },
    },
  });
  // Told by connectError already.
  attempt.catch(() => undefined);
  return {
    abort() {
      abandoned = true;
      opened?.terminate();
    },
  };
}
