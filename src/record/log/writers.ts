// Writers of the members of a line, put together when a plan is loaded: what the config leaves out is neither made nor written.
import { jsonText } from "../json-text.ts";

/** Writes a member as `,"name":…`, or nothing. */
export type Writer<T> = (value: T) => string;

const nothing = (): string => "";

/** Makes writers of members that a config wants, and writers of nothing for those that it does not. */
export class Writers {
  readonly #removed: ReadonlySet<string>;

  /** @param removed names of members to leave out */
  constructor(removed: readonly string[]) {
    this.#removed = new Set(removed);
  }

  /** Whether the config wants it. */
  keeps(name: string): boolean {
    return !this.#removed.has(name);
  }

  /**
   * How a line begins: with its first member, which has no comma before it. Where it is left out the line begins with
   * `{,`: see {@link closed}.
   */
  first(name: string, json: string): string {
    return this.keeps(name) ? `{"${name}":${json}` : "{";
  }

  /** A member with this value. @param json the value as JSON */
  member(name: string, json: string): string {
    return this.keeps(name) ? `,"${name}":${json}` : "";
  }

  /** Writes a text, also one that is empty. What is longer than `most` is cut. */
  anyText(name: string, most: number): Writer<string> {
    if (!this.keeps(name)) return nothing;
    const start = `,"${name}":"`;
    return (value) => `${start}${jsonText(value, most)}"`;
  }

  /** Writes a text, likewise; nothing where it is empty. */
  text(name: string, most: number): Writer<string> {
    const write = this.anyText(name, most);
    return (value) => (value === "" ? "" : write(value));
  }

  /** Writes a word in which nothing is to be escaped. */
  word(name: string): Writer<string> {
    if (!this.keeps(name)) return nothing;
    const start = `,"${name}":"`;
    return (value) => `${start}${value}"`;
  }

  /** Writes a number, or what is JSON already. */
  json(name: string): Writer<number | string> {
    if (!this.keeps(name)) return nothing;
    const start = `,"${name}":`;
    return (value) => start + value;
  }

  /** What stands before the inside of a text, and behind it. Both are "" where the config leaves the text out. */
  around(name: string): readonly [before: string, behind: string] {
    return this.keeps(name) ? [`,"${name}":"`, '"'] : ["", ""];
  }

  /** The beginning of a member, up to its value; "" where the config leaves it out, and its value with it. */
  start(name: string): string {
    return this.keeps(name) ? `,"${name}":` : "";
  }

  /** Writes a list; nothing of one that is empty. @param json writes one of it */
  list<T>(name: string, json: (value: T) => string): Writer<readonly T[]> {
    if (!this.keeps(name)) return nothing;
    return (values) => (values.length === 0 ? "" : `,"${name}":[${values.map(json).join(",")}]`);
  }

  /** The line of a form whose first member is `first`: without the comma that one left out has left behind. */
  closed<A extends readonly unknown[]>(first: string, make: (...of: A) => string): (...of: A) => string {
    if (this.keeps(first)) return make;
    return (...of) => make(...of).replace(/^\{,/, "{");
  }
}
