// Attempts by our own HTTP/1.1, over connections that the target's pool lends.
import type { GatewayError } from "../../errors.ts";
import { isStream } from "../../http/body.ts";
import { Attempts } from "../attempts.ts";
import type { UpstreamTarget } from "../upstream.ts";
import type { Connection, Receiver } from "./connection.ts";
import type { Borrower, Wish } from "./pool.ts";

/** Borrows a connection for each attempt. */
export class SocketAttempts extends Attempts implements Borrower, Receiver {
  #target: UpstreamTarget | undefined = undefined;
  #wish: Wish | undefined = undefined;
  #connection: Connection | undefined = undefined;

  ready(connection: Connection): void {
    this.#wish = undefined;
    const { x, passage, upgrade } = this;
    const { writer, timeouts } = passage;
    let head: string;
    try {
      head = writer.head(x, this.#target!.plan, upgrade);
    } catch (error) {
      connection.release();
      return this.failed(error as GatewayError);
    }
    this.#connection = connection;
    this.sent = true;
    const { method, content } = x;
    const trails = isStream(content) ? (key: string): boolean => writer.trails(x, key) : undefined;
    connection.send({ method, head, content, trails, upgrade, timeouts }, this);
  }

  override failed(error: GatewayError): void {
    this.#wish = undefined;
    this.#connection = undefined;
    super.failed(error);
  }

  protected send(target: UpstreamTarget, fresh: boolean): void {
    this.#target = target;
    const wish = target.pool!.acquire(this, this.passage.timeouts.connectMs, fresh);
    // A pool that answers at once has called `ready` or `failed` already.
    if (wish !== undefined) this.#wish = wish;
  }

  protected withdraw(): void {
    this.#wish?.cancel();
    this.#connection?.destroy();
  }
}
