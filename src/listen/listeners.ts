// The listeners of a gateway: the one that accepts, and those before it whose connections are still open.
import type { ListenPlan, ShutdownPlan } from "../config/plan.ts";
import type { Way } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { Tally } from "../http/tally.ts";
import type { Issued } from "../issued.ts";
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

/** What becomes of one listener. */
interface Step {
  readonly listener: Listener | undefined;
  take(): void;
  drop(): void;
}

/** The plain port beside TLS. */
function plainOf(plan: ListenPlan): ListenPlan | undefined {
  const redirect = plan.tls?.redirect;
  return redirect && { ...plan, port: redirect.port, tls: undefined };
}

/** All listeners of a gateway. */
export class Listeners {
  readonly #way: Way;
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #tally: Tally;
  readonly #issued: Issued | undefined;
  #current: Listener | undefined = undefined;
  /** Leads to https. */
  #plain: Listener | undefined = undefined;
  /** They accept no more. */
  readonly #former = new Set<Listener>();

  constructor(way: Way, platform: Platform, deadlines: Deadlines, issued: Issued | undefined) {
    this.#way = way;
    this.#issued = issued;
    this.#platform = platform;
    this.#deadlines = deadlines;
    this.#tally = new Tally(platform.shared?.connections, platform.shared?.worker);
  }

  /** Opens the first ones. @throws SocketError (EADDRINUSE, EACCES, …) */
  open(plan: ListenPlan): { host: string; port: number } {
    const current = this.#listenerOf(plan);
    const plain = plainOf(plan);
    try {
      this.#plain = plain && this.#listenerOf(plain);
    } catch (error) {
      current.cut();
      throw error;
    }
    this.#current = current;
    return current.address;
  }

  /** Whether it has been opened. */
  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  /** Opens others, where the plan names other addresses. @throws SocketError, and all stays as it is */
  next(plan: ListenPlan): NextListener {
    const before = this.#current;
    if (before === undefined) return { address: undefined, take: () => undefined, drop: () => undefined };
    const main = this.#step(before, plan);
    let plain: Step;
    try {
      plain = this.#step(this.#plain, plainOf(plan));
    } catch (error) {
      main.drop();
      throw error;
    }
    return {
      address: main.listener === before ? undefined : main.listener?.address,
      take: (stays) => {
        main.take();
        plain.take();
        this.#current = main.listener;
        this.#plain = plain.listener;
        for (const listener of this.#all) listener.reroute(stays);
      },
      drop: () => {
        main.drop();
        plain.drop();
      },
    };
  }

  /** From one listener, or none, to the one that a plan wants. */
  #step(before: Listener | undefined, plan: ListenPlan | undefined): Step {
    const stays = before !== undefined && plan?.host === before.plan.host && plan.port === before.plan.port;
    if (stays) return { listener: before, take: before.bound(plan), drop: () => undefined };
    const opened = plan && this.#listenerOf(plan);
    return {
      listener: opened,
      take: () => before && this.#letGo(before),
      drop: () => void opened?.cut(),
    };
  }

  /** Connections open now, tunnels included. */
  get connections(): number {
    return this.#all.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** The certificates that are shown, by the first of their names. Of those with the same one, the one that ends first. */
  get certificates(): readonly { readonly name: string; readonly notAfter: number }[] {
    const ends = new Map<string, number>();
    for (const { name, notAfter } of this.#current?.certificates ?? []) {
      ends.set(name, Math.min(notAfter, ends.get(name) ?? Infinity));
    }
    return [...ends].map(([name, notAfter]) => ({ name, notAfter }));
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
    return [...this.#former, this.#current, this.#plain].filter((listener) => listener !== undefined);
  }

  #listenerOf(plan: ListenPlan): Listener {
    try {
      return new Listener(plan, this.#way, this.#tally, this.#platform, this.#deadlines, this.#issued);
    } catch (error) {
      // There are two, and who tells of it must know which one it is about.
      throw Object.assign(error as Error, { port: plan.port });
    }
  }

  #letGo(listener: Listener): void {
    this.#former.add(listener);
    void listener.drain().then(() => this.#former.delete(listener));
  }
}
