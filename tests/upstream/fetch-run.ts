// One attempt of the fetch client and what it came to, as values that pass between processes.
import { GatewayError, toGatewayError } from "../../src/errors.ts";
import { type Content, isStream } from "../../src/http/body.ts";
import { Fields } from "../../src/http/fields.ts";
import { bodyFromStream } from "../../src/http/web-body.ts";
import { Left } from "../../src/left.ts";
import type { ClientTls, Platform } from "../../src/platform.ts";
import { fetchAttempt } from "../../src/upstream/fetch-client.ts";

/** What to send. */
export interface Spec {
  readonly url: string;
  /** Default: GET. */
  readonly method?: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Text, or pieces that are streamed. */
  readonly content?: string | readonly string[];
  readonly firstByteMs?: number;
  readonly idleMs?: number;
  /** The client leaves after so long. */
  readonly leaveMs?: number;
  readonly http2?: boolean;
  readonly tls?: ClientTls;
}

/** What came of it. `error` and `broken` are codes of the one vocabulary. */
export interface Outcome {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** In base64. */
  readonly content: string;
  readonly announcedLength: string | undefined;
  /** Why there is no answer. */
  readonly error: string | undefined;
  /** Why its content is not whole. */
  readonly broken: string | undefined;
}

/** Makes the attempt and reads the answer to its end. */
export async function run(platform: Platform, spec: Spec): Promise<Outcome> {
  const left = new Left();
  if (spec.leaveMs !== undefined) platform.setTimer(() => left.tell(), spec.leaveMs);
  const request = {
    method: spec.method ?? "GET",
    url: spec.url,
    over: { http2: spec.http2 ?? false, tls: spec.tls },
    fields: Fields.of(...(spec.fields ?? [])),
    content: contentOf(spec.content),
    firstByteMs: spec.firstByteMs ?? 5000,
    idleMs: spec.idleMs ?? 5000,
  };
  try {
    const answer = await fetchAttempt(platform, request, left);
    const { bytes, broken } = await read(answer.content);
    const { status, announcedLength } = answer;
    const content = bytes.toString("base64");
    return { status, fields: [...answer.fields], content, announcedLength, error: undefined, broken };
  } catch (thrown) {
    const error = thrown instanceof GatewayError ? thrown.code : `no GatewayError: ${String(thrown)}`;
    return { status: 0, fields: [], content: "", announcedLength: undefined, error, broken: undefined };
  }
}

function contentOf(content: Spec["content"]): Content {
  if (content === undefined) return null;
  const encoder = new TextEncoder();
  if (typeof content === "string") return encoder.encode(content);
  const pieces = [...content];
  return bodyFromStream(
    new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(encoder.encode(piece));
      },
    }),
  );
}

function read(content: Content): Promise<{ bytes: Buffer; broken: string | undefined }> {
  if (!isStream(content)) return Promise.resolve({ bytes: Buffer.from(content ?? []), broken: undefined });
  const pieces: Uint8Array[] = [];
  return new Promise((resolve) => {
    content.pipe({
      write: (piece) => (pieces.push(piece), true),
      end: () => resolve({ bytes: Buffer.concat(pieces), broken: undefined }),
      fail: (error) => resolve({ bytes: Buffer.concat(pieces), broken: toGatewayError(error).code }),
    });
  });
}
