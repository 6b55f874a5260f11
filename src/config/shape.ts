// The vocabulary of the config's schema: valibot schemas that refuse with a Problem and know no other message.
import * as v from "valibot";
import { describeFound } from "./describe.ts";
import { Problem, type ConfigFault } from "./fault.ts";
import { EnvReference, Secret } from "./secrets.ts";

/** A schema that takes whatever stands in a config and gives a T. */
export type Shape<T> = v.GenericSchema<unknown, T>;

/** What the issue of a schema carries as its input. */
class Refused {
  readonly problem: Problem;
  readonly value: unknown;

  constructor(problem: Problem, value: unknown) {
    this.problem = problem;
    this.value = value;
  }
}

type AddIssue = Parameters<Parameters<typeof v.rawTransform<unknown, unknown>>[0]>[0]["addIssue"];

const refuse = (addIssue: AddIssue, problem: Problem, value: unknown): void =>
  addIssue({ message: problem.wanted, input: new Refused(problem, value) });

/** A value that `read` converts or refuses. */
export function leaf<T>(read: (value: unknown) => T | Problem): Shape<T> {
  const convert = v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
    const result = read(dataset.value);
    if (!(result instanceof Problem)) return result;
    refuse(addIssue, result, dataset.value);
    return NEVER;
  });
  return v.pipe(v.unknown(), convert);
}

/** As {@link leaf}, for what may be wrong in several ways. */
export function gathered<T>(read: (value: unknown, refuse: (problem: Problem) => void) => T): Shape<T> {
  const convert = v.rawTransform<unknown, T>(({ dataset, addIssue }) =>
    read(dataset.value, (problem) => refuse(addIssue, problem, dataset.value)),
  );
  return v.pipe(v.unknown(), convert);
}

/** Runs a schema on a part of `whole` and passes its issues on. Undefined if there are any. */
function runOn<T>(shape: Shape<T>, whole: object, key: string, value: unknown, addIssue: AddIssue): T | undefined {
  const result = v.safeParse(shape, value);
  for (const issue of result.issues ?? []) {
    const item = { type: "unknown", origin: "value", input: whole, key, value } as const;
    addIssue({ message: issue.message, input: issue.input, path: [item, ...(issue.path ?? [])] });
  }
  return result.success ? result.output : undefined;
}

/**
 * An object with these options and no others. An option left out and one that is undefined are the same. `check` looks
 * at the options that came out right and gives what is wrong between them.
 */
export function options<const E extends Record<string, Shape<unknown>>>(
  entries: E,
  check?: (right: Partial<OutputOf<E>>, written: Readonly<Record<string, unknown>>) => Iterable<Problem>,
): Shape<OutputOf<E>> {
  const convert = v.rawTransform<unknown, OutputOf<E>>(({ dataset, addIssue, NEVER }) => {
    const written = dataset.value;
    if (!isPlainObject(written)) {
      refuse(addIssue, new Problem("an object of options"), written);
      return NEVER;
    }
    const names = Object.keys(entries);
    for (const key of Object.keys(written)) {
      if (Object.hasOwn(entries, key)) continue;
      const hint = `Options here: ${names.join(", ")}.`;
      const found = JSON.stringify(key.slice(0, 60));
      refuse(addIssue, new Problem("an option", { at: [key], found, hint, nearest: [key, names] }), undefined);
    }
    const right: Record<string, unknown> = {};
    for (const name of names) {
      const value = Object.hasOwn(written, name) ? written[name] : undefined;
      right[name] = runOn(entries[name]!, written, name, value, addIssue);
    }
    for (const problem of check?.(right as Partial<OutputOf<E>>, written) ?? []) refuse(addIssue, problem, undefined);
    return right as OutputOf<E>;
  });
  return v.pipe(v.unknown(), convert);
}

type OutputOf<E extends Record<string, Shape<unknown>>> = { readonly [K in keyof E]: v.InferOutput<E[K]> };

/** An object whose keys are the user's own words. Returns the entries in order; `checkName` may refuse a key. */
export function named<T>(
  shape: Shape<T>,
  wanted: string,
  checkName: (name: string, at: number, names: readonly string[]) => Problem | undefined,
): Shape<readonly (readonly [name: string, value: T])[]> {
  const convert = v.rawTransform<unknown, readonly (readonly [string, T])[]>(({ dataset, addIssue, NEVER }) => {
    const written = dataset.value;
    if (!isPlainObject(written)) {
      refuse(addIssue, new Problem(wanted), written);
      return NEVER;
    }
    const names = Object.keys(written);
    return names.map((name, i) => {
      const problem = checkName(name, i, names);
      if (problem !== undefined) {
        const { wanted, hint, found = JSON.stringify(name.slice(0, 60)) } = problem;
        refuse(addIssue, new Problem(wanted, { ...(hint && { hint }), found, at: [name] }), undefined);
      }
      return [name, runOn(shape, written, name, written[name], addIssue) as T];
    });
  });
  return v.pipe(v.unknown(), convert);
}

/** A list of at least `least` members. */
export function list<T>(member: Shape<T>, wanted: string, least = 0): Shape<readonly T[]> {
  const isList = leaf((value) => (Array.isArray(value) && value.length >= least ? value : new Problem(wanted)));
  return v.pipe(isList, v.array(member));
}

/** One value or a list of them, as a list. */
export function oneOrMore<T>(member: Shape<T>, wanted: string): Shape<readonly T[]> {
  const many = list(member, wanted, 1);
  const one = v.pipe(
    member,
    v.transform((value): readonly T[] => [value]),
  );
  return v.lazy((value): Shape<readonly T[]> => (Array.isArray(value) ? many : one));
}

/** Takes `fallback`, written as a user would write it, where nothing is written. */
export function or<T>(shape: Shape<T>, fallback: unknown): Shape<T> {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (value === undefined ? fallback : value)),
    shape,
  );
}

/** Returns undefined where nothing is written. */
export function maybe<T>(shape: Shape<T>): Shape<T | undefined> {
  const absent = leaf(() => undefined);
  return v.lazy((value): Shape<T | undefined> => (value === undefined ? absent : shape));
}

/** The faults that a failed check has found, as they are shown. */
export function faultsOf(issues: readonly v.BaseIssue<unknown>[]): ConfigFault[] {
  return issues.map((issue) => {
    const { problem, value } = issue.input as Refused;
    const path = [...(issue.path ?? []).map(({ key }) => key as string | number), ...problem.at];
    const found = problem.found === undefined ? describeFound(value, path) : problem.found;
    return {
      path,
      ...(typeof found === "string" && { found }),
      wanted: problem.wanted,
      ...(problem.nearest !== undefined && { nearest: problem.nearest }),
      ...(problem.hint !== undefined && { hint: problem.hint }),
      ...(problem.place !== undefined && { place: problem.place }),
    };
  });
}

/** What a shape gives for each value; undefined for those it refuses. For checks between parts of which some are wrong. */
export function rightOnes<T>(shape: Shape<T>, values: readonly unknown[]): (T | undefined)[] {
  return values.map((value) => {
    const result = v.safeParse(shape, value);
    return result.success ? result.output : undefined;
  });
}

/** Converts what a shape gives, once it is right. */
export function then<A, B>(shape: Shape<A>, convert: (value: A) => B): Shape<B> {
  return v.pipe(shape, v.transform(convert));
}

/** What the first gives, for the second. */
export function chained<T>(first: Shape<unknown>, second: Shape<T>): Shape<T> {
  return v.pipe(first, second);
}

/** One of two shapes, by a look at the value: the faults are those of the one that was meant. */
export function either<A, B>(isFirst: (value: unknown) => boolean, first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return v.lazy((value): Shape<A | B> => (isFirst(value) ? first : second));
}

/** Whether a value is an object of options: no list, no date, nothing that `env` returned. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !(value instanceof EnvReference) && !(value instanceof Secret) && !(value instanceof Date);
}

/** The value under a key, if `whole` is an object that has it. */
export function partOf(whole: unknown, key: string): unknown {
  return isPlainObject(whole) && Object.hasOwn(whole, key) ? whole[key] : undefined;
}
