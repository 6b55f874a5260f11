// test, describe and their like: what a test file asks for, gathered while it loads, run afterwards.
import type { Duration } from "../../config/options.ts";
import { parseDuration } from "../../http/duration.ts";

/** What a test does. It has passed when it returns, or what it returns resolves. */
export type TestBody = () => void | Promise<void>;

/** The bounds of one test. */
export interface TestLimits {
  /** How long it may take, by the machine's clock. Default: `"5s"`. */
  readonly timeout?: Duration;
}

/** Declares a test for each row of a list. */
export interface Each {
  /** Rows are what the test is given. `%s`, `%d`, `%j` in the name stand for a row's values, `%#` for its number. */
  <R extends readonly unknown[] | [unknown]>(
    rows: readonly R[],
  ): (name: string, body: (...row: [...R]) => void | Promise<void>, limits?: TestLimits) => void;
  <R>(rows: readonly R[]): (name: string, body: (row: R) => void | Promise<void>, limits?: TestLimits) => void;
}

/** Declares a test, or one that is skipped. */
export interface Test {
  (name: string, body: TestBody, limits?: TestLimits): void;
  /** Declares a test that does not run; the report names it. */
  skip(name: string, body?: TestBody, limits?: TestLimits): void;
  readonly each: Each;
}

type Hook = () => void | Promise<void>;

interface Group {
  readonly name: string | undefined;
  readonly parent: Group | undefined;
  readonly before: Hook[];
  readonly after: Hook[];
}

/** A test that a file has declared. */
export interface Collected {
  /** Names of the groups around it, and its own. */
  readonly names: readonly string[];
  readonly body: TestBody;
  readonly skipped: boolean;
  readonly limitMs: number;
  /** In the order in which they run. */
  readonly before: readonly Hook[];
  readonly after: readonly Hook[];
}

const LIMIT_MS = 5000;

const ROOT: Group = { name: undefined, parent: undefined, before: [], after: [] };
let group = ROOT;
let closed = false;
const collected: { readonly group: Group; readonly test: Omit<Collected, "before" | "after"> }[] = [];

/** All tests of the file, which has been loaded: none can be added any more. */
export function collectedTests(): readonly Collected[] {
  closed = true;
  return collected.map(({ group, test }) => {
    const groups = chainOf(group);
    const after = groups.toReversed().flatMap((each) => each.after);
    return { ...test, before: groups.flatMap((each) => each.before), after };
  });
}

/** Declares a test of the file that runs. */
export const test: Test = Object.assign(
  (name: string, body: TestBody, limits?: TestLimits) => collect(name, body, limits, false),
  {
    skip: (name: string, body: TestBody = () => undefined, limits?: TestLimits) => collect(name, body, limits, true),
    each:
      (rows: readonly unknown[]) =>
      (name: string, body: (...row: never[]) => void | Promise<void>, limits?: TestLimits): void => {
        rows.forEach((row, place) => {
          const values = Array.isArray(row) ? (row as unknown[]) : [row];
          collect(nameOf(name, values, place), () => body(...(values as never[])), limits, false);
        });
      },
  },
);

/** Gathers tests under a name. */
export function describe(name: string, body: () => void): void {
  refuseLate("describe");
  const outer = group;
  group = { name, parent: outer, before: [], after: [] };
  try {
    const returned: unknown = body();
    if (returned instanceof Promise)
      throw new TypeError(`describe("${name}") must not be async: it only gathers tests.`);
  } finally {
    group = outer;
  }
}

/** Runs before each test of the file, or of the `describe` around it. */
export function beforeEach(hook: Hook): void {
  refuseLate("beforeEach");
  group.before.push(hook);
}

/** Runs after each test, whatever came of it. */
export function afterEach(hook: Hook): void {
  refuseLate("afterEach");
  group.after.push(hook);
}

function collect(name: string, body: TestBody, limits: TestLimits | undefined, skipped: boolean): void {
  refuseLate("test");
  if (typeof name !== "string" || typeof body !== "function") {
    throw new TypeError('A test has a name and a function: test("a partner reads orders", async () => { … }).');
  }
  const names = [...chainOf(group).flatMap((each) => each.name ?? []), name];
  const limitMs = limits?.timeout === undefined ? LIMIT_MS : parseDuration(limits.timeout);
  if (limitMs === undefined)
    throw new TypeError(`timeout: ${JSON.stringify(limits?.timeout)} is no duration like "10s".`);
  collected.push({ group, test: { names, body, skipped, limitMs } });
}

function refuseLate(what: string): void {
  if (closed) throw new Error(`${what} was called while tests run: call it where the file is read.`);
}

/** The groups from the outermost in. */
function chainOf(inner: Group): Group[] {
  const chain: Group[] = [];
  for (let each: Group | undefined = inner; each !== undefined; each = each.parent) chain.unshift(each);
  return chain;
}

function nameOf(name: string, values: readonly unknown[], place: number): string {
  let next = 0;
  return name.replace(/%[sdj#]/g, (mark) => {
    if (mark === "%#") return String(place);
    const value = values[next++];
    return typeof value === "string" && mark !== "%j" ? value : (JSON.stringify(value) ?? String(value));
  });
}
