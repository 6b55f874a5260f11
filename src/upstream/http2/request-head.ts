// The head of a request to a target, as HTTP/2 says it (RFC 9113 section 8.3.1).
import type { HpackEncoder } from "../../http/http2/hpack-encoder.ts";
import { blockField } from "../../http/http2/message-sender.ts";

/** A head that this gateway wrote for HTTP/1.1 as a field block: what is said elsewhere there stands in pseudo-fields. */
export function requestBlock(hpack: HpackEncoder, head: string, scheme: "http" | "https"): string {
  const lines = head.split("\r\n");
  const [method = "", target = ""] = lines[0]!.split(" ");
  let authority = "";
  const fields: (readonly [key: string, value: string])[] = [];
  for (let i = 1; i < lines.length - 2; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    const key = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    if (key === "host") authority = value;
    else fields.push([key, value]);
  }
  let block = hpack.begin() + hpack.field(":method", method) + hpack.field(":scheme", scheme);
  block += hpack.field(":authority", authority) + hpack.field(":path", target);
  for (const [key, value] of fields) {
    block += blockField(hpack, key, value);
    // Of this hop, and so not the client's to say: gRPC wants it said (RFC 9110 section 10.1.4).
    if (key === "content-type" && value.startsWith("application/grpc")) block += hpack.field("te", "trailers");
  }
  return block;
}
