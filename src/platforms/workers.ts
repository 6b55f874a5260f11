// The edge on Cloudflare's runtime: no sockets, secrets in bindings, lines to the console, the client named by a field.
import type { GatewayOptions } from "../config/options.ts";
import { DrawnIds } from "../http/ids.ts";
import { formatPath, sentenceOf } from "../config/message.ts";
import { resolvePlan } from "../config/resolve.ts";
import { planWarnings } from "../config/warnings.ts";
import { createGateway, type Gateway } from "../gateway.ts";
import type { Platform } from "../platform.ts";
import { bcryptVerify } from "./bcrypt.ts";
import { Verbosity } from "../verbosity.ts";

export { LimitStore } from "./limit-object.ts";

/** What Cloudflare calls for each request. */
export interface WorkersEntry {
  fetch(request: Request, env?: object, context?: unknown): Promise<Response>;
}

/**
 * A config as a Cloudflare Worker:
 * ```ts
 * import config from "./gateway.config.ts";
 * import { workers } from "sluice/workers";
 *
 * export default workers(config);
 * ```
 * `env("NAME")` reads the binding NAME. The plan is made at the first request, for there are no bindings before; with a
 * config that is wrong every request is answered with 500 and the console tells what is wrong.
 *
 * What does not hold there: `listen` (but `trustedProxies`), `admin`, `targets` that are no list, `keepAlive`, `connections`, `tls`, `maxHead`,
 * `timeouts.send` and `timeouts.idle` of upstreams, `host` of upstreams, `shutdown`. `connect` and `firstByte` are one clock of their sum.
 */
export function workers(options: GatewayOptions): WorkersEntry {
  let gateway: Gateway | undefined;
  let failed = false;
  return {
    async fetch(request, env = {}, context) {
      if (gateway === undefined && !failed) {
        gateway = gatewayOf(options, env);
        failed = gateway === undefined;
      }
      if (gateway === undefined) return BROKEN();
      return gateway.fetch(request, request.headers.get("cf-connecting-ip") ?? NOBODY, env, context);
    },
  };
}

/** Stands for the client's address where the runtime does not tell it: workerd by itself. */
const NOBODY = "0.0.0.0";

/** The answer while the config is wrong. */
const BROKEN = (): Response =>
  Response.json(
    { type: "about:blank", title: "Internal error", status: 500, code: "proxy_internal_error" },
    { status: 500, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } },
  );

function gatewayOf(options: GatewayOptions, env: object): Gateway | undefined {
  const platform = workersPlatform();
  const { plan, faults } = resolvePlan(options, {
    env: (name) => {
      const bound = (env as Record<string, unknown>)[name];
      return typeof bound === "string" ? bound : undefined;
    },
    file: () => undefined,
    background: false,
  });
  if (plan !== undefined) {
    if (typeof plan.workers === "number" && plan.workers > 1) {
      platform.notice("warn", "workers: Cloudflare decides how many run, and limits count in each for itself");
    }
    if (options.listen?.tls !== undefined) {
      platform.notice("warn", "listen.tls: Cloudflare ends TLS itself, with certificates of its own");
    }
    if (plan.admin !== undefined) {
      platform.notice("warn", "admin: Cloudflare has no listeners: nobody can be asked, and nothing is counted");
    }
    for (const warning of planWarnings(plan, platform.wallClock())) platform.notice("warn", warning);
    return createGateway(plan, platform);
  }
  for (const fault of faults) platform.notice("error", `${formatPath(fault.path)}: ${sentenceOf(fault)}`);
  return undefined;
}

function workersPlatform(): Platform {
  const verbosity = new Verbosity();
  return {
    runtime: "workers",
    terminal: false,
    now: () => performance.now(),
    wallClock: () => Date.now(),
    setTimer: (callback, ms) => setTimeout(callback, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    ids: new DrawnIds((bytes) => crypto.getRandomValues(bytes)),
    random: (count) => crypto.getRandomValues(new Int32Array(count)),
    sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)),
    passwordForms: ["bcrypt"],
    verifyPassword: bcryptVerify,
    subtle: crypto.subtle,
    files: undefined,
    names: undefined,
    fetch: (request) => fetch(request),
    connect: undefined,
    listen: undefined,
    redis: undefined,
    line: (text) => console.log(text),
    linesTo: undefined,
    self: undefined,
    verbosity,
    notice(level, text) {
      if (!verbosity.tells(level)) return;
      const line = `sluice: ${text}`;
      if (level === "error") console.error(line);
      else if (level === "warn") console.warn(line);
      else console.log(line);
    },
  };
}
