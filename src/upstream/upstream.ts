// Upstream: a service as it runs, with its targets and who picks among them; and the stage that forwards to it.
import type { FieldChangesPlan } from "../config/plan.ts";
import type { TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import type { Board } from "../board.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, LastStage } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { tokens } from "../http/fields.ts";
import { retryAfterSeconds } from "../http/retry-after.ts";
import type { FetchConnection, Platform } from "../platform.ts";
import { type Balancer, type Follow, rowOf, Target, type Watcher } from "../target.ts";
import { Attempts } from "./attempts.ts";
import type { Breaker } from "./breaker.ts";
import { RetryBudget } from "./budget.ts";
import { clientTls } from "../http/client-tls.ts";
import type { Lender } from "./http1/connection-ends.ts";
import { lenderOf } from "./lenders.ts";
import { passageTo, type WayThere } from "./passage.ts";
import { requestWriter, type Vouching } from "./request.ts";

/** A target, and how it is reached. */
export class UpstreamTarget extends Target {
  /** Its connections; undefined where fetch is the client. */
  readonly pool: Lender | undefined;
  /** What fetch goes over. */
  readonly over: FetchConnection;

  constructor(plan: TargetPlan, words: Int32Array, upstream: UpstreamPlan, pool: Lender | undefined) {
    super(plan, words);
    this.pool = pool;
    this.over = {
      http2: upstream.protocol === "h2",
      tls: plan.secure ? clientTls(upstream.tls, plan.name ?? plan.host) : undefined,
    };
  }
}

/** What an upstream is made with. */
export interface UpstreamParts {
  readonly balancer: Balancer<UpstreamTarget>;
  readonly breaker: Breaker<UpstreamTarget> | undefined;
  /** How often this thread has ejected a target. */
  ejections(): number;
  /** Told of every attempt, in this order. */
  readonly watchers: readonly Watcher<UpstreamTarget>[];
  /** Where what is known of its targets stands. */
  readonly board: Board;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  /** Where its targets are found while it runs. */
  readonly follow: Follow | undefined;
}

/** An upstream as it runs. Opens no connection by itself. */
export class Upstream {
  readonly plan: UpstreamPlan;
  readonly balancer: Balancer<UpstreamTarget>;
  readonly breaker: Breaker<UpstreamTarget> | undefined;
  readonly watchers: readonly Watcher<UpstreamTarget>[];
  /** How often this thread has ejected a target. */
  readonly ejections: () => number;
  readonly #parts: UpstreamParts;
  readonly #unfollow: (() => void) | undefined;
  #targets: readonly UpstreamTarget[] = [];
  #budget: RetryBudget | undefined = undefined;

  constructor(plan: UpstreamPlan, parts: UpstreamParts) {
    this.plan = plan;
    this.balancer = parts.balancer;
    this.breaker = parts.breaker;
    this.watchers = parts.watchers;
    this.ejections = parts.ejections;
    this.#parts = parts;
    this.setTargets(plan.targets);
    this.#unfollow = parts.follow?.((targets) => this.setTargets(targets));
  }

  /** Its targets now. */
  get targets(): readonly UpstreamTarget[] {
    return this.#targets;
  }

  get deadlines(): Deadlines {
    return this.#parts.deadlines;
  }

  /** Monotonic milliseconds. */
  now(): number {
    return this.#parts.platform.now();
  }

  /** A target for another attempt, which is begun then; or why there is none. */
  next(x: Exchange, tried: readonly UpstreamTarget[]): UpstreamTarget | GatewayError {
    const target = this.balancer.pick(x, tried);
    if (target === undefined) return noneAvailable(this.plan);
    return this.breaker?.admit() ?? target;
  }

  /** What is left of retries, for all of its routes. On the board: one for all threads, and it outlives the plan. */
  get budget(): RetryBudget {
    this.#budget ??= new RetryBudget(this.#parts.board.claim(this.#budgetRow), () => this.now());
    return this.#budget;
  }

  /** How often this thread had no retry left to give. */
  readonly retryRefusals = (): number => this.#budget?.refusals ?? 0;

  get #budgetRow(): string {
    return `${this.plan.name}\nretries`;
  }

  /**
   * From now on these are its targets. Those that stay keep their connections and all that is known of them; those that
   * go finish what is under way.
   */
  setTargets(plans: readonly TargetPlan[]): void {
    const { board } = this.#parts;
    const before = new Map(this.#targets.map((target) => [placeOf(target.plan), target]));
    this.#targets = plans.map((plan) => {
      const place = placeOf(plan);
      const same = before.get(place);
      if (same === undefined) return this.#target(plan, board.claim(rowOf(this.plan.name, plan)));
      before.delete(place);
      same.plan = plan;
      return same;
    });
    this.balancer.use(this.#targets);
    for (const gone of before.values()) this.#letGo(gone);
  }

  /** Keeps no connections any more. */
  close(): void {
    this.#unfollow?.();
    this.breaker?.close();
    for (const target of this.#targets) this.#letGo(target);
    if (this.#budget === undefined) return;
    this.#budget.leave();
    this.#parts.board.release(this.#budgetRow);
  }

  #target(plan: TargetPlan, words: Int32Array): UpstreamTarget {
    const { platform, deadlines } = this.#parts;
    return new UpstreamTarget(plan, words, this.plan, lenderOf(plan, this.plan, platform, deadlines));
  }

  #letGo(target: UpstreamTarget): void {
    target.pool?.close();
    // What is still under way writes there: the row may soon be another's.
    target.words = new Int32Array(target.words.length);
    this.#parts.board.release(rowOf(this.plan.name, target.plan));
  }
}

/** No sooner than at the next check does a target come back. */
function noneAvailable({ name, health }: UpstreamPlan): GatewayError {
  const seconds = retryAfterSeconds(health?.intervalMs ?? 0);
  return new GatewayError("destination_unavailable", `no target of ${name} may be picked`, {
    retry: "safe",
    fields: [["Retry-After", String(seconds)]],
  });
}

/** What stays the same for as long as a target is the same one: where it is, and how it is known to be itself. */
function placeOf({ url, host, port, name, authority }: TargetPlan): string {
  return `${url}\n${host}\n${port}\n${name ?? ""}\n${authority}`;
}

/**
 * The stage that forwards to an upstream and answers with what it says.
 * @param changes of the request's fields
 */
export function upstreamStage(
  upstream: Upstream,
  way: WayThere,
  changes: FieldChangesPlan | undefined,
  pseudonym: string,
  platform: Platform,
  vouching?: Vouching,
): LastStage {
  const upgrades = new Set(way.upgrade);
  const writer = requestWriter(upstream.plan, changes, pseudonym, vouching, way.timeouts.deadlineFields);
  const passage = passageTo(upstream, way, writer, platform);
  return whenReady(
    upstream.balancer,
    (x) => new Promise((resolve, reject) => new Attempts(x, passage, upgradeOf(x, upgrades), resolve, reject).start()),
  );
}

/** A stage that begins once targets can be picked. */
function whenReady({ ready }: Balancer<UpstreamTarget>, stage: LastStage): LastStage {
  if (ready === undefined) return stage;
  const begin: LastStage = (x) => ready()?.then(() => begin(x)) ?? stage(x);
  return begin;
}

/** The protocol an exchange asks to switch to, if the route allows it; else "" (RFC 9110 section 7.8). */
function upgradeOf(x: Exchange, allowed: ReadonlySet<string>): string {
  if (allowed.size === 0 || x.version !== "1.1" || x.content !== null) return "";
  const upgrade = x.fields.get("upgrade");
  if (upgrade === undefined || !allowed.has(upgrade.toLowerCase())) return "";
  return tokens(x.fields.joined("connection") ?? "").includes("upgrade") ? upgrade : "";
}
