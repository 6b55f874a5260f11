// The main thread of several workers: starts them, replaces those that die, writes their lines, and lets them go.
import type { Overseen } from "../../admin/acts.ts";
import { isCounted, type Plan, type ShutdownPlan } from "../../config/plan.ts";
import { buryWorker } from "../../limit/table.ts";
import { movedCounts, saveCounts } from "../../counts.ts";
import { HealthChecks } from "../../health-checks.ts";
import { Deadlines } from "../../http/deadlines.ts";
import { bunPlatform } from "../../platforms/bun.ts";
import { meterCounts } from "../../meter.ts";
import { FAMILIES } from "../../record/families.ts";
import type { Metrics } from "../../record/metrics.ts";
import { meterProcess } from "../../record/process-metrics.ts";
import { boardMemories, type Boards, MAIN_THREAD, openBoards } from "../../shared-board.ts";
import type { Shared } from "../../shared.ts";
import { type ControlledUpstream, TargetControl } from "../../target-control.ts";
import { FLUSH_MS } from "../../telemetry.ts";
import { withAdmin } from "../admin-listener.ts";
import { buildOf, type Embedded } from "../embedded.ts";
import { EXIT, Refusal } from "../exit.ts";
import type { PlannedConfig } from "../plan-config.ts";
import { type Address, hasMoved, type Serving } from "../serving.ts";
import type { Terminal } from "../terminal.ts";
import { controlledUpstreams, leftOf } from "./controlled.ts";
import { Gathering } from "./gathering.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Memories } from "./memories.ts";
import type { Task, ToWorker } from "./messages.ts";
import { holdPort } from "./port.ts";
import { pauseAfter, type Place, take } from "./place.ts";
import { Pushing } from "./pushing.ts";
import { Searches } from "./searches.ts";
import { Thread } from "./thread.ts";

/** Beyond the grace, how long a worker has to say that it has drained. */
const LATE_MS = 2000;
/** How long workers have to cut what is under way. */
const CUT_MS = 500;

const SAME_EVERYWHERE = "Each worker loads the config for itself: its code must come to the same in every thread.";

/** What the main thread knows when it starts workers. */
export interface SupervisorOptions {
  readonly workers: number;
  /** What runs first. */
  readonly config: PlannedConfig;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
  /** How often workers beat, for who watches them. */
  readonly beatMs: number | undefined;
}

/** All workers of the process. */
export class Supervisor implements Serving {
  readonly #options: SupervisorOptions;
  readonly #places: readonly Place[];
  readonly #platform = bunPlatform();
  /** Undefined where nobody asks for metrics. */
  readonly #gathering: Gathering | undefined;
  #unread: (() => void) | undefined = undefined;
  readonly #pushing: Pushing;
  readonly #common: Omit<Shared, "note" | "claim" | "worker" | "limits" | "targets">;
  readonly #memories = new Memories();
  readonly #hearts: Heartbeats;
  /** Targets are found once for all workers. */
  readonly #searches = new Searches(
    this.#platform,
    () => this.#gathering?.total,
    (search, targets) => {
      for (const { thread } of this.#places) thread?.send({ kind: "targets", search, targets });
    },
  );
  readonly #boards: Boards;
  /** Each target is checked once, however many workers there are. */
  readonly #health: HealthChecks;
  readonly #started = Promise.withResolvers<void>();
  /** What runs. */
  #config: PlannedConfig;
  #task: Task;
  #serves = false;
  #letsGo = false;

  constructor(options: SupervisorOptions) {
    const { workers, config } = options;
    this.#options = options;
    this.#config = config;
    this.#hearts = new Heartbeats(workers);
    const { sources, plan } = config;
    const { host, port } = plan.listen;
    this.#task = { sources, host, port, limits: this.#limitsFor(plan, undefined), searches: new Map() };
    const words = (): Int32Array => new Int32Array(new SharedArrayBuffer((workers + 1) * 4));
    this.#common = {
      instance: crypto.randomUUID().slice(0, 8),
      connections: words(),
      underWay: words(),
      boards: boardMemories(this.#platform),
    };
    this.#boards = openBoards(this.#common.boards, MAIN_THREAD, this.#platform);
    if (isCounted(plan)) this.#gathering = this.#gather();
    this.#pushing = new Pushing(this.#common.instance, this.#platform);
    this.#pushing.use(plan, this.#gathering);
    this.#health = new HealthChecks(this.#boards.targets, this.#platform, new Deadlines(this.#platform));
    this.#places = Array.from({ length: workers }, (_, index) => {
      return { number: index + 1, thread: undefined, task: undefined, listening: false, deaths: 0, again: undefined };
    });
  }

  /** What the main thread counts; undefined where nobody asks for metrics. */
  get metrics(): Metrics | undefined {
    return this.#gathering?.total;
  }

  /** What serves, and the admin listener where the plan has one. @throws Refusal when that cannot listen */
  async withAdmin(more: Pick<Overseen, "loads" | "reload" | "page">): Promise<Serving> {
    const gathering = this.#gathering;
    if (gathering === undefined) return this;
    const plan = (): Plan => this.#config.plan;
    const left = leftOf(plan, () => this.#task.limits, this.#platform);
    const overseen: Overseen = { ...gathering.overseen, plan, left, ...more };
    return withAdmin(this, plan(), overseen, this.#platform, this.#options.terminal);
  }

  #gather(): Gathering {
    const living = (): Map<number, Thread> =>
      new Map(
        this.#places.flatMap(({ number, thread, listening }) =>
          thread === undefined || !listening ? [] : [[number, thread]],
        ),
      );
    const upstreams = (): ControlledUpstream[] => controlledUpstreams(this.#config.plan, this.#task, this.#searches);
    const gathering = new Gathering(living, new TargetControl(this.#boards, upstreams, this.#platform));
    const { total } = gathering;
    meterProcess(total, this.#platform, buildOf(this.#options.embedded), () => living().size);
    total.count(FAMILIES.logLinesDropped, { sink: "stdout" }, () => this.#platform.stdout.dropped);
    this.#meterCounts(total);
    return gathering;
  }

  /** Lets the table be read that limits count in now. */
  #meterCounts(total: Metrics): void {
    this.#unread?.();
    this.#unread = this.#task.limits && meterCounts(total, this.#task.limits, this.#platform);
  }

  /** Starts all workers; resolves to where they listen once all do. @throws Refusal when one of them cannot */
  async start(): Promise<{ host: string; port: number }> {
    const held = holdPort(this.#config.plan.listen);
    const { host, port } = held;
    this.#task = { ...this.#task, host, port };
    process.on("exit", () => this.#platform.flush());
    try {
      const upstreams = Object.values(this.#config.plan.upstreams);
      const searches = this.#searches.next(upstreams);
      searches.take();
      this.#task = { ...this.#task, searches: searches.numbers };
      this.#health.use(upstreams, searches.follows);
      await searches.first;
      if (!this.#letsGo) for (const place of this.#places) this.#begin(place);
      await this.#started.promise;
    } catch (refusal) {
      await this.end();
      throw refusal;
    } finally {
      held.release();
    }
    this.#serves = true;
    return { host, port };
  }

  get shutdown(): ShutdownPlan {
    return this.#config.plan.shutdown;
  }

  /** All workers load it to the side; once all have, all take it. One that cannot keeps all from it. */
  async swap(config: PlannedConfig): Promise<Address | undefined> {
    const { plan, sources } = config;
    const held = hasMoved(this.#config.plan.listen, plan.listen) ? holdPort(plan.listen) : undefined;
    const { host, port } = held ?? this.#task;
    const upstreams = Object.values(plan.upstreams);
    const searches = this.#searches.next(upstreams);
    try {
      await searches.first;
      const limits = this.#limitsFor(plan, this.#task.limits);
      const task: Task = { sources, host, port, limits, searches: searches.numbers };
      const places = this.#places.filter(({ listening }) => listening);
      const refusals = await Promise.all(places.map((place) => this.#prepare(place, task)));
      const refusal = refusals.find((each) => each !== undefined);
      if (refusal !== undefined) {
        for (const { thread } of places) thread?.send({ kind: "drop" });
        throw refusal;
      }
      this.#pushing.use(plan, this.#gathering);
      this.#config.dispose();
      this.#config = config;
      this.#task = task;
      searches.take();
      this.#health.use(upstreams, searches.follows);
      if (this.#gathering !== undefined) this.#meterCounts(this.#gathering.total);
      await Promise.all(places.map((place) => take(place, task)));
      return held;
    } catch (refusal) {
      searches.drop();
      throw refusal;
    } finally {
      held?.release();
    }
  }

  /** Why the worker cannot load what it is told to. */
  async #prepare({ number, thread }: Place, task: Task): Promise<Refusal | undefined> {
    const why = await thread?.prepare(task);
    if (why === undefined) return undefined;
    return new Refusal(EXIT.config, `worker ${number} cannot load what the main thread has loaded: ${why}`, {
      hint: SAME_EVERYWHERE,
    });
  }

  /** The table that goes with a plan; what was counted goes on in it. */
  #limitsFor({ limits }: Plan, before: Task["limits"]): Task["limits"] {
    if (limits.limits.length === 0) return undefined;
    const sameSize = limits.capacity === this.#config.plan.limits.capacity;
    return before && sameSize ? before : movedCounts(before, limits, this.#options.workers, this.#platform);
  }

  async drain(delayMs: number): Promise<{ cut: number }> {
    const { plan } = this.#config;
    if (this.#gathering !== undefined) this.#gathering.draining = true;
    const mostMs = delayMs + plan.shutdown.graceMs + LATE_MS + (plan.otlp ? FLUSH_MS : 0);
    const threads = await this.#letGo({ kind: "drain", delayMs }, mostMs);
    await this.#pushing.flush();
    if (this.#task.limits) await saveCounts(plan.limits, this.#task.limits, this.#platform);
    return { cut: threads.reduce((sum, { cut }) => sum + cut, 0) };
  }

  async end(): Promise<void> {
    this.#pushing.close();
    await this.#letGo({ kind: "end" }, CUT_MS);
  }

  isAlive(): boolean {
    return this.#hearts.haveBeaten(this.#places.flatMap(({ number, listening }) => (listening ? number : [])));
  }

  /** Tells all workers to go, and ends those that have not gone after so long. Gives those there were. */
  async #letGo(message: ToWorker, waitMs: number): Promise<readonly Thread[]> {
    this.#letsGo = true;
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
    this.#searches.close();
    this.#health.close();
    this.#platform.flush();
    await this.#platform.sinks.flush();
    return threads;
  }

  readonly reopenLogs = (): void => this.#platform.sinks.reopen();

  #begin(place: Place): void {
    const { workers, terminal, embedded, beatMs } = this.#options;
    place.task = this.#task;
    const task = {
      task: this.#task,
      workers,
      terminal: this.#platform.terminal,
      colors: terminal.outColors.isColorSupported,
      shared: { ...this.#common, worker: place.number },
      targets: this.#searches.targets,
      heart: beatMs === undefined ? undefined : { words: this.#hearts.words, everyMs: beatMs },
    };
    place.thread = new Thread(embedded.startThread(), task, this.#platform, this.#memories, {
      listening: () => this.#listens(place),
      refused: (exitCode, text) => this.#refused(place, exitCode, text),
      counted: (message) => this.#gathering?.counted(place.number, message),
      gone: (exitCode) => this.#gone(place, exitCode),
    });
  }

  #listens(place: Place): void {
    if (place.task !== this.#task) return void this.#catchUp(place);
    place.listening = true;
    if (this.#serves) this.#platform.notice("info", `worker ${place.number} serves again`);
    else if (this.#places.every(({ listening }) => listening)) this.#started.resolve();
  }

  /** A worker that began with what ran before comes to listen. */
  async #catchUp(place: Place): Promise<void> {
    const { thread } = place;
    const task = this.#task;
    const refusal = await this.#prepare(place, task);
    if (place.thread !== thread) return;
    if (refusal === undefined) {
      await take(place, task);
      return this.#listens(place);
    }
    this.#platform.notice("error", refusal.message);
    thread?.terminate();
  }

  /** At the start one worker that cannot serve ends all: it is told once. Later the others go on. */
  #refused({ number }: Place, exitCode: number, text: string): void {
    if (this.#serves || this.#letsGo) return;
    this.#letsGo = true;
    this.#options.terminal.err(text);
    const message = `worker ${number} cannot serve, though the main thread has loaded the config.`;
    this.#started.reject(new Refusal(exitCode, message, exitCode === EXIT.config ? { hint: SAME_EVERYWHERE } : {}));
  }

  #gone(place: Place, exitCode: number): void {
    const { reason, startedAt } = place.thread!;
    place.thread = undefined;
    place.listening = false;
    const { connections, underWay } = this.#common;
    const { limits } = this.#task;
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
    const waitMs = pauseAfter(place, performance.now() - startedAt);
    this.#platform.notice("error", `${what}; another one starts in ${waitMs / 1000} s`);
    place.again = setTimeout(() => this.#begin(place), waitMs);
  }
}
