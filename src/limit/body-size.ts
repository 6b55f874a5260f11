// The stage that bounds content: by the length that is declared, else by the bytes that come.
import { GatewayError } from "../errors.ts";
import type { Stage } from "../exchange.ts";
import { type Body, type BodySink, isStream } from "../http/body.ts";

/**
 * Makes the stage. A declared length over the bound ends the way with 413 before anything is forwarded, and before the
 * client is told to go on (`Expect: 100-continue`). Content without a declared length is counted as it comes: over the
 * bound it breaks off, so that it looks whole to nobody.
 * @param most bytes of content, framing and trailers not counted
 */
export function bodySizeStage(most: number): Stage {
  return (x) => {
    const { content } = x;
    if (content === null) return;
    if (content.length !== undefined) {
      if (content.length > most) throw tooLarge(most, `${content.length} bytes are announced`);
    } else if (isStream(content)) x.content = new BoundedBody(content, most);
  };
}

function tooLarge(most: number, what: string): GatewayError {
  return new GatewayError("content_too_large", `maxBody: ${what}, the most is ${most}`, {
    publicDetail: `At most ${most} bytes of content are taken here.`,
  });
}

/** Counts the bytes of another body. */
class BoundedBody implements Body {
  readonly length = undefined;
  readonly #body: Body;
  readonly #most: number;
  #bytes = 0;
  #over = false;

  constructor(body: Body, most: number) {
    this.#body = body;
    this.#most = most;
  }

  pipe(sink: BodySink): void {
    this.#body.pipe({
      write: (piece) => {
        if (this.#over) return false;
        this.#bytes += piece.length;
        if (this.#bytes <= this.#most) return sink.write(piece);
        this.#over = true;
        this.#body.cancel();
        sink.fail(tooLarge(this.#most, "more came"));
        return false;
      },
      end: (trailers) => {
        if (!this.#over) sink.end(trailers);
      },
      fail: (error) => {
        if (!this.#over) sink.fail(error);
      },
    });
  }

  resume(): void {
    if (!this.#over) this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#body.cancel(reason);
  }
}
