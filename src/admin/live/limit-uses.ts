// Callers that have used most of a limit, by names that may be shown.
import type { LimitByPlan } from "../../config/limit/plan.ts";
import type { Exchange, Limited } from "../../exchange.ts";
import { holderOf } from "../../http/ip.ts";
import type { LimitUse } from "./seen.ts";

/** The share of a limit from which on its callers are told of. */
const NEAR = 0.8;
/** Callers that are known at once; the one that was first told of makes place. */
const MOST = 100;

/** Keeps who is near the end of a limit. */
export class LimitUses {
  #uses = new Map<string, LimitUse>();

  /** What limits have said of an exchange. */
  add(x: Exchange): void {
    for (const said of x.limited) if (isNear(said)) this.#put(useOf(said, x));
  }

  /** Returns them, and begins anew. */
  take(): LimitUse[] {
    const uses = [...this.#uses.values()];
    this.#uses = new Map();
    return uses;
  }

  #put(use: LimitUse): void {
    const key = `${use.limit}\n${use.caller}`;
    this.#uses.delete(key);
    if (this.#uses.size >= MOST) this.#uses.delete(this.#uses.keys().next().value!);
    this.#uses.set(key, use);
  }
}

function isNear({ limit, allowed, remaining }: Limited): boolean {
  return !allowed || limit.limit - remaining >= limit.limit * NEAR;
}

function useOf({ limit, remaining, resetMs }: Limited, x: Exchange): LimitUse {
  const used = limit.limit - Math.max(0, remaining);
  return { limit: limit.name, caller: callerShown(limit.by, x), used, of: limit.limit, resetMs };
}

/**
 * Who a limit counts. Fields, claims and what functions give may be credentials or personal: of them only the consumer is
 * told, if there is one.
 */
function callerShown(by: LimitByPlan, x: Exchange): string {
  const consumer = x.identity?.consumer?.name;
  const address = x.client.includes(":") ? holderOf(x.client) : x.client;
  switch (by.kind) {
    case "route":
      return `route ${x.route?.name ?? ""}`;
    case "address":
      return address;
    case "consumer":
      if (consumer !== undefined) return consumer;
      return x.identity === undefined ? address : `a caller known by ${x.identity.scheme}`;
    case "header":
      return consumer ?? `a value of the field ${by.key}`;
    case "claim":
      return consumer ?? `a value of the claim ${by.claim}`;
    case "function":
      return consumer ?? "a value of the config's function";
  }
}
