// Requests that would change alike, as groups: how many, what changes, and one of them as an example.
import type { Change, Difference } from "./compare.ts";
import type { LoggedRequest } from "./logged-request.ts";

/** Groups that are kept apart; requests of others are counted together. */
const MOST_GROUPS = 1000;

/** Requests of one pattern that change alike. */
export interface Group {
  readonly method: string;
  /** The pattern that fits; undefined where no route does. */
  readonly pattern: string | undefined;
  readonly changes: readonly Change[];
  /** Why it cannot be told for certain; none: it can. */
  readonly doubts: readonly string[];
  requests: number;
  /** The first of them, with credentials masked. */
  readonly example: { readonly target: string; readonly time: string; readonly id: string | undefined };
}

/** What was counted while a log was read. */
export interface Counted {
  /** How many requests were judged. */
  requests: number;
  /** Lines that are none of an access log. */
  unreadable: number;
  /** Requests whose targets were too long for the log. */
  cut: number;
  /** The number of the first unreadable line. */
  firstUnreadable: number | undefined;
  /** Requests of more groups than are kept. */
  others: number;
}

/** Counts them. Its memory does not grow with the log. */
export class Groups {
  readonly counted: Counted = { requests: 0, unreadable: 0, cut: 0, firstUnreadable: undefined, others: 0 };
  readonly #groups = new Map<string, Group>();
  readonly #masked: (target: string) => string;

  /** @param masked a target without its credentials */
  constructor(masked: (target: string) => string) {
    this.#masked = masked;
  }

  /** Adds a request that would change. */
  add({ method, target, time, id }: LoggedRequest, { pattern, changes, doubts }: Difference): void {
    const name = JSON.stringify([method, pattern, changes, doubts]);
    const group = this.#groups.get(name);
    if (group !== undefined) group.requests += 1;
    else if (this.#groups.size >= MOST_GROUPS) this.counted.others += 1;
    else {
      const example = { target: this.#masked(target), time: new Date(time).toISOString(), id };
      this.#groups.set(name, { method, pattern, changes, doubts, requests: 1, example });
    }
  }

  /** The largest first; what cannot be told for certain last. */
  inOrder(): Group[] {
    const rank = ({ doubts }: Group): number => Math.min(doubts.length, 1);
    return [...this.#groups.values()].sort((a, b) => rank(a) - rank(b) || b.requests - a.requests);
  }
}
