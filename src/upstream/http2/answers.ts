// The answers on a connection of HTTP/2 to a target, as they come in.
import { PROTOCOL_ERROR, StreamFault } from "../../http/http2/fault.ts";
import { Incoming, type IncomingOwner } from "../../http/http2/incoming.ts";
import { ResponseBlock } from "../../http/http2/response-block.ts";
import { MAX_CONCURRENT_STREAMS } from "../../http/http2/settings.ts";
import type { RequestStream } from "./stream.ts";

/** The receiving side of a connection to a target. */
export class Answers extends Incoming<RequestStream> {
  readonly #allow: (streams: number) => void;
  /** Answers whose head came with what is being read. */
  #fresh: RequestStream[] = [];

  /** @param allow told how many streams the target takes */
  constructor(owner: IncomingOwner, allow: (streams: number) => void) {
    super(owner);
    this.#allow = allow;
  }

  protected override feed(bytes: Uint8Array): void {
    super.feed(bytes);
    // What came along with a head is handed on with it.
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    this.#fresh = [];
    for (const stream of fresh) stream.deliver();
  }

  protected override takeBlock(id: number, bytes: Uint8Array, endStream: boolean): void {
    const stream = this.known(id);
    const block = new ResponseBlock(this.owner.limits, stream?.hasAnswer === true);
    this.decode(bytes, block.take);
    if (stream === undefined) return;
    if (!stream.hasAnswer) {
      if (stream.head(block, endStream)) this.#fresh.push(stream);
    } else if (endStream) stream.end(block);
    else throw new StreamFault(id, PROTOCOL_ERROR, "trailers do not end their stream");
  }

  protected override setting(id: number, value: number): void {
    if (id === MAX_CONCURRENT_STREAMS) this.#allow(value);
  }
}
