// The balancer of an upstream: keeps to the targets that may be picked, and lets the policy choose among them.
import type { Board } from "../board.ts";
import type { Exchange } from "../exchange.ts";
import type { Balancer, Target } from "../target.ts";
import type { Policy } from "./policy.ts";

/** Picks by a policy among the targets of a weight above 0. What may be picked is looked at anew when the board changes. */
export class PolicyBalancer<T extends Target> implements Balancer<T> {
  readonly #policy: Policy<T>;
  readonly #board: Pick<Board, "version">;
  #all: readonly T[] = [];
  /** Those that the policy picks among. */
  #live: readonly T[] = [];
  #version = -1;
  size = 0;

  constructor(policy: Policy<T>, board: Pick<Board, "version">) {
    this.#policy = policy;
    this.#board = board;
  }

  use(targets: readonly T[]): void {
    this.#all = targets;
    this.#look();
  }

  pick(x: Exchange, tried: readonly T[]): T | undefined {
    if (this.#version !== this.#board.version) this.#look();
    if (this.size === 0) return undefined;
    return tried.length === 0 ? this.#policy.pick(x) : this.#policy.other(x, tried);
  }

  #look(): void {
    this.#version = this.#board.version;
    const live = this.#all.filter(({ plan }) => plan.weight > 0);
    this.size = live.length;
    const same = live.length === this.#live.length && live.every((target, i) => target === this.#live[i]);
    if (live.length === 0 || same) return;
    this.#live = live;
    this.#policy.use(
      live,
      live.map(({ plan }) => plan.weight),
    );
  }
}
