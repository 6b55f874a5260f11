// Secrets: values taken from the environment that never print themselves.

/** What stands wherever a secret would be printed. */
export const REDACTED = "[redacted]";

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

/** Names a value that is kept outside the config. It is read when the plan is made, and it never prints itself. */
export class EnvReference {
  /** Name of the environment variable. */
  readonly name: string;
  readonly #fallback: string | undefined;

  constructor(name: string, fallback: string | undefined) {
    this.name = name;
    this.#fallback = fallback;
  }

  /** What holds when the variable is not set anywhere: for use, never for output. */
  defaultValue(): string | undefined {
    return this.#fallback;
  }

  /** A text that this was joined into holds the mark instead of the value; `resolvePlan` refuses such a text. */
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

/** A text that does not stand in the config: what {@link env} returns, or a {@link Secret}. */
export type Hidden = EnvReference | Secret;

/**
 * A value from the environment, for secrets and whatever differs between machines. When the plan is made it is looked
 * for in this order: the variable `name`; the file that the variable `name_FILE` names; the file `name` in
 * `$CREDENTIALS_DIRECTORY` (systemd); `/run/secrets/name` (containers). One LF at a file's end is not part of the value.
 * Missing, empty, and `name` and `name_FILE` both set are faults that stop the start (case GW-50).
 */
export function env(name: string, options: { readonly default?: string } = {}): EnvReference {
  return new EnvReference(name, options.default);
}
