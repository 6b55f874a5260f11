// The main thread of several workers: what all of them run, count in and are asked about, from the start to the end.
import type { Overseen } from "../../admin/overseen.ts";
import { RevokedKeys, revokedMemory } from "../../auth/api-key/revoked-keys.ts";
import { isCounted, type Plan, type ShutdownPlan } from "../../config/plan.ts";
import { addCounted, movedCounts, saveCounts } from "../../counts.ts";
import { HealthChecks } from "../../health-checks.ts";
import { Deadlines } from "../../http/deadlines.ts";
import { KeyControl } from "../../key-control.ts";
import type { BunPlatform, HandedSockets } from "../../platforms/bun.ts";
import { type HandedSocket, isAt } from "../../platforms/listening.ts";
import { sharePort } from "../../platforms/listening-descriptor.ts";
import { meterCounts } from "../../meter.ts";
import { FAMILIES } from "../../record/families.ts";
import type { Metrics } from "../../record/metrics.ts";
import { meterProcess } from "../../record/process-metrics.ts";
import { boardMemories, type Boards, MAIN_THREAD, openBoards } from "../../shared-board.ts";
import type { Counts } from "../../shared.ts";
import { type ControlledUpstream, TargetControl } from "../../target-control.ts";
import { FLUSH_MS } from "../../telemetry.ts";
import { type MoreOverseen, withAdmin } from "../admin-listener.ts";
import { buildOf, type Embedded } from "../embedded.ts";
import { Issuing } from "../issuing.ts";
import type { PlannedConfig } from "../plan-config.ts";
import { type Address, hasMoved, type Serving } from "../serving.ts";
import type { Terminal } from "../terminal.ts";
import { NO_ORDERS, obey, ordersOf } from "../upgrade/orders.ts";
import type { Handing, Told } from "../upgrade/handing.ts";
import { controlledLimits, controlledUpstreams } from "./controlled.ts";
import { Crew } from "./crew.ts";
import { Gathering } from "./gathering.ts";
import type { Task, ToWorker } from "./messages.ts";
import { type HeldPort, holdPort } from "./port.ts";
import { Pushing } from "./pushing.ts";
import { Searches } from "./searches.ts";
import type { Thread } from "./thread.ts";

/** Beyond the grace, how long a worker has to say that it has drained. */
const LATE_MS = 2000;
/** How long workers have to cut what is under way. */
const CUT_MS = 500;

/** What the main thread knows when it starts workers. */
export interface SupervisorOptions {
  readonly workers: number;
  /** The config that runs first. */
  readonly config: PlannedConfig;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
  /** Of the main thread, which listens for the admin listener alone. */
  readonly platform: BunPlatform;
  /** The word of its verbosity: of shared memory. */
  readonly level: Int32Array;
  /** How often workers beat, for who watches them. */
  readonly beatMs: number | undefined;
  /** Of a process that this one takes over from: its listening sockets, and a table for its counts. */
  readonly handed: HandedSockets | undefined;
  readonly counts: Counts | undefined;
}

/** Starts and replaces the workers of the process, and has them reload and end together. */
export class Supervisor implements Serving {
  readonly #options: SupervisorOptions;
  readonly #platform: BunPlatform;
  /** Undefined where nobody asks for metrics. */
  readonly #gathering: Gathering | undefined;
  #unread: (() => void) | undefined = undefined;
  readonly #pushing: Pushing;
  readonly #crew: Crew;
  /** Targets are found once for all workers. */
  readonly #searches: Searches;
  /** Undefined where there is no admin listener. */
  readonly #keys: KeyControl | undefined;
  readonly #issuing: Issuing;
  readonly #boards: Boards;
  /** Each target is checked once, however many workers there are. */
  readonly #health: HealthChecks;
  /** The config that runs. */
  #config: PlannedConfig;
  #task: Task;
  /** Told of what is counted that another process has a table for already. */
  #told: Told = undefined;

  constructor(options: SupervisorOptions) {
    const { workers, config, embedded, terminal, beatMs, platform, level, handed, counts } = options;
    this.#platform = platform;
    platform.verbosity.level = config.plan.logLevel;
    this.#searches = new Searches(
      platform,
      () => this.#gathering?.total,
      (search, targets) => this.#crew.send({ kind: "targets", search, targets }),
    );
    this.#options = options;
    this.#config = config;
    const { sources, plan } = config;
    const { host, port } = plan.listen;
    this.#task = { sources, host, port, limits: counts ?? this.#limitsFor(plan, undefined), searches: new Map() };
    const words = (): Int32Array => new Int32Array(new SharedArrayBuffer((workers + 1) * 4));
    const instance = crypto.randomUUID().slice(0, 8);
    const boards = boardMemories(platform);
    this.#boards = openBoards(boards, MAIN_THREAD, platform);
    const revoked = plan.admin && revokedMemory(true);
    this.#keys =
      revoked &&
      new KeyControl(new RevokedKeys(revoked), () => this.#config.plan.auth, platform, plan.admin?.revokedKeys);
    this.#issuing = new Issuing(platform, embedded.version, (state) => this.#crew.tellIssued(state));
    this.#crew = new Crew({
      workers,
      embedded,
      terminal,
      platform,
      common: { instance, connections: words(), underWay: words(), boards, verbosity: level, revoked },
      beatMs,
      handed: handed?.gateway,
      task: () => this.#task,
      targets: this.#searches.targets,
      issued: this.#issuing.issued,
      counted: (worker, message) => this.#gathering?.counted(worker, message),
      told: (counted) => this.#told?.(counted),
      gone: (worker) => this.#gathering?.gone(worker),
    });
    if (isCounted(plan)) this.#gathering = this.#gather();
    this.#pushing = new Pushing(instance, platform);
    this.#pushing.use(plan, this.#gathering);
    this.#health = new HealthChecks(this.#boards.targets, platform, new Deadlines(platform));
  }

  /** What the main thread counts; undefined where nobody asks for metrics. */
  get metrics(): Metrics | undefined {
    return this.#gathering?.total;
  }

  /** What serves, and the admin listener where the plan has one. @throws Refusal when that cannot listen */
  async withAdmin(more: MoreOverseen): Promise<Serving> {
    const [gathering, keys] = [this.#gathering, this.#keys];
    if (gathering === undefined || keys === undefined) return this;
    const plan = (): Plan => this.#config.plan;
    const limits = controlledLimits(() => this.#crew.living);
    const overseen: Overseen = {
      ...gathering.overseen,
      plan,
      limits,
      keys,
      verbosity: this.#platform.verbosity,
      ...more,
    };
    return withAdmin(this, plan(), overseen, this.#platform, this.#options.terminal);
  }

  #gather(): Gathering {
    const living = (): ReadonlyMap<number, Thread> => this.#crew.living;
    const upstreams = (): ControlledUpstream[] => controlledUpstreams(this.#config.plan, this.#task, this.#searches);
    const gathering = new Gathering(living, new TargetControl(this.#boards, upstreams, this.#platform));
    const { total } = gathering;
    meterProcess(total, this.#platform, buildOf(this.#options.embedded), () => living().size);
    total.count(FAMILIES.logLinesDropped, { sink: "stdout" }, () => this.#platform.stdout.dropped);
    this.#issuing.meter(total);
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
    const held = this.#handedPort() ?? holdPort(this.#config.plan.listen);
    const { host, port } = held;
    this.#task = { ...this.#task, host, port };
    process.on("exit", () => this.#platform.flush());
    try {
      const upstreams = Object.values(this.#config.plan.upstreams);
      const searches = this.#searches.next(upstreams);
      searches.take();
      this.#task = { ...this.#task, searches: searches.numbers };
      this.#health.use(upstreams, searches.follows);
      await Promise.all([searches.first, this.#issuing.use(this.#config.plan.listen.tls?.acme)]);
      await this.#crew.start();
    } catch (refusal) {
      await this.end();
      throw refusal;
    } finally {
      held.release();
    }
    if (this.#options.handed === undefined) this.#issuing.start();
    return { host, port };
  }

  /** Where the process listens that this one takes over from, if the plan wants that. */
  #handedPort(): HeldPort | undefined {
    const { handed, config } = this.#options;
    const { host, port } = config.plan.listen;
    const first = handed?.gateway.find((each) => isAt(each, { host, port }));
    if (handed === undefined || first === undefined) return undefined;
    // One worker alone did not share its port.
    for (const { fd } of handed.gateway) sharePort(fd);
    return { host: first.host, port: first.port, release: () => undefined };
  }

  /** Workers want the port that the main thread has found: whoever takes over wants what the config says. */
  readonly #asPlanned = (socket: HandedSocket): HandedSocket => {
    const { host, port } = this.#config.plan.listen;
    return socket.port === this.#task.port ? { ...socket, wanted: { host, port } } : socket;
  };

  get handing(): Handing {
    const platform = this.#platform;
    const admin = platform.forAdmin.listening;
    const { limits } = this.#task;
    return {
      sockets: async () => ({ gateway: (await this.#crew.sockets()).map(this.#asPlanned), admin: admin.sockets }),
      accept: async (accepts) => {
        await this.#crew.sockets(accepts);
        if (accepts) admin.resume();
        else admin.pause();
      },
      counts: limits,
      tell: (told) => (this.#told = told),
      add: (counted) => limits && addCounted(counted, limits, platform, this.#told),
      orders: () =>
        this.#gathering === undefined ? NO_ORDERS : ordersOf(this.#gathering.overseen.targets, this.#keys),
      obey: (orders) => this.#gathering && obey(orders, this.#gathering.overseen.targets, this.#keys),
      letGo: () => admin.handOver(),
      begin: () => this.#issuing.start(),
    };
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
      const take = await this.#crew.prepare(task);
      this.#pushing.use(plan, this.#gathering);
      if (plan.logLevel !== this.#config.plan.logLevel) this.#platform.verbosity.level = plan.logLevel;
      this.#config.dispose();
      this.#config = config;
      this.#task = task;
      searches.take();
      this.#health.use(upstreams, searches.follows);
      if (this.#gathering !== undefined) this.#meterCounts(this.#gathering.total);
      await take();
      await this.#issuing.use(plan.listen.tls?.acme);
      return held;
    } catch (refusal) {
      searches.drop();
      throw refusal;
    } finally {
      held?.release();
    }
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
    // Those that are told to another process are its to keep.
    if (this.#task.limits && this.#told === undefined) await saveCounts(plan.limits, this.#task.limits, this.#platform);
    return { cut: threads.reduce((sum, { cut }) => sum + cut, 0) };
  }

  async end(): Promise<void> {
    this.#pushing.close();
    await this.#letGo({ kind: "end" }, CUT_MS);
  }

  isAlive(): boolean {
    return this.#crew.isAlive();
  }

  async #letGo(message: ToWorker, waitMs: number): Promise<readonly Thread[]> {
    this.#issuing.close();
    const threads = await this.#crew.letGo(message, waitMs);
    this.#searches.close();
    this.#health.close();
    this.#platform.flush();
    await this.#platform.sinks.flush();
    return threads;
  }

  readonly reopenLogs = (): void => this.#platform.sinks.reopen();
}
