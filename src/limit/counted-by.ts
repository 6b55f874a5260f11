// What a limit counts by: the text that stands for whoever has used it.
import { callerBy, short } from "../callers.ts";
import type { LimitByPlan, LimitPlan } from "../config/limit/plan.ts";
import { type Exchange, policyView } from "../exchange.ts";
import { holderOf, normalAddress } from "../http/ip.ts";
import { isJson } from "../http/json.ts";

/** The text for an exchange; undefined: it is not limited. Texts of different kinds never fall together. */
export function countedBy(by: LimitByPlan): (x: Exchange) => string | undefined {
  switch (by.kind) {
    case "route":
      return (x) => x.route!.name;
    case "claim":
      return (x) => claimText(x, by.claim);
    case "function":
      return (x) => {
        const text: unknown = by.of(policyView(x));
        if (text === undefined || typeof text === "string") return text && short(text);
        throw new TypeError("a function of `limits` gave neither a text nor undefined");
      };
    default:
      return callerBy(by);
  }
}

/**
 * The text for a caller as an operator names it: `acme` for the consumer of that name, an address, the text of a claim. What
 * is written as it is counted (`consumer acme`, `subject token 7`) is taken as it is.
 */
export function textNamed(by: LimitByPlan, written: string): string {
  const address = normalAddress(written);
  switch (by.kind) {
    case "address":
      return address === undefined ? written : holderOf(address);
    case "consumer":
      if (/^(?:consumer|subject|address) /.test(written)) return written;
      return address === undefined ? `consumer ${written}` : `address ${holderOf(address)}`;
    case "claim":
      return isJson(written) ? written : JSON.stringify(written);
    default:
      return written;
  }
}

/** What a request costs. What is no whole number from 0 on is an error of the config's function. */
export function costOf({ name, cost }: LimitPlan): (x: Exchange) => number {
  if (typeof cost === "number") return () => cost;
  return (x) => {
    const units: unknown = cost(policyView(x));
    if (typeof units === "number" && Number.isInteger(units) && units >= 0) return units;
    throw new TypeError(`limits.${name}.cost gave ${String(units)}, which is no whole number from 0 on`);
  };
}

function claimText(x: Exchange, name: string): string {
  const claims = x.identity?.claims;
  const value = claims !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined;
  return value === undefined ? "" : short(JSON.stringify(value));
}
