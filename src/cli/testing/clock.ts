// The clock of a gateway under test, moved by hand, and `Date` with it.
import type { Duration } from "../../config/options.ts";
import { parseDuration } from "../../http/duration.ts";
import type { TestClock } from "./options.ts";
import type { TestWorld } from "./world.ts";

/** How much time may pass until something happens. */
const PATIENCE_MS = 3_600_000;

/** The clock of a test, which moves only when the test says so. */
export class HandMovedClock implements TestClock {
  readonly #world: TestWorld;
  readonly #show: (ms: number) => void;

  /** @param show sets `Date` */
  constructor(world: TestWorld, show: (ms: number) => void) {
    this.#world = world;
    this.#show = show;
    show(world.wallClock());
  }

  get now(): Date {
    return new Date(this.#world.wallClock());
  }

  advance(span: Duration | number): void {
    const ms = typeof span === "number" ? span : parseDuration(span);
    if (ms === undefined || !(ms >= 0)) throw new TypeError(`${JSON.stringify(span)} is no span of time like "90s".`);
    this.#world.clock.advance(ms);
    this.#show(this.#world.wallClock());
  }

  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => void (settled = true);
    void promise.then(settle, settle);
    const { clock } = this.#world;
    for (const end = clock.time + PATIENCE_MS; ;) {
      await this.#world.rest();
      if (settled) return promise;
      const { nextAt } = clock;
      if (nextAt === undefined || nextAt > end)
        throw new Error("an hour has passed, and what is waited for never came.");
      this.advance(nextAt - clock.time);
    }
  }

  set(date: Date | string): void {
    this.#world.clock.epoch = momentOf(date) - this.#world.clock.time;
    this.#show(this.#world.wallClock());
  }
}

/** Milliseconds since the epoch. */
export function momentOf(date: Date | string): number {
  const moment = new Date(date).getTime();
  if (Number.isNaN(moment)) throw new TypeError(`${JSON.stringify(date)} is no date like "2026-12-01T00:00:00Z".`);
  return moment;
}
