// The balancer of an upstream: keeps to the targets that may be picked, and lets the policy choose among them.
import type { Board } from "../board.ts";
import type { Exchange } from "../exchange.ts";
import type { Balancer, Target } from "../target.ts";
import type { Availability } from "./availability.ts";
import type { Policy } from "./policy.ts";

/**
 * Picks by a policy among the targets that may be picked. Which those are is looked at anew when the board changes, and
 * when it changes by itself.
 */
export class PolicyBalancer<T extends Target> implements Balancer<T> {
  readonly ready?: () => Promise<void> | undefined;
  readonly #policy: Policy<T>;
  readonly #availability: Availability<T>;
  readonly #board: Pick<Board, "version">;
  readonly #now: () => number;
  /** Those that the policy picks among. */
  #live: readonly T[] = [];
  #version = -1;

  constructor(policy: Policy<T>, availability: Availability<T>, board: Pick<Board, "version">, now: () => number) {
    this.#policy = policy;
    this.#availability = availability;
    if (policy.ready !== undefined) this.ready = () => policy.ready!();
    this.#board = board;
    this.#now = now;
  }

  use(targets: readonly T[]): void {
    this.#availability.use(targets);
    // A target that stays may have another weight.
    this.#live = [];
    this.#look();
  }

  untried(tried: readonly T[]): number {
    this.#keepUp();
    return this.#live.filter((target) => !tried.includes(target)).length;
  }

  pick(x: Exchange, tried: readonly T[]): T | undefined {
    this.#keepUp();
    if (this.#live.length === 0) return undefined;
    return tried.length === 0 ? this.#policy.pick(x) : this.#policy.other(x, tried);
  }

  #keepUp(): void {
    const { until } = this.#availability;
    if (this.#version !== this.#board.version || (until !== Infinity && this.#now() >= until)) this.#look();
  }

  #look(): void {
    this.#version = this.#board.version;
    const live = this.#availability.look(this.#now());
    // Most changes are another upstream's: the policy goes on where it is.
    if (live.length === this.#live.length && live.every((target, i) => target === this.#live[i])) return;
    this.#live = live;
    if (live.length === 0) return;
    this.#policy.use(
      live,
      live.map(({ plan }) => plan.weight),
    );
  }
}
