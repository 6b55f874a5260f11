// An attempt by our own HTTP/1.1 or HTTP/2, over what the target's pool lends.
import type { Answer } from "../../answer.ts";
import type { GatewayError } from "../../errors.ts";
import { isStream } from "../../http/body.ts";
import { Attempt } from "../attempt.ts";
import { bearsRepetition } from "../retry.ts";
import type { Borrower, Lent, Receiver, Wish } from "./connection-ends.ts";

/** Borrows a connection and sends the request on it. */
export class SocketAttempt extends Attempt implements Borrower, Receiver {
  #wish: Wish | undefined = undefined;
  #connection: Lent | undefined = undefined;

  send(): void {
    const { x, passage } = this.attempts;
    // A dying connection costs only what can be sent again.
    const goesAgain = !isStream(this.content) && bearsRepetition(x, passage.care?.retries);
    const need = this.fresh ? "fresh" : goesAgain ? "any" : "quiet";
    const wish = this.to.pool!.acquire(this, passage.timeouts.connectMs, need);
    // A pool that answers at once has called `ready` or `failed` already.
    if (wish !== undefined) this.#wish = wish;
  }

  withdraw(): void {
    this.#wish?.cancel();
    this.#connection?.destroy();
  }

  ready(connection: Lent): void {
    this.#wish = undefined;
    const { x, passage, upgrade } = this.attempts;
    const { writer, timeouts } = passage;
    let head: string;
    try {
      head = this.attempts.head(this);
    } catch (error) {
      connection.release();
      return this.failed(error as GatewayError);
    }
    this.#connection = connection;
    this.sent = true;
    if (x.marks !== undefined) this.sentAt = passage.upstream.now();
    const { content } = this;
    const trails = isStream(content) ? (key: string): boolean => writer.trails(x, key) : undefined;
    connection.send({ method: x.method, head, content, trails, upgrade, timeouts }, this);
  }

  answered(answer: Answer): void {
    this.#connection = undefined;
    this.attempts.answered(this, answer);
  }

  failed(error: GatewayError): void {
    this.#wish = undefined;
    this.stale = error.retry !== "never" && this.#connection?.reused === true;
    this.#connection = undefined;
    this.attempts.failed(this, error);
  }
}
