// What a reload carries over: each part of a gateway by its name, for as long as what it is made of stays the same.
import { Secret } from "./config/secrets.ts";

/**
 * Takes the part of this name over from the gateway before it, or makes it. It is the same part as long as `madeOf` is the
 * same (see {@link isSame}). Names of a config may hold dots but no blanks: what belongs to one of them stands behind one.
 * `make` is given the earlier part of the name, if there was one: what it holds can go on in the new one. `close` ends what
 * the part does in the background; it is called once, when no gateway has the part any more.
 */
export type Keep = <T>(
  name: string,
  madeOf: unknown,
  make: (earlier: T | undefined) => T,
  close?: (part: T) => void,
) => T;

interface Part {
  readonly madeOf: unknown;
  readonly value: unknown;
  /** Ends the part; undefined once it has ended. */
  close: (() => void) | undefined;
  /** Names of the parts inside this one. */
  readonly inner: readonly string[];
}

const NONE: ReadonlyMap<string, Part> = new Map();

/** The parts that one plan keeps; the next plan's takes over those that are made of the same. */
export class Carried {
  readonly #parts = new Map<string, Part>();
  #before: ReadonlyMap<string, Part>;
  /** Inner parts of what is being made. */
  #inner: string[] = [];

  constructor(before?: Carried) {
    this.#before = before === undefined ? NONE : before.#parts;
  }

  /** Returns a part of this name, the earlier one if it is made of the same. See {@link Keep}. */
  readonly keep: Keep = <T>(
    name: string,
    madeOf: unknown,
    make: (earlier: T | undefined) => T,
    close?: (part: T) => void,
  ): T => {
    this.#inner.push(name);
    const before = this.#before.get(name);
    if (before !== undefined && isSame(before.madeOf, madeOf)) this.#takeOver(name, before);
    const known = this.#parts.get(name);
    if (known !== undefined) return known.value as T;
    const outer = this.#inner;
    const inner: string[] = (this.#inner = []);
    const value = make(before?.value as T | undefined);
    this.#inner = outer;
    this.#parts.set(name, { madeOf, value, close: close && (() => close(value)), inner });
    return value;
  };

  #takeOver(name: string, part: Part): void {
    if (this.#parts.has(name)) return;
    this.#parts.set(name, part);
    for (const each of part.inner) this.#takeOver(each, this.#before.get(each)!);
  }

  /** All parts are there: what was before is let go. */
  complete(): void {
    this.#before = NONE;
  }

  /** Closes the parts that none of the others has. */
  close(others: readonly Carried[]): void {
    for (const [name, part] of this.#parts) {
      if (others.some((other) => other.#parts.get(name) === part)) continue;
      part.close?.();
      part.close = undefined;
    }
  }
}

/**
 * Whether two parts of plans say the same: plain objects and lists by what they hold, secrets by their values, all else
 * (functions, objects of classes, memory) only when it is one and the same. A config that is loaded again makes its
 * functions anew: what holds one is never the same.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Secret) return b instanceof Secret && a.reveal() === b.reveal();
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, i) => isSame(each, b[i]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key as never], b[key as never]))
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
