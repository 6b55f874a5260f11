// The schema of mirrors: upstreams that get copies of a route's requests.
import { Problem } from "../fault.ts";
import { oneOrMore, options, or, partOf, then, type Shape } from "../shape.ts";
import { duration, share, size, whole } from "../values.ts";
import type { MirrorPlan } from "./plan.ts";

/** A mirror whose upstream is still a name. */
export type NamedMirror = Omit<MirrorPlan, "upstream"> & { readonly to: string };

/** One mirror or several. @param to the name of an upstream */
export function mirrorShape(to: Shape<string>): Shape<readonly NamedMirror[]> {
  const mirror = options({
    to,
    share: or(share, 1),
    maxInFlight: or(whole(1, 100_000), 64),
    maxBody: or(size, "64KiB"),
    timeout: or(duration(), "10s"),
  });
  const named = then(mirror, ({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }));
  return oneOrMore(named, "a mirror, or a list of at least one");
}

/** What is wrong between the mirrors of a route, and between them and where it leads. */
export function* mirrorProblems({ mirror, to, split }: Readonly<Record<string, unknown>>): Generator<Problem> {
  const mirrors: readonly unknown[] = Array.isArray(mirror) ? mirror : [mirror];
  const own = [to, ...(Array.isArray(split) ? split.map((branch: unknown) => partOf(branch, "to")) : [])];
  const names = mirrors.map((each) => partOf(each, "to"));
  for (const [i, name] of names.entries()) {
    if (typeof name !== "string") continue;
    const at = Array.isArray(mirror) ? ["mirror", i, "to"] : ["mirror", "to"];
    const found = JSON.stringify(name);
    if (own.includes(name)) {
      yield new Problem("another upstream than the route's own", {
        at,
        found,
        hint: "It would get each request twice.",
      });
    } else if (names.indexOf(name) < i) {
      yield new Problem("an upstream of its own", { at, found, hint: `It is mirror.${names.indexOf(name)} again.` });
    }
  }
}
