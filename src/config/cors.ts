// The schema of cross-origin calls.
import { isToken } from "../http/message.ts";
import type { CorsPlan } from "./auth/plan.ts";
import { Problem } from "./fault.ts";
import { list, maybe, options, or, then, type Shape } from "./shape.ts";
import { duration, flag, text } from "./values.ts";

const AN_ORIGIN = 'an origin such as "https://app.example.com" or "https://*.example.com", or "*"';

/** An origin as browsers send it: scheme, host, port unless it is the scheme's own, and nothing behind. */
const origin = text(AN_ORIGIN, (written): string | readonly [string, string] | Problem => {
  if (written === "*" || written === "null") {
    return written === "*" ? written : new Problem(AN_ORIGIN, { hint: 'Any page can have the origin "null".' });
  }
  const wildcard = /^([a-z][a-z0-9+.-]*:\/\/)\*(\.[a-z0-9.-]+(?::\d+)?)$/.exec(written);
  const plain = wildcard === null ? written : `${wildcard[1]}x${wildcard[2]}`;
  let right: string | undefined;
  try {
    right = new URL(plain).origin;
  } catch {
    right = undefined;
  }
  if (right === undefined || right === "null") return new Problem(AN_ORIGIN);
  if (right !== plain)
    return new Problem(AN_ORIGIN, {
      hint: `Browsers send "${wildcard === null ? right : right.replace("//x.", "//*.")}".`,
    });
  return wildcard === null ? written : [wildcard[1]!, wildcard[2]!];
});

const A_NAME = "a field name";
const name = text(A_NAME, (written) => (isToken(written) ? written : new Problem(A_NAME)));
const A_METHOD = 'a method such as "GET"';
const method = text(A_METHOD, (written) => (isToken(written) ? written.toUpperCase() : new Problem(A_METHOD)));

/** Checks the option `cors` of a route. */
export const corsShape: Shape<CorsPlan> = then(
  options(
    {
      origins: list(origin, "a list of at least one origin", 1),
      methods: maybe(list(method, "a list of methods", 1)),
      headers: maybe(list(name, "a list of field names")),
      expose: or(list(name, "a list of field names"), ["X-Request-ID"]),
      credentials: or(flag, false),
      maxAge: or(duration(0), "10m"),
    },
    function* ({ origins, credentials }) {
      if (credentials === true && origins?.includes("*") === true) {
        const hint = "Browsers refuse it, for it would let every page act for its user: name the origins.";
        yield new Problem("origins by name beside credentials", { at: ["origins"], hint });
      }
    },
  ),
  ({ origins, maxAge, ...rest }) => ({
    ...rest,
    origins: origins.includes("*") ? "*" : origins,
    maxAgeSeconds: Math.floor(maxAge / 1000),
  }),
);
