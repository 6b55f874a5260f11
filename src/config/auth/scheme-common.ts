// What the schemas of all kinds of schemes share.
import { Problem } from "../fault.ts";
import { or, type Shape } from "../shape.ts";
import { choice, text } from "../values.ts";
import type { SchemeCommonPlan } from "./plan.ts";

const A_REALM = "a realm of printable ASCII";

const realmText = text(A_REALM, (realm) => {
  if (/^[ !#-[\]-~]{1,128}$/.test(realm)) return realm;
  return new Problem(A_REALM, { hint: 'It stands in quotes in WWW-Authenticate: neither `"` nor `\\` may be in it.' });
});

interface Common {
  readonly mode: "enforce" | "observe";
  readonly realm: string;
}

/** Entries for the options of every kind. `gateway` is the gateway's name. */
export function commonEntries(gateway: string): { readonly [K in keyof Common]: Shape<Common[K]> } {
  return { mode: or(choice("enforce", "observe"), "enforce"), realm: or(realmText, gateway) };
}

/** The part of a scheme's plan that comes of {@link commonEntries}. */
export function commonPlan(name: string, { mode, realm }: Common): SchemeCommonPlan {
  return { name, observe: mode === "observe", realm, vouches: [] };
}
