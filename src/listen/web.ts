// The listener where the runtime has no sockets: a Request of the Web API comes in, a Response goes out.
import type { Answer, Arrival } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { bodyFromStream, StreamBody, streamFromContent } from "../http/web-body.ts";

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

/**
 * An Answer as a Response. The response it came from is returned itself while the answer still says the same; otherwise
 * its body is handed on without a copy where nothing has read it. A status that a Response cannot carry (outside
 * 200-599) becomes 502 without content.
 */
export function answerToResponse(answer: Answer): Response {
  const { web } = answer;
  if (web !== undefined && web.status === answer.status && (web.status === 101 || saysTheSame(web, answer))) return web;
  const { status } = answer;
  if (status < 200 || status > 599) {
    discard(answer);
    return new Response(null, { status: 502 });
  }
  const headers = answer.fields.toHeaders();
  const empty = NULL_BODY.has(status);
  if (empty) discard(answer);
  else if (answer.content === null && answer.announcedLength !== undefined) {
    headers.set("content-length", answer.announcedLength);
  } else if (answer.content !== null && answer.content.length !== undefined) {
    headers.set("content-length", String(answer.content.length));
  }
  const body = empty ? null : (streamFromContent(answer.content) as BodyInit | null);
  return new Response(body, { status, statusText: answer.reason, headers });
}

/** Statuses whose Response must not have a body (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function discard(answer: Answer): void {
  if (answer.content !== null && "cancel" in answer.content) answer.content.cancel();
}

function saysTheSame(web: Response, answer: Answer): boolean {
  const stream = answer.content instanceof StreamBody ? answer.content.untouched : answer.content;
  if (stream !== web.body) return false;
  const { keys, values } = answer.fields;
  let at = 0;
  for (const [key, value] of web.headers) {
    if (keys[at] === key && values[at] === value) at += 1;
    else if (key !== "content-length") return false;
  }
  return at === keys.length;
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
