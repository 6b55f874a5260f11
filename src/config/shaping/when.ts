// The schema of which requests are meant.
import { type AllowNames, reference } from "../auth/allow.ts";
import { Problem } from "../fault.ts";
import { cookieConditions, fieldConditions } from "../field-changes.ts";
import { maybe, oneOrMore, options, partOf, then, type Shape } from "../shape.ts";
import type { WhenPlan } from "./plan.ts";

const CONDITIONS = ["header", "cookie", "consumer", "group"] as const;
/** Conditions that look at who calls. */
const WHO = ["consumer", "group"] as const;

/** Checks the option `when` of a branch or of `faults`: which requests are meant. */
export function whenShape({ consumers, groups, open }: AllowNames): Shape<WhenPlan> {
  const shape = options(
    {
      header: maybe(fieldConditions()),
      cookie: maybe(cookieConditions()),
      consumer: maybe(oneOrMore(reference("consumer", consumers, open), "the name of a consumer, or a list")),
      group: maybe(oneOrMore(reference("group", groups, false), "the name of a group, or a list")),
    },
    function* (right, written) {
      if (CONDITIONS.every((option) => written[option] === undefined || right[option]?.length === 0)) {
        yield new Problem(`at least one of ${CONDITIONS.join(", ")}`, { hint: "Without a condition all are meant." });
      }
    },
  );
  return then(shape, ({ header = [], cookie = [], consumer, group }) => ({
    headers: header,
    cookies: cookie,
    consumers: consumer,
    groups: group,
  }));
}

/** Whether a route asks who calls. */
export function asksWho({ auth }: Readonly<Record<string, unknown>>): boolean {
  return auth !== undefined && auth !== "none";
}

/** Conditions that ask who calls, on a route that asks nobody. `at` is where `when` stands. */
export function* strayWho(when: unknown, at: readonly (string | number)[]): Generator<Problem> {
  for (const condition of WHO) {
    if (partOf(when, condition) === undefined) continue;
    const hint = "It asks who calls, and the route asks nobody: name a scheme in `auth`.";
    yield new Problem("a route with auth", { at: [...at, condition], found: false, hint });
  }
}
