// While the gateway serves: signals end it, and errors that nobody caught do not.
import type { ListenPlan, Plan, ShutdownPlan } from "../config/plan.ts";
import type { Gateway, Prepared } from "../gateway.ts";
import type { Issuing } from "./issuing.ts";
import type { LineSinks } from "../platforms/line-sinks.ts";
import { EXIT, Refusal } from "./exit.ts";
import { listenOrRefuse } from "./listen-refusal.ts";
import type { PlannedConfig } from "./plan-config.ts";
import { userFrame } from "./stack.ts";
import { shownPlace, type Terminal } from "./terminal.ts";
import type { Handing } from "./upgrade/handing.ts";
import type { Successor } from "./upgrade/successor.ts";

/** Signals that let exchanges under way finish, and the exit code when a second one cuts that short (128 + number). */
const DRAINING = { SIGINT: 130, SIGTERM: 143 } as const;
type Draining = keyof typeof DRAINING;

/** Exit code of SIGQUIT, which never waits. */
const QUIT = 131;

/** Host and port on which a gateway listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What serves, in this thread or in others. */
export interface Serving {
  /** How long it takes to leave. */
  readonly shutdown: ShutdownPlan;
  /**
   * Puts a config in place of the one that runs. Returns where it listens, if that is another place.
   * @throws Refusal and all stays as it is
   */
  swap(config: PlannedConfig): Promise<Address | undefined>;
  /** See Gateway. @param delayMs in place of the plan's */
  drain(delayMs: number): Promise<{ cut: number }>;
  /** Cuts all that is under way; resolves once that is recorded. */
  end(): Promise<void>;
  /** What passes to another process, or has come from one; undefined where none can take this one's place. */
  readonly handing?: Handing | undefined;
  /** Opens the files of the access log anew. */
  reopenLogs(): void;
  /** Whether each thread has gone on since it was last asked. */
  isAlive(): boolean;
}

/** What stands beside a gateway of this thread, where the runtime has it. */
export interface Beside {
  readonly issuing?: Issuing | undefined;
  readonly handing?: Handing | undefined;
}

/** A gateway that serves in this thread. */
export class ServingHere implements Serving {
  readonly #gateway: Gateway;
  readonly handing: Handing | undefined;
  readonly #sinks: LineSinks;
  readonly #issuing: Issuing | undefined;
  #plan: Plan;

  constructor(gateway: Gateway, plan: Plan, sinks: LineSinks, { issuing, handing }: Beside = {}) {
    this.#issuing = issuing;
    this.#gateway = gateway;
    this.#plan = plan;
    this.#sinks = sinks;
    this.handing = handing;
  }

  get shutdown(): ShutdownPlan {
    return this.#plan.shutdown;
  }

  async swap({ plan, dispose }: PlannedConfig): Promise<Address | undefined> {
    hasMoved(this.#plan.listen, plan.listen);
    const { address, ready, take } = prepare(this.#gateway, plan, dispose);
    await ready;
    take();
    this.#plan = plan;
    await this.#issuing?.use(plan.listen.tls?.acme);
    return address;
  }

  async drain(delayMs: number): Promise<{ cut: number }> {
    this.#issuing?.close();
    const drained = await this.#gateway.drain(delayMs);
    await this.#sinks.flush();
    return drained;
  }

  async end(): Promise<void> {
    this.#issuing?.close();
    this.#gateway.close();
    // The sockets' last word comes a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#sinks.flush();
  }

  /** Always true: this thread is the one that asks. */
  isAlive(): boolean {
    return true;
  }

  reopenLogs(): void {
    this.#sinks.reopen();
  }
}

/** Whether a plan listens elsewhere. @throws Refusal for what the port that the gateway has cannot change meanwhile */
export function hasMoved(before: ListenPlan, { host, port, tls }: ListenPlan): boolean {
  if (before.port !== port) return true;
  if (before.host !== host) throw fixed(`listen.host: ${host} cannot be taken while the gateway has port ${port}.`);
  if ((before.tls === undefined) !== (tls === undefined)) throw fixed(`listen.tls: port ${port} cannot change it.`);
  if (before.tls?.clients?.required !== tls?.clients?.required) {
    throw fixed(`listen.tls.clientCert: port ${port} cannot change it.`);
  }
  return false;
}

function fixed(message: string): Refusal {
  return new Refusal(EXIT.os, message, { hint: "Restart the gateway, or take another port too." });
}

/** As the gateway does it. @throws Refusal when it cannot listen where the plan says */
export function prepare(gateway: Gateway, plan: Plan, over: () => void): Prepared {
  return listenOrRefuse(plan, () => gateway.prepare(plan, over));
}

/**
 * Resolves to the exit code once a signal has come, or another process has taken over, and all has drained.
 * @param reload what SIGHUP asks for
 * @param leaves told when the drain begins, and how long it may take, unless another process has taken over: nothing is
 *   reloaded any more
 * @param taken resolves once another process serves in place of this one
 * @param told resolves once the process before this one has told all that is to be told on
 */
export async function untilStopped(
  serving: Serving,
  reload: () => void,
  leaves: (mostMs: number | undefined) => void,
  terminal: Terminal,
  taken: Promise<Successor> = new Promise(() => undefined),
  told?: Promise<void>,
): Promise<number> {
  let forced: number | undefined;
  const cut = (exitCode: number): void => {
    forced = exitCode;
    void serving.end().then(() => process.exit(exitCode));
  };
  const tell = (text: string): void => terminal.err(`sluice: ${text}`);
  const ended = ({ cut }: { cut: number }): number => {
    tell(`stopped${cut === 0 ? "" : `; cut off what was still under way: ${cut}`}`);
    return EXIT.ok;
  };
  process.on("SIGUSR2", () => {
    serving.reopenLogs();
    tell("SIGUSR2: the files of the access log are opened anew");
  });
  // Other servers act on it: without anybody who hears it, it would end this one.
  process.on("SIGUSR1", () => tell("SIGUSR1: nothing is done at it; SIGUSR2 opens the files of the access log anew"));
  const why = await firstSignal(cut, reload, taken);
  const { graceMs } = serving.shutdown;
  if (typeof why !== "string") {
    leaves(undefined);
    const until = `waits up to ${graceMs / 1000} s for exchanges under way`;
    tell(`process ${why.pid} (sluice ${why.version}) has taken over; ${until}`);
    const drained = await serving.drain(0);
    await told;
    await why.over();
    return forced ?? ended(drained);
  }
  const signal = why;
  // A person at a terminal has no load balancer to wait for.
  const delayMs = signal === "SIGINT" ? 0 : serving.shutdown.delayMs;
  leaves(delayMs + graceMs);
  const accepts = delayMs === 0 ? "accepts no more," : `not ready any more; accepts for ${delayMs / 1000} s, then`;
  terminal.err(`sluice: ${signal}: ${accepts} waits up to ${graceMs / 1000} s for exchanges under way`);
  const drained = await serving.drain(delayMs);
  return forced ?? ended(drained);
}

/**
 * Waits for the first signal that asks for a drain, or for the process that has taken over. At the next signal, and at
 * SIGQUIT at any time, `end` is called; SIGHUP reloads.
 */
function firstSignal(
  end: (exitCode: number) => void,
  reload: () => void,
  taken: Promise<Successor>,
): Promise<Draining | Successor> {
  const { promise, resolve } = Promise.withResolvers<Draining | Successor>();
  let draining = false;
  void taken.then((successor) => {
    draining = true;
    resolve(successor);
  });
  const onSignal = (signal: Draining): void => {
    if (draining) return end(DRAINING[signal]);
    draining = true;
    resolve(signal);
  };
  for (const signal of Object.keys(DRAINING) as Draining[]) process.on(signal, onSignal);
  process.on("SIGQUIT", () => end(QUIT));
  process.on("SIGHUP", reload);
  return promise;
}

/** Errors that nobody caught (a promise left alone in a handler of the user's) are told, counted, and survived. */
export function keepServing(tell: (text: string) => void): void {
  let count = 0;
  const onStray = (kind: string, thrown: unknown): void => {
    count += 1;
    const error = thrown instanceof Error ? thrown : undefined;
    const place = userFrame(error?.stack);
    const what = error === undefined ? String(thrown) : `${error.name}: ${error.message}`;
    tell(`${kind} (${count} since the start): ${what}${place === undefined ? "" : ` at ${shownPlace(place)}`}`);
  };
  process.on("uncaughtException", (thrown) => onStray("an error that nobody caught", thrown));
  process.on("unhandledRejection", (thrown) => onStray("a rejected promise that nobody handled", thrown));
}
