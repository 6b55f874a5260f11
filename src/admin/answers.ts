// The forms in which the admin listener answers.
import { type Answer, answerOfBytes } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";

const ENCODER = new TextEncoder();

/** A value as JSON. */
export function json(x: Exchange, status: number, value: unknown): Answer {
  return content(x, status, "application/json", JSON.stringify(value));
}

/** A text of a media type. Nobody keeps it. */
export function content(x: Exchange, status: number, type: string, text: string): Answer {
  const fields = Fields.of(
    ["Content-Type", type],
    ["Cache-Control", "no-store"],
    ["X-Content-Type-Options", "nosniff"],
  );
  if (status === 503) fields.add("Retry-After", "1");
  return answerOfBytes(x.method, status, fields, ENCODER.encode(text));
}

/** The question itself is wrong. @param detail a sentence for who asks */
export function wrong(detail: string): GatewayError {
  return new GatewayError("http_request_error", detail, { publicDetail: detail });
}

/** What the question names is not there. @param detail a sentence for who asks */
export function unknown(detail: string): GatewayError {
  return new GatewayError("route_not_found", detail, { publicDetail: detail });
}

/** It cannot be done here, whoever asks. @param detail a sentence for who asks */
export function impossible(detail: string): GatewayError {
  return new GatewayError("protocol_not_supported", detail, { publicDetail: detail });
}
