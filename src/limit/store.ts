// What a store of counts beyond this process must give.
import type { LimitPlan } from "../config/limit/plan.ts";
import type { Exchange } from "../exchange.ts";

/** What a store is asked about one limit. */
export interface Ask {
  readonly limit: LimitPlan;
  /** The text that stands for whoever is counted. */
  readonly text: string;
  readonly units: number;
  readonly windowMs: number;
  /** When the count begins anew, where the calendar says it. */
  readonly endsInMs: number | undefined;
}

/** What a store says of one limit. */
export interface Said {
  /** Whether the units fit the limit. */
  readonly fits: boolean;
  readonly remaining: number;
  readonly resetMs: number;
}

/** What a store says of all that it was asked at once. */
export interface StoreDecision {
  /** Place of the limit that refuses, and then nothing was counted; -1: none does, and what fits was counted. */
  readonly refused: number;
  /** One answer an ask, in their order. */
  readonly said: readonly Said[];
  /** Gives back what the ask at this place counted. */
  giveBack(place: number): void;
}

/** Counts that several gateways share. */
export interface CountStore {
  readonly onError: "refuse" | "local";
  /** Milliseconds since the epoch by the clock that all gateways have in common. */
  wallClock(): number;
  /**
   * Takes what all of them ask for, or nothing, in one step. Undefined, at once or later but never after the store's time
   * limit: it cannot decide. Never rejects.
   */
  take(asks: readonly Ask[], x: Exchange): Promise<StoreDecision | undefined> | undefined;
  /**
   * Units that are left of what is asked for nothing; counts nothing. Rejects when it cannot tell. Absent where it can never
   * tell, as `reset` is.
   */
  left?(ask: Ask): Promise<number>;
  /** Forgets what is counted. Rejects when it cannot be done. */
  reset?(ask: Ask): Promise<void>;
  /** Milliseconds until it is worth asking again. */
  retryMs(): number;
  close(): void;
}
