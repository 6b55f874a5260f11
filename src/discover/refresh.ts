// Asks for targets again and again: one question at a time, each bounded, sooner or later as the last answer says.
import type { TargetPlan } from "../config/upstream/plan.ts";
import { messageOf } from "../errors.ts";
import type { Platform, Timer } from "../platform.ts";
import type { Search } from "./discover.ts";
import type { Tell } from "./target-notices.ts";

/** How long one question may take. */
const ANSWER_MS = 10_000;

/** What a {@link Source} has found. */
export interface Found {
  /** The targets, at least one. */
  readonly targets: readonly TargetPlan[];
  /** Milliseconds until the source is asked again. */
  readonly againMs: number;
  /** Why a part of them is as it was before. */
  readonly lacks?: string | undefined;
}

/** Something that can be asked for targets: DNS, a function. */
export interface Source {
  /** What failed, in a message: "the addresses of orders.internal". */
  readonly what: string;
  /** Asks. Rejects with what the operator is to know. `signal` aborts when nobody waits any more. */
  find(signal: AbortSignal): Promise<Found>;
  /** When to ask again after so many failures in a row. */
  retryMs(failures: number): number;
}

/** Asks one source for targets again and again, with pauses that grow after failures. */
export class Refresh implements Search {
  readonly first: Promise<void>;
  readonly #source: Source;
  readonly #platform: Pick<Platform, "setTimer" | "clearTimer">;
  readonly #tell: Tell;
  readonly #begun: () => void;
  /** Of the next question, or of the end of the present one. */
  #timer: Timer;
  /** The question that is waited for. */
  #asking: AbortController | undefined;
  #failures = 0;

  constructor(source: Source, platform: Pick<Platform, "setTimer" | "clearTimer">, tell: Tell) {
    this.#source = source;
    this.#platform = platform;
    this.#tell = tell;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#begun = resolve;
    this.#ask();
  }

  close(): void {
    this.#asking?.abort();
    this.#asking = undefined;
    this.#platform.clearTimer(this.#timer);
  }

  #ask(): void {
    const asking = new AbortController();
    this.#asking = asking;
    // Whoever comes after its time, or after another question, tells of nothing that counts.
    const ended = (end: () => number): void => {
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      this.#platform.clearTimer(this.#timer);
      this.#timer = this.#platform.setTimer(() => this.#ask(), end());
      this.#begun();
    };
    this.#timer = this.#platform.setTimer(() => {
      ended(() => this.#failed(`no answer within ${ANSWER_MS / 1000} s`));
      asking.abort();
    }, ANSWER_MS);
    this.#source.find(asking.signal).then(
      ({ targets, againMs, lacks }) =>
        ended(() => {
          this.#failures = 0;
          this.#tell.found(targets, lacks === undefined ? "" : `${this.#source.what}: ${lacks}`);
          return againMs;
        }),
      (thrown: unknown) => ended(() => this.#failed(messageOf(thrown))),
    );
  }

  #failed(reason: string): number {
    this.#tell.failed(`${this.#source.what}: ${reason}`);
    return this.#source.retryMs(++this.#failures);
  }
}
