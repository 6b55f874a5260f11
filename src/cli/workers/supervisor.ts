// The main thread of several workers: starts them, replaces those that die, writes their lines, and lets them go.
import type { Plan } from "../../config/plan.ts";
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { buryWorker } from "../../limit/table.ts";
import { type Discovery, discover, firstTargets } from "../../discover/discover.ts";
import { openCounts, saveCounts } from "../../counts.ts";
import { HealthChecks } from "../../health-checks.ts";
import { Deadlines } from "../../http/deadlines.ts";
import { bunPlatform } from "../../platforms/bun.ts";
import { stdoutLines } from "../../platforms/stdout.ts";
import { meterCounts } from "../../meter.ts";
import { FAMILIES } from "../../record/families.ts";
import { meterProcess } from "../../record/process-metrics.ts";
import { boardMemories, MAIN_THREAD, openBoards } from "../../shared-board.ts";
import type { Shared } from "../../shared.ts";
import type { Follow } from "../../target.ts";
import { withAdmin } from "../admin-listener.ts";
import { buildOf, type Embedded } from "../embedded.ts";
import { EXIT, Refusal } from "../exit.ts";
import type { Serving } from "../serving.ts";
import type { Terminal } from "../terminal.ts";
import { Gathering } from "./gathering.ts";
import { Memories } from "./memories.ts";
import type { ToWorker } from "./messages.ts";
import { type HeldPort, holdPort } from "./port.ts";
import { Thread } from "./thread.ts";

/** A worker that died is replaced after so long, then after twice as long, up to the most. */
const AGAIN_MS = 100;
const AGAIN_MOST_MS = 10_000;
/** A worker that lived for so long died of something new. */
const HEALTHY_MS = 60_000;
/** Beyond the grace, how long a worker has to say that it has drained. */
const LATE_MS = 2000;
/** How long workers have to cut what is under way. */
const CUT_MS = 500;

/** What the main thread knows when it starts workers. */
export interface SupervisorOptions {
  readonly workers: number;
  readonly plan: Plan;
  /** The config, an absolute path. */
  readonly file: string;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
}

/** One of the numbers, and the thread that has it now. */
interface Place {
  readonly number: number;
  thread: Thread | undefined;
  listening: boolean;
  /** Deaths in quick succession. */
  deaths: number;
  again: NodeJS.Timeout | undefined;
}

/** All workers of the process. */
export class Supervisor implements Serving {
  readonly #options: SupervisorOptions;
  readonly #places: readonly Place[];
  readonly #lines = stdoutLines();
  readonly #platform = bunPlatform(this.#lines);
  /** Undefined where nobody asks for metrics. */
  readonly #gathering: Gathering | undefined;
  readonly #common: Omit<Shared, "note" | "claim" | "targets" | "worker">;
  readonly #memories = new Memories();
  readonly #targets = new Map<string, readonly TargetPlan[]>();
  readonly #discoveries: readonly Discovery[];
  readonly #follows: ReadonlyMap<string, Follow>;
  /** Each target is checked once, however many workers there are. */
  readonly #health: HealthChecks;
  readonly #started = Promise.withResolvers<void>();
  #address: Pick<HeldPort, "host" | "port"> = { host: "", port: 0 };
  #serves = false;
  #letsGo = false;

  constructor(options: SupervisorOptions) {
    const { workers, plan } = options;
    this.#options = options;
    const words = (): Int32Array => new Int32Array(new SharedArrayBuffer((workers + 1) * 4));
    this.#common = {
      instance: crypto.randomUUID().slice(0, 8),
      limits: plan.limits.limits.length === 0 ? undefined : openCounts(plan.limits, workers, this.#platform),
      connections: words(),
      underWay: words(),
      boards: boardMemories(this.#platform),
    };
    if (plan.admin !== undefined) this.#gathering = this.#gather();
    const { targets } = openBoards(this.#common.boards, MAIN_THREAD, this.#platform);
    this.#health = new HealthChecks(targets, this.#platform, new Deadlines(this.#platform));
    this.#places = Array.from({ length: workers }, (_, index) => {
      return { number: index + 1, thread: undefined, listening: false, deaths: 0, again: undefined };
    });
    const found = Object.values(plan.upstreams).filter(({ discovery }) => discovery !== undefined);
    this.#discoveries = found.map((upstream) => this.#discover(upstream));
    this.#follows = new Map(found.map(({ name }, i) => [name, this.#discoveries[i]!.follow]));
  }

  /** Targets are found once for all workers; one that begins later is given those that are known. */
  #discover(upstream: UpstreamPlan): Discovery {
    const { name } = upstream;
    const discovery = discover(upstream, this.#platform);
    discovery.follow((targets) => {
      this.#targets.set(name, targets);
      for (const { thread } of this.#places) thread?.send({ kind: "targets", upstream: name, targets });
    });
    return discovery;
  }

  /** What serves, and the admin listener where the plan has one. @throws Refusal when that cannot listen */
  withAdmin(): Serving {
    const { plan, terminal } = this.#options;
    const gathering = this.#gathering;
    return gathering === undefined ? this : withAdmin(this, plan, gathering, this.#platform, terminal);
  }

  #gather(): Gathering {
    const living = (): Map<number, Thread> =>
      new Map(
        this.#places.flatMap(({ number, thread, listening }) =>
          thread === undefined || !listening ? [] : [[number, thread]],
        ),
      );
    const gathering = new Gathering(living);
    const { total } = gathering;
    meterProcess(total, this.#platform, buildOf(this.#options.embedded), () => living().size);
    total.count(FAMILIES.logLinesDropped, {}, () => this.#lines.dropped);
    const { limits } = this.#common;
    if (limits !== undefined) meterCounts(total, limits, this.#platform);
    return gathering;
  }

  /** Starts all workers; resolves to where they listen once all do. @throws Refusal when one of them cannot */
  async start(): Promise<{ host: string; port: number }> {
    const held = holdPort(this.#options.plan.listen);
    this.#address = held;
    process.on("exit", () => this.#lines.flush());
    try {
      this.#health.use(Object.values(this.#options.plan.upstreams), this.#follows);
      await firstTargets(this.#discoveries, this.#platform);
      if (!this.#letsGo) for (const place of this.#places) this.#begin(place);
      await this.#started.promise;
    } catch (refusal) {
      await this.end();
      throw refusal;
    } finally {
      held.release();
    }
    this.#serves = true;
    return this.#address;
  }

  async drain(): Promise<{ cut: number }> {
    const { plan } = this.#options;
    const threads = await this.#letGo({ kind: "drain" }, plan.graceMs + LATE_MS);
    const { limits } = this.#common;
    if (limits !== undefined) await saveCounts(plan.limits, limits, this.#platform);
    return { cut: threads.reduce((sum, { cut }) => sum + cut, 0) };
  }

  async end(): Promise<void> {
    await this.#letGo({ kind: "end" }, CUT_MS);
  }

  /** Tells all workers to go, and ends those that have not gone after so long. Gives those there were. */
  async #letGo(message: ToWorker, waitMs: number): Promise<readonly Thread[]> {
    this.#letsGo = true;
    for (const discovery of this.#discoveries) discovery.close();
    for (const { again } of this.#places) clearTimeout(again);
    const threads = this.#places.flatMap(({ thread }) => thread ?? []);
    for (const thread of threads) thread.send(message);
    const late = setTimeout(() => {
      for (const { number, thread } of this.#places) {
        if (thread === undefined) continue;
        this.#platform.notice("error", `worker ${number} does not answer: it is ended with what it had under way`);
        thread.terminate();
      }
    }, waitMs);
    await Promise.all(threads.map(({ ended }) => ended));
    clearTimeout(late);
    this.#health.close();
    this.#lines.flush();
    return threads;
  }

  #begin(place: Place): void {
    const { file, workers, plan, terminal, embedded } = this.#options;
    const task = {
      file,
      workers,
      host: plan.listen.host,
      port: this.#address.port,
      terminal: this.#platform.terminal,
      colors: terminal.outColors.isColorSupported,
      shared: { ...this.#common, worker: place.number },
      targets: this.#targets,
    };
    place.thread = new Thread(embedded.startThread(), task, this.#lines, this.#memories, {
      listening: () => this.#listens(place),
      refused: (exitCode, text) => this.#refused(place, exitCode, text),
      counted: (message) => this.#gathering?.counted(place.number, message),
      gone: (exitCode) => this.#gone(place, exitCode),
    });
  }

  #listens(place: Place): void {
    place.listening = true;
    if (this.#serves) this.#platform.notice("info", `worker ${place.number} serves again`);
    else if (this.#places.every(({ listening }) => listening)) this.#started.resolve();
  }

  /** At the start one worker that cannot serve ends all: it is told once. Later the others go on. */
  #refused({ number }: Place, exitCode: number, text: string): void {
    if (this.#serves || this.#letsGo) return;
    this.#letsGo = true;
    this.#options.terminal.err(text);
    const hint = "Each worker loads the config for itself: its code must come to the same in every thread.";
    const message = `worker ${number} cannot serve, though the main thread has loaded the config.`;
    this.#started.reject(new Refusal(exitCode, message, exitCode === EXIT.config ? { hint } : {}));
  }

  #gone(place: Place, exitCode: number): void {
    const { reason, startedAt } = place.thread!;
    place.thread = undefined;
    place.listening = false;
    const { limits, connections, underWay } = this.#common;
    for (const words of [connections, underWay]) Atomics.store(words, place.number, 0);
    this.#gathering?.gone(place.number);
    if (limits !== undefined) buryWorker(limits.memory, place.number);
    if (this.#letsGo) return;
    const what = `worker ${place.number} ended with exit code ${exitCode}${reason === "" ? "" : ` (${reason})`}`;
    if (!this.#serves) {
      const hint = "The config's code ends the thread it runs in: look for process.exit.";
      this.#started.reject(new Refusal(EXIT.config, `${what} before it listened.`, { hint }));
      return;
    }
    place.deaths = performance.now() - startedAt > HEALTHY_MS ? 1 : place.deaths + 1;
    const waitMs = Math.min(AGAIN_MS * 2 ** (place.deaths - 1), AGAIN_MOST_MS);
    this.#platform.notice("error", `${what}; another one starts in ${waitMs / 1000} s`);
    place.again = setTimeout(() => this.#begin(place), waitMs);
  }
}
