// The fields of one block, as they are decoded: what no message of HTTP/2 may hold is remembered (RFC 9113 section 8.2). Pure.
import { Fields } from "../fields.ts";
import { isForbiddenTrailer } from "../framing.ts";
import { type HeadLimits, Malformed } from "../message.ts";
import { type BlockField, NAME_FAULT, sizeOf } from "./hpack-table.ts";

/** Fields of one connection have no meaning here, and would have one behind us (RFC 9113 section 8.2.2). */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Takes the fields of one block. What is wrong is remembered, for the block must be decoded to its end; beyond the bounds
 * nothing more is kept.
 */
export abstract class FieldBlock {
  protected readonly limits: HeadLimits;
  protected readonly fields = new Fields();
  readonly #isTrailer: boolean;
  #malformed: string | undefined = undefined;
  #isTooLarge = false;
  #size = 0;

  /** @param isTrailer whether it stands behind the content */
  constructor(limits: HeadLimits, isTrailer: boolean) {
    this.limits = limits;
    this.#isTrailer = isTrailer;
  }

  /** Takes a field. */
  readonly take = (field: BlockField): void => {
    this.#size += sizeOf(field);
    if (this.#isTooLarge || this.#malformed !== undefined) return;
    if (this.#size > this.limits.maxHead || this.fields.size >= this.limits.maxFields) {
      this.#isTooLarge = true;
      return;
    }
    this.#malformed = field.faults === 0 ? this.#judge(field) : faultOf(field);
  };

  /** Takes a field that may be in HTTP; tells what is wrong with it at its place. */
  #judge({ name, value }: BlockField): string | undefined {
    if (name.charCodeAt(0) === 58) {
      if (this.#isTrailer) return "a trailer is a pseudo-field";
      if (this.fields.size > 0) return "a pseudo-field stands behind a field";
      return this.takePseudo(name, value);
    }
    if (OF_CONNECTIONS.has(name)) return `the field ${name} is of HTTP/1.1 connections`;
    return this.takeField(name, value);
  }

  /** Takes a pseudo-field, in front of all fields; tells what is wrong with it. */
  protected abstract takePseudo(name: string, value: string): string | undefined;

  /** Takes a field; tells what is wrong with it. */
  protected takeField(name: string, value: string): string | undefined {
    const { names, keys, values } = this.fields;
    names.push(name);
    keys.push(name);
    values.push(value);
    return undefined;
  }

  /** Trailer fields that may be passed on, if there are any. @throws Malformed */
  trailers(): Fields | undefined {
    this.refuse();
    for (const key of new Set(this.fields.keys)) if (isForbiddenTrailer(key)) this.fields.delete(key);
    return this.fields.size > 0 ? this.fields : undefined;
  }

  /** @throws Malformed for what was found wrong */
  protected refuse(): void {
    if (this.#malformed !== undefined) throw syntax(this.#malformed);
    if (this.#isTooLarge) throw new Malformed("size", "the head is too large");
  }
}

function faultOf({ faults }: BlockField): string {
  return (faults & NAME_FAULT) === 0
    ? "a field value holds a control character, or white space at an end"
    : "a field name is empty, or holds what is no lower-case token";
}

/** What is against the rules of messages. */
export function syntax(message: string): Malformed {
  return new Malformed("syntax", message);
}
