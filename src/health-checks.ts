// The active checks of a gateway: each target of each upstream with `health`, once a process, whatever plans come and go.
import type { Board } from "./board.ts";
import { isSame } from "./carried.ts";
import type { TargetPlan, UpstreamPlan } from "./config/upstream/plan.ts";
import { chances } from "./http/chance.ts";
import type { Deadlines } from "./http/deadlines.ts";
import type { Platform } from "./platform.ts";
import { type Follow, rowOf } from "./target.ts";
import { TargetCheck } from "./upstream/target-check.ts";

interface Checked {
  readonly upstream: UpstreamPlan;
  /** By the names of their rows. */
  readonly targets: Map<string, { readonly plan: TargetPlan; readonly check: TargetCheck }>;
  /** Ends to be told of targets that are found. */
  unfollow: (() => void) | undefined;
}

/** All checks. */
export class HealthChecks {
  readonly #board: Board;
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #chance: () => number;
  readonly #upstreams = new Map<string, Checked>();

  constructor(board: Board, platform: Platform, deadlines: Deadlines) {
    this.#board = board;
    this.#platform = platform;
    this.#deadlines = deadlines;
    this.#chance = chances(platform.random(1)[0]!);
  }

  /**
   * From now on these are the upstreams. Checks go on where nothing has changed; those of what has gone end.
   * @param follows of upstreams whose targets are found while it runs
   */
  use(upstreams: Iterable<UpstreamPlan>, follows: ReadonlyMap<string, Follow>): void {
    const wanted = new Map([...upstreams].flatMap((each) => (each.health === undefined ? [] : [[each.name, each]])));
    for (const [name, { upstream }] of this.#upstreams) {
      const next = wanted.get(name);
      if (next === undefined) this.#stop(name, true);
      else if (!isSame(withoutTargets(next), withoutTargets(upstream))) this.#stop(name, false);
    }
    for (const [name, upstream] of wanted) {
      if (this.#platform.runtime === "workers") {
        const text = `upstreams.${name}.health: nothing runs in the background on this runtime, targets are not checked`;
        this.#platform.notice("warn", text);
        continue;
      }
      const checked = this.#upstreams.get(name) ?? { upstream, targets: new Map(), unfollow: undefined };
      this.#upstreams.set(name, checked);
      checked.unfollow?.();
      const follow = follows.get(name);
      if (follow === undefined) this.#setTargets(checked, upstream.targets);
      checked.unfollow = follow?.((targets) => this.#setTargets(checked, targets));
    }
  }

  #setTargets({ upstream, targets }: Checked, plans: readonly TargetPlan[]): void {
    const { name } = upstream;
    const wanted = new Map(plans.map((plan) => [rowOf(name, plan), plan]));
    for (const [row, { plan, check }] of targets) {
      if (isSame(placeOf(wanted.get(row)), placeOf(plan))) continue;
      check.stop(false);
      targets.delete(row);
    }
    const parts = {
      upstream,
      health: upstream.health!,
      platform: this.#platform,
      deadlines: this.#deadlines,
      board: this.#board,
      chance: this.#chance,
    };
    for (const [row, plan] of wanted) {
      if (!targets.has(row)) targets.set(row, { plan, check: new TargetCheck(parts, plan) });
    }
  }

  /** Ends all. */
  close(): void {
    for (const name of this.#upstreams.keys()) this.#stop(name, false);
  }

  #stop(name: string, forget: boolean): void {
    const { targets, unfollow } = this.#upstreams.get(name)!;
    unfollow?.();
    for (const { check } of targets.values()) check.stop(forget);
    this.#upstreams.delete(name);
  }
}

function withoutTargets(upstream: UpstreamPlan): UpstreamPlan {
  return { ...upstream, targets: [] };
}

/** What a check depends on. */
function placeOf(plan: TargetPlan | undefined): TargetPlan | undefined {
  return plan && { ...plan, weight: 1 };
}
