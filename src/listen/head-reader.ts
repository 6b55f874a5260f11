// The bytes of a client that wait to be read as requests: the beginning of a head, or requests sent ahead (pipelining).
import { Accumulator } from "../http/accumulator.ts";
import { CR, type HeadLimits, LF, findEmptyLine } from "../http/message.ts";
import { type RequestHead, readRequestHead } from "../http/request-head.ts";

/** Reads one request head after another from bytes that come in any pieces. */
export class HeadReader {
  readonly #limits: HeadLimits;
  #bytes: Uint8Array = NOTHING;
  /** Owns `#bytes` once they came in more than one piece. */
  #joined: Accumulator | undefined = undefined;
  /** So many of the bytes are known to hold no whole head. */
  #scanned = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes that wait have not been looked at. */
  get fresh(): boolean {
    return this.#scanned === 0;
  }

  /** More bytes than a head may have, and still none. */
  get tooLong(): boolean {
    return this.#scanned > this.#limits.maxHead;
  }

  /** Adds bytes behind those that wait. A first piece is not copied. */
  add(bytes: Uint8Array): void {
    if (this.#bytes.length === 0) {
      this.#bytes = bytes;
      return;
    }
    if (this.#joined === undefined) {
      this.#joined = new Accumulator();
      this.#joined.append(this.#bytes);
    }
    this.#joined.append(bytes);
    this.#bytes = this.#joined.bytes;
  }

  /** The next head, or undefined while it is not whole. @throws Malformed */
  read(): RequestHead | undefined {
    if (this.#scanned === 0) this.#skipEmptyLines();
    if (this.#bytes.length === 0) return undefined;
    const { maxTarget } = this.#limits;
    // A request line that has grown too long is refused now, not when the whole head has.
    const longLine = this.#scanned <= maxTarget && this.#bytes.length > maxTarget;
    const dripping = this.#scanned > 0 && !longLine && findEmptyLine(this.#bytes, this.#scanned - 3) < 0;
    const head = dripping ? undefined : readRequestHead(this.#bytes, 0, this.#limits);
    if (head === undefined) this.#scanned = this.#bytes.length;
    else this.#drop(head.end);
    return head;
  }

  /** Empty lines before a request line mean nothing (RFC 9112 section 2.2): by themselves they begin no request. */
  #skipEmptyLines(): void {
    let at = 0;
    while (this.#bytes[at] === CR && this.#bytes[at + 1] === LF) at += 2;
    if (at > 0) this.#drop(at);
  }

  /** Takes `count` bytes away; all without a count. */
  take(count: number = this.#bytes.length): Uint8Array {
    const taken = this.#bytes.subarray(0, count);
    this.#drop(count);
    return taken;
  }

  #drop(count: number): void {
    this.#bytes = count === this.#bytes.length ? NOTHING : this.#bytes.subarray(count);
    this.#joined = undefined;
    this.#scanned = 0;
  }
}

const NOTHING = new Uint8Array(0);
