// An answer as its field blocks tell it, by the rules of RFC 9113 section 8.3.2. Pure.
import { type Fields, HOP_BY_HOP } from "../fields.ts";
import { readLength } from "../message.ts";
import { FieldBlock, syntax } from "./field-block.ts";

/** What the head of an answer says. */
export interface AnswerHead {
  readonly status: number;
  /** Without those that end at this hop, and without Content-Length. */
  readonly fields: Fields;
  /** What Content-Length says, as a number and as it was written. */
  readonly length: number | undefined;
  readonly announcedLength: string | undefined;
}

/** Takes the fields of an answer's head, or its trailers. */
export class ResponseBlock extends FieldBlock {
  #status: number | undefined = undefined;
  #length: string | undefined = undefined;

  protected override takePseudo(name: string, value: string): string | undefined {
    if (name !== ":status") return "a pseudo-field is unknown";
    if (this.#status !== undefined) return "the pseudo-field :status stands twice";
    // There is no switch of protocols (RFC 9113 section 8.6).
    if (!/^[1-5][0-9]{2}$/.test(value) || value === "101") return "the pseudo-field :status is no status";
    this.#status = Number(value);
    return undefined;
  }

  protected override takeField(name: string, value: string): string | undefined {
    if (name === "content-length") {
      if (this.#length !== undefined && this.#length !== value) return "two different of content-length";
      this.#length = value;
      return undefined;
    }
    return HOP_BY_HOP.has(name) ? undefined : super.takeField(name, value);
  }

  /** The head, once the block has come whole. @throws Malformed */
  head(): AnswerHead {
    this.refuse();
    if (this.#status === undefined) throw syntax("the pseudo-field :status is missing");
    const announcedLength = this.#length;
    const length = announcedLength === undefined ? undefined : readLength(announcedLength);
    return { status: this.#status, fields: this.fields, length, announcedLength };
  }
}
