// Bodies between the two worlds: a Body pushes at the sink's pace, a ReadableStream is pulled by its reader.
import type { Body, BodySink, Content } from "./body.ts";
import { isStream } from "./body.ts";
import { asError, StreamBody } from "./stream-body.ts";

/** Streams that stand for a Body and that nobody has read yet; the call takes the Body out. */
const standIns = new WeakMap<ReadableStream<Uint8Array>, () => Body>();

/**
 * A ReadableStream as a Body. A stream that {@link streamFromContent} made and nobody has read gives back the Body it
 * stands for. A `length` is a promise: content that turns out shorter or longer fails, for a message framed by it would
 * be wrong. The stream is read no faster than the sink takes it, and cancelled with the body.
 */
export function bodyFromStream(stream: ReadableStream<Uint8Array>, length?: number): Body {
  const takeOut = stream.locked ? undefined : standIns.get(stream);
  return takeOut === undefined ? new StreamBody(stream, length) : takeOut();
}

/**
 * Content as the Web API takes it. A stream that was only carried comes out as the same object; any other Body is read
 * when the stream is, and not ahead of it. Cancelling the stream cancels the body; a body that fails makes the stream
 * fail with the same error. Trailers are lost: the Web API has no place for them.
 */
export function streamFromContent(content: Content): ReadableStream<Uint8Array> | Uint8Array | null {
  if (!isStream(content)) return content;
  return (content instanceof StreamBody ? content.take() : undefined) ?? streamFromBody(content);
}

function streamFromBody(body: Body): ReadableStream<Uint8Array> {
  let piped = false;
  let wanted = false;
  let writing = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        wanted = true;
        if (!piped) {
          if (!standIns.delete(stream)) throw new TypeError("this content has been passed on: it cannot be read here");
          piped = true;
          body.pipe(sinkOf(controller));
        } else if (!writing) {
          body.resume();
        }
      },
      cancel(reason) {
        if (piped || standIns.delete(stream)) body.cancel(reason === undefined ? undefined : asError(reason));
      },
    },
    // Nothing is read ahead: what nobody asks for stays with its sender.
    { highWaterMark: 0 },
  );
  standIns.set(stream, () => {
    standIns.delete(stream);
    return body;
  });
  return stream;

  function sinkOf(controller: ReadableStreamDefaultController<Uint8Array>): BodySink {
    return {
      write(chunk) {
        if (chunk.length === 0) return true;
        wanted = false;
        // `enqueue` may call `pull` before it returns: the answer below tells the body then, not a nested `resume`.
        writing = true;
        controller.enqueue(chunk);
        writing = false;
        return wanted;
      },
      end() {
        controller.close();
      },
      fail(error) {
        controller.error(error);
      },
    };
  }
}
