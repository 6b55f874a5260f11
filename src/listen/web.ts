// The listener where the runtime has no sockets: a Request of the Web API comes in.
import type { Answer } from "../answer.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import { type Arrival, type Bindings, Exchange, type Way } from "../exchange.ts";
import { type Body, type BodySink, contentLength, isStream } from "../http/body.ts";
import { Fields } from "../http/fields.ts";
import { answerToResponse } from "../http/web-answer.ts";
import { bodyFromStream } from "../http/web-body.ts";
import type { Platform } from "../platform.ts";
import { refusalOfMethod } from "./admit.ts";

/**
 * What a Request tells of its arrival. The authority is the URL's: the runtime has settled Host and absolute-form
 * targets. Fields have passed the runtime's hands: lower case, sorted, repeated lines joined.
 */
export function arrivalFromRequest(request: Request, peer: string): Arrival {
  const { url } = request;
  const authorityAt = url.indexOf("://") + 3;
  const targetAt = authorityEnd(url, authorityAt);
  const fragmentAt = url.indexOf("#", targetAt);
  const target = url.slice(targetAt, fragmentAt < 0 ? undefined : fragmentAt);
  const length = request.headers.get("content-length");
  return {
    method: request.method,
    target: target.startsWith("/") ? target : `/${target}`,
    scheme: url.startsWith("https:") ? "https" : "http",
    authority: url.slice(authorityAt, targetAt).toLowerCase(),
    version: versionOf(request),
    fields: Fields.fromHeaders(request.headers),
    content: request.body === null ? null : bodyFromStream(request.body, length === null ? undefined : Number(length)),
    peer,
  };
}

function authorityEnd(url: string, from: number): number {
  for (let at = from; at < url.length; at++) {
    const character = url.charCodeAt(at);
    if (character === 0x2f || character === 0x3f || character === 0x23) return at;
  }
  return url.length;
}

/** Cloudflare tells the client's protocol in `cf.httpProtocol`; elsewhere it is taken for HTTP/1.1. */
function versionOf(request: Request): Arrival["version"] {
  const { cf } = request as { cf?: { httpProtocol?: unknown } };
  const named = typeof cf?.httpProtocol === "string" ? cf.httpProtocol.replace("HTTP/", "") : "1.1";
  return named === "1.0" || named === "2" || named === "3" ? named : "1.1";
}

/** Sends a Request the whole way and resolves to its Response. The exchange ends when the last byte has been read. */
export function travelWeb(
  way: Way,
  platform: Platform,
  request: Request,
  peer: string,
  bindings: Bindings,
): Promise<Response> {
  const x = new Exchange(arrivalFromRequest(request, peer), platform.now());
  x.bindings = bindings;
  request.signal.addEventListener("abort", () => x.left.tell());
  return new Promise((resolve) => {
    const send = (answer: Answer): void => {
      x.answer = answer;
      const bytesIn = x.content instanceof Uint8Array ? x.content.length : 0;
      const finish = (error: GatewayError | undefined, bytesOut: number): void =>
        way.finish(x, { error: x.error ?? error, bytesIn, bytesOut });
      if (isStream(answer.content) && answer.web === undefined) answer.content = new Watched(answer.content, finish);
      else finish(undefined, contentLength(answer.content) ?? 0);
      try {
        resolve(answerToResponse(answer));
      } catch (thrown) {
        const refusal = way.refuse(x, toGatewayError(thrown));
        // Nobody will read it, and the exchange ends with it.
        answer.discard();
        resolve(answerToResponse(refusal));
      }
    };
    const refusal = refusalOfMethod(x.method);
    if (refusal === undefined) way.travel(x, send);
    else {
      x.error = refusal;
      send(way.refuse(x, refusal));
    }
  });
}

/** Content that tells how it ended. */
class Watched implements Body {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #finish: (error: GatewayError | undefined, bytes: number) => void;
  #bytes = 0;
  #over = false;

  constructor(body: Body, finish: (error: GatewayError | undefined, bytes: number) => void) {
    this.length = body.length;
    this.#body = body;
    this.#finish = finish;
  }

  pipe(sink: BodySink): void {
    this.#body.pipe({
      write: (chunk) => {
        this.#bytes += chunk.length;
        return sink.write(chunk);
      },
      end: (trailers) => {
        this.#end(undefined);
        sink.end(trailers);
      },
      fail: (error) => {
        this.#end(toGatewayError(error));
        sink.fail(error);
      },
    });
  }

  resume(): void {
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#end(new GatewayError("client_disconnect", "the client left in the middle of its answer"));
    this.#body.cancel(reason);
  }

  #end(error: GatewayError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#finish(error, this.#bytes);
  }
}
