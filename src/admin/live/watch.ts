// What a thread sees of its exchanges while somebody looks. While nobody does, nothing is kept and nothing is measured.
import type { Ending, Exchange } from "../../exchange.ts";
import { chances } from "../../http/chance.ts";
import type { Platform } from "../../platform.ts";
import { statusOf } from "../../record/outcome.ts";
import { viewOf } from "./exchange-view.ts";
import { STEPS, stepOf } from "./latencies.ts";
import { LimitUses } from "./limit-uses.ts";
import { Lot } from "./lot.ts";
import type { Seen, SeenExchange } from "./seen.ts";

/** For so long after it was asked a thread goes on to look: whoever asks does so every second, and need not say goodbye. */
export const LOOK_MS = 3000;

/** Most exchanges that are shown of what came between two questions: those that failed, and all others. */
const MOST_FAILED = 30;
const MOST_OTHERS = 30;

/** Looks at the exchanges of one thread. */
export class Watch {
  readonly #platform: Pick<Platform, "now" | "wallClock">;
  readonly #failed: Lot<SeenExchange>;
  readonly #others: Lot<SeenExchange>;
  readonly #uses = new LimitUses();
  #durations = new Map<string, Uint32Array>();
  /** Monotonic milliseconds; 0 while nobody looks. */
  #until = 0;

  constructor(platform: Pick<Platform, "now" | "wallClock" | "random">) {
    this.#platform = platform;
    const chance = chances(platform.random(1)[0]!);
    this.#failed = new Lot(MOST_FAILED, chance);
    this.#others = new Lot(MOST_OTHERS, chance);
  }

  /** An exchange has begun. */
  began(x: Exchange): void {
    if (this.#until !== 0) x.marks ??= [];
  }

  /** It has ended. */
  ended(x: Exchange, ending: Ending): void {
    if (this.#until === 0) return;
    const now = this.#platform.now();
    if (now > this.#until) {
      this.#until = 0;
      this.#take();
      return;
    }
    this.#durationsOf(x.route?.name ?? "")[stepOf(now - x.startedAt)]! += 1;
    this.#uses.add(x);
    const failed = x.error !== undefined || ending.error !== undefined || statusOf(x, ending) >= 400;
    const lot = failed ? this.#failed : this.#others;
    lot.offer(() => viewOf(x, ending, now, this.#platform.wallClock()));
  }

  /** What was seen since the last call. From now on it looks, for as long as it is asked again within {@link LOOK_MS}. */
  look(): Seen {
    this.#until = this.#platform.now() + LOOK_MS;
    return this.#take();
  }

  #take(): Seen {
    const durations = this.#durations;
    this.#durations = new Map();
    const exchanges = [...this.#failed.take(), ...this.#others.take()].sort((a, b) => a.at - b.at);
    return { exchanges, durations, uses: this.#uses.take() };
  }

  /** Names of routes come from the config. */
  #durationsOf(route: string): Uint32Array {
    let counts = this.#durations.get(route);
    if (counts === undefined) this.#durations.set(route, (counts = new Uint32Array(STEPS)));
    return counts;
  }
}
