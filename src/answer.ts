// Answer: what goes back to the client. Tunnel: what follows an answer that switches protocols.
import { type Content, isStream } from "./http/body.ts";
import type { Fields } from "./http/fields.ts";
import type { Socket, SocketError } from "./platform.ts";

/** Where a two-way stream of bytes continues once an answer of status 101 has gone out. */
export interface Tunnel {
  /** Hands over the upstream's side; the listener joins it with the client's. */
  readonly upstream: Socket;
  /** Bytes that arrived behind the upstream's 101. The socket is paused: what came later still waits in it. */
  readonly early: Uint8Array;
  /** Set when the upstream's side has gone before it was joined; with an error if it broke. */
  gone: { readonly error: SocketError | undefined } | undefined;
  /** Called once when the tunnel has closed. */
  closed(bytesIn: number, bytesOut: number): void;
}

/** What goes back to the client. `fields` hold neither hop-by-hop nor framing fields: the listener frames anew. */
export class Answer {
  status: number;
  /** The status to record and to count by where another one goes out: callers of gRPC get failures with status 200. */
  standsFor: number | undefined = undefined;
  /** The reason phrase as it came, or undefined for the usual one. */
  reason: string | undefined;
  fields: Fields;
  content: Content;
  /**
   * The Content-Length to announce when the answer has no content to measure: HEAD and 304 (RFC 9110 section 8.6).
   * Undefined announces none.
   */
  announcedLength: string | undefined = undefined;
  tunnel: Tunnel | undefined = undefined;
  /** The Web API response this came from, kept where the runtime can send it without a copy. */
  web: Response | undefined = undefined;

  constructor(status: number, reason: string | undefined, fields: Fields, content: Content) {
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    this.content = content;
  }

  /** Nobody reads it: whoever sends its content may stop, and no tunnel follows it. */
  discard(): void {
    if (isStream(this.content)) this.content.cancel();
    this.tunnel?.upstream.destroy();
    this.tunnel?.closed(0, 0);
  }
}

/** An answer whose content is all here. HEAD gets the length of what GET would have got (RFC 9110 section 9.3.2). */
export function answerOfBytes(method: string, status: number, fields: Fields, content: Uint8Array): Answer {
  const answer = new Answer(status, undefined, fields, method === "HEAD" ? null : content);
  if (method === "HEAD") answer.announcedLength = String(content.length);
  return answer;
}
