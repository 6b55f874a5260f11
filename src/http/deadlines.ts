// Deadlines by the thousand at the cost of one timer: those of equal length stand in one queue, soonest first.
import type { Platform, Timer } from "../platform.ts";

/** A moment by which something must have happened. Armed and disarmed without allocation; owned by whoever waits. */
export class Deadline {
  readonly expired: () => void;
  due = 0;
  queue: Queue | undefined = undefined;
  before: Deadline | undefined = undefined;
  after: Deadline | undefined = undefined;

  /** @param expired called once when the moment has passed and nobody disarmed it */
  constructor(expired: () => void) {
    this.expired = expired;
  }
}

/** Deadlines of one length. */
interface Queue {
  readonly ms: number;
  /** A length that comes once: strangers may choose it, so nothing of it stays. */
  isOdd: boolean;
  first: Deadline | undefined;
  last: Deadline | undefined;
  timer: Timer | undefined;
}

/** All deadlines of a gateway. */
export class Deadlines {
  readonly #platform: Pick<Platform, "now" | "setTimer" | "clearTimer">;
  readonly #queues = new Map<number, Queue>();

  constructor(platform: Pick<Platform, "now" | "setTimer" | "clearTimer">) {
    this.#platform = platform;
  }

  /**
   * Sets a deadline `ms` milliseconds from now; an armed one is moved. 0 or Infinity disarms.
   * @param isOdd a length that is not the config's: its timer ends with the last deadline of that length
   */
  arm(deadline: Deadline, ms: number, isOdd = false): void {
    this.disarm(deadline);
    if (ms === 0 || ms === Infinity) return;
    let queue = this.#queues.get(ms);
    if (queue === undefined) {
      queue = { ms, isOdd, first: undefined, last: undefined, timer: undefined };
      this.#queues.set(ms, queue);
    } else if (!isOdd) queue.isOdd = false;
    deadline.due = this.#platform.now() + ms;
    deadline.queue = queue;
    deadline.before = queue.last;
    if (queue.last === undefined) queue.first = deadline;
    else queue.last.after = deadline;
    queue.last = deadline;
    if (queue.timer === undefined) this.#wait(queue, ms);
  }

  /** Takes the deadline back. Nothing happens when it was not armed. */
  disarm(deadline: Deadline): void {
    const queue = deadline.queue;
    if (queue === undefined) return;
    if (deadline.before === undefined) queue.first = deadline.after;
    else deadline.before.after = deadline.after;
    if (deadline.after === undefined) queue.last = deadline.before;
    else deadline.after.before = deadline.before;
    deadline.queue = undefined;
    deadline.before = undefined;
    deadline.after = undefined;
    // The timer goes on: on a busy gateway the next deadline of this length is armed before it fires.
    if (queue.isOdd && queue.first === undefined) this.#drop(queue);
  }

  #drop(queue: Queue): void {
    this.#platform.clearTimer(queue.timer);
    if (this.#queues.get(queue.ms) === queue) this.#queues.delete(queue.ms);
  }

  #wait(queue: Queue, ms: number): void {
    queue.timer = this.#platform.setTimer(() => this.#fire(queue), ms);
  }

  #fire(queue: Queue): void {
    const now = this.#platform.now();
    // The spent timer stays in its place meanwhile: one that is armed from within starts none, the next is set below.
    try {
      // A timer may fire a fraction early; half a millisecond is the grain.
      while (queue.first !== undefined && queue.first.due <= now + 0.5) {
        const deadline = queue.first;
        this.disarm(deadline);
        deadline.expired();
      }
    } finally {
      queue.timer = undefined;
      if (queue.first !== undefined) this.#wait(queue, Math.max(1, Math.ceil(queue.first.due - now)));
      else this.#drop(queue);
    }
  }
}
