// A body from an upstream that fails when it stands still for too long, or breaks off.
import { GatewayError } from "../errors.ts";
import type { Body, BodySink } from "../http/body.ts";
import type { Platform, Timer } from "../platform.ts";
import { stoodStill } from "./lateness.ts";

/** Watches the pieces of another body. The clock stands while the sink is full: then it is not the upstream that waits. */
export class TimedBody implements Body {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #idleMs: number;
  readonly #platform: Pick<Platform, "now" | "setTimer" | "clearTimer">;
  #sink: BodySink | undefined = undefined;
  #timer: Timer | undefined = undefined;
  /** When the clock last began; undefined while it stands. */
  #since: number | undefined = undefined;
  #over = false;

  /** @param idleMs most milliseconds between two pieces; 0 for no limit */
  constructor(body: Body, idleMs: number, platform: Pick<Platform, "now" | "setTimer" | "clearTimer">) {
    this.length = body.length;
    this.#body = body;
    this.#idleMs = idleMs;
    this.#platform = platform;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#since = this.#platform.now();
    if (this.#idleMs > 0) this.#wait(this.#idleMs);
    this.#body.pipe({
      write: (chunk) => {
        const room = sink.write(chunk);
        this.#since = room ? this.#platform.now() : undefined;
        return room;
      },
      end: (trailers) => {
        if (this.#finish()) sink.end(trailers);
      },
      fail: (error) => {
        if (this.#finish()) sink.fail(brokenOff(error));
      },
    });
  }

  resume(): void {
    this.#since ??= this.#platform.now();
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    if (this.#finish()) this.#body.cancel(reason);
  }

  #wait(ms: number): void {
    this.#timer = this.#platform.setTimer(() => this.#look(), ms);
  }

  /** One timer for the whole body: it looks how long ago the last piece came instead of being set anew for each. */
  #look(): void {
    const waited = this.#since === undefined ? 0 : this.#platform.now() - this.#since;
    if (waited < this.#idleMs) return this.#wait(Math.max(1, this.#idleMs - waited));
    if (!this.#finish()) return;
    const error = stoodStill(this.#idleMs);
    this.#body.cancel(error);
    this.#sink!.fail(error);
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#platform.clearTimer(this.#timer);
    return true;
  }
}

function brokenOff(error: Error): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("http_response_incomplete", `the target broke off its answer: ${error.message}`, {
    cause: error,
  });
}
