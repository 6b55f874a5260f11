// The second upstream client: the runtime's fetch, for `protocol: "h2"` and where the runtime lends no sockets.
import type { Answer } from "../answer.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import { type Content, contentLength, isStream } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";
import { StreamBody } from "../http/stream-body.ts";
import { streamFromContent } from "../http/web-body.ts";
import { answerOf, headersOf, urlSafe } from "../http/web-message.ts";
import type { Left } from "../left.ts";
import type { FetchConnection, Platform } from "../platform.ts";
import { fetchFailure } from "./fetch-failure.ts";
import { silent } from "./lateness.ts";
import { TimedBody } from "./timed-body.ts";
import { WatchedBody } from "./watched-body.ts";

/** One request for the runtime's fetch. */
export interface FetchRequest {
  readonly method: string;
  /** Absolute; path and query as they are to be sent (latin1). */
  readonly url: string;
  readonly over: FetchConnection;
  /** As the target is to see them, without framing fields. */
  readonly fields: Fields;
  readonly content: Content;
  /** From the start to the answer's head, connecting included: fetch does not tell the two apart. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer's body. Not watched on Cloudflare, where the body does not pass our hands. */
  readonly idleMs: number;
}

/**
 * Sends a request by the runtime's fetch and resolves to the answer once its head is here. Redirects are passed on.
 *
 * What fetch cannot do is refused before anything is sent: content of GET and HEAD, a switch of protocols outside of
 * Cloudflare, a path that begins with `//` on Bun. What it changes: names are lower case, repeated fields are joined
 * (not Set-Cookie), the reason phrase may be lost, interim answers and trailers are dropped.
 * @throws GatewayError one of the upstream's codes, or `client_disconnect`
 */
export async function fetchAttempt(platform: Platform, request: FetchRequest, left: Left): Promise<Answer> {
  refuseImpossible(platform, request);
  const stop = new AbortController();
  let ended: GatewayError | undefined;
  const end = (error: GatewayError): void => {
    ended ??= error;
    stop.abort(ended);
  };
  const timer = platform.setTimer(
    () => end(silent(request.firstByteMs, "timeouts.connect and timeouts.firstByte")),
    request.firstByteMs,
  );
  const leave = (): void => end(new GatewayError("client_disconnect", "the client left before its answer came"));
  const before = left.also(leave);
  if (left.yes) leave();
  try {
    const { content } = request;
    // A stream that the runtime brought is its own to end; what passes our hands we end ourselves.
    const watched =
      isStream(content) && !(content instanceof StreamBody)
        ? new WatchedBody(content, (error) => end(toGatewayError(error)))
        : content;
    const response = await platform.fetch(webRequest({ ...request, content: watched }, stop.signal), request.over);
    if (ended === undefined) return answered(platform, request, response);
    void response.body?.cancel().catch(() => undefined);
    throw ended;
  } catch (thrown) {
    if (isStream(request.content)) request.content.cancel();
    throw ended ?? fetchFailure(thrown, request.url);
  } finally {
    platform.clearTimer(timer);
    // From here on whoever writes the answer cancels its content when the client leaves.
    left.restore(before);
  }
}

function refuseImpossible(platform: Platform, { method, url, fields, content }: FetchRequest): void {
  const refuse = (what: string): never => {
    if (isStream(content)) content.cancel();
    throw new GatewayError("protocol_not_supported", `fetch cannot send ${what}`, {
      publicDetail: `This gateway cannot forward ${what}.`,
    });
  };
  if (content !== null && (method === "GET" || method === "HEAD")) refuse(`content of ${method}`);
  if (fields.has("upgrade") && platform.runtime !== "workers") refuse("a switch of protocols");
  // Bun takes one of the slashes away: another path than the one that was matched would be asked for.
  if (platform.runtime === "bun" && url.startsWith("//", url.indexOf("/", 8))) refuse("a path that begins with //");
}

function webRequest({ method, url, fields, content }: FetchRequest, signal: AbortSignal): Request {
  const headers = headersOf(fields);
  const length = contentLength(content);
  if (content !== null && length !== undefined) headers.set("content-length", String(length));
  // Bun and Deno name themselves otherwise; an empty field is the nearest to none that they allow.
  if (!headers.has("user-agent")) headers.set("user-agent", "");
  const init: RequestInit & { duplex: "half" } = {
    method,
    headers,
    body: streamFromContent(content) as BodyInit | null,
    redirect: "manual",
    signal,
    // A stream as a request's body is refused without it (Fetch standard, RequestInit).
    duplex: "half",
  };
  return new Request(urlSafe(url), init);
}

function answered(platform: Platform, request: FetchRequest, response: Response): Answer {
  const answer = answerOf(response);
  // On Cloudflare the runtime passes the body on by itself, without a turn of ours for each piece.
  if (platform.runtime === "workers") return answer;
  answer.web = undefined;
  if (request.method === "HEAD" && isStream(answer.content)) {
    const { length } = answer.content;
    answer.content.cancel();
    answer.content = null;
    answer.announcedLength = length === undefined ? undefined : String(length);
  }
  if (isStream(answer.content)) answer.content = new TimedBody(answer.content, request.idleMs, platform);
  return answer;
}
