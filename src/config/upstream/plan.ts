// The part of the plan that says what upstreams are.
import type { CallerByPlan, TlsPlan } from "../plan.ts";
import type { Secret } from "../secrets.ts";
import type { FallbackPlan } from "../shaping/plan.ts";
import type { FindTargets } from "./options.ts";

/** One address of an upstream: what to connect to and what to call it. */
export interface TargetPlan {
  /** As the config writes it: the name in records, never shown to clients. */
  readonly url: string;
  readonly secure: boolean;
  /** Name or address without brackets. */
  readonly host: string;
  readonly port: number;
  /** What a Host field holds: host, in brackets if IPv6, and the port unless it is the scheme's own (RFC 9110 section 7.2). */
  readonly authority: string;
  readonly weight: number;
  /** The name that its certificate is for, where it was found by a name and `host` is an address. Absent: `host`. */
  readonly name?: string;
  /** Those of the lowest are picked as long as one of them may be (RFC 2782). Absent: 0. */
  readonly priority?: number;
}

/** Who is asked for names, and how often. */
export interface LookupPlan {
  /** Servers as `address:port`; undefined for those of the system. */
  readonly servers: readonly string[] | undefined;
  readonly families: readonly (4 | 6)[];
  /** Bounds of the time after which is asked again. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** Where the targets of an upstream are found while it runs. */
export type DiscoveryPlan = DnsPlan | SrvPlan | FilePlan | FunctionPlan;

/** Targets that are the addresses of a name in DNS. */
export interface DnsPlan extends LookupPlan {
  readonly kind: "dns";
  /** What is looked up, and what the targets' certificates are for. */
  readonly name: string;
  readonly secure: boolean;
  readonly port: number;
  /** The Host field of all targets. */
  readonly authority: string;
}

/** The hosts of a service, by its SRV records. */
export interface SrvPlan extends LookupPlan {
  readonly kind: "srv";
  readonly service: string;
  readonly secure: boolean;
  /** Whose service it is: the Host field, and what the targets' certificates are for. */
  readonly domain: string;
}

/** A file that holds a list of targets. */
export interface FilePlan {
  readonly kind: "file";
  /** Absolute path of the file. */
  readonly path: string;
}

/** Targets that a function of the config returns. */
export interface FunctionPlan {
  readonly kind: "function";
  readonly find: FindTargets;
  readonly everyMs: number;
}

/** How long an upstream is waited for; see UpstreamTimeouts for what each clock measures. */
export interface TimeoutsPlan {
  readonly connectMs: number;
  readonly sendMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  /** The bound of all attempts together, in milliseconds; 0 for none. */
  readonly wholeMs: number;
  /** Where clients say how long they wait, and upstreams are told. */
  readonly deadlineFields: readonly DeadlineFieldPlan[];
}

/** A field that says for how long the answer is of use. */
export interface DeadlineFieldPlan {
  readonly name: string;
  /** The field's name in lower case. */
  readonly key: string;
  /** A number of milliseconds, or as gRPC writes `grpc-timeout`. */
  readonly form: "plain" | "grpc";
}

/** When a request is sent again; see RetriesOptions. */
export interface RetriesPlan {
  readonly attempts: number;
  readonly on: {
    readonly failures: ReadonlySet<"connect" | "reset" | "timeout">;
    readonly statuses: ReadonlySet<number>;
  };
  readonly idempotencyKey: boolean;
  /** The bound of one attempt, in milliseconds; 0 for none. */
  readonly perTryMs: number;
  readonly backoff: { readonly baseMs: number; readonly mostMs: number };
  readonly retryAfterMs: number;
  /** Most bytes of content that are kept to be sent again. */
  readonly replay: number;
  readonly budget: BudgetPlan;
}

/** How many retries an upstream gets, of what it was asked in the last ten seconds. */
export interface BudgetPlan {
  /** Retries as a share of the requests, from 0 to 1. */
  readonly share: number;
  readonly least: number;
}

/** When a second attempt is made beside a slow one. */
export interface HedgePlan {
  readonly afterMs: number;
  readonly budget: BudgetPlan;
}

/** How a target is picked: see BalanceOptions. */
export type BalancePlan = PickPlan | HashPlan | StickyPlan;

/** How a target is picked for a request whoever sends it. */
export interface PickPlan {
  readonly kind: "round-robin" | "random" | "least-busy" | "fastest" | "first";
}

/** Requests of one text go to one target. */
export interface HashPlan {
  readonly kind: "hash";
  readonly by: CallerByPlan | { readonly kind: "path" };
  /** How many times its share a target may have under way; undefined: no matter how many. */
  readonly bound: number | undefined;
}

/** How a cookie leads a client to its target. */
export interface StickyPlan {
  readonly kind: "sticky";
  readonly cookie: string;
  readonly secret: Secret;
  /** What stands behind the value, from "; " on; without Secure. */
  readonly attributes: string;
  /** Whether the cookie is for TLS only; undefined: as the client came. */
  readonly secure: boolean | undefined;
  /** How a target is picked for those that nothing binds. */
  readonly pick: PickPlan;
}

/** When a target that fails gets nothing for a while: see EjectionOptions. */
export interface EjectionPlan {
  readonly failures: number;
  readonly timeMs: number;
  readonly maxTimeMs: number;
  /** The share of targets that may be ejected at once, from 0 to 1. */
  readonly maxShare: number;
}

/** When nothing is sent for a while: see BreakerOptions. */
export interface BreakerPlan {
  /** The share of attempts that must fail for it to open, from 0 to 1. */
  readonly errors: number;
  readonly slow: { readonly overMs: number; readonly share: number } | undefined;
  readonly minimum: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly probes: number;
}

/** How targets are checked: see HealthOptions. */
export type HealthPlan = HealthCommonPlan & (HttpCheckPlan | { readonly kind: "tcp" });

/** What all kinds of checks have. */
export interface HealthCommonPlan {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** The share of the interval by which a check may come sooner or later, from 0 to 1. */
  readonly jitter: number;
  readonly start: "up" | "down";
  /** The share of targets up below which checks are ignored, from 0 to 1; 0 for never. */
  readonly panic: number;
}

/** A check that sends a request and judges the answer. */
export interface HttpCheckPlan {
  readonly kind: "http";
  readonly method: string;
  /** The path that is asked for, with its query. */
  readonly path: string;
  /** Statuses, and classes by their first digit. */
  readonly statuses: readonly number[];
  /** A text that the content must hold. */
  readonly body: string | undefined;
  readonly host: string | undefined;
  readonly fields: readonly (readonly [name: string, value: string | Secret])[];
}

/** A named service. The plain `idleMs` and `maxAgeMs` are those of its kept connections, `timeouts.idleMs` that of a body. */
export interface UpstreamPlan {
  readonly name: string;
  /** With `discovery`: those that are known when the plan is made, perhaps none. */
  readonly targets: readonly TargetPlan[];
  /** Absent: the targets stay as they are. */
  readonly discovery?: DiscoveryPlan | undefined;
  readonly balance: BalancePlan;
  readonly slowStartMs: number | undefined;
  readonly ejection: EjectionPlan | undefined;
  readonly health: HealthPlan | undefined;
  readonly breaker: BreakerPlan | undefined;
  readonly protocol: "http1" | "h2" | "h2c";
  readonly host: "upstream" | "client" | { readonly fixed: string };
  readonly timeouts: TimeoutsPlan;
  readonly retries: RetriesPlan | undefined;
  readonly hedge: HedgePlan | undefined;
  readonly fallback?: FallbackPlan | undefined;
  readonly idleMs: number;
  readonly maxIdle: number;
  readonly maxAgeMs: number;
  readonly maxConnections: number;
  readonly waitMs: number;
  readonly maxWaiting: number;
  readonly maxHead: number;
  readonly tls: TlsPlan;
}
