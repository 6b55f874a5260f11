// The settings of a plan, one by one: a path and what stands there.
import { formatDuration } from "../http/duration.ts";

/** A setting of a plan: "upstreams.orders.timeouts.connect" and "5s". */
export type Setting = readonly [path: string, text: string];

/** Members that are times say in which unit; options do not. */
const TIME = /(?:Ms|Seconds)$/;

/** All settings below a path, in order, each with its text. */
export function* settings(path: string, value: unknown): Generator<Setting> {
  if (Array.isArray(value) && value.some((each) => typeof each === "object" && each !== null)) {
    for (const [at, each] of value.entries()) yield* settings(`${path}.${nameOf(each) ?? at}`, each);
  } else if (Array.isArray(value)) {
    yield [path, value.length === 0 ? "none" : value.join(", ")];
  } else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) yield* settings(`${path}.${key}`, each);
  } else if ((typeof value === "number" || value === null) && TIME.test(path)) {
    const ms = path.endsWith("Ms") ? value : value && value * 1000;
    yield [path.replace(TIME, ""), ms === null ? "none" : formatDuration(ms)];
  } else if (typeof value === "number" && /\.not(?:Before|After)$/.test(path)) {
    yield [path, new Date(value).toISOString()];
  } else {
    yield [path, typeof value === "string" ? value : value === null ? "none" : JSON.stringify(value)];
  }
}

/** What a member of a list is called, where it has a name. */
function nameOf(member: unknown): string | undefined {
  const { name, consumer } = Object(member) as { name?: unknown; consumer?: { name?: unknown } };
  return [name, consumer?.name].find((each) => typeof each === "string");
}

/** Members by name, and what is not set as null. Lists keep their order, for it may mean something, but those of names. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isNamed = value.every((each) => nameOf(each) !== undefined);
    return (isNamed ? value.toSorted((a, b) => (nameOf(a)! < nameOf(b)! ? -1 : 1)) : value).map(sorted);
  }
  if (typeof value !== "object" || value === null) return value ?? null;
  const members = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
