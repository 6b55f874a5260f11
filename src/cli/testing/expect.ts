// expect: the runtime's own matchers and diffs, and waiting for promises that leaves the time limit alone.
import { expect as runtimeExpect } from "bun:test";

/** What can be expected of a value. `R` is what a matcher returns. */
export interface Matchers<R = void> {
  /** The same matchers, which must not hold. */
  readonly not: Matchers<R>;
  /** The same value, by `Object.is`. */
  toBe(expected: unknown): R;
  /** The same content; members that are undefined do not count. */
  toEqual(expected: unknown): R;
  /** The same content, members that are undefined and classes among it. */
  toStrictEqual(expected: unknown): R;
  /** An object with at least these members. */
  toMatchObject(expected: object): R;
  /** A text that holds this text or matches this pattern. */
  toMatch(expected: string | RegExp): R;
  /** An array with this element, or a text with this part. */
  toContain(expected: unknown): R;
  /** An array with an element of this content. */
  toContainEqual(expected: unknown): R;
  toStartWith(expected: string): R;
  toEndWith(expected: string): R;
  toHaveLength(expected: number): R;
  /** A member at this path, with this content if one is given. */
  toHaveProperty(path: string | readonly (string | number)[], expected?: unknown): R;
  toBeInstanceOf(expected: abstract new (...args: never[]) => unknown): R;
  toBeTruthy(): R;
  toBeFalsy(): R;
  toBeNull(): R;
  toBeUndefined(): R;
  toBeDefined(): R;
  toBeNaN(): R;
  toBeGreaterThan(expected: number | bigint): R;
  toBeGreaterThanOrEqual(expected: number | bigint): R;
  toBeLessThan(expected: number | bigint): R;
  toBeLessThanOrEqual(expected: number | bigint): R;
  /** A number this near. @param digits behind the point; default 2 */
  toBeCloseTo(expected: number, digits?: number): R;
  /** A function that throws: an error of this class, or one whose message has this text or matches this pattern. */
  toThrow(expected?: string | RegExp | Error | (abstract new (...args: never[]) => unknown)): R;
}

/** What can be expected of a promise: await it. */
export type SettledMatchers = Matchers<Promise<void>>;

/** Returns matchers, each of which throws when the value is not as it says. */
export interface Expect {
  /** @param message stands in place of the matcher's name when it fails */
  (
    value: unknown,
    message?: string,
  ): Matchers & {
    /** Of what a promise resolves to. */
    readonly resolves: SettledMatchers;
    /** Of what a promise rejects with. */
    readonly rejects: SettledMatchers;
  };
  /** Anything but null and undefined. */
  anything(): unknown;
  /** Any value of this class; `String`, `Number`, … for primitive ones. */
  any(type: unknown): unknown;
  arrayContaining(elements: readonly unknown[]): unknown;
  objectContaining(members: object): unknown;
  stringContaining(part: string): unknown;
  stringMatching(pattern: string | RegExp): unknown;
  closeTo(value: number, digits?: number): unknown;
}

type Settled = "resolves" | "rejects";
type AnyMatchers = Readonly<Record<string, (...args: unknown[]) => unknown>> & { readonly not: AnyMatchers };

/** The runtime's `expect`; waiting for promises is our own. */
export const expect = Object.assign(
  (value: unknown, message?: string) => {
    const matchers = runtimeExpect(value, message);
    // The runtime's own wait inside the call: nothing could end that.
    for (const kind of ["resolves", "rejects"] as const) {
      Object.defineProperty(matchers, kind, { get: () => settledMatchers(value, message, kind, false) });
    }
    return matchers;
  },
  pick("anything", "any", "arrayContaining", "objectContaining", "stringContaining", "stringMatching", "closeTo"),
) as unknown as Expect;

function pick(...names: readonly (keyof Expect & keyof typeof runtimeExpect)[]): object {
  return Object.fromEntries(names.map((name) => [name, runtimeExpect[name]]));
}

function settledMatchers(value: unknown, message: string | undefined, kind: Settled, negated: boolean): object {
  return new Proxy(
    {},
    {
      get(_, name) {
        if (name === "not") return settledMatchers(value, message, kind, true);
        // Not a promise itself.
        if (typeof name !== "string" || name === "then") return undefined;
        return async (...args: unknown[]): Promise<void> => {
          const settled = await settle(value, kind);
          const thrown = kind === "rejects" && name === "toThrow";
          const matchers = runtimeExpect(thrown ? () => raise(settled) : settled, message) as unknown as AnyMatchers;
          (negated ? matchers.not : matchers)[name]!(...args);
        };
      },
    },
  );
}

async function settle(value: unknown, kind: Settled): Promise<unknown> {
  let resolved: unknown;
  try {
    resolved = await value;
  } catch (thrown) {
    if (kind === "rejects") return thrown;
    throw new Error(`expected a promise that resolves; it rejected: ${String(thrown)}`, { cause: thrown });
  }
  if (kind === "resolves") return resolved;
  throw new Error(`expected a promise that rejects; it resolved to ${Bun.inspect(resolved)}`);
}

function raise(thrown: unknown): never {
  throw thrown;
}
