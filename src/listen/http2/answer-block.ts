// The head of an answer as a field block (RFC 9113 section 8.3.2).
import type { Answer } from "../../answer.ts";
import { contentLength } from "../../http/body.ts";
import type { HpackEncoder } from "../../http/http2/hpack-encoder.ts";
import { blockField } from "../../http/http2/message-sender.ts";
import { hasNoContent } from "../../http/message.ts";
import { announcedLength } from "../answer-writer.ts";

/** The block. @param date for answers without one (RFC 9110 section 6.6.1) */
export function answerBlock(hpack: HpackEncoder, answer: Answer, method: string, date: string): string {
  const { status, fields, content } = answer;
  let block = hpack.begin() + hpack.status(status);
  for (let i = 0; i < fields.size; i++) block += blockField(hpack, fields.keys[i]!, fields.values[i]!);
  if (!fields.has("date")) block += hpack.field("date", date);
  // Where there is none the end of the stream says so.
  const length = hasNoContent(method, status) || content === null ? announcedLength(answer) : contentLength(content);
  return length === undefined ? block : block + hpack.field("content-length", String(length));
}
