// An answer's content that must be whole by a certain moment.
import type { GatewayError } from "../errors.ts";
import type { Body, BodySink } from "../http/body.ts";

/** Passes another body on, until it is told that its time is over. */
export class BoundedBody implements Body {
  readonly length: number | undefined;
  readonly #body: Body;
  /** Called when it has come to its end: its clock may stand. */
  readonly #over: () => void;
  #sink: BodySink | undefined = undefined;
  #failure: GatewayError | undefined = undefined;

  constructor(body: Body, over: () => void) {
    this.length = body.length;
    this.#body = body;
    this.#over = over;
  }

  pipe(sink: BodySink): void {
    if (this.#failure !== undefined) return sink.fail(this.#failure);
    this.#sink = sink;
    this.#body.pipe({
      write: (piece) => sink.write(piece),
      end: (trailers) => {
        this.#over();
        sink.end(trailers);
      },
      fail: (error) => {
        this.#over();
        sink.fail(error);
      },
    });
  }

  resume(): void {
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#over();
    this.#body.cancel(reason);
  }

  /** Its time is over: it breaks off. */
  expire(error: GatewayError): void {
    this.#failure = error;
    this.#body.cancel(error);
    this.#sink?.fail(error);
  }
}
