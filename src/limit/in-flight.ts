// The stage that bounds how many exchanges are under way at once, for each value that a limit counts by.
import type { InFlightPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { countedBy } from "./counted-by.ts";

/** One that waits for a place. */
interface Waiter {
  /** It has the place now. */
  granted(): void;
}

/** Places of one value. There is an entry only while one is taken. */
interface Places {
  taken: number;
  readonly waiting: Set<Waiter>;
}

/** A bound as it runs. Its places belong to its name, whichever routes name it. */
export class InFlight {
  readonly plan: InFlightPlan;
  readonly #platform: Platform;
  readonly #textOf: (x: Exchange) => string | undefined;
  readonly #places = new Map<string, Places>();

  constructor(plan: InFlightPlan, platform: Platform) {
    this.plan = plan;
    this.#platform = platform;
    const { by } = plan;
    this.#textOf = by.kind === "upstream" ? (x) => x.upstream?.name ?? x.route!.name : countedBy(by);
  }

  /** Values that have places taken. */
  get values(): number {
    return this.#places.size;
  }

  /**
   * Takes a place for the exchange until it ends; waits for one if the plan lets it.
   * @throws GatewayError `in_flight_exceeded` or `capacity_exhausted`, `client_disconnect` when the client leaves first
   */
  enter(x: Exchange): Promise<void> | void {
    // Whoever has left has ended already: what it took now nobody would give back.
    if (x.left.yes) throw clientLeft();
    const text = this.#textOf(x);
    if (text === undefined) return;
    const { max, queue, observe } = this.plan;
    const places = this.#places.get(text) ?? { taken: 0, waiting: new Set() };
    if (places.taken < max || observe) {
      if (places.taken >= max) x.observations = [...x.observations, this.#observed()];
      if (places.taken++ === 0) this.#places.set(text, places);
      this.#hold(x, text, places);
    } else if (places.waiting.size < queue) return this.#wait(x, text, places);
    else throw this.#refusal("no place is free");
  }

  /** The place belongs to the exchange: it is given back where the exchange ends. */
  #hold(x: Exchange, text: string, places: Places): void {
    x.held = [...x.held, () => this.#leave(text, places)];
  }

  #leave(text: string, places: Places): void {
    const [next] = places.waiting;
    if (next !== undefined) {
      // The place changes hands: it was never free for somebody who came later.
      places.waiting.delete(next);
      next.granted();
    } else if (--places.taken === 0) this.#places.delete(text);
  }

  #wait(x: Exchange, text: string, places: Places): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const before = x.left.onLeave;
    const over = (): void => {
      this.#platform.clearTimer(timer);
      x.left.onLeave = before;
    };
    const waiter: Waiter = {
      granted: () => {
        over();
        this.#hold(x, text, places);
        resolve();
      },
    };
    const giveUp = (error: GatewayError): void => {
      over();
      places.waiting.delete(waiter);
      reject(error);
    };
    const timer = this.#platform.setTimer(() => giveUp(this.#refusal("none came free in time")), this.plan.waitMs);
    x.left.onLeave = () => {
      giveUp(clientLeft());
      before?.();
    };
    places.waiting.add(waiter);
    return promise;
  }

  #refusal(why: string): GatewayError {
    const { name, max, by } = this.plan;
    const shared = by.kind === "route" || by.kind === "upstream";
    const message = `inFlight.${name}: ${max} are under way and ${why}`;
    return new GatewayError(shared ? "capacity_exhausted" : "in_flight_exceeded", message, {
      fields: [["Retry-After", "1"]],
      members: { "violated-policies": [name] },
    });
  }

  #observed(): Exchange["observations"][number] {
    return { policy: `inFlight.${this.plan.name}`, error: this.#refusal("no place is free") };
  }
}

function clientLeft(): GatewayError {
  return new GatewayError("client_disconnect", "the client left before it had a place");
}

/** Makes the stage: a place of each is taken, one after another. What is held is given back where the exchange ends. */
export function inFlightStage(bounds: readonly InFlight[]): Stage {
  const goOn = async (x: Exchange, from: number, pending: Promise<void>): Promise<void> => {
    await pending;
    for (let i = from + 1; i < bounds.length; i++) await bounds[i]!.enter(x);
  };
  return (x) => {
    for (let i = 0; i < bounds.length; i++) {
      const pending = bounds[i]!.enter(x);
      if (pending !== undefined) return goOn(x, i, pending);
    }
  };
}
