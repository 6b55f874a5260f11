// Time and order in the fake world: a clock moved by hand, timers, and the events of the network one at a time.
import { drainMicrotasks } from "bun:jsc";

interface FakeTimer {
  readonly at: number;
  readonly callback: () => void;
}

/** Something that is ready to happen now. */
type Event = () => void;

/**
 * What a runtime's event loop is, without the waiting. Nothing happens until a test says so: `settle` lets all events
 * happen that are ready, `advance` moves the clock. After each event and each timer the microtasks are run.
 */
export class FakeClock {
  /** Monotonic milliseconds. */
  time = 1_000;
  /** Milliseconds since the epoch at the time 0. */
  epoch = Date.UTC(2026, 10, 25, 12);
  /** Which of so many ready events is the next; the first unless a test says otherwise. */
  choose: (count: number) => number = () => 0;
  /** Events and timers that have happened. */
  happened = 0;
  /** Told when something becomes ready, for a world that goes on by itself. */
  onReady: (() => void) | undefined = undefined;
  readonly #ready: Event[] = [];
  readonly #timers: FakeTimer[] = [];

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.length;
  }

  /** When the next timer fires; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.#timers[0]?.at;
  }

  /** Events that are ready. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Lets something happen soon: behind what is ready, never before the caller has returned. */
  soon(event: Event): void {
    this.#ready.push(event);
    this.onReady?.();
  }

  /** Calls back once, when the clock has been moved by so many milliseconds. */
  setTimer(callback: () => void, ms: number): FakeTimer {
    // What a runtime makes of a delay that is none: 1 ms (Bun, Deno, browsers).
    const timer = { at: this.time + (ms >= 1 && ms < 2 ** 31 ? ms : 1), callback };
    let place = this.#timers.length;
    while (place > 0 && this.#timers[place - 1]!.at > timer.at) place--;
    this.#timers.splice(place, 0, timer);
    return timer;
  }

  /** Takes a timer back. */
  clearTimer(timer: unknown): void {
    const place = this.#timers.indexOf(timer as FakeTimer);
    if (place >= 0) this.#timers.splice(place, 1);
  }

  /** Lets one of the ready events happen; false when there is none. */
  step(): boolean {
    drainMicrotasks();
    const count = this.#ready.length;
    if (count === 0) return false;
    const [event] = this.#ready.splice(count === 1 ? 0 : this.choose(count), 1);
    this.#happen(event!);
    return true;
  }

  /** Lets all ready events happen, and what they cause. */
  settle(): void {
    for (let most = 100_000; this.step(); most--) {
      if (most === 0) throw new Error("the fake world does not come to rest: something goes round and round");
    }
  }

  /** Moves the clock. Each timer fires at its moment, with all that is ready before and after it. */
  advance(ms: number): void {
    const end = this.time + ms;
    this.settle();
    for (;;) {
      const soonest = this.#timers[0];
      if (soonest === undefined || soonest.at > end) break;
      this.#timers.shift();
      this.time = soonest.at;
      this.#happen(soonest.callback);
      this.settle();
    }
    this.time = end;
  }

  /** Moves the clock while the loop is busy: timers fire, but nothing that is ready happens before or between them. */
  rush(ms: number): void {
    const end = this.time + ms;
    drainMicrotasks();
    while (this.#timers.length > 0 && this.#timers[0]!.at <= end) {
      // All of them late, at the same moment.
      this.time = end;
      this.#happen(this.#timers.shift()!.callback);
    }
    this.time = end;
  }

  #happen(event: Event): void {
    this.happened++;
    event();
    drainMicrotasks();
  }
}
