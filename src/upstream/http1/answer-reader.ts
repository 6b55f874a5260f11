// The bytes of a target that are read as the heads of its answers: interim ones are passed over, up to the final one.
import { type ErrorCode, GatewayError } from "../../errors.ts";
import { Accumulator } from "../../http/accumulator.ts";
import { type HeadLimits, Malformed, findEmptyLine, MOST_INTERIM } from "../../http/message.ts";
import { type ResponseHead, readResponseHead } from "../../http/response-head.ts";

/** Reads the head of one answer from bytes that come in any pieces. */
export class AnswerReader {
  readonly #limits: HeadLimits;
  readonly #method: string;
  #held: Accumulator | undefined = undefined;
  #interim = 0;

  /** @param method of the request, which decides whether content follows */
  constructor(limits: HeadLimits, method: string) {
    this.#limits = limits;
    this.#method = method;
  }

  /** Bytes of an unfinished head have come. */
  get begun(): boolean {
    return this.#held !== undefined || this.#interim > 0;
  }

  /**
   * The final head, or that of a switch of protocols, and the bytes behind it; undefined while it is not whole.
   * @throws GatewayError when the answer cannot be used
   */
  read(bytes: Uint8Array): { head: ResponseHead; rest: Uint8Array } | undefined {
    let input = bytes;
    if (this.#held !== undefined) {
      const before = this.#held.length;
      this.#held.append(bytes);
      input = this.#held.bytes;
      if (findEmptyLine(input, before - 3) < 0) return this.#wait(undefined);
    }
    let at = 0;
    for (;;) {
      const head = this.#readHead(input, at);
      if (head === undefined) return this.#wait(input.subarray(at));
      at = head.end;
      // Interim answers mean nothing here: 100 was answered at the client's side (RFC 9110 section 15.2).
      if (head.status >= 200 || head.status === 101) return { head, rest: input.subarray(at) };
      if (++this.#interim > MOST_INTERIM) {
        throw new GatewayError("http_protocol_error", "the target sends interim answers without end");
      }
    }
  }

  #readHead(input: Uint8Array, at: number): ResponseHead | undefined {
    try {
      return readResponseHead(input, at, this.#limits, this.#method);
    } catch (fault) {
      throw fault instanceof Malformed ? malformedAnswer(fault) : fault;
    }
  }

  #wait(rest: Uint8Array | undefined): undefined {
    if (rest !== undefined) {
      this.#held = new Accumulator();
      this.#held.append(rest);
    }
    if (this.#held!.length <= this.#limits.maxHead) return undefined;
    throw new GatewayError("http_response_header_section_size", "the target's head is too large");
  }
}

const CODE_OF: Readonly<Record<Malformed["kind"], ErrorCode>> = {
  syntax: "http_protocol_error",
  version: "http_protocol_error",
  "target-size": "http_protocol_error",
  coding: "http_response_transfer_coding",
  size: "http_response_header_section_size",
};

/** What a malformed head or body of a target means. */
export function malformedAnswer(fault: Malformed): GatewayError {
  return new GatewayError(CODE_OF[fault.kind], `the target's answer is malformed: ${fault.message}`, { cause: fault });
}
