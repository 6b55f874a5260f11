// The Web API's messages at the edge of Hono: what middleware and handlers receive, and what they give back.
import { Answer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { Fields, HOP_BY_HOP, tokens } from "./fields.ts";
import { StreamBody } from "./stream-body.ts";
import { bodyFromStream, streamFromContent } from "./web-body.ts";

/**
 * The exchange as a Request for Hono and the user's functions. Its URL carries the path that was matched, so what a
 * middleware decides on is what is routed and forwarded: a byte that the URL parser would give another meaning (`\`, `#`,
 * a byte above 0x7F) is percent-encoded first. GET and HEAD never show content (the Fetch standard forbids it).
 * `signal` aborts when the client leaves, unless something else listens for that already. Content is used up by this call.
 */
export function requestOf(x: Exchange): Request {
  const leaving = new AbortController();
  if (x.left.yes) leaving.abort();
  else if (!x.left.isHeard) x.left.also(() => leaving.abort());
  const hasContent = x.method !== "GET" && x.method !== "HEAD";
  const init: RequestInit & { duplex: "half" } = {
    method: x.method,
    headers: headersOf(x.fields),
    body: hasContent ? (streamFromContent(x.content) as BodyInit | null) : null,
    signal: leaving.signal,
    // A stream as a request's body is refused without it (Fetch standard, RequestInit).
    duplex: "half",
  };
  return new Request(urlOf(x), init);
}

/** The absolute URL of an exchange. Without a Host field (HTTP/1.0) the host reads `localhost`. */
export function urlOf(x: Pick<Exchange, "scheme" | "authority" | "path" | "query">): string {
  return urlSafe(`${x.scheme}://${x.authority === "" ? "localhost" : x.authority}${x.path}${x.query}`);
}

/** An absolute URL in which the URL parser finds nothing to reinterpret: bytes that it would are percent-encoded. */
export function urlSafe(url: string): string {
  const queryAt = url.indexOf("?");
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const plain = path.includes("\\") ? path.replaceAll("\\", "%5C") + url.slice(path.length) : url;
  return UNSAFE.test(plain) ? plain.replace(UNSAFE_ALL, percent) : plain;
}

/**
 * What a handler or middleware returned, as an Answer. Hop-by-hop fields and those that `Connection` names are dropped,
 * and a Content-Length becomes the length of the content: the listener frames anew. `web` keeps the response.
 */
export function answerOf(response: Response): Answer {
  const fields = new Fields();
  const named = tokens(response.headers.get("connection") ?? "");
  let declared: string | undefined;
  for (const [key, value] of response.headers) {
    if (key === "content-length") declared = value;
    else if (!HOP_BY_HOP.has(key) && !named.includes(key)) fields.add(key, value);
  }
  const length = declared !== undefined && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined;
  const content = response.body === null ? null : bodyFromStream(response.body, length);
  const answer = new Answer(response.status, reasonIn(response), fields, content);
  if (content === null && length !== undefined) answer.announcedLength = String(length);
  // A response whose content was taken out of its stream cannot be sent any more.
  if (content === null || content instanceof StreamBody) answer.web = response;
  return answer;
}

/**
 * As {@link answerOf}, but content that is here already (text, JSON, bytes) is taken as bytes, whatever Content-Length
 * says. Content that is still to come stays a stream: its head need not wait.
 */
export async function settledAnswerOf(response: Response): Promise<Answer> {
  const answer = answerOf(response);
  if (!(answer.content instanceof StreamBody)) return answer;
  answer.web = undefined;
  const bytes = await answer.content.whole();
  if (bytes !== undefined) answer.content = bytes;
  return answer;
}

/** Fields as Headers; repeated lines are joined, cookies by `; `. */
export function headersOf(fields: Fields): Headers {
  const headers = fields.toHeaders();
  // Headers joins repeated lines by a comma, which is no separator of cookies (RFC 9113 section 8.2.3).
  const cookies = fields.all("cookie");
  if (cookies.length > 1) headers.set("cookie", cookies.join("; "));
  return headers;
}

const UNSAFE = /[^\x21-\x7e]|#/;
const UNSAFE_ALL = /[^\x21-\x7e]|#/g;

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** A reason phrase as RFC 9112 section 4 allows it. Not every runtime refuses another, and a line break would begin a field. */
function reasonIn({ statusText }: Response): string | undefined {
  return /^[\t\x20-\x7e\x80-\xff]+$/.test(statusText) ? statusText : undefined;
}
