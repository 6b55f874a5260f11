// The listeners of a gateway: the one that accepts, and those before it whose connections are still open.
import type { ListenPlan, ShutdownPlan } from "../config/plan.ts";
import type { Way } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { Tally } from "../http/tally.ts";
import type { Platform } from "../platform.ts";
import { Listener } from "./listener.ts";
import type { Stays } from "./shared.ts";

/** What a plan that is to come changes of the listeners. Nothing is changed yet. */
export interface NextListener {
  /** Where it listens, if that is another place. */
  readonly address: { host: string; port: number } | undefined;
  /** From now on it holds, and these routes do. */
  take(stays: Stays): void;
  /** It will never hold. */
  drop(): void;
}

/** All listeners of a gateway. */
export class Listeners {
  readonly #way: Way;
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #tally: Tally;
  #current: Listener | undefined = undefined;
  /** They accept no more. */
  readonly #former = new Set<Listener>();

  constructor(way: Way, platform: Platform, deadlines: Deadlines) {
    this.#way = way;
    this.#platform = platform;
    this.#deadlines = deadlines;
    this.#tally = new Tally(platform.shared?.connections, platform.shared?.worker);
  }

  /** Opens the first one. @throws SocketError (EADDRINUSE, EACCES, …) */
  open(plan: ListenPlan): { host: string; port: number } {
    this.#current = this.#listenerOf(plan);
    return this.#current.address;
  }

  /** Opens another one, if the plan names another address. @throws SocketError, and all stays as it is */
  next(plan: ListenPlan): NextListener {
    const before = this.#current;
    if (before === undefined) return { address: undefined, take: () => undefined, drop: () => undefined };
    const moves = plan.host !== before.plan.host || plan.port !== before.plan.port;
    const next = moves ? this.#listenerOf(plan) : before;
    const bound = moves ? undefined : before.bound(plan);
    return {
      address: moves ? next.address : undefined,
      take: (stays) => {
        if (bound === undefined) this.#letGo(before);
        else bound();
        this.#current = next;
        for (const listener of this.#all) listener.reroute(stays);
      },
      drop: () => {
        if (moves) next.cut();
      },
    };
  }

  /** Connections open now, tunnels included. */
  get connections(): number {
    return this.#all.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Connections closed at once because too many were open. */
  get turnedAway(): number {
    return this.#tally.refused;
  }

  /**
   * Accepts on for `delayMs`, each answer the last on its connection; then accepts no more, lets exchanges finish for at
   * most `graceMs`, and cuts the rest. Resolves to how many were cut, once all are closed and recorded.
   */
  async drain({ delayMs, graceMs }: ShutdownPlan): Promise<{ cut: number }> {
    for (const listener of this.#all) listener.leaving = true;
    // One that does not listen yet has nobody who could go elsewhere.
    if (delayMs > 0 && this.#current !== undefined)
      await new Promise<void>((resolve) => this.#platform.setTimer(resolve, delayMs));
    let cut = 0;
    const closed = this.#all.map((listener) => listener.drain());
    const timer = this.#platform.setTimer(() => (cut = this.cut()), graceMs);
    await Promise.all(closed);
    this.#platform.clearTimer(timer);
    return { cut };
  }

  /** Closes everything at once; gives how many connections that were. */
  cut(): number {
    return this.#all.reduce((sum, listener) => sum + listener.cut(), 0);
  }

  get #all(): Listener[] {
    return [...this.#former, ...(this.#current === undefined ? [] : [this.#current])];
  }

  #listenerOf(plan: ListenPlan): Listener {
    return new Listener(plan, this.#way, this.#tally, this.#platform, this.#deadlines);
  }

  #letGo(listener: Listener): void {
    this.#former.add(listener);
    void listener.drain().then(() => this.#former.delete(listener));
  }
}
