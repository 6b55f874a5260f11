// An answer on its way out through the Web API: to Hono's middleware, or to a runtime without sockets.
import type { Answer } from "../answer.ts";
import { reasonOf } from "./reason.ts";
import { StreamBody } from "./stream-body.ts";
import { streamFromContent } from "./web-body.ts";

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
    answer.discard();
    return new Response(null, { status: 502 });
  }
  const headers = answer.fields.toHeaders();
  const empty = NULL_BODY.has(status);
  if (empty) answer.discard();
  // Content tells its length itself. As a field it would outlive content that middleware puts in another's place.
  else if (answer.content === null && answer.announcedLength !== undefined) {
    headers.set("content-length", answer.announcedLength);
  }
  const body = empty ? null : (streamFromContent(answer.content) as BodyInit | null);
  return new Response(body, { status, statusText: answer.reason ?? reasonOf(status), headers });
}

/** Statuses whose Response must not have a body (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

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
