// The edge on Deno: sockets, timers, fetch and lines out, as platform.ts asks for them.
import { createHash } from "node:crypto";
import { DrawnIds } from "../http/ids.ts";
import { rmSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { GatewayError } from "../errors.ts";
import type { FetchConnection, ListeningSocket, ListenOptions, Platform, ServerTls } from "../platform.ts";
import { type DenoConn, type DenoListener, denoNamespace } from "./deno-api.ts";
import { linesOnDeno } from "./deno-lines.ts";
import { bcryptVerify } from "./bcrypt.ts";
import { denoRedis } from "./deno-redis.ts";
import { DenoServerTls } from "./deno-server-tls.ts";
import { DenoSocket } from "./deno-socket.ts";
import { certificate } from "./certificate.ts";
import { files } from "./files.ts";
import { LineSinks } from "./line-sinks.ts";
import { names } from "./names.ts";
import { forOwnerOnly } from "./owner-only.ts";
import { connect } from "./node-connect.ts";
import { processUsage, threadUsage } from "./process-usage.ts";
import { socketErrorOf } from "./socket-error.ts";
import { Verbosity, noticeText } from "../verbosity.ts";

/** The platform for Deno. `flush` resolves once what standard output is still to get is written. */
export function denoPlatform(): Platform & { flush(): Promise<void>; readonly sinks: LineSinks } {
  const { stdout } = denoNamespace();
  const verbosity = new Verbosity();
  const notice: Platform["notice"] = (level, text) => {
    if (verbosity.tells(level)) console.error(noticeText(level, text));
  };
  const lines = linesOnDeno(stdout, (text) => notice("warn", text));
  const sinks = new LineSinks((text) => notice("warn", text));
  return {
    runtime: "deno",
    terminal: stdout.isTerminal(),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    setTimer: (callback, ms) => setTimeout(callback, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    ids: new DrawnIds((bytes) => crypto.getRandomValues(bytes)),
    random: (count) => crypto.getRandomValues(new Int32Array(count)),
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    passwordForms: ["bcrypt"],
    verifyPassword: bcryptVerify,
    subtle: crypto.subtle,
    certificate,
    files,
    names,
    fetch: unchanged,
    connect,
    listen,
    redis: denoRedis,
    line: (text) => lines.write(text),
    linesLost: () => lines.dropped,
    linesTo: sinks.open,
    self: { host: hostname(), pid: process.pid },
    usage: processUsage,
    threadUsage,
    verbosity,
    notice,
    flush: () => lines.flush(),
    sinks,
  };
}

function listen(options: ListenOptions): ListeningSocket {
  let listener: DenoListener;
  const { host, port, path } = options;
  const secure = options.tls && new DenoServerTls(options.tls);
  try {
    const { listen } = denoNamespace();
    listener =
      path === undefined ? listen({ hostname: host, port }) : forOwnerOnly(() => listen({ transport: "unix", path }));
  } catch (thrown) {
    throw Object.assign(new Error(`cannot listen on ${path ?? `${host}:${port}`}`), socketErrorOf(thrown));
  }
  let stopped = false;
  void accept(listener, options, secure, () => stopped);
  return {
    host: listener.addr.hostname ?? "",
    port: listener.addr.port ?? 0,
    stop() {
      if (stopped) return;
      stopped = true;
      listener.close();
      // Deno leaves it there while an accept is under way.
      if (path !== undefined) rmSync(path, { force: true });
    },
    ...(secure === undefined ? {} : { renewal: (tls: ServerTls) => secure.renewal(tls) }),
  };
}

/** Pause after an accept that failed, in milliseconds: out of file descriptors is what it can be. */
const ACCEPT_AGAIN_MS = 20;

async function accept(
  listener: DenoListener,
  options: ListenOptions,
  secure: DenoServerTls | undefined,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    let conn: DenoConn;
    try {
      conn = await listener.accept();
      conn.setNoDelay?.(true);
    } catch {
      if (!stopped()) await new Promise((resolve) => setTimeout(resolve, ACCEPT_AGAIN_MS));
      continue;
    }
    if (secure !== undefined) {
      options.accept(secure.over(conn));
      continue;
    }
    const socket = new DenoSocket(conn);
    options.accept(socket);
    socket.start();
  }
}

/**
 * Deno's fetch decodes gzip and br but leaves the fields that describe the coded bytes. It does neither when the request
 * asks for `identity`, so that is what a target is asked for. Deno names itself in User-Agent unless the field is there.
 */
async function unchanged(request: Request, over: FetchConnection): Promise<Response> {
  request.headers.set("accept-encoding", "identity");
  let client = clients.get(over);
  if (client === undefined) {
    client = clientFor(over, new URL(request.url).hostname);
    clients.set(over, client);
  }
  return fetch(request, { redirect: "manual", client } as RequestInit);
}

const clients = new WeakMap<FetchConnection, object>();

function clientFor({ http2, tls }: FetchConnection, hostname: string): object {
  if (tls !== undefined && (!tls.verify || tls.serverName !== hostname.replace(/^\[|\]$/g, ""))) {
    throw new GatewayError(
      "protocol_not_supported",
      "fetch on Deno takes neither tls.verify: false nor tls.serverName",
    );
  }
  return denoNamespace().createHttpClient({
    http1: !http2,
    http2,
    allowHost: true,
    ...(tls?.ca === undefined ? {} : { caCerts: [tls.ca] }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  });
}
