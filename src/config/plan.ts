// Plan: the checked, complete form of the config. Durations are milliseconds, sizes are bytes, every default is filled in.
import type { MiddlewareHandler } from "hono";
import type { AllowPlan, AuthPlan, CorsPlan } from "./auth/plan.ts";
import type { InFlightPlan, LimitPlan, LimitsPlan, OverloadPlan } from "./limit/plan.ts";
import type { ListenTlsPlan } from "./listen/plan.ts";
import type { LogPlan } from "./log/plan.ts";
import type { FixedAnswer, Handler } from "./options.ts";
import type { Secret } from "./secrets.ts";
import type { FallbackDestination, FaultsPlan, MirrorPlan, SplitDestination } from "./shaping/plan.ts";
import type { NoticeLevel } from "../verbosity.ts";
import type { OtlpPlan, TracingPlan } from "./telemetry/plan.ts";
import type { HedgePlan, RetriesPlan, TimeoutsPlan, UpstreamPlan } from "./upstream/plan.ts";

/** Everything a gateway needs to run. Immutable. */
export interface Plan {
  readonly name: string;
  readonly listen: ListenPlan;
  readonly upstreams: Readonly<Record<string, UpstreamPlan>>;
  readonly auth: AuthPlan;
  readonly limits: LimitsPlan;
  readonly inFlight: readonly InFlightPlan[];
  readonly overload: OverloadPlan | undefined;
  readonly routes: readonly RoutePlan[];
  /** The access log; `false` for none. */
  readonly log: LogPlan | false;
  /** The admin listener; undefined for none. */
  readonly admin: AdminPlan | undefined;
  /** How exchanges are traced; undefined: fields of traces pass as any other. */
  readonly tracing: TracingPlan | undefined;
  /** Where spans and metrics are pushed; undefined for nowhere. */
  readonly otlp: OtlpPlan | undefined;
  /** Whether answers tell what the stages took. */
  readonly serverTiming: boolean;
  readonly logLevel: NoticeLevel;
  /** How many threads serve; `"auto"` for one a core. */
  readonly workers: number | "auto";
  readonly reload: ReloadPlan;
  readonly shutdown: ShutdownPlan;
}

/** How another config takes the place of this one. */
export interface ReloadPlan {
  /** What runs against a config before a reload takes it; undefined: nothing. */
  readonly gate: "tests" | undefined;
}

/** How long the gateway takes to leave after SIGTERM, in milliseconds. */
export interface ShutdownPlan {
  /** How long it accepts on, once it has been told to leave. */
  readonly delayMs: number;
  /** How long exchanges may take to end after that. */
  readonly graceMs: number;
}

/** Where the gateway accepts, and within which bounds. */
export interface ListenPlan {
  /** Path of a Unix socket in place of port and host: the admin listener may have one. */
  readonly socket?: string | undefined;
  readonly port: number;
  readonly host: string;
  /** CIDR ranges or addresses, each known to be well-formed. */
  readonly trustedProxies: readonly string[];
  readonly maxTarget: number;
  readonly maxHead: number;
  readonly headMs: number;
  readonly keepAliveMs: number;
  readonly bodyMs: number;
  readonly sendMs: number;
  readonly halfClose: "ask" | "answer" | "leave";
  readonly maxConnections: number;
  /** How TLS is spoken; undefined for plain HTTP. */
  readonly tls: ListenTlsPlan | undefined;
  /** How HTTP/2 is spoken; undefined for HTTP/1.1 alone. */
  readonly http2: ListenHttp2Plan | undefined;
}

/** How a listener speaks HTTP/2. */
export interface ListenHttp2Plan {
  /** Requests of one connection at a time. */
  readonly maxStreams: number;
  /** Whether it is spoken without TLS, to clients that begin with it. */
  readonly h2c: boolean;
}

/** Where the admin listener is, and who may ask it. */
export interface AdminPlan {
  /** Path of a Unix socket. `host` is `localhost` and `port` 0 then. */
  readonly socket: string | undefined;
  readonly port: number;
  readonly host: string;
  /** Host names under which it may be asked, lower case. */
  readonly names: readonly string[];
  readonly token: Secret | undefined;
  /** Absolute path of the file in which revoked API keys outlive the process. */
  readonly revokedKeys: string | undefined;
}

/** Whether anybody asks for metrics. Else nothing is counted. */
export function isCounted({ admin, otlp }: Pick<Plan, "admin" | "otlp">): boolean {
  return admin !== undefined || otlp?.metrics !== undefined;
}

/** TLS towards the `https` targets of an upstream. `undefined`: the target's host, the system's authorities, no client certificate. */
export interface TlsPlan {
  readonly serverName: string | undefined;
  /** The authorities that are trusted, in PEM; undefined for the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
  readonly verify: boolean;
}

/** One way to match a route; a route has at least one. */
export interface MatchPlan {
  /** As written, method prefix removed. Begins with "/". */
  readonly path: string;
  /** Upper case; empty means any. */
  readonly methods: readonly string[];
  /** Lower case, without port; empty means any. */
  readonly hosts: readonly string[];
  /** Lower-case names. `true`: present. */
  readonly headers: readonly (readonly [name: string, value: string | true])[];
  readonly query: readonly (readonly [name: string, value: string | true])[];
}

/** Fields to change in passing. Names to remove are lower case; names to set are as written. */
export interface FieldChangesPlan {
  readonly remove: readonly string[];
  readonly set: readonly (readonly [name: string, value: string | Secret])[];
}

/** How the path changes on its way to the upstream. */
export type RewritePlan =
  { readonly kind: "strip-prefix"; readonly prefix: string } | { readonly kind: "replace"; readonly template: string };

/** By what callers are told apart: see CallerBy. Keys are lower case. */
export type CallerByPlan =
  | { readonly kind: "address" | "consumer" }
  | { readonly kind: "header"; readonly key: string }
  | { readonly kind: "cookie"; readonly cookie: string };

/** An upstream, and what its route says of the way there. */
export interface UpstreamDestination {
  readonly kind: "upstream";
  readonly upstream: UpstreamPlan;
  readonly rewrite: RewritePlan | undefined;
  readonly timeouts: TimeoutsPlan;
  readonly retries: RetriesPlan | undefined;
  readonly hedge: HedgePlan | undefined;
  readonly fallback?: FallbackDestination | undefined;
  /** Protocols that a request may switch to (`Upgrade`), lower case. */
  readonly upgrade: readonly string[];
}

/** An answer that stands in the config. */
export interface AnswerDestination {
  readonly kind: "answer";
  readonly answer: FixedAnswer;
}

/** What answers the requests of a route. */
export type Destination =
  | UpstreamDestination
  | SplitDestination
  | { readonly kind: "handler"; readonly handler: Handler }
  | AnswerDestination
  /** Whether the gateway can do its work. */
  | { readonly kind: "readiness" }
  /** The key set with which upstreams verify the gateway's own tokens. */
  | { readonly kind: "key-set" }
  | { readonly kind: "redirect"; readonly to: string; readonly status: 301 | 302 | 303 | 307 | 308 };

/** Whether what it is asked goes to upstreams. */
export function forwards(destination: Destination): destination is UpstreamDestination | SplitDestination {
  return destination.kind === "upstream" || destination.kind === "split";
}

/** How the names of routes begin that the gateway adds by itself; no route of a config may be called so. */
export const OWN_ROUTES = "sluice.";

/** One route. `requestFields` and `responseFields` are undefined when there is nothing to change. */
export interface RoutePlan {
  readonly name: string;
  readonly matches: readonly MatchPlan[];
  /** Names of the schemes, any one of which suffices. Empty: everybody may call. */
  readonly auth: readonly string[];
  readonly allow: AllowPlan | undefined;
  readonly limits: readonly LimitPlan[];
  readonly inFlight: readonly InFlightPlan[];
  /** Most bytes of content; undefined for no bound. */
  readonly maxBody: number | undefined;
  readonly cors: CorsPlan | undefined;
  readonly faults: FaultsPlan | undefined;
  readonly mirrors: readonly MirrorPlan[];
  readonly use: readonly MiddlewareHandler[];
  readonly destination: Destination;
  readonly requestFields: FieldChangesPlan | undefined;
  readonly responseFields: FieldChangesPlan | undefined;
  readonly log: boolean;
}

/** What a route has that has no policy, no code of the user's and no changes: the gateway's own are such. */
export const WITHOUT_POLICIES = {
  auth: [],
  allow: undefined,
  limits: [],
  inFlight: [],
  maxBody: undefined,
  cors: undefined,
  faults: undefined,
  mirrors: [],
  use: [],
  requestFields: undefined,
  responseFields: undefined,
} as const satisfies Partial<RoutePlan>;
