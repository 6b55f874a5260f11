// Refusals to callers of gRPC: one head that is all of the answer, with a status of gRPC's own in it.
import type { Answer } from "../answer.ts";
import type { GatewayError } from "../errors.ts";
import { MEANINGS } from "../errors.ts";
import type { Exchange } from "../exchange.ts";

/**
 * Codes of gRPC for HTTP statuses, as gRPC's clients map them (gRPC, "HTTP to gRPC Status Code Mapping"); all others are
 * UNKNOWN. Where gRPC's own list of codes names the case ("Status codes and their use in gRPC") that is taken: 405, 413,
 * 429 and 501.
 */
const CODES: Readonly<Record<number, number>> = {
  400: 13, // INTERNAL
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 12, // UNIMPLEMENTED
  405: 12,
  413: 8, // RESOURCE_EXHAUSTED: a message over the bound
  429: 8,
  431: 13,
  501: 12,
  502: 14, // UNAVAILABLE
  503: 14,
  504: 14,
};
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;

/** Most characters of a message. Clients may take no more than 8 KiB for all fields. */
const MOST_MESSAGE = 512;
const ENCODER = new TextEncoder();

/**
 * Whether it is a call of gRPC: POST by HTTP/2 with a type of gRPC's (gRPC over HTTP/2, "Requests"). `application/grpc-web`
 * is another protocol.
 */
export function isGrpcCall({ method, version, fields }: Exchange): boolean {
  if (method !== "POST" || version.startsWith("1")) return false;
  const type = fields.get("content-type");
  return type !== undefined && /^application\/grpc(?:[+; \t]|$)/i.test(type);
}

/** Turns the answer for an error into what a caller of gRPC reads: its code, and the word and the words for it. */
export function tellErrorByGrpc(answer: Answer, { code, status, publicDetail }: GatewayError): void {
  const number = code === "deadline_exceeded" ? DEADLINE_EXCEEDED : (CODES[status] ?? UNKNOWN);
  tell(answer, number, `${code}: ${publicDetail ?? MEANINGS[code].title}`);
}

/** Does the same to an answer of the config that is a failure (400 and above), and says nothing of gRPC by itself. */
export function tellFixedByGrpc(answer: Answer): void {
  const { status, fields, content } = answer;
  if (status < 400 || fields.has("grpc-status")) return;
  const isText = content instanceof Uint8Array && fields.get("content-type")?.startsWith("text/plain") === true;
  tell(answer, CODES[status] ?? UNKNOWN, isText ? new TextDecoder().decode(content) : `status ${status}`);
}

/** "Trailers-Only" (gRPC over HTTP/2, "Responses"): 200, and what would be trailers in the head. Other fields stay. */
function tell(answer: Answer, code: number, message: string): void {
  answer.standsFor = answer.status;
  answer.status = 200;
  answer.reason = undefined;
  answer.discard();
  answer.content = null;
  answer.web = undefined;
  answer.fields.set("Content-Type", "application/grpc");
  answer.fields.delete("content-encoding");
  answer.fields.set("grpc-status", String(code));
  answer.fields.set("grpc-message", percentEncoded(message.slice(0, MOST_MESSAGE)));
}

/** UTF-8, each byte but those of printable ASCII, and "%" itself, as "%XX" (gRPC over HTTP/2, "Percent-Encoded"). */
function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of ENCODER.encode(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
