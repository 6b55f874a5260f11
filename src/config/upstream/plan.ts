// The part of the plan that says what upstreams are.
import type { TlsPlan } from "../plan.ts";

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
}

/** How long an upstream is waited for; see UpstreamTimeouts for what each clock measures. */
export interface TimeoutsPlan {
  readonly connectMs: number;
  readonly sendMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  /** 0 for no bound. */
  readonly wholeMs: number;
  /** Where clients say how long they wait, and upstreams are told. */
  readonly deadlineFields: readonly DeadlineFieldPlan[];
}

/** A field that says for how long the answer is of use. */
export interface DeadlineFieldPlan {
  readonly name: string;
  /** Lower case. */
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
  /** 0 for no bound. */
  readonly perTryMs: number;
  readonly backoff: { readonly baseMs: number; readonly mostMs: number };
  readonly retryAfterMs: number;
  /** Bytes. */
  readonly replay: number;
  readonly budget: BudgetPlan;
}

/** How many retries an upstream gets, of what it was asked in the last ten seconds. */
export interface BudgetPlan {
  /** From 0 to 1. */
  readonly share: number;
  readonly least: number;
}

/** When a second attempt is made beside a slow one. */
export interface HedgePlan {
  readonly afterMs: number;
  readonly budget: BudgetPlan;
}

/** How a target is picked: see BalanceOptions. */
export interface BalancePlan {
  readonly kind: "round-robin" | "random" | "least-busy" | "fastest" | "first";
}

/** When a target that fails gets nothing for a while: see EjectionOptions. */
export interface EjectionPlan {
  readonly failures: number;
  readonly timeMs: number;
  readonly maxTimeMs: number;
  /** From 0 to 1. */
  readonly maxShare: number;
}

/** A named service. The plain `idleMs` and `maxAgeMs` are those of its kept connections, `timeouts.idleMs` that of a body. */
export interface UpstreamPlan {
  readonly name: string;
  readonly targets: readonly TargetPlan[];
  readonly balance: BalancePlan;
  readonly slowStartMs: number | undefined;
  readonly ejection: EjectionPlan | undefined;
  readonly protocol: "http1" | "h2";
  readonly host: "upstream" | "client" | { readonly fixed: string };
  readonly timeouts: TimeoutsPlan;
  readonly retries: RetriesPlan | undefined;
  readonly hedge: HedgePlan | undefined;
  readonly idleMs: number;
  readonly maxIdle: number;
  readonly maxAgeMs: number;
  readonly maxConnections: number;
  readonly waitMs: number;
  readonly maxWaiting: number;
  readonly maxHead: number;
  readonly tls: TlsPlan;
}
