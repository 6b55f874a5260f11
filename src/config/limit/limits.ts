// The schema of limits.
import { retryAfterSeconds } from "../../http/retry-after.ts";
import { fieldName } from "../field-changes.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { either, isPlainObject, leaf, list, maybe, named, options, or, partOf, then, type Shape } from "../shape.ts";
import { choice, duration, statusOrClass, text, whole } from "../values.ts";
import type { LimitExchange } from "./options.ts";
import { storeShape } from "./store.ts";
import type { InFlightPlan, LimitByPlan, LimitPlan, LimitsPlan, OverloadPlan } from "./plan.ts";

/** The units of a group of a window fit 16 bits. */
const MOST_LIMIT = 1_000_000;
const MOST_CAPACITY = 2 ** 24;

const A_BY = '"address", "consumer", "route", { header }, { claim } or a function';

const byWord: Shape<LimitByPlan> = then(choice("address", "consumer", "route"), (kind) => ({ kind }));

const byObject: Shape<LimitByPlan> = then(
  options(
    { header: maybe(fieldName), claim: maybe(text("the name of a claim", (name) => name)) },
    function* (_, written) {
      if ((written["header"] === undefined) === (written["claim"] === undefined)) {
        yield new Problem("exactly one of header, claim");
      }
    },
  ),
  ({ header, claim }) =>
    header === undefined ? { kind: "claim", claim: claim ?? "" } : { kind: "header", key: header.toLowerCase() },
);

const byFunction: Shape<LimitByPlan> = leaf((value) =>
  typeof value === "function"
    ? { kind: "function", of: value as (x: LimitExchange) => string | undefined }
    : new Problem(A_BY),
);

const by: Shape<LimitByPlan> = either(
  (value) => typeof value === "string",
  byWord,
  either(isPlainObject, byObject, byFunction),
);

const A_COST = "a whole number from 0 to 1000000, or a function that gives one";
const cost: Shape<LimitPlan["cost"]> = leaf((value) => {
  if (typeof value === "function") return value as (x: LimitExchange) => number;
  const right = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST_LIMIT;
  return right ? value : new Problem(A_COST);
});

const A_ZONE = 'the name of a time zone, such as "Europe/Berlin"';
const timeZone = text(A_ZONE, (name) => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return new Problem(A_ZONE);
  }
});

const limit: Shape<Omit<LimitPlan, "name">> = then(
  options(
    {
      limit: whole(1, MOST_LIMIT),
      window: maybe(duration(1000)),
      per: maybe(choice("day", "month")),
      timeZone: maybe(timeZone),
      by: or(by, "address"),
      cost: or(cost, 1),
      statuses: maybe(list(statusOrClass, "a list of statuses", 1)),
      mode: or(choice("enforce", "observe"), "enforce"),
      store: maybe(choice("process")),
    },
    function* (right, written) {
      if ((written["window"] === undefined) === (written["per"] === undefined)) {
        const hint = 'A sliding window is `window: "1m"`, a quota of the calendar is `per: "day"` or `per: "month"`.';
        yield new Problem("exactly one of window, per", { hint });
      }
      if (written["timeZone"] !== undefined && written["per"] === undefined) {
        yield new Problem("per beside timeZone", { at: ["timeZone"], hint: "A window has no midnight." });
      }
      if (typeof right.cost === "number" && right.limit !== undefined && right.cost > right.limit) {
        yield new Problem("a cost within the limit", { at: ["cost"], hint: "Not one request would be let through." });
      }
    },
  ),
  ({ limit, window, per, timeZone, by, cost, statuses, mode, store }) => ({
    limit,
    span: window === undefined ? { per: per ?? "day", timeZone: timeZone ?? "UTC" } : { windowMs: window },
    by,
    cost,
    counts: statuses && ((of: number) => statuses.includes(of) || statuses.includes(Math.floor(of / 100))),
    observe: mode === "observe",
    shared: store === undefined,
  }),
);

/** The limits by name. The names stand in `RateLimit` and in logs. `hasStore`: whether there is a `limiting.store`. */
export function limitsShape(
  nameProblem: (name: string) => Problem | undefined,
  hasStore: boolean,
): Shape<readonly LimitPlan[]> {
  const all = named(limit, "an object of limits by name", (name) => nameProblem(name));
  return then(all, (entries) => entries.map(([name, plan]) => ({ name, ...plan, shared: hasStore && plan.shared })));
}

const byOrUpstream: Shape<InFlightPlan["by"]> = either(
  (value) => typeof value === "string",
  then(choice("address", "consumer", "route", "upstream"), (kind) => ({ kind })),
  by,
);

const inFlight: Shape<Omit<InFlightPlan, "name">> = then(
  options(
    {
      max: whole(1, MOST_LIMIT),
      by: or(byOrUpstream, "address"),
      queue: or(whole(0, MOST_LIMIT), 0),
      wait: or(duration(), "1s"),
      mode: or(choice("enforce", "observe"), "enforce"),
    },
    function* ({ queue }, written) {
      if (queue === 0 && written["wait"] !== undefined) {
        yield new Problem("a queue beside wait", { at: ["wait"], hint: "Nobody waits without a `queue`." });
      }
    },
  ),
  ({ max, by, queue, wait, mode }) => ({ max, by, queue, waitMs: wait, observe: mode === "observe" }),
);

/** The bounds for exchanges under way, by name. */
export function inFlightShape(nameProblem: (name: string) => Problem | undefined): Shape<readonly InFlightPlan[]> {
  const all = named(inFlight, "an object of bounds by name", (name) => nameProblem(name));
  return then(all, (entries) => entries.map(([name, plan]) => ({ name, ...plan })));
}

/** What counts by upstream does not hold for a route that leads to none. */
export function* strayBounds(written: unknown): Generator<Problem> {
  const bounds = partOf(written, "inFlight");
  for (const [route, options] of Object.entries(Object(partOf(written, "routes")) as object)) {
    if (partOf(options, "to") !== undefined || partOf(options, "split") !== undefined) continue;
    const names = [partOf(options, "inFlight") ?? []].flat();
    const stray = names.find((name) => typeof name === "string" && partOf(partOf(bounds, name), "by") === "upstream");
    if (stray === undefined) continue;
    const found = JSON.stringify(stray);
    const hint = 'It counts by upstream, and this route leads to none: count by "route".';
    yield new Problem("a bound for a route without to", { at: ["routes", route, "inFlight"], found, hint });
  }
}

/** Checks the option `limiting`: settings of all limits. */
export function limitSettings(reader: ConfigReader): Shape<Omit<LimitsPlan, "limits">> {
  return options({
    fields: or(
      either(
        (value) => value === false,
        leaf((): false => false),
        choice("draft", "legacy", "both"),
      ),
      "draft",
    ),
    capacity: or(whole(1024, MOST_CAPACITY), 131_072),
    store: maybe(storeShape(reader)),
    snapshot: maybe(snapshotPath(reader)),
  });
}

const A_SNAPSHOT = "the path of a file for counts";

function snapshotPath(reader: ConfigReader): Shape<string> {
  return text(A_SNAPSHOT, (written) => {
    if (written === "") return new Problem(A_SNAPSHOT);
    return reader.locate?.(written) ?? new Problem(A_SNAPSHOT, { hint: "This runtime has no files." });
  });
}

const A_PATH = 'a path such as "/readyz" or "/health/*"';
const exemptPath = text(A_PATH, (path) => {
  const right = path.startsWith("/") && !/[?#\s]/.test(path) && /^[^*]*(?:[^*/]\/\*)?$/.test(path);
  return right ? path : new Problem(A_PATH);
});

/** The cap on all exchanges under way. */
export const overloadShape: Shape<OverloadPlan> = then(
  options({
    maxInFlight: whole(1, 10_000_000),
    exempt: or(list(exemptPath, "a list of paths"), []),
    retryAfter: or(duration(1000), "1s"),
  }),
  ({ maxInFlight, exempt, retryAfter }) => ({ maxInFlight, exempt, retryAfterSeconds: retryAfterSeconds(retryAfter) }),
);
