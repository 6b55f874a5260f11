// Targets and exchanges for who picks among targets.
import { Availability } from "../../src/balance/availability.ts";
import { PolicyBalancer } from "../../src/balance/balancer.ts";
import type { Policy } from "../../src/balance/policy.ts";
import { TARGET_WORDS } from "../../src/board.ts";
import type { GatewayError } from "../../src/errors.ts";
import { type Arrival, Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { Target } from "../../src/target.ts";

/** A target of each weight, on ports of their own. */
export function targetsOf(weights: readonly number[]): Target[] {
  return weights.map((weight, index) => {
    const port = 9001 + index;
    const url = `http://127.0.0.1:${port}`;
    const plan = { url, secure: false, host: "127.0.0.1", port, authority: `127.0.0.1:${port}`, weight };
    return new Target(plan, new Int32Array(TARGET_WORDS));
  });
}

/** An exchange as it arrives. */
export function anExchange(arrival: Partial<Arrival> = {}): Exchange {
  return new Exchange(
    {
      method: "GET",
      target: "/",
      scheme: "http",
      authority: "gateway.test",
      version: "1.1",
      fields: new Fields(),
      content: null,
      peer: "192.0.2.1",
      ...arrival,
    },
    0,
  );
}

/** Attempts as an upstream makes them, told to whoever watches. */
export class Attempting<T extends Target> {
  readonly #policy: Policy<T>;
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(policy: Policy<T>, now: () => number = () => 0) {
    this.#policy = policy;
    this.#now = now;
  }

  /** Picks a target for an exchange, and begins an attempt at it. */
  begin(x: Exchange = anExchange(), tried: readonly T[] = []): Underway<T> {
    const target = tried.length === 0 ? this.#policy.pick(x) : this.#policy.other(x, tried);
    for (const watcher of this.#policy.watchers ?? []) watcher.began?.(target, x);
    return { x, target, startedAt: this.#now() };
  }

  /** The head of an answer has come, or a failure in place of it. */
  settle({ x, target, startedAt }: Underway<T>, outcome: number | GatewayError = 200): void {
    const status = typeof outcome === "number" ? outcome : 0;
    const error = typeof outcome === "number" ? undefined : outcome;
    const attempt = { target: target.plan.url, startedAt, settledAt: this.#now(), status, error };
    for (const watcher of this.#policy.watchers ?? []) watcher.settled(target, attempt, x);
  }

  /** The exchange has ended. */
  finish({ x }: Underway<T>): void {
    x.letGo();
  }

  /** An exchange from its beginning to its end. */
  whole(outcome?: number | GatewayError): T {
    const underway = this.begin();
    this.settle(underway, outcome);
    this.finish(underway);
    return underway.target;
  }
}

/** An attempt that has begun. */
export interface Underway<T extends Target> {
  readonly x: Exchange;
  readonly target: T;
  readonly startedAt: number;
}

/** The share of each target among those picked. */
export function sharesOf<T>(picked: readonly T[], targets: readonly T[]): number[] {
  return targets.map((target) => picked.filter((one) => one === target).length / picked.length);
}

/**
 * The farthest that a share may be from the chance of it, in so many tries: five standard deviations, so that a test of
 * chance fails once in millions of seeds.
 */
export function spread(chance: number, tries: number): number {
  return 5 * Math.sqrt((chance * (1 - chance)) / tries) + 1 / tries;
}

/** A balancer of this policy for which nothing changes by itself. */
export function balancerOf<T extends Target>(policy: Policy<T>, board = { version: 0 }): PolicyBalancer<T> {
  return new PolicyBalancer(policy, new Availability<T>(0, () => undefined), board, () => 0);
}
