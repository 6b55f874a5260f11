// The connections of HTTP/2 to one target: few, each for many requests; bounded in number, in age, and in who may wait.
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { GatewayError } from "../../errors.ts";
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { type HeadLimits, MAX_FIELDS } from "../../http/message.ts";
import type { Platform, Socket } from "../../platform.ts";
import { connectOptions } from "../client-tls.ts";
import { connectFailure } from "../http1/connect-failure.ts";
import type { Borrower, Lender, Need, Wish } from "../http1/connection-ends.ts";
import { Http2TargetConnection, type Http2Home } from "./connection.ts";

/** Somebody who waits for a place. */
interface Waiting {
  readonly borrower: Borrower;
  readonly isFresh: boolean;
  readonly patience: Deadline;
}

/** All connections to one target. */
export class Http2Pool implements Lender, Http2Home {
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  readonly sendMs: number;
  readonly #target: TargetPlan;
  readonly #upstream: UpstreamPlan;
  readonly #platform: Platform;
  readonly #connections = new Set<Http2TargetConnection>();
  readonly #waiting = new Set<Waiting>();
  #connecting = 0;
  #isClosed = false;

  constructor(target: TargetPlan, upstream: UpstreamPlan, platform: Platform, deadlines: Deadlines) {
    this.deadlines = deadlines;
    this.#target = target;
    this.#upstream = upstream;
    this.#platform = platform;
    this.limits = { maxTarget: Infinity, maxHead: upstream.maxHead, maxFields: MAX_FIELDS };
    this.sendMs = upstream.timeouts.sendMs;
  }

  get counts(): { open: number; idle: number } {
    let idle = 0;
    for (const { busy } of this.#connections) if (busy === 0) idle++;
    return { open: this.#connections.size + this.#connecting, idle };
  }

  now(): number {
    return this.#platform.now();
  }

  acquire(borrower: Borrower, connectMs: number, need: Need): Wish | undefined {
    const isFresh = need === "fresh";
    const connection = isFresh || this.#waiting.size > 0 ? undefined : this.#withRoom();
    if (connection !== undefined) {
      this.#lend(connection, borrower);
      return undefined;
    }
    const { maxConnections, maxWaiting, waitMs } = this.#upstream;
    const connects = this.#connecting > 0 || this.#connections.size < maxConnections;
    if (!connects && this.#waiting.size >= maxWaiting) {
      borrower.failed(
        this.#full(
          `all places of ${maxConnections} connections are taken (connections.max) and ${maxWaiting} requests wait (connections.maxWaiting)`,
        ),
      );
      return undefined;
    }
    const waiting: Waiting = {
      borrower,
      isFresh,
      patience: new Deadline(() => {
        this.#waiting.delete(waiting);
        const { url } = this.#target;
        borrower.failed(
          connects
            ? new GatewayError(
                "connection_timeout",
                `connecting to ${url} took over ${connectMs} ms (timeouts.connect)`,
                {
                  retry: "safe",
                },
              )
            : this.#full(`no place on a connection to ${url} became free within ${waitMs} ms (connections.wait)`),
        );
      }),
    };
    this.#waiting.add(waiting);
    this.deadlines.arm(waiting.patience, connects ? connectMs : waitMs);
    this.#connect(connectMs);
    return { cancel: () => this.#forget(waiting) };
  }

  /** Closes what is idle and keeps nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) connection.retire();
  }

  freed(connection: Http2TargetConnection): void {
    for (const waiting of this.#waiting) {
      if (!this.#isGood(connection)) break;
      if (waiting.isFresh && connection.reused) continue;
      this.#forget(waiting);
      this.#lend(connection, waiting.borrower);
    }
    if (connection.busy > 0) return;
    if (this.#isClosed || this.#isOld(connection) || this.#upstream.idleMs <= 0) return connection.retire();
    if (connection.idle.queue === undefined) this.deadlines.arm(connection.idle, this.#upstream.idleMs);
    if (this.counts.idle > this.#upstream.maxIdle) connection.retire();
  }

  closed(connection: Http2TargetConnection): void {
    this.#connections.delete(connection);
    this.#connect(this.#upstream.timeouts.connectMs);
  }

  #lend(connection: Http2TargetConnection, borrower: Borrower): void {
    this.deadlines.disarm(connection.idle);
    borrower.ready(connection.lend());
  }

  /** So old that its name may mean another address by now (case GW-26). */
  #isOld(connection: Http2TargetConnection): boolean {
    return this.now() - connection.openedAt >= this.#upstream.maxAgeMs;
  }

  #isGood(connection: Http2TargetConnection): boolean {
    return connection.hasRoom && !this.#isOld(connection);
  }

  #withRoom(): Http2TargetConnection | undefined {
    for (const connection of this.#connections) {
      if (this.#isGood(connection)) return connection;
      if (connection.busy === 0 && this.#isOld(connection)) connection.retire();
    }
    return undefined;
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.deadlines.disarm(waiting.patience);
  }

  /** Opens a connection for those who wait, one at a time. */
  #connect(connectMs: number): void {
    if (this.#waiting.size === 0 || this.#connecting > 0) return;
    if (this.#connections.size >= this.#upstream.maxConnections) return;
    this.#connecting++;
    const over = (): void => {
      this.deadlines.disarm(deadline);
      this.#connecting--;
    };
    const lost = (error: GatewayError): void => {
      over();
      for (const waiting of [...this.#waiting]) {
        this.#forget(waiting);
        waiting.borrower.failed(error);
      }
    };
    const deadline = new Deadline(() => {
      const held = connecting.abort();
      // Its place is taken for as long as the system keeps its socket.
      const freed = (): void => {
        over();
        this.#connect(connectMs);
      };
      if (held === undefined) freed();
      else void held.then(freed);
    });
    this.deadlines.arm(deadline, connectMs);
    const options = connectOptions(this.#target, this.#upstream.tls, true);
    const connecting = this.#platform.connect!(options, {
      connected: (socket) => {
        const refusal = this.#refusalOf(socket);
        if (refusal !== undefined) return lost(refusal);
        over();
        const connection = new Http2TargetConnection(socket, this, this.#target.secure ? "https" : "http");
        this.#connections.add(connection);
        this.freed(connection);
        this.#connect(connectMs);
      },
      failed: (error) => lost(connectFailure(error, this.#target.url)),
    });
  }

  /** What the handshake agreed on must be HTTP/2 (RFC 9113 section 3.2). */
  #refusalOf(socket: Socket): GatewayError | undefined {
    if (!socket.secure || socket.protocol === "h2") return undefined;
    socket.destroy();
    return new GatewayError("tls_protocol_error", `${this.#target.url} does not speak HTTP/2`, { retry: "safe" });
  }

  #full(why: string): GatewayError {
    return new GatewayError("connection_limit_reached", why, { retry: "safe", fields: [["Retry-After", "1"]] });
  }
}
