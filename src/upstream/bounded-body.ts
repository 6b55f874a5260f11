// An answer's content that must be whole by a certain moment.
import type { GatewayError } from "../errors.ts";
import type { Body, BodySink } from "../http/body.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";

/** Passes another body on, and breaks it off when its time is over. */
export class BoundedBody implements Body {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #deadlines: Deadlines;
  readonly #why: () => GatewayError;
  readonly #deadline = new Deadline(() => this.#expire());
  #sink: BodySink | undefined = undefined;
  #failure: GatewayError | undefined = undefined;

  /** @param why makes the error with which it breaks off */
  constructor(body: Body, leftMs: number, deadlines: Deadlines, why: () => GatewayError) {
    this.length = body.length;
    this.#body = body;
    this.#why = why;
    this.#deadlines = deadlines;
    deadlines.arm(this.#deadline, Math.max(1, Math.ceil(leftMs)));
  }

  pipe(sink: BodySink): void {
    if (this.#failure !== undefined) return sink.fail(this.#failure);
    this.#sink = sink;
    this.#body.pipe({
      write: (piece) => sink.write(piece),
      end: (trailers) => {
        this.#deadlines.disarm(this.#deadline);
        sink.end(trailers);
      },
      fail: (error) => {
        this.#deadlines.disarm(this.#deadline);
        sink.fail(error);
      },
    });
  }

  resume(): void {
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#deadlines.disarm(this.#deadline);
    this.#body.cancel(reason);
  }

  #expire(): void {
    this.#failure = this.#why();
    this.#body.cancel(this.#failure);
    this.#sink?.fail(this.#failure);
  }
}
