// Counts what is under way at each target, for policies that ask how busy it is.
import type { AttemptRecord, Exchange } from "../exchange.ts";
import type { Target, Watcher } from "../target.ts";

/**
 * Keeps `Target.inFlight`: from the beginning of an attempt until it has failed, or until the exchange that it answered
 * has ended, whatever became of that. Tunnels count as long as they are open.
 */
export class UnderWay<T extends Target> implements Watcher<T> {
  /** Attempts under way at all targets. */
  total = 0;

  began(target: T): void {
    target.inFlight++;
    this.total++;
  }

  settled(target: T, { error }: AttemptRecord, x: Exchange): void {
    if (error !== undefined) this.#ended(target);
    else x.hold(() => this.#ended(target));
  }

  #ended(target: T): void {
    target.inFlight--;
    this.total--;
  }
}
