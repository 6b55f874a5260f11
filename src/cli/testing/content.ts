// Content that a test writes, as bytes and their media type.
import { latin1Bytes } from "../../http/latin1.ts";
import type { TestBodyContent } from "./options.ts";

/** Bytes, and what they are; undefined when the content does not say. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly type: string | undefined;
}

const EMPTY: Content = { bytes: new Uint8Array(), type: undefined };

/** The bytes of a body. Plain objects and arrays are written as JSON. */
export async function contentOf(body: TestBodyContent | undefined): Promise<Content> {
  if (body === undefined || body === null) return EMPTY;
  if (body instanceof Uint8Array) return { bytes: body, type: undefined };
  const known = typeof body === "string" || body instanceof URLSearchParams || body instanceof FormData;
  const message = known ? new Response(body) : Response.json(body);
  return { bytes: await message.bytes(), type: message.headers.get("content-type") ?? undefined };
}

/** The text that bytes on the wire stand for. */
export function textOf(wire: string): string {
  return new TextDecoder().decode(latin1Bytes(wire));
}
