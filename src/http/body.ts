// A message body on its way: pushed into a sink, at the pace the sink takes it.
import type { Fields } from "./fields.ts";

/** Where a body goes. Calls come in order: any number of `write`, then one of `end` or `fail`. */
export interface BodySink {
  /** Takes a piece. False means full: the body stops sending until its `resume` is called. */
  write(chunk: Uint8Array): boolean;
  /** The body is whole. */
  end(trailers?: Fields): void;
  /** The body broke off: what was written so far must never look whole. */
  fail(error: Error): void;
}

/** Where a body comes from. It is read once. */
export interface Body {
  /** Bytes to come, or undefined when only the end will tell. */
  readonly length: number | undefined;
  /** Begins to push into the sink. Called once. The sink may be called before this returns. */
  pipe(sink: BodySink): void;
  /** The sink has room again. */
  resume(): void;
  /** Nobody wants the rest. The sink is not called again. Idempotent; also allowed before `pipe`. */
  cancel(reason?: Error): void;
}

/** What an exchange or an answer carries: nothing, bytes that are all here, or a body on its way. */
export type Content = Body | Uint8Array | null;

/** Whether the content is a body on its way (and not bytes, and not nothing). */
export function isStream(content: Content): content is Body {
  return content !== null && !(content instanceof Uint8Array);
}

/** The length in bytes, or undefined if only the end will tell. */
export function contentLength(content: Content): number | undefined {
  return content === null ? 0 : content.length;
}
