// The connections to one target: reused last in, first out; bounded in number, in age, and in who may wait.
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { GatewayError } from "../../errors.ts";
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { type HeadLimits, MAX_FIELDS } from "../../http/message.ts";
import type { Connecting, Platform } from "../../platform.ts";
import { connectOptions } from "../client-tls.ts";
import { connectFailure } from "./connect-failure.ts";
import { Connection } from "./connection.ts";
import type { Borrower, Home, Lender, Need, Wish } from "./connection-ends.ts";

/** All connections to one target. */
export class TargetPool implements Home, Lender {
  readonly target: TargetPlan;
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  readonly #upstream: UpstreamPlan;
  readonly #platform: Platform;
  readonly #idle: Connection[] = [];
  readonly #queue = new Set<Waiting>();
  /** Connections open or being opened. */
  #open = 0;
  #closed = false;

  constructor(target: TargetPlan, upstream: UpstreamPlan, platform: Platform, deadlines: Deadlines) {
    this.target = target;
    this.deadlines = deadlines;
    this.#upstream = upstream;
    this.#platform = platform;
    this.limits = { maxTarget: Infinity, maxHead: upstream.maxHead, maxFields: MAX_FIELDS };
  }

  /** Connections open, and how many of them are idle. */
  get counts(): { open: number; idle: number } {
    return { open: this.#open, idle: this.#idle.length };
  }

  /** Lends a connection: an idle one, else a new one, else the next that is free. */
  acquire(borrower: Borrower, connectMs: number, need: Need): Wish | undefined {
    const connection = need === "fresh" ? undefined : this.#takeIdle();
    if (connection !== undefined) {
      if (need === "quiet") return this.#lendQuiet(connection, borrower, connectMs);
      borrower.ready(connection);
      return undefined;
    }
    if (this.#open >= this.#upstream.maxConnections) {
      // All places may be taken by idle connections that a fresh one is wanted instead of.
      if (need === "fresh") this.#idle.shift()?.close();
      return this.#wait(borrower, connectMs, need);
    }
    return this.#connect(borrower, connectMs);
  }

  release(connection: Connection): void {
    // So old that its name may mean another address by now (case GW-26).
    if (this.#tooOld(connection)) return connection.close();
    const next = this.#longestWaiting;
    if (next !== undefined) return next.serve(connection);
    const idleMs = this.#idleMs(connection);
    if (this.#closed || idleMs <= 0) return connection.close();
    this.#idle.push(connection);
    this.deadlines.arm(connection.idle, idleMs);
    if (this.#idle.length > this.#upstream.maxIdle) this.#idle.shift()!.close();
  }

  closed(connection: Connection): void {
    this.#open--;
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#longestWaiting?.reconnect();
  }

  /** Closes what is idle and keeps nothing any more. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  /** Nobody waits as a rule: then no iterator is made. */
  get #longestWaiting(): Waiting | undefined {
    return this.#queue.size === 0 ? undefined : this.#queue.values().next().value;
  }

  /** A second less than what the target promised: a request on its way must not meet its FIN (case GW-19). */
  #idleMs(connection: Connection): number {
    const { idleMs } = this.#upstream;
    const promised = connection.keepAliveTimeout;
    return promised === undefined ? idleMs : Math.min(idleMs, (promised - 1) * 1000);
  }

  #tooOld(connection: Connection): boolean {
    return this.#platform.now() - connection.openedAt >= this.#upstream.maxAgeMs;
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      this.deadlines.disarm(connection.idle);
      if (!this.#tooOld(connection)) return connection;
      connection.close();
    }
  }

  #connect(borrower: Borrower, connectMs: number): Wish {
    this.#open++;
    const { target } = this;
    const began = this.#platform.now();
    let connecting: Connecting | undefined;
    const over = (): void => {
      this.deadlines.disarm(deadline);
      connecting = undefined;
    };
    const freed = (): void => {
      this.#open--;
      this.#longestWaiting?.reconnect();
    };
    const lost = (error: GatewayError): void => {
      over();
      freed();
      borrower.failed(error);
    };
    /** The attempt keeps its place for as long as the system keeps its socket. */
    const abort = (): void => {
      const held = connecting?.abort();
      over();
      if (held === undefined) freed();
      else void held.then(freed);
    };
    const deadline = new Deadline(() => {
      abort();
      borrower.failed(
        new GatewayError(
          "connection_timeout",
          `connecting to ${target.url} took over ${connectMs} ms (timeouts.connect)`,
          {
            retry: "safe",
          },
        ),
      );
    });
    this.deadlines.arm(deadline, connectMs);
    connecting = this.#platform.connect!(connectOptions(target, this.#upstream.tls, false), {
      connected: (socket) => {
        over();
        this.#debug(() => `connected in ${Math.round(this.#platform.now() - began)} ms, ${this.#open} are open`);
        borrower.ready(new Connection(socket, this, this.#platform.now()));
      },
      failed: (error) => {
        const failure = connectFailure(error, target.url);
        this.#debug(() => `not connected: ${failure.code}: ${failure.message}`);
        lost(failure);
      },
    });
    return {
      cancel: () => {
        if (connecting !== undefined) abort();
      },
    };
  }

  #debug(text: () => string): void {
    if (!this.#platform.verbosity.tells("debug")) return;
    this.#platform.notice("debug", `${this.#upstream.name} ${this.target.url}: ${text()}`);
  }

  /** Lends one that has served, or another instead if its target has left it (case GW-19). */
  #lendQuiet(connection: Connection, borrower: Borrower, connectMs: number): Wish | undefined {
    let isOver = false;
    let isCancelled = false;
    let next: Wish | undefined;
    connection.look((isQuiet) => {
      isOver = true;
      if (!isQuiet) connection.destroy();
      if (isCancelled) {
        if (isQuiet) this.release(connection);
      } else if (isQuiet) borrower.ready(connection);
      else next = this.acquire(borrower, connectMs, "quiet");
    });
    if (isOver) return next;
    return {
      cancel: () => {
        isCancelled = true;
        next?.cancel();
      },
    };
  }

  #wait(borrower: Borrower, connectMs: number, need: Need): Wish | undefined {
    const { maxWaiting, waitMs, maxConnections } = this.#upstream;
    const refuse = (why: string): void =>
      borrower.failed(
        new GatewayError("connection_limit_reached", why, { retry: "safe", fields: [["Retry-After", "1"]] }),
      );
    if (this.#queue.size >= maxWaiting) {
      refuse(
        `${maxConnections} connections to ${this.target.url} are busy (connections.max) and ${maxWaiting} requests wait (connections.maxWaiting)`,
      );
      return undefined;
    }
    const deadline = new Deadline(() => {
      this.#queue.delete(waiting);
      refuse(`no connection to ${this.target.url} became free within ${waitMs} ms (connections.wait)`);
    });
    const leave = (): void => {
      this.#queue.delete(waiting);
      this.deadlines.disarm(deadline);
    };
    let wish: Wish | undefined;
    const waiting: Waiting = {
      serve: (connection) => {
        // Its place goes to a new one, once it is closed.
        if (need === "fresh" && connection.reused) return connection.close();
        leave();
        if (need === "quiet") wish = this.#lendQuiet(connection, borrower, connectMs);
        else borrower.ready(connection);
      },
      reconnect: () => {
        leave();
        wish = this.#connect(borrower, connectMs);
      },
    };
    this.#queue.add(waiting);
    this.deadlines.arm(deadline, waitMs);
    return {
      cancel: () => {
        leave();
        wish?.cancel();
      },
    };
  }
}

/** Somebody in the queue. */
interface Waiting {
  serve(connection: Connection): void;
  /** A place has become free: opens a connection of its own. */
  reconnect(): void;
}
