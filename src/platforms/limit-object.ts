// Counts on Cloudflare: a Durable Object for each limit and caller, asked by the gateways of all places.
import { expire, giveBack, type Groups, type GroupsSaid, noGroups, take } from "../limit/groups.ts";

/** What Cloudflare hands to an object, as far as it is used. */
export interface ObjectState {
  readonly storage: {
    get(key: string): Promise<unknown>;
    put(key: string, value: unknown): Promise<void>;
    deleteAll(): Promise<void>;
    getAlarm(): Promise<number | null>;
    setAlarm(time: number): Promise<void>;
  };
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
}

/** The question, as JSON. With `takenAt` it gives back. */
export interface ObjectAsk {
  readonly limit: number;
  readonly windowMs: number;
  readonly units: number;
  readonly takenAt?: number;
}

/** The answer, as JSON. */
export interface ObjectSaid extends GroupsSaid {
  readonly takenAt: number;
}

/** What is stored. */
interface Kept {
  readonly groups: Groups;
  readonly windowMs: number;
}

const KEY = "count";

/**
 * The class of the binding that `durableObject("LIMITS")` names; the Worker exports it:
 * ```ts
 * export { LimitStore } from "sluice/workers";
 * ```
 * An object counts for one limit and one caller. What it has counted is stored before anybody hears of it, and forgotten
 * once the window has passed.
 */
export class LimitStore {
  readonly #storage: ObjectState["storage"];
  #kept: Kept = { groups: noGroups(), windowMs: 0 };

  constructor(state: ObjectState) {
    this.#storage = state.storage;
    void state.blockConcurrencyWhile(async () => {
      this.#kept = ((await this.#storage.get(KEY)) as Kept | undefined) ?? this.#kept;
    });
  }

  /** Answers an {@link ObjectAsk}. Between the question and the answer nobody else is heard. */
  async fetch(request: Request): Promise<Response> {
    const { limit, windowMs, units, takenAt } = (await request.json()) as ObjectAsk;
    const { groups } = this.#kept;
    this.#kept = { groups, windowMs };
    const now = Date.now();
    if (takenAt !== undefined) {
      giveBack(groups, windowMs, units, takenAt, now);
      this.#keep();
      return Response.json(null);
    }
    const moved = expire(groups, windowMs, now);
    const said: ObjectSaid = { ...take(groups, { limit, windowMs, units }, now), takenAt: now };
    if (moved || (said.fits && units > 0)) this.#keep();
    if (said.fits && units > 0 && (await this.#storage.getAlarm()) === null) await this.#wake(now + windowMs + 1);
    return Response.json(said);
  }

  /** Forgets what has passed; an object without anything stored is none. */
  async alarm(): Promise<void> {
    const { groups, windowMs } = this.#kept;
    expire(groups, windowMs, Date.now());
    if (groups.times.length === 0) await this.#storage.deleteAll();
    else await this.#wake(groups.times.at(-1)! + windowMs + 1);
  }

  /** Not waited for: Cloudflare holds answers back until what was stored before them is safe. */
  #keep(): void {
    void this.#storage.put(KEY, this.#kept);
  }

  #wake(time: number): Promise<void> {
    return this.#storage.setAlarm(time);
  }
}
