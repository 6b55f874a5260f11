// What operators see of limits, and may do to them while the gateway runs: what a caller has left, and counting anew.
import type { LimitControls, LimitStatus } from "./admin/overseen.ts";
import { GatewayError, messageOf } from "./errors.ts";
import { textNamed } from "./limit/counted-by.ts";
import type { RunningLimit } from "./limit/limit.ts";
import type { CountStore } from "./limit/store.ts";
import type { Platform } from "./platform.ts";

/** Limits as they run now. */
export interface ControlledLimits {
  readonly limits: ReadonlyMap<string, RunningLimit>;
  /** Where those count that several gateways share. */
  readonly limitStore: CountStore | undefined;
}

/** Of all limits of a gateway; where several workers serve, of all workers at once, for they count together. */
export class LimitControl implements LimitControls {
  readonly #now: () => ControlledLimits;
  readonly #platform: Pick<Platform, "notice">;

  constructor(now: () => ControlledLimits, platform: Pick<Platform, "notice">) {
    this.#now = now;
    this.#platform = platform;
  }

  async see(name: string, written: string): Promise<LimitStatus | undefined> {
    const limit = this.#now().limits.get(name);
    if (limit === undefined) return undefined;
    const caller = textNamed(limit.plan.by, written);
    return { limit: name, caller, most: limit.plan.limit, left: await this.#left(limit, caller) };
  }

  async reset(name: string, written: string): Promise<LimitStatus | undefined> {
    const before = await this.see(name, written);
    const limit = this.#now().limits.get(name);
    if (limit === undefined || before === undefined) return undefined;
    const { caller, most } = before;
    const store = this.#storeOf(limit);
    if (store !== undefined) {
      const ask = limit.askAbout(caller, store.wallClock());
      await asked(name, () => (store.reset === undefined ? undefined : store.reset(ask)));
    }
    // Where there is a store it counts too: while that is away.
    limit.reset(caller);
    const who = JSON.stringify(caller);
    this.#platform.notice("info", `limits.${name}: ${who} begins anew: an operator says so; ${before.left} were left`);
    return { limit: name, caller, most, left: most, before: before.left };
  }

  #storeOf({ plan }: RunningLimit): CountStore | undefined {
    return plan.shared ? this.#now().limitStore : undefined;
  }

  async #left(limit: RunningLimit, caller: string): Promise<number> {
    const store = this.#storeOf(limit);
    if (store === undefined) return limit.left(caller);
    const ask = limit.askAbout(caller, store.wallClock());
    return asked(limit.plan.name, () => (store.left === undefined ? undefined : store.left(ask)));
  }
}

/** What a store says. @throws GatewayError when it does not, or never can */
async function asked<T>(limit: string, ask: () => Promise<T> | undefined): Promise<T> {
  const saying = ask();
  if (saying === undefined) {
    const publicDetail = `limits.${limit} counts in a store that cannot be asked about a caller.`;
    throw new GatewayError("protocol_not_supported", publicDetail, { publicDetail });
  }
  try {
    return await saying;
  } catch (thrown) {
    const why = messageOf(thrown);
    const publicDetail = `The store that limits.${limit} counts in does not answer: ${why}`;
    throw new GatewayError("limit_store_unavailable", publicDetail, { publicDetail });
  }
}
