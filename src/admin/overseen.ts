// What the admin listener watches over: one gateway, or those of all workers together.
import type { Plan } from "../config/plan.ts";
import type { Metrics } from "../record/metrics.ts";
import type { Build } from "../record/process-metrics.ts";
import type { Obstacle } from "../respond/readiness.ts";
import type { Verbosity } from "../verbosity.ts";
import type { Seen } from "./live/seen.ts";
import type { Load } from "./live/tick.ts";
import type { PageFiles } from "./page-files.ts";

/** A target, as operators see it. */
export interface TargetStatus {
  /** As the config writes it. */
  readonly url: string;
  readonly weight: number;
  /** `unused` has weight 0, `drained` says an operator, `down` say checks, `ejected` was it after failures. */
  readonly state: "up" | "unused" | "drained" | "down" | "ejected";
  /** Why it is down or ejected. */
  readonly reason?: string;
  /** Until it is picked again, where it is ejected. */
  readonly seconds?: number;
}

/** An upstream, as operators see it. */
export interface UpstreamStatus {
  readonly name: string;
  /** Of its breaker, where it has one. */
  readonly circuit?: "closed" | "open" | "half-open";
  readonly targets: readonly TargetStatus[];
}

/** What can be known of targets, and done to them. */
export interface TargetControls {
  list(): UpstreamStatus[];
  /** Takes a target out, or brings it back; undefined when there is none. */
  drain(upstream: string, url: string, drained: boolean): TargetStatus | undefined;
}

/** A limit, for one caller. */
export interface LimitStatus {
  readonly limit: string;
  /** The text that is counted. */
  readonly caller: string;
  readonly most: number;
  /** Units that are left now. */
  readonly left: number;
  /** Units that were left before it was reset. */
  readonly before?: number;
}

/**
 * What can be known of limits, and done to them. Callers are named as operators know them: see textNamed. Undefined when
 * there is no limit of this name. Reject with a GatewayError where nobody can tell now.
 */
export interface LimitControls {
  /** Counts nothing. */
  see(limit: string, caller: string): Promise<LimitStatus | undefined>;
  /** From now on the caller has all of it. */
  reset(limit: string, caller: string): Promise<LimitStatus | undefined>;
}

/** What names API keys: the key itself, its hash (`sha256:` and 64 digits), or its id, its consumer or both. */
export interface KeyNamed {
  readonly key?: string | undefined;
  readonly hash?: string | undefined;
  readonly id?: string | undefined;
  readonly consumer?: string | undefined;
}

/** An API key that is revoked. */
export interface KeyStatus {
  /** Its name in logs: its own, or the first 8 digits of its hash. */
  readonly id: string;
  /** Absent where the key file could not be read. */
  readonly consumer?: string;
  /** Milliseconds since the epoch. */
  readonly revokedAt: number;
  /** Where it is written. */
  readonly place?: string;
}

/**
 * What can be done to API keys. It holds for every worker from the moment of the answer on, over reloads and upgrades, and
 * until the last process ends, or longer where there is a file for it. Reject with a GatewayError.
 */
export interface KeyControls {
  /** Revokes what the file says, before anybody is served. @throws Error when it cannot be read, or is none */
  load(): void;
  /** The file, and why it could not be written the last time; undefined where there is none. */
  readonly kept: { readonly path: string; readonly failure: string | undefined } | undefined;
  /** Those that are revoked. */
  list(): KeyStatus[];
  /** Those that this names; none where there are none. @param placeOf where in the config a hash stands, without `sha256:` */
  revoke(named: KeyNamed, placeOf?: (hash: string) => string | undefined): Promise<KeyStatus[]>;
  /** Those that were revoked. */
  restore(named: KeyNamed): Promise<KeyStatus[]>;
}

/** What the admin listener watches over: one gateway, or those of all workers. */
export interface Overseen {
  /** Resolves to the metrics, once they are as fresh as can be had soon. */
  metrics(): Metrics | Promise<Metrics>;
  /** What stands in the way of the gateway's work. */
  obstacles(): readonly Obstacle[];
  readonly targets: TargetControls;
  readonly limits: LimitControls;
  readonly keys: KeyControls;
  /** How much the operator is told. */
  readonly verbosity: Verbosity;
  /** Where in the files of the config a text stands: `gateway.config.ts:12`. Absent where nobody knows. */
  placeOf?(text: string): string | undefined;
  /** The plan that runs. */
  plan(): Plan;
  /** What was built. */
  readonly build: Build;
  /** The metrics, and what each thread has seen of its exchanges since this was asked last. */
  look(): Look | Promise<Look>;
  /** When the config was loaded, or could not be: the last ones, from the start on. */
  loads(): readonly Load[];
  /** The files of the live page; absent where there is none. */
  page?(): Promise<PageFiles>;
  /** Loads the config again. Absent where that cannot be. */
  reload?(): Promise<ReloadOutcome>;
  /** Has another process take this one's place. Absent where that cannot be. */
  upgrade?(): Promise<UpgradeOutcome>;
}

/** What the live page is made of. */
export interface Look {
  readonly metrics: Metrics;
  /** Of each thread. */
  readonly seen: readonly Seen[];
}

/** What came of a reload. */
export interface ReloadOutcome {
  readonly ok: boolean;
  /** What `sluice reload` ends with. */
  readonly exitCode: number;
  /** For people: a line or more. */
  readonly message: string;
  /** What is wrong with the config, as `sluice check --json` tells it; none where it was another reason. */
  readonly faults: readonly object[];
}

/** What came of an upgrade. */
export interface UpgradeOutcome {
  readonly ok: boolean;
  /** What `sluice upgrade` ends with. */
  readonly exitCode: number;
  /** For people: a line or more. */
  readonly message: string;
}
