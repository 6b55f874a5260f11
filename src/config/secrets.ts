// Secrets: values taken from the environment that never print themselves.

const REDACTED = "[redacted]";

/** A value that shows itself to nobody but the one who calls `reveal`. */
export class Secret {
  readonly #value: string;
  /** Where it came from, for messages: the variable's name. */
  readonly source: string;

  constructor(value: string, source: string) {
    this.#value = value;
    this.source = source;
  }

  /** The value itself: for use, never for output. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** How Node, Bun and Deno print it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return REDACTED;
  }
}
