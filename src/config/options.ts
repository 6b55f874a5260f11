// What a user writes in gateway.config.ts. Every option with its unit and default; what runs is plan.ts.
import type { Context, MiddlewareHandler } from "hono";
import type { AdminOptions } from "./admin/options.ts";
import type { AllowExchange, AllowOptions, ConsumerOptions, CorsOptions } from "./auth/options.ts";
import type { Identity, IdentityOptions, KeysOptions, SchemeOptions } from "./auth/options.ts";
import type { InFlightOptions, LimitOptions, LimitSettings, OverloadOptions } from "./limit/options.ts";
import type { ListenHttp2, ListenTls } from "./listen/options.ts";
import type { LogOptions } from "./log/options.ts";
import type { Hidden } from "./secrets.ts";
import type { BranchOptions, FaultOptions, MirrorOptions } from "./shaping/options.ts";
import type { ReloadOptions } from "./reload/options.ts";
import type { ShutdownOptions } from "./shutdown/options.ts";
import type { OtlpOptions, TracingOptions } from "./telemetry/options.ts";
import type { HedgeOptions, RouteRetries, UpstreamOptions, UpstreamTimeouts } from "./upstream/options.ts";

/** A span of time: a number and `ms`, `s`, `m`, `h` or `d`, such as `"30s"`, `"1.5h"`. Most options: at most 24 days. */
export type Duration = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A number of bytes: a number and `B`, `KiB`, `MiB`, `GiB` (powers of 1024) or `KB`, `MB`, `GB` (powers of 1000). */
export type Size = `${number}${"B" | "KiB" | "MiB" | "GiB" | "KB" | "MB" | "GB"}`;

/** Where the gateway accepts connections. */
export interface ListenOptions {
  /** TCP port. 0 lets the system choose. Default: `8080`. */
  port?: number;
  /** Address to bind. Default: `"0.0.0.0"`, all IPv4 addresses; `"::"` takes IPv6 and IPv4. */
  host?: string;
  /**
   * Proxies in front of the gateway whose `X-Forwarded-*` and `X-Request-ID` are believed: addresses or CIDR ranges.
   * The client's address is then the first from the right in `X-Forwarded-For` that is not one of these.
   * Default: none; what a client says of itself is dropped.
   */
  trustedProxies?: readonly string[];
  /** Most bytes of a request line; more is 414. Default: `"16KiB"`. */
  maxTarget?: Size;
  /** Most bytes of a request head; more is 431. Default: `"64KiB"`. */
  maxHead?: Size;
  timeouts?: ListenTimeouts;
  /**
   * What a client that shuts down its sending side while it waits for the answer means (case GW-22).
   * `"ask"`: an interim `100 Continue` is sent; a client that is gone resets, one that listens ignores it.
   * `"answer"`: it still listens. `"leave"`: it is gone. HTTP/1.0 clients cannot be asked and are answered. Default: `"ask"`.
   */
  halfClose?: "ask" | "answer" | "leave";
  /** Most connections open at once; more are closed at once. Default: `16384`. */
  maxConnections?: number;
  /** HTTPS in place of HTTP. Default: none. */
  tls?: ListenTls;
  /** HTTP/2 beside HTTP/1.1, for clients that ask for it. Default: `true` with `tls`, else `false`. */
  http2?: boolean | ListenHttp2;
}

/** How long the listener waits for a client. */
export interface ListenTimeouts {
  /** From the first byte of a request to the end of its head. Default: `"10s"`. */
  head?: Duration;
  /** Between two requests of a connection, and before the first. Default: `"75s"`. */
  keepAlive?: Duration;
  /** Between two pieces of a request body; more is 408. Default: `"30s"`. */
  body?: Duration;
  /** A client that takes none of its answer for so long is dropped. Default: `"60s"`. */
  send?: Duration;
}

/** TLS towards `https` targets. */
export interface UpstreamTls {
  /** The name in the certificate and in SNI. Default: the host of the target's URL. Never the client's Host. */
  serverName?: string;
  /** PEM text, or the path of a PEM file relative to the config, of authorities trusted instead of the system's. */
  ca?: string | Hidden;
  /** Client certificate: PEM text or path. Needs `key`. */
  cert?: string | Hidden;
  /** Client key: PEM text or path, or a secret. Needs `cert`. */
  key?: string | Hidden;
  /** `false` takes any certificate; for tests only. Default: `true`. */
  verify?: boolean;
}

/** Conditions beside the path, all of which must hold. */
export interface MatchOptions<P extends string = string> {
  /** Path pattern: literal segments, `:name` for one segment, a last `*` for the prefix itself and all below it. */
  path: P;
  /** Default: any. `GET` takes HEAD too unless another route names it. */
  method?: string | readonly string[];
  /** `"api.example.com"`, or `"*.example.com"` for every name below. Ports are ignored. Default: any. */
  host?: string | readonly string[];
  /** Fields that must be there (`true`) or have this value. */
  headers?: Readonly<Record<string, string | true>>;
  /** Query parameters that must be there (`true`) or have this value. */
  query?: Readonly<Record<string, string | true>>;
}

/** Fields to change in passing. Removed first, then set. */
export interface FieldChanges {
  set?: Readonly<Record<string, string | Hidden>>;
  remove?: readonly string[];
}

/**
 * Path parameters of a pattern: `"GET /users/:id/*"` gives `{ id: string; "*": string }`. Of several patterns, what all
 * of them have is there for certain.
 */
export type ParamsOf<M extends string> = string extends M
  ? Readonly<Record<string, string>>
  : { readonly [K in keyof ParamsOfEach<M>]: string } & {
      readonly [K in Exclude<ParamNames<M>, keyof ParamsOfEach<M>>]?: string;
    };

type ParamsOfEach<M extends string> = M extends string ? { readonly [K in ParamNames<M>]: string } : never;

type ParamNames<M extends string> = M extends `${string}/:${infer Name}/${infer Rest}`
  ? Name | ParamNames<`/${Rest}`>
  : M extends `${string}/:${infer Name}`
    ? Name
    : M extends `${string}/*`
      ? "*"
      : never;

/** Names that routes may refer to, and what is known of who calls. */
export interface Names {
  readonly upstream: string;
  readonly scheme: string;
  readonly consumer: string;
  readonly group: string;
  readonly limit: string;
  readonly inFlight: string;
  readonly identity: unknown;
}

/** Names as they are where the compiler knows none: any text. */
export interface AnyNames extends Names {
  readonly identity: Identity;
}

/** What a handler of the user's own receives. */
export interface HandlerExchange<M extends string = string, I = Identity> {
  /** The request as the client sent it; its URL carries the path that was matched. */
  readonly request: Request;
  readonly params: ParamsOf<M>;
  /** The client's IP address, or the one that a trusted proxy names. */
  readonly client: string;
  /** The request id, as in `X-Request-ID`. */
  readonly id: string;
  /** Who calls, on a route with `auth`. */
  readonly identity: I | undefined;
  /** Hono's context: `c.json(…)`, `c.text(…)`, variables set by `use`. */
  readonly c: Context;
}

/** Answers by itself instead of an upstream. */
export type Handler<M extends string = string, I = Identity> = (
  x: HandlerExchange<M, I>,
) => Response | Promise<Response>;

/** An answer that stands in the config. */
export interface FixedAnswer {
  /** The status of the answer. Default: `200`. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is; anything else as JSON. Default: empty. */
  body?: unknown;
}

/** Sends the client elsewhere. */
export interface Redirect {
  /** An absolute URL or a path; `:name` and `*` take what the pattern matched. The query is kept unless `to` has one. */
  to: string;
  /** Default: `308`, which keeps method and body. */
  status?: 301 | 302 | 303 | 307 | 308;
}

/** Changes the path on its way to the upstream. The query is never touched. */
export type Rewrite =
  /** Removes leading segments, once, whole segments only: `"/api"` makes `/api/x` into `/x` and `/api` into `/`. */
  | { stripPrefix: string }
  /** A new path; `:name` and `*` take what the pattern matched, as the client spelled it. */
  | { replace: string };

/**
 * By what callers are told apart:
 * - `"address"`: the client's address, an IPv6 address by its /64.
 * - `"consumer"`: the consumer; where none is known, the caller's own name at its issuer, else the address.
 * - `{ header }`, `{ cookie }`: the value of a request field or of a cookie.
 */
export type CallerBy = "address" | "consumer" | { readonly header: string } | { readonly cookie: string };

/** Options that every route may have, wherever it leads. */
export interface RouteCommon<M extends string, N extends Names = AnyNames> {
  /** A pattern such as `"/users/:id"`, `"GET /users/*"`, `"GET|POST /x"`, conditions, or a list of these. */
  match: M | MatchOptions<M> | readonly (M | MatchOptions<M>)[];
  /**
   * Names of schemes in `auth`, any one of which suffices, or `"none"`: everybody may call. Must be said on every route
   * where the config has schemes.
   */
  auth?: "none" | N["scheme"] | readonly N["scheme"][];
  /** What a caller must be to pass. Default: whoever `auth` lets in. */
  allow?: AllowOptions<N["consumer"], N["group"], AllowExchange<ParamsOf<M>, N["identity"]>>;
  /** Names of limits, all of which must let pass. */
  limits?: N["limit"] | readonly N["limit"][];
  /** Names of bounds for exchanges under way at once. */
  inFlight?: N["inFlight"] | readonly N["inFlight"][];
  /** Most bytes of a request's content; more is 413. `false` for no bound. Default: the gateway's `maxBody`. */
  maxBody?: Size | false;
  /** Which pages of other origins may call. Preflights are answered before `auth`. Default: none; preflights are forwarded. */
  cors?: CorsOptions;
  /** Hono middleware, outermost first. It runs behind `auth` and `allow`. */
  use?: readonly MiddlewareHandler[];
  /** Changes to the request's fields before it is forwarded, and to the answer's before it goes out. */
  headers?: { request?: FieldChanges; response?: FieldChanges };
  /** Faults made on purpose, for tests. Default: none. */
  faults?: FaultOptions<N>;
  /** Write a line to the access log for exchanges of this route. Default: as `log` says. */
  log?: boolean;
}

/** What routes to upstreams have. */
export interface ForwardingRoute<M extends string, N extends Names> extends RouteCommon<M, N> {
  rewrite?: Rewrite;
  /** Clocks for this route in place of the upstream's. */
  timeouts?: UpstreamTimeouts;
  /** Retries for this route in place of the upstream's. */
  retries?: RouteRetries | false;
  /** Hedging for this route in place of the upstream's. */
  hedge?: HedgeOptions | false;
  /** Upstreams that get copies of the requests. Default: none. */
  mirror?: MirrorOptions<N> | readonly MirrorOptions<N>[];
  /** Protocols a client may switch to on this route. Default: `["websocket"]`; `[]` for none. */
  upgrade?: readonly string[];
  handler?: never;
  answer?: never;
  redirect?: never;
}

/** A route whose requests go to one upstream. */
export interface UpstreamRoute<M extends string = string, N extends Names = AnyNames> extends ForwardingRoute<M, N> {
  /** The name of the upstream in `upstreams`. */
  to: N["upstream"];
  split?: never;
  splitBy?: never;
}

/** A route to several upstreams, each for a share of the requests. */
export interface SplitRoute<M extends string = string, N extends Names = AnyNames> extends ForwardingRoute<M, N> {
  /** At least two, each with its weight. What else the route says holds for whichever is taken. */
  split: readonly BranchOptions<N>[];
  /**
   * By what callers are told apart who keep to a branch, on every gateway and after every restart; requests without the
   * field or the cookie are shared one by one. Default: all are.
   */
  splitBy?: CallerBy;
  to?: never;
}

/** What only a route to upstreams may have. */
interface NoUpstream {
  to?: never;
  split?: never;
  splitBy?: never;
  rewrite?: never;
  timeouts?: never;
  retries?: never;
  hedge?: never;
  mirror?: never;
  upgrade?: never;
}

/** A route that a function answers. */
export interface HandlerRoute<M extends string = string, N extends Names = AnyNames>
  extends RouteCommon<M, N>, NoUpstream {
  handler: Handler<M, N["identity"]>;
  answer?: never;
  redirect?: never;
}

/** A route that always answers the same. */
export interface AnswerRoute<M extends string = string, N extends Names = AnyNames>
  extends RouteCommon<M, N>, NoUpstream {
  /**
   * The answer; or `"readiness"`: 200 while the gateway can do its work, 503 while it drains or a scheme cannot decide
   * (its keys cannot be had, say), with the names of what is not ready.
   */
  answer: FixedAnswer | "readiness";
  handler?: never;
  redirect?: never;
}

/** A route that sends the client elsewhere. */
export interface RedirectRoute<M extends string = string, N extends Names = AnyNames>
  extends RouteCommon<M, N>, NoUpstream {
  redirect: Redirect;
  handler?: never;
  answer?: never;
}

/** One route: where it goes is exactly one of `to`, `split`, `handler`, `answer`, `redirect`. */
export type RouteOptions<M extends string = string, N extends Names = AnyNames> =
  UpstreamRoute<M, N> | SplitRoute<M, N> | HandlerRoute<M, N> | AnswerRoute<M, N> | RedirectRoute<M, N>;

/** The whole config. Routes need at least one entry; all else has a default. */
export interface GatewayOptions {
  /** The gateway's name in `Via` and `Proxy-Status`. Default: `"sluice"`. */
  name?: string;
  listen?: ListenOptions;
  upstreams?: Readonly<Record<string, UpstreamOptions<string>>>;
  /** The callers that the gateway knows, by their names. */
  consumers?: Readonly<Record<string, ConsumerOptions>>;
  /** More consumers and API keys, in a file that may change while the gateway runs. */
  keys?: KeysOptions;
  /** Ways to say who calls, by name. */
  auth?: Readonly<Record<string, SchemeOptions<unknown>>>;
  /** How much is let through, by name. */
  limits?: Readonly<Record<string, LimitOptions>>;
  limiting?: LimitSettings;
  /** How many exchanges may be under way at once, by name. */
  inFlight?: Readonly<Record<string, InFlightOptions>>;
  /** A cap on all exchanges under way. Default: none. */
  overload?: OverloadOptions;
  /** Most bytes of a request's content, on routes that do not say otherwise. Default: `false`, no bound. */
  maxBody?: Size | false;
  /** What upstreams are told of who calls. */
  identity?: IdentityOptions;
  routes: Readonly<Record<string, RouteOptions>>;
  /** `false` writes no access log. Default: `true`. */
  log?: boolean | LogOptions;
  /** Metrics and health of the gateway itself, on a listener of their own. Default: none. */
  admin?: AdminOptions;
  /**
   * Traces. `"env"`: as `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` and `OTEL_PROPAGATORS` say. Default: none;
   * `traceparent`, `tracestate` and `baggage` pass as any other field.
   */
  tracing?: "env" | TracingOptions;
  /**
   * Where spans and metrics are sent. `"env"`: as `OTEL_EXPORTER_OTLP_*` and their siblings say. Default: nowhere, whatever
   * the environment says.
   */
  otlp?: "env" | OtlpOptions;
  /**
   * Answers tell in `Server-Timing` what policies and upstream took, for the developer tools of browsers. Whoever calls sees
   * it. Default: `false`.
   */
  serverTiming?: boolean;
  /** How much the gateway says of itself on stderr; `"debug"`: failures of exchanges, connections, checks. Default: `"info"`. */
  logLevel?: "error" | "warn" | "info" | "debug";
  /** Threads on the one port: 1 to 256, or `"auto"`, one a core. On Deno and Cloudflare above 1 warns. Default: `1`. */
  workers?: number | "auto";
  reload?: ReloadOptions;
  shutdown?: ShutdownOptions;
}
