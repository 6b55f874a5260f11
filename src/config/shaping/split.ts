// The schema of a split: several upstreams that share the requests of a route.
import type { AllowNames } from "../auth/allow.ts";
import { Problem } from "../fault.ts";
import { list, maybe, options, partOf, then, type Shape } from "../shape.ts";
import { whole } from "../values.ts";
import type { WhenPlan } from "./plan.ts";
import { asksWho, strayWho, whenShape } from "./when.ts";

/** A branch whose upstream is still a name. */
export interface NamedBranch {
  readonly to: string;
  readonly weight: number;
  readonly when: WhenPlan | undefined;
}

/** The branches of a split. @param to the name of an upstream */
export function splitShape(to: Shape<string>, names: AllowNames): Shape<readonly NamedBranch[]> {
  const branch = options({ to, weight: maybe(whole(0, 1_000_000)), when: maybe(whenShape(names)) });
  const complete = then(branch, ({ to, weight, when }) => ({
    to,
    weight: weight ?? (when === undefined ? 1 : 0),
    when,
  }));
  return list(complete, "a list of at least two branches", 2);
}

/** What is wrong between the branches of a route, and between them and the route. */
export function* splitProblems(route: Readonly<Record<string, unknown>>): Generator<Problem> {
  const { split, splitBy } = route;
  if (splitBy !== undefined && split === undefined) {
    yield new Problem("a split beside splitBy", { at: ["splitBy"], hint: "There is nothing to keep to." });
  }
  if (!Array.isArray(split)) return;
  const branches = split as readonly unknown[];
  const names = branches.map((branch) => partOf(branch, "to"));
  for (const [i, name] of names.entries()) {
    const first = names.indexOf(name);
    if (typeof name !== "string" || first === i) continue;
    const hint = `It is split.${first} again: add its weight there.`;
    yield new Problem("an upstream of its own", { at: ["split", i, "to"], found: JSON.stringify(name), hint });
  }
  const none = (branch: unknown): boolean =>
    (partOf(branch, "weight") ?? (partOf(branch, "when") === undefined ? 1 : 0)) === 0;
  if (branches.length > 1 && branches.every(none)) {
    const hint = "Requests that no `when` takes would go nowhere.";
    yield new Problem("a branch of weight above 0", { at: ["split"], hint });
  }
  if (asksWho(route)) return;
  for (const [i, branch] of branches.entries()) yield* strayWho(partOf(branch, "when"), ["split", i, "when"]);
  if (splitBy === "consumer") {
    const hint = 'It asks who calls, and the route asks nobody: name a scheme in `auth`, or write "address".';
    yield new Problem("a route with auth", { at: ["splitBy"], found: '"consumer"', hint });
  }
}
