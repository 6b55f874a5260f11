// What a user writes about upstreams: where they are, who picks among their targets, how long they are waited for.
import type { CallerBy, Duration, Size, UpstreamTls } from "../options.ts";
import type { Hidden } from "../secrets.ts";
import type { AnswerFallback, UpstreamFallback } from "../shaping/options.ts";

/** One address of an upstream. */
export interface TargetOptions {
  /** `http://` or `https://`, a host and maybe a port; no path. May be `env("NAME")`; records show the address it gives. */
  url: string | Hidden;
  /** Share of requests relative to the other targets, a whole number; 0 gets none. Default: `1`. */
  weight?: number;
}

/** How names are looked up. */
export interface LookupOptions {
  /**
   * Bounds of the time after which is asked again; between them the records' TTL decides. SRV records and `/etc/hosts`
   * count as 30 s. Default: `{ min: "1s", max: "5m" }`.
   */
  refresh?: { min?: Duration; max?: Duration };
  /** Servers to ask, an address and maybe a port: `"10.0.0.53"`, `"[fd00::53]:5353"`. Default: those of the system. */
  resolver?: readonly string[];
  /** Which addresses become targets. Default: `"both"`. */
  family?: "both" | "ipv4" | "ipv6";
}

/** Every address of a name is a target. */
export interface DnsTargets extends LookupOptions {
  /** A URL as that of a target, whose host is a name: `"http://orders.internal:8080"`. Host and TLS go by the name. */
  dns: string | Hidden;
}

/** The SRV records of a service say where its targets are (RFC 2782): hosts, ports, weights and priorities. */
export interface SrvTargets extends LookupOptions {
  /** `"_http._tcp.orders.internal"`. Host and TLS go by the name behind `_tcp`. */
  srv: string;
  /** How the targets are spoken to. Default: `"http"`. */
  scheme?: "http" | "https";
}

/** A file says where the targets are, and is read again when it changes. */
export interface FileTargets {
  /** YAML or JSON: a list of URLs, or objects of `url` and `weight`. A relative path begins at the config's folder. */
  file: string;
}

/** A target as a function gives it: its URL, or its URL and weight. */
export type FoundTarget = string | { readonly url: string; readonly weight?: number };

/**
 * Finds targets. When it throws, rejects, takes over 10 s or gives none, the targets stay as they were.
 * @param signal aborts when the answer is not wanted any more
 */
export type FindTargets = (signal: AbortSignal) => readonly FoundTarget[] | Promise<readonly FoundTarget[]>;

/** A function says where the targets are. With several workers it is called in the main thread alone. */
export interface FunctionTargets {
  from: FindTargets;
  /** How long after an answer it is called again. Default: `"10s"`. */
  every?: Duration;
}

/** Where targets are found while the gateway runs. */
export type TargetSource = DnsTargets | SrvTargets | FileTargets | FunctionTargets;

/** How long the gateway waits for an upstream. Each clock runs alone; only `whole` bounds an answer that moves (case GW-25). */
export interface UpstreamTimeouts {
  /** To connect, TLS included; then 504. Default: `"5s"`. */
  connect?: Duration;
  /** Between two pieces of the request that the upstream takes; then 504. Default: `"60s"`. */
  send?: Duration;
  /** From the request's last byte to the answer's first; then 504. Default: `"60s"`. */
  firstByte?: Duration;
  /** Between two pieces of the answer's body. Default: `"5m"`. */
  idle?: Duration;
  /**
   * For all attempts together, from the first to the answer's last byte; then 504, or an answer that breaks off. Streams
   * (`text/event-stream`, gRPC, upgrades) are bounded up to their head. Default: none.
   */
  whole?: Duration;
  /**
   * A field in which clients say how long they wait, in milliseconds: it shortens `whole`, and what is left of it is told
   * to the upstream in the same field. With `protocol: "h2"` and `"h2c"` the same holds for `grpc-timeout`. Default: none.
   */
  header?: string;
}

/** When a request whose attempt has failed is sent again. Without it only what is certain to change nothing is. */
export interface RetriesOptions {
  /** Most attempts of one request, the first included. Default: `3`. */
  attempts?: number;
  /**
   * After what: `"connect"`, no connection came about; `"reset"`, it broke before a whole head of an answer, or the answer
   * is none; `"timeout"`, no answer in time; or a status. Default: `["connect", "reset", "timeout", 502, 503, 504]`.
   */
  on?: readonly ("connect" | "reset" | "timeout" | (number & {}))[];
  /** How long one attempt may take up to the answer's head, from when the request is here whole. Default: none. */
  perTry?: Duration;
  /** The pause before a retry: anything up to `base` (`"25ms"`), doubled each time, at most `max` (`"250ms"`). */
  backoff?: { base?: Duration; max?: Duration };
  /** The longest `Retry-After` that is waited for; an answer that asks for more is passed on. Default: `"1s"`. */
  retryAfter?: Duration;
  /** Most bytes of a request's content that are kept to be sent again; what is longer is sent once. Default: `"64KiB"`. */
  replay?: Size | false;
  /**
   * Retries in ten seconds, for the whole upstream: a `share` (`0.2`) of its requests, and at least `min` (`3`). What is
   * over it is not sent again.
   */
  budget?: { share?: number; min?: number };
}

/** Retries of a route; what it does not set is as its upstream has it. */
export interface RouteRetries extends RetriesOptions {
  /** A request with `Idempotency-Key` may be sent again whatever its method: the upstream knows it again. Default: `false`. */
  idempotencyKey?: boolean;
}

/** A second attempt at another target, beside one that is slow; the first answer counts. */
export interface HedgeOptions {
  /** How long the first attempt has. Only idempotent requests whose content is here; out of the budget of retries. */
  after: Duration;
}

/** How long connections that carry nothing are kept for the next request. */
export interface KeepAliveOptions {
  /** Idle connections are closed after this, or a second before the upstream's own `Keep-Alive: timeout`. Default: `"4s"`. */
  idle?: Duration;
  /** Most idle connections kept for one target. Default: `256`. */
  maxIdle?: number;
  /** A connection is not used for new requests when it is older: names are looked up anew. Default: `"5m"`. */
  maxAge?: Duration;
}

/** How many connections an upstream may take. */
export interface ConnectionOptions {
  /** Most connections to one target at once. Default: `4096`. */
  max?: number;
  /** How long a request waits for a free one; then 503. Default: `"5s"`. */
  wait?: Duration;
  /** Most requests that wait; more are 503 at once. Default: `1024`. */
  maxWaiting?: number;
}

/**
 * How a target is picked for a request, among those that may be picked:
 * - `"round-robin"`: in turn, by weight and without bursts.
 * - `"random"`: by chance and weight.
 * - `"least-busy"`: the one of two, drawn by weight, that has less under way for its weight.
 * - `"fastest"`: the one of two, drawn by weight, that has lately answered sooner, times what is under way there.
 * - `"first"`: the first in the order of `targets`; the others stand by.
 * - {@link HashOptions}: requests of one caller, or of one path, go to one target.
 * - {@link StickyOptions}: a cookie leads to the target that answered before.
 *
 * What is under way, and how fast targets are, each worker sees for itself.
 */
export type BalanceOptions = PickWord | HashOptions | { sticky: StickyOptions };

/** The policies that need no options: see {@link BalanceOptions}. */
export type PickWord = "round-robin" | "random" | "least-busy" | "fastest" | "first";

/**
 * Requests with the same text go to the same target, from all workers and gateways, by weight. Only what a target had moves
 * when it goes, and only to it when one joins. Requests without a text (no such field or cookie) go anywhere, by weight.
 */
export interface HashOptions {
  /** The text: of the caller, or `"path"` for the path as it is matched, without its query. */
  hash: CallerBy | "path";
  /**
   * A target that has so many times its share of what is under way in this worker, and more than 8, passes requests on to
   * the next in line. A number over 1, or `false`: never. Default: `1.25`.
   */
  bound?: number | false;
}

/**
 * The answer has a cookie that names its target by a keyed hash: it reveals nothing of the target, and nobody can make
 * one. A cookie of a target that is gone, down or of weight 0 leads to another target and is replaced. Answers from 500
 * on have none. The upstream sees the cookie.
 */
export interface StickyOptions {
  /** Its name. Upstreams that one browser may reach on the same path need different ones. */
  cookie: string;
  /** `env("NAME")`: at least 32 bytes, the same for all gateways that serve the same clients. */
  secret: Hidden;
  /** How a target is picked for who has no cookie. Default: `"round-robin"`. */
  balance?: PickWord;
  /** How long the cookie is kept, in whole seconds, from `"1s"` to `"24d"`. Default: until the browser is closed. */
  maxAge?: Duration;
  /** The path for which the browser sends the cookie. Default: `"/"`. */
  path?: string;
  /** The domain for which the browser sends the cookie. Default: none, the host alone. */
  domain?: string;
  /** Whether it is sent over TLS only. Default: as the client came, by `X-Forwarded-Proto` where a trusted proxy says it. */
  secure?: boolean;
  /** Whether scripts cannot see it. Default: `true`. */
  httpOnly?: boolean;
  /** `"none"` needs `secure: true`. Default: `"lax"`. */
  sameSite?: "strict" | "lax" | "none";
}

/**
 * When a target is ejected: it gets nothing for a while, because the attempts at it fail. A failure is no connection, no
 * answer in time, a connection that breaks before the answer, or an answer with 502, 503 or 504; other statuses and a
 * client that leaves are none. All workers count together.
 */
export interface EjectionOptions {
  /** So many failures in a row; one success begins anew. Default: `5`. */
  failures?: number;
  /**
   * How long; the second time in a row twice as long, then three times. A time is forgotten with every such stretch
   * without an ejection. Default: `"30s"`.
   */
  time?: Duration;
  /** At most so long. Default: `"5m"`. */
  maxTime?: Duration;
  /** At most this share of the targets at once; one at least where there are two, and never all. Default: `0.5`. */
  maxShare?: number;
}

/**
 * When nothing is sent to an upstream for a while, so that it can recover: after too many attempts that failed, or were
 * slow. A failure is what `ejection` calls one. All workers count together.
 */
export interface BreakerOptions {
  /** Opens when at least this share of the attempts in the window has failed. Default: `0.5`. */
  errors?: number;
  /** Opens when at least this share of the attempts took longer than `over` to the head of their answer. Default: never. */
  slow?: {
    over: Duration;
    /** The share of attempts that must be slow. Default: `0.5`. */
    share?: number;
  };
  /** Never with fewer attempts in the window than this. Default: `20`. */
  minimum?: number;
  /** The time that is looked back at, in tenths of it, from `"100ms"` to `"1h"`. Default: `"10s"`. */
  window?: Duration;
  /** How long nothing is sent once it has opened. Default: `"5s"`. */
  open?: Duration;
  /** So many attempts are let through then, no more: when all are good it closes, when one is not it opens again. Default: `3`. */
  probes?: number;
}

/** How targets are checked, and when they are up or down. Give a `path`, or `tcp: true`. */
export type HealthOptions = HttpCheckOptions | TcpCheckOptions;

/** What both kinds of checks have. */
export interface HealthCommon {
  /** From the beginning of a check to that of the next. Default: `"3s"`. */
  interval?: Duration;
  /** For the whole check; at most the interval. Default: `"1s"`, or the interval if that is shorter. */
  timeout?: Duration;
  /** So many checks in a row must pass before a target that is down is up. Default: `2`. */
  rise?: number;
  /** So many checks in a row must fail before a target that is up is down. Default: `3`. */
  fall?: number;
  /** By this share of the interval at most a check comes sooner or later, so that not all come at once. Default: `0.1`. */
  jitter?: number;
  /** What a target is before its first check. Default: `"up"`; `"down"` lets it wait for one check that passes. */
  start?: "up" | "down";
  /**
   * When a smaller share of the targets than this is up, checks are not believed, and all are picked. Default: `0`, never:
   * when all are down the answer is 503.
   */
  panic?: number;
}

/** A check that asks and looks at the answer. */
export interface HttpCheckOptions extends HealthCommon {
  /** What to ask for: `"/healthz"`. */
  path: string;
  /** The method of the check. Default: `"GET"`. */
  method?: "GET" | "HEAD" | "OPTIONS" | "POST";
  /** A status, a class such as `"2xx"`, or several: an answer with another one fails. Default: `"2xx"`. */
  status?: number | StatusClass | readonly (number | StatusClass)[];
  /** A text that the first 64 KiB of the content must hold. Default: none. */
  body?: string;
  /** Fields to send. `User-Agent` is `sluice-health` unless it stands here. */
  headers?: Readonly<Record<string, string | Hidden>>;
  /** The Host field. Default: as requests have it; with `host: "client"` the target's own authority. */
  host?: string;
}

/** A check that only connects, with TLS to `https` targets. */
export interface TcpCheckOptions extends HealthCommon {
  tcp: true;
}

/** All statuses with this first digit. */
export type StatusClass = "1xx" | "2xx" | "3xx" | "4xx" | "5xx";

/** A named service. `U` are the names that its fallback may lead to. */
export interface UpstreamOptions<U extends string = never> {
  /** Its addresses, at least one, a string is a URL of weight 1; or where they are found while the gateway runs. */
  targets: readonly (string | Hidden | TargetOptions)[] | TargetSource;
  /** How a target is picked for a request. Default: `"round-robin"`. */
  balance?: BalanceOptions;
  /**
   * A target that joins while the gateway runs, or comes back, begins with a twentieth of its share and has all of it after
   * this long, from `"1s"` to `"1d"`. Default: none, it has its share at once.
   */
  slowStart?: Duration;
  /** When a target that fails gets nothing for a while. Default: after 5 failures in a row, where there are other targets. */
  ejection?: false | EjectionOptions;
  /**
   * How each target is asked whether it can serve: once for all workers. Not on Cloudflare, where nothing runs in the
   * background. Default: not at all.
   */
  health?: HealthOptions;
  /** When nothing is sent for a while, because too much fails: then 503 at once. Default: never. */
  breaker?: BreakerOptions;
  /** What is used when it has no answer: no target may be picked, or all attempts failed. Default: nothing, the failure is told. */
  fallback?: UpstreamFallback<U> | AnswerFallback;
  /**
   * `"http1"`, `"h2"` for HTTP/2 over TLS, `"h2c"` for HTTP/2 without it. On Deno and Cloudflare `"h2"` is the runtime's
   * fetch, and Cloudflare has no `"h2c"`. Default: `"http1"`.
   */
  protocol?: "http1" | "h2" | "h2c";
  /**
   * The Host field the upstream sees: its own authority, the client's, or a fixed text. Default: `"upstream"`.
   * Cloudflare's runtime always sends the upstream's.
   */
  host?: "upstream" | "client" | (string & {});
  timeouts?: UpstreamTimeouts;
  /** Default: none but what is certain to change nothing. */
  retries?: RetriesOptions | false;
  /** A second attempt beside a slow one; `false` for none. Default: none. */
  hedge?: HedgeOptions | false;
  keepAlive?: KeepAliveOptions;
  connections?: ConnectionOptions;
  /** Most bytes of a response head. Default: `"64KiB"`. */
  maxHead?: Size;
  /** TLS towards `https` targets. */
  tls?: UpstreamTls;
}
