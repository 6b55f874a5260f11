// The listener: accepts connections, knows those that are open, and lets them go when the gateway drains.
import type { ListenPlan } from "../config/plan.ts";
import type { Answer } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { HeadLimits } from "../http/message.ts";
import { Tally } from "../http/tally.ts";
import type { ListeningSocket, Platform, Socket } from "../platform.ts";
import { Connection } from "./connection.ts";
import type { Guest, Shared, Way } from "./shared.ts";

/** Most field lines of a request head; more is 431. */
const MAX_FIELDS = 256;

/** How often the operator is told of the same thing. */
const NOTICE_EVERY_MS = 10_000;

/** An open listener. */
export class Listener implements Shared {
  readonly way: Way;
  readonly plan: ListenPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  draining = false;
  readonly #open = new Set<Guest>();
  readonly #tally: Tally;
  readonly #socket: ListeningSocket;
  /** Connections closed because too many were open. */
  #turnedAway = 0;
  #quietUntil = 0;
  #second = -1;
  #date = "";
  #empty: (() => void) | undefined = undefined;

  /** Opens the listening socket. @throws SocketError (EADDRINUSE, EACCES, …) */
  constructor(plan: ListenPlan, way: Way, platform: Platform, deadlines: Deadlines) {
    this.way = way;
    this.plan = plan;
    this.platform = platform;
    this.deadlines = deadlines;
    this.#tally = new Tally(platform.shared?.connections, platform.shared?.worker);
    this.limits = { maxTarget: plan.maxTarget, maxHead: plan.maxHead, maxFields: MAX_FIELDS };
    this.#socket = platform.listen!({
      host: plan.host,
      port: plan.port,
      accept: (socket) => {
        // Over the bound a connection is refused by closing it: a queue would only make the flood wait.
        if (this.draining) socket.destroy();
        else if (this.#tally.add(plan.maxConnections)) this.#open.add(new Connection(socket, this));
        else this.#turnAway(socket);
      },
    });
  }

  #turnAway(socket: Socket): void {
    socket.destroy();
    this.#turnedAway += 1;
    const now = this.platform.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + NOTICE_EVERY_MS;
    const most = `${this.plan.maxConnections} connections are open, the most that listen.maxConnections allows`;
    this.platform.notice("warn", `${most}: new ones are closed at once (${this.#turnedAway} since the start)`);
  }

  /** Where it listens. */
  get address(): { host: string; port: number } {
    return { host: this.#socket.host, port: this.#socket.port };
  }

  /** Connections open now, tunnels included. */
  get connections(): number {
    return this.#open.size;
  }

  /**
   * Accepts no more, lets exchanges finish for at most `graceMs`, then cuts the rest; resolves to how many were cut, once
   * all are closed and recorded.
   */
  drain(graceMs: number): Promise<{ cut: number }> {
    this.draining = true;
    this.#socket.stop();
    for (const connection of [...this.#open]) connection.drain();
    if (this.#open.size === 0) return Promise.resolve({ cut: 0 });
    return new Promise((resolve) => {
      let cut = 0;
      const timer = this.platform.setTimer(() => {
        cut = this.#open.size;
        this.cut();
      }, graceMs);
      this.#empty = () => {
        this.platform.clearTimer(timer);
        resolve({ cut });
      };
    });
  }

  /** Closes everything at once. */
  cut(): void {
    this.draining = true;
    this.#socket.stop();
    for (const connection of [...this.#open]) connection.cut();
  }

  date(): string {
    const now = this.platform.wallClock();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(now).toUTCString();
    }
    return this.#date;
  }

  closed(guest: Guest): void {
    if (this.#open.delete(guest)) this.#tally.remove();
    if (this.#open.size === 0) this.#empty?.();
  }

  discard(answer: Answer): void {
    if (isStream(answer.content)) answer.content.cancel();
    answer.tunnel?.upstream.destroy();
    answer.tunnel?.closed(0, 0);
  }
}
