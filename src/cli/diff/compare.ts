// Two plans about one logged request: what would be different, and whether the log tells it for certain.
import { LRUCache } from "lru-cache";
import type { Plan } from "../../config/plan.ts";
import type { Platform } from "../../platform.ts";
import { callersOf } from "./caller.ts";
import { ASPECTS, type Aspect, type Judge, judgeOf, type Outcome } from "./judge.ts";
import type { LoggedRequest } from "./logged-request.ts";
import { type Variants, variantsFor } from "./variants.ts";

/** One aspect of a request that two plans differ about. */
export interface Change {
  readonly what: Aspect;
  readonly before: string;
  readonly after: string;
}

/** What two plans differ about one request. */
export interface Difference {
  /** The pattern that fits, of the old plan if it has one; undefined where neither has. */
  readonly pattern: string | undefined;
  readonly changes: readonly Change[];
  /** Why it cannot be told for certain; none: it can. */
  readonly doubts: readonly string[];
}

/** Compares; undefined where nothing changes. */
export interface Comparison {
  compare(request: LoggedRequest): Promise<Difference | undefined>;
  close(): void;
}

/** Requests that are alike are judged once, as long as there are not too many others between them. */
const MOST_KNOWN = 20_000;
const LONGEST_KNOWN = 1024;

/** Makes the comparison. @param before the plan that wrote the log */
export function comparisonOf(before: Plan, after: Plan, edge: Platform): Comparison {
  const old = judgeOf(before, callersOf(before, before), edge);
  const next = judgeOf(after, callersOf(after, before), edge);
  const variantsOf = variantsFor(before, after);
  const known = new LRUCache<string, { readonly difference: Difference | undefined }>({ max: MOST_KNOWN });
  const asked = [...new Set([before, after].flatMap(askedFields))];
  const asksForAddress = [before, after].some(countsOnAddress);
  const sizes = [...new Set([before, after].flatMap(({ routes }) => routes.flatMap(({ maxBody }) => maxBody ?? [])))];
  return {
    async compare(request) {
      const { method, target, authority, scheme, client, fields, bytesIn, route, upstream, authScheme, consumer } =
        request;
      // All that it is judged by.
      const likeness = JSON.stringify([
        ...[method, target, authority, scheme, asksForAddress ? client : "", route, upstream, authScheme, consumer],
        ...[asked.map((name) => fields.get(name)), sizes.map((size) => bytesIn > size)],
      ]);
      const alike = known.get(likeness);
      if (alike !== undefined) return alike.difference;
      const variants = variantsOf(request);
      const difference = variants === undefined ? TOO_MANY : await differenceOf(request, variants, old, next);
      if (likeness.length <= LONGEST_KNOWN) known.set(likeness, { difference });
      return difference;
    },
    close() {
      old.close();
      next.close();
    },
  };
}

const TOO_MANY: Difference = {
  pattern: undefined,
  changes: [],
  doubts: ["its routes ask for more than the log tells"],
};

/** Names of the fields that routes ask for. */
function askedFields({ routes }: Plan): string[] {
  return routes.flatMap(({ matches, destination }) => {
    const { branches = [], by } = destination.kind === "split" ? destination : {};
    const conditions = [...matches, ...branches.flatMap(({ when }) => when ?? [])].flatMap(({ headers }) => headers);
    const names = conditions.map(([name]) => name.toLowerCase());
    return [...names, ...(by?.kind === "header" ? [by.key] : []), "cookie", "origin", "access-control-request-method"];
  });
}

/** Whether something but the user's own functions goes by the client's address. */
function countsOnAddress({ routes }: Plan): boolean {
  return routes.some(({ allow, destination }) => {
    const rules = allow === undefined ? [] : [allow, ...allow.any];
    if (rules.some(({ addresses, except }) => addresses !== undefined || except.addresses.length > 0)) return true;
    return destination.kind === "split" && (destination.by?.kind === "address" || destination.by?.kind === "consumer");
  });
}

async function differenceOf(
  request: LoggedRequest,
  { all, unknown }: Variants,
  old: Judge,
  next: Judge,
): Promise<Difference | undefined> {
  const pairs: (readonly [before: Outcome, after: Outcome])[] = [];
  for (const variant of all) pairs.push([await old.judge(request, variant), await next.judge(request, variant)]);
  const differences = withEvidence(request, pairs).map(([before, after]) => between(before, after));
  const first = differences.find((each) => each !== undefined);
  if (first === undefined) return undefined;
  const textOf = (difference: Difference | undefined): string => JSON.stringify(difference?.changes);
  if (differences.every((each) => textOf(each) === textOf(first))) return first;
  return { ...first, doubts: [...first.doubts, ...unknown.map((name) => `the log does not tell ${name}`)] };
}

/**
 * The log says where the request went: what would not have gone there was another request, if the old plan wrote the
 * log.
 */
function withEvidence(
  { route, upstream }: LoggedRequest,
  pairs: readonly (readonly [Outcome, Outcome])[],
): readonly (readonly [Outcome, Outcome])[] {
  const taken = pairs.filter(([before]) => before.route.text === route);
  const sent = taken.filter(([before]) => before.upstream === undefined || before.upstream === upstream);
  return [sent, taken, pairs].find((some) => some.length > 0)!;
}

function between(before: Outcome, after: Outcome): Difference | undefined {
  const changes = ASPECTS.flatMap((what): Change[] => {
    const [a, b] = [before[what], after[what]];
    if (a.key === b.key) return [];
    return [{ what, before: a.text, after: a.text === b.text ? `${b.text} (another)` : b.text }];
  });
  if (changes.length === 0) return undefined;
  // What is refused leads nowhere: that goes without saying.
  const shown = changes.filter(({ what, before, after }) => after !== "" && (before !== "" || what === "leadsTo"));
  const isAboutVerdict = changes.some(({ what }) => what === "verdict");
  const doubts = isAboutVerdict ? [before.doubt ?? [], after.doubt ?? []].flat() : [];
  const doubt = doubts.at(-1);
  return {
    pattern: before.pattern ?? after.pattern,
    changes: shown.length > 0 ? shown : changes,
    doubts: doubt === undefined ? [] : [doubt],
  };
}
