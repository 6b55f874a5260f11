// Reads observed values by their path, and decides the checks of a case.
import { RANDOM_WORDS } from "./metrics-steps.ts";
import { substitute, type Check, type Expectation, type Json } from "./format.ts";

/** All that was observed, by the names the checks use. */
export type Observed = Readonly<Record<string, unknown>>;

/** Where a check stands. */
export interface Setting {
  readonly observed: Observed;
  readonly vars: Readonly<Record<string, Json>>;
  readonly variant: string;
}

/** What a path names: one value, or one for each member of a list (`[*]`). */
interface Found {
  readonly each: boolean;
  readonly values: readonly unknown[];
}

const PATH_PART = /\.?([A-Za-z_][\w]*)|\[\*\]|\[(-?\d+)\]|\['([^']*)'\]|\[([\w-]+)\]/gy;

/** Follows a path such as `u1.requests[0].headers[x-hop]`. Unknown names fail; absent fields are undefined. */
export function lookUp(observed: Observed, path: string): Found {
  const minus = path.split(" - ");
  if (minus.length === 2) {
    const [a, b] = minus.map((part) => Number(lookUp(observed, part).values[0]));
    return { each: false, values: [a! - b!] };
  }
  let found: Found = { each: false, values: [observed] };
  PATH_PART.lastIndex = 0;
  while (PATH_PART.lastIndex < path.length) {
    const at = PATH_PART.lastIndex;
    const part = PATH_PART.exec(path);
    if (part === null) throw new Error(`cannot read the path ${path} at ${at}`);
    if (part[0] === "[*]") {
      found = { each: true, values: found.values.flatMap((value) => value as unknown[]) };
      continue;
    }
    const [, name, index, quoted, field] = part;
    found = {
      each: found.each,
      values: found.values.map((value) => member(value, name, index, quoted ?? field, path)),
    };
  }
  return found;
}

function member(value: unknown, name?: string, index?: string, key?: string, path = ""): unknown {
  if (value === undefined || value === null) return undefined;
  if (index !== undefined) return (value as unknown[]).at(Number(index));
  if (key !== undefined) return (value as Record<string, unknown>)[key];
  if (!(name! in (value as object))) throw new Error(`${path}: nothing is known of ${name!}`);
  return (value as Record<string, unknown>)[name!];
}

type Operation = (seen: unknown, wanted: Json, setting: Setting) => boolean;

const list = (seen: unknown): unknown[] =>
  seen === undefined || seen === null ? [] : Array.isArray(seen) ? seen : [seen];
/** A header with one line counts as its value where one value is asked for. */
const single = (seen: unknown): unknown => (Array.isArray(seen) && seen.length === 1 ? seen[0] : seen);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const tokensOf = (seen: unknown): string[] =>
  list(seen).flatMap((line) =>
    String(line)
      .toLowerCase()
      .split(",")
      .map((t) => t.trim()),
  );
const statusOf = (seen: unknown): unknown => (seen as { status: unknown }[]).at(0)?.status ?? "closed";

const OPERATIONS: Readonly<Record<string, Operation>> = {
  is: (seen, wanted) => same(single(seen), wanted),
  is_not: (seen, wanted) => !same(single(seen), wanted),
  in: (seen, wanted) => (wanted as Json[]).some((value) => same(single(seen) ?? null, value)),
  not_in: (seen, wanted) => !(wanted as Json[]).some((value) => same(single(seen) ?? null, value)),
  matches: (seen, wanted) =>
    list(seen).length > 0 && list(seen).every((value) => new RegExp(String(wanted)).test(String(value))),
  not_matches: (seen, wanted) => list(seen).every((value) => !new RegExp(String(wanted)).test(String(value))),
  absent: (seen) => list(seen).length === 0,
  count: (seen, wanted) => list(seen).length === wanted,
  count_lte: (seen, wanted) => list(seen).length <= Number(wanted),
  lte: (seen, wanted) => typeof seen === "number" && seen <= Number(wanted),
  gte: (seen, wanted) => typeof seen === "number" && seen >= Number(wanted),
  between: (seen, wanted) => {
    const [low, high] = wanted as number[];
    return typeof seen === "number" && seen >= low! && seen <= high!;
  },
  list_is: (seen, wanted) => same(list(seen), wanted),
  list_is_or_absent: (seen, wanted) => list(seen).length === 0 || same(list(seen), wanted),
  joined_is: (seen, wanted) => list(seen).join(", ") === wanted,
  joined_is_or_absent: (seen, wanted) => list(seen).length === 0 || list(seen).join(", ") === wanted,
  max_one: (seen) => list(seen).length <= 1,
  not_contains_token: (seen, wanted) => !tokensOf(seen).includes(String(wanted).toLowerCase()),
  first_status_in: (seen, wanted) => (wanted as Json[]).includes(statusOf(seen) as Json),
  first_status_in_or_closed: (seen, wanted) => [...(wanted as Json[]), "closed"].includes(statusOf(seen) as Json),
  // What is preferred is wanted here.
  prefer: (seen, wanted) => same(single(seen), wanted),
  is_sha256_of_client_body: (seen, _, setting) => seen === setting.observed["client_body_sha256"],
  count_equals_all_200: (seen, _, setting) => list(seen).length === setting.observed["count_200"],
  none_contains_any_RAND: (seen) =>
    list(seen).every((value) => ![...RANDOM_WORDS].some((word) => String(value).includes(word))),
  not_true_for_variant: (seen, wanted, setting) => setting.variant !== wanted || single(seen) !== true,
};

/** Why the check does not hold; undefined when it does. */
export function failureOf(check: Check, setting: Setting): string | undefined {
  const operation = OPERATIONS[check.op];
  if (operation === undefined) throw new Error(`unknown check operation ${check.op}`);
  const found = lookUp(setting.observed, check.on);
  const wanted = substitute(check.value ?? null, setting.vars);
  if (found.values.every((seen) => operation(seen, wanted, setting))) return undefined;
  const why = check.why === undefined ? "" : ` (${check.why})`;
  const seen = found.each ? found.values : found.values[0];
  return `${check.on} ${check.op} ${JSON.stringify(wanted)}${why}; seen: ${brief(seen)}`;
}

function brief(seen: unknown): string {
  const text = JSON.stringify(seen, (key, value: unknown) => (key === "raw_body" ? undefined : value)) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** All that does not hold of an expectation. */
export function failuresOf(expectation: Expectation, setting: Setting): string[] {
  const failures: string[] = [];
  for (const check of expectation.all ?? []) failures.push(failureOf(check, setting) ?? "");
  for (const check of expectation.never ?? []) {
    if (failureOf(check, setting) === undefined)
      failures.push(`never: ${check.on} ${check.op} ${JSON.stringify(check.value)}`);
  }
  if (expectation.any !== undefined) {
    const groups = expectation.any.map((group) => failuresOf(group, setting));
    if (groups.every((group) => group.length > 0))
      failures.push(groups.map((group) => group.join("\n  ")).join("\n or\n  "));
  }
  return failures.filter((failure) => failure !== "");
}
