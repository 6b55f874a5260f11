// The stage that bounds how many exchanges are under way at once, for each value that a limit counts by.
import type { InFlightPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Platform, Timer } from "../platform.ts";
import type { Claim, PlaceState } from "../shared.ts";
import { countedBy } from "./counted-by.ts";

/** What has become of those who asked for a place, and how many wait for one now. */
interface InFlightCounts {
  allowed: number;
  refused: number;
  observed: number;
  waiting: number;
}

/** A bound as it runs. Its places belong to its name, whichever routes name it. */
export class InFlight {
  readonly plan: InFlightPlan;
  readonly counts: InFlightCounts = { allowed: 0, refused: 0, observed: 0, waiting: 0 };
  readonly #platform: Platform;
  readonly #textOf: (x: Exchange) => string | undefined;
  readonly #claim: Claim;

  constructor(plan: InFlightPlan, claim: Claim, platform: Platform) {
    this.plan = plan;
    this.#platform = platform;
    this.#claim = claim;
    const { by } = plan;
    this.#textOf = by.kind === "upstream" ? (x) => x.upstream?.name : countedBy(by);
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
    let state: PlaceState | undefined;
    let changed: ((state: PlaceState) => void) | undefined;
    const release = this.#claim(this.plan, text, (now) => {
      state = now;
      changed?.(now);
    });
    if (state === "full") throw this.#refuse("no place is free");
    if (state !== undefined && state !== "waits") return this.#hold(x, state, release);
    return this.#wait(x, state, release, (told) => (changed = told));
  }

  /** The place belongs to the exchange: it is given back where the exchange ends. */
  #hold(x: Exchange, state: PlaceState, release: () => void): void {
    if (state === "over") x.observe(`inFlight.${this.plan.name}`, this.#refusal("no place is free"));
    this.counts[state === "over" ? "observed" : "allowed"]++;
    x.hold(release);
  }

  #wait(
    x: Exchange,
    first: PlaceState | undefined,
    release: () => void,
    listen: (told: (state: PlaceState) => void) => void,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let timer: Timer;
    this.counts.waiting++;
    const over = (): void => {
      this.counts.waiting--;
      this.#platform.clearTimer(timer);
      x.left.restore(before);
    };
    const giveUp = (error: GatewayError): void => {
      over();
      release();
      reject(error);
    };
    const take = (state: PlaceState): void => {
      if (state === "waits") {
        timer = this.#platform.setTimer(() => giveUp(this.#refuse("none came free in time")), this.plan.waitMs);
      } else if (state === "full") {
        over();
        reject(this.#refuse("no place is free"));
      } else {
        over();
        this.#hold(x, state, release);
        resolve();
      }
    };
    const before = x.left.also(() => giveUp(clientLeft()));
    listen(take);
    if (first !== undefined) take(first);
    return promise;
  }

  #refuse(why: string): GatewayError {
    this.counts.refused++;
    return this.#refusal(why);
  }

  #refusal(why: string): GatewayError {
    const { name, max, by } = this.plan;
    const shared = by.kind === "route" || by.kind === "upstream";
    const message = `inFlight.${name}: ${max} are under way and ${why}`;
    return new GatewayError(shared ? "capacity_exhausted" : "in_flight_exceeded", message, {
      fields: [["Retry-After", "1"]],
      members: {
        type: `https://iana.org/assignments/http-problem-types#${shared ? "temporary-reduced-capacity" : "quota-exceeded"}`,
        "violated-policies": [name],
      },
    });
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
