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
  readonly firstByteMs: number;
  readonly idleMs: number;
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
  readonly idleMs: number;
  readonly maxIdle: number;
  readonly maxAgeMs: number;
  readonly maxConnections: number;
  readonly waitMs: number;
  readonly maxWaiting: number;
  readonly maxHead: number;
  readonly tls: TlsPlan;
}
