// The schema of what callers are told apart by, and of names of cookies.
import { isToken } from "../http/message.ts";
import { fieldName } from "./field-changes.ts";
import { Problem } from "./fault.ts";
import type { CallerByPlan } from "./plan.ts";
import { either, isPlainObject, leaf, maybe, options, then, type Shape } from "./shape.ts";
import { text } from "./values.ts";

const A_COOKIE = "the name of a cookie";

/** The name of a cookie (RFC 6265 section 4.1.1). */
export const cookieName: Shape<string> = text(A_COOKIE, (name) => (isToken(name) ? name : new Problem(A_COOKIE)));

const WORDS = ["address", "consumer"] as const;
const A_CALLER = '"address", "consumer", { header } or { cookie }';

const byWord: Shape<CallerByPlan> = leaf((value) => {
  const kind = WORDS.find((word) => word === value);
  if (kind !== undefined) return { kind };
  return new Problem(A_CALLER, typeof value === "string" ? { nearest: [value, WORDS] } : {});
});

const byObject: Shape<CallerByPlan> = then(
  options({ header: maybe(fieldName), cookie: maybe(cookieName) }, function* (_, written) {
    if ((written["header"] === undefined) === (written["cookie"] === undefined)) {
      yield new Problem("exactly one of header, cookie");
    }
  }),
  ({ header, cookie }) =>
    header === undefined ? { kind: "cookie", cookie: cookie ?? "" } : { kind: "header", key: header.toLowerCase() },
);

/** By what callers are told apart. */
export const callerByShape: Shape<CallerByPlan> = either(isPlainObject, byObject, byWord);
