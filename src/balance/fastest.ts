// The faster of two: how long targets have lately taken until they answered, times what is under way at them.
import type { AttemptRecord, Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import type { Target, Watcher } from "../target.ts";
import { verdictOf } from "../verdict.ts";
import { TwoChoices } from "./two-choices.ts";
import { UnderWay } from "./under-way.ts";

/** After so long without an answer of a target, what is known of it counts for 1/e. Milliseconds. */
const FADES_IN = 10_000;

/** A failure counts as an answer that took so many times as long as answers usually take. */
const FAILURE_TIMES = 10;

/** A target that nothing is known of counts as answering in such a part of the usual time: it is tried soon. */
const UNKNOWN_TIMES = 0.75;

/** What is usual before there was an answer, in milliseconds. */
const FIRST_USUAL = 100;

/** No answer counts as faster, in milliseconds: clocks may stand still. */
const SHORTEST = 0.01;

/** How much one answer says about what is usual. */
const USUAL_GAIN = 1 / 32;

/** What is known of one target. */
interface Pace {
  /** Milliseconds until the head of an answer, as of `at`; below 0: nothing is known. */
  ms: number;
  at: number;
}

/**
 * Peak EWMA (Finagle): an answer that is slower than what is known counts at once and whole, a faster one bit by bit. What
 * is known fades, so that a target which was slow is tried again, by one attempt. A target that nothing is known of counts
 * as somewhat faster than usual: it is tried soon, and not flooded. Failures and statuses from 500 on count as slow, for a target that fails at
 * once would look fast. A second target that is lighter than the first is looked at only as often as its weight says.
 */
export class Fastest<T extends Target> extends TwoChoices<T> {
  readonly watchers: readonly Watcher<T>[] = [new UnderWay<T>(), this];
  readonly #now: () => number;
  readonly #paces = new WeakMap<T, Pace>();
  #known: readonly Pace[] = [];
  /** Milliseconds until a good answer. */
  #usual = FIRST_USUAL;
  /** Whether there was a good answer. */
  #answered = false;

  /**
   * @param random numbers from 0 up to 1
   * @param now monotonic milliseconds
   */
  constructor(random: () => number, now: () => number) {
    super(random);
    this.#now = now;
  }

  override use(targets: readonly T[], weights: readonly number[]): void {
    super.use(targets, weights);
    this.#known = targets.map((target) => this.#paceOf(target));
  }

  settled(target: T, attempt: AttemptRecord, x: Exchange): void {
    const { error, status, startedAt, settledAt } = attempt;
    const took = Math.max(SHORTEST, settledAt - startedAt);
    const pace = this.#paceOf(target);
    // What says nothing of the target was waited for so long at least.
    if (error !== undefined && verdictOf(attempt) === "none") {
      if (took > this.#ms(pace, settledAt)) note(pace, took, settledAt);
    } else if (error !== undefined || status >= 500) {
      note(pace, Math.max(took, FAILURE_TIMES * this.#usual), settledAt);
    } else if (!isStream(x.content)) {
      // How long an upload takes says more of the client.
      this.#usual += (took - this.#usual) * (this.#answered ? USUAL_GAIN : 1);
      this.#answered = true;
      note(pace, took, settledAt);
    }
  }

  protected isBetter(second: number, first: number): boolean {
    const { weights } = this;
    const [heavy, light] = [weights[first]!, weights[second]!];
    if (light < heavy && this.chance() * heavy >= light) return false;
    const now = this.#now();
    return this.#cost(second, now) < this.#cost(first, now);
  }

  #cost(i: number, now: number): number {
    const { weights, totalWeight } = this;
    const underWay = (this.target(i).inFlight * totalWeight) / (weights[i]! * weights.length);
    return this.#ms(this.#known[i]!, now) * (1 + underWay);
  }

  #ms({ ms, at }: Pace, now: number): number {
    if (ms < 0) return this.#usual * UNKNOWN_TIMES;
    return ms * Math.exp((at - now) / FADES_IN);
  }

  #paceOf(target: T): Pace {
    let pace = this.#paces.get(target);
    if (pace === undefined) this.#paces.set(target, (pace = { ms: -1, at: 0 }));
    return pace;
  }
}

/** Takes account of an answer that took so long. */
function note(pace: Pace, took: number, now: number): void {
  const kept = pace.ms < 0 ? 0 : Math.exp((pace.at - now) / FADES_IN);
  pace.ms = Math.max(took, pace.ms * kept + took * (1 - kept));
  pace.at = now;
}
