// What tells callers apart: the text that stands for whoever asks, by address, consumer, field or cookie.
import type { CallerByPlan } from "./config/plan.ts";
import type { Exchange } from "./exchange.ts";
import { cookieValues } from "./http/cookies.ts";
import { holderOf } from "./http/ip.ts";

/** Most characters of a value that count: what is longer falls together with what begins alike. */
const LONGEST = 512;

/** The text of an exchange's caller; "" where the field or the cookie is not there. Never undefined, never long. */
export function callerBy(by: CallerByPlan): (x: Exchange) => string {
  switch (by.kind) {
    case "address":
      return addressOf;
    case "consumer":
      return callerOf;
    case "header":
      return (x) => short(x.fields.joined(by.key) ?? "");
    case "cookie":
      // Of several the first: browsers send those of longer paths before the others.
      return (x) => short(cookieValues(x.fields, by.cookie).values().next().value ?? "");
  }
}

/** The client's address, an IPv6 address by its /64. */
function addressOf(x: Exchange): string {
  return x.client.includes(":") ? holderOf(x.client) : x.client;
}

/** A consumer, else the caller's own name at its issuer, else the address: everybody is somebody. */
function callerOf(x: Exchange): string {
  const { identity } = x;
  if (identity?.consumer !== undefined) return `consumer ${identity.consumer.name}`;
  if (identity?.subject !== undefined) return `subject ${identity.scheme} ${short(identity.subject)}`;
  return `address ${addressOf(x)}`;
}

/** What counts of a text that strangers chose. */
export function short(text: string): string {
  return text.length > LONGEST ? text.slice(0, LONGEST) : text;
}
