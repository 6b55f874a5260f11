// A request's body on its way into a fetch: when it breaks off, the fetch is given up before its stream learns of it.
import type { Body, BodySink } from "../http/body.ts";

/**
 * Tells when another body fails, before its sink is told. A runtime may end a request whose stream fails as if it were
 * whole (Cloudflare's does); one that has been given up cannot look whole.
 */
export class WatchedBody implements Body {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #failed: (error: Error) => void;

  constructor(body: Body, failed: (error: Error) => void) {
    this.length = body.length;
    this.#body = body;
    this.#failed = failed;
  }

  pipe(sink: BodySink): void {
    this.#body.pipe({
      write: (piece) => sink.write(piece),
      end: (trailers) => sink.end(trailers),
      fail: (error) => {
        this.#failed(error);
        sink.fail(error);
      },
    });
  }

  resume(): void {
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#body.cancel(reason);
  }
}
