// A worker thread: loads the config for itself, listens beside the others, and does what the main thread says.
import { writeSync } from "node:fs";
import { isCounted } from "../../config/plan.ts";
import { toGatewayError, messageOf } from "../../errors.ts";
import { createGateway, type Gateway, type Prepared } from "../../gateway.ts";
import { type Issued, LatestIssued } from "../../issued.ts";
import type { LinesOut, LinesTo, Platform } from "../../platform.ts";
import { bunThreadPlatform, type ThreadPlatform } from "../../platforms/bun.ts";
import { ListeningSockets } from "../../platforms/listening.ts";
import { MOST_WAITING } from "../../platforms/stdout.ts";
import { ThreadLines } from "../../platforms/thread-lines.ts";
import type { Embedded } from "../embedded.ts";
import { EXIT, Refusal, stackOf } from "../exit.ts";
import { listenOrRefuse } from "../listen-refusal.ts";
import { type Finding, findingsText, planSources, type PlannedConfig } from "../plan-config.ts";
import { keepServing, prepare } from "../serving.ts";
import { formatRefusal, openTerminal, type Terminal } from "../terminal.ts";
import { Metrics } from "../../record/metrics.ts";
import { meterThread } from "../../record/process-metrics.ts";
import { Verbosity, noticeText } from "../../verbosity.ts";
import { clockOffset } from "./clock.ts";
import { tellCounts } from "./counting.ts";
import type { FromWorker, LimitQuestion, LimitTold, Start, Task, ToWorker } from "./messages.ts";
import { beat } from "./heartbeats.ts";
import { Questions } from "./questions.ts";
import { planOfWorker } from "./share.ts";
import { TargetSets } from "./target-sets.ts";

/** Least that the lines of one worker may wait, however many there are. */
const LEAST_WAITING = 512 * 1024;

/** The global of a worker, as far as it is used. */
interface Scope {
  postMessage(message: FromWorker, transfer?: readonly ArrayBuffer[]): void;
  addEventListener(kind: "message", listener: (event: { readonly data: unknown }) => void): void;
}

const scope = globalThis as unknown as Scope;

/** Serves in this thread until the main thread ends it. */
export function serveAsWorker(embedded: Embedded): void {
  let serving: ServingWorker | undefined;
  const questions = new Questions((message) => scope.postMessage(message));
  let targets: TargetSets | undefined;
  let issued: LatestIssued | undefined;
  const act = async (message: ToWorker): Promise<void> => {
    switch (message.kind) {
      case "start":
        targets = new TargetSets(message.start.targets);
        issued = new LatestIssued(message.start.issued);
        serving = await start(message.start, embedded, questions, targets, issued);
        return;
      case "prepare":
        return scope.postMessage({ kind: "prepared", refusal: await serving!.prepare(message.task) });
      case "take":
        serving!.take();
        return scope.postMessage({ kind: "taken" });
      case "drop":
        return serving!.drop();
      case "drain":
        scope.postMessage({ kind: "drained", cut: (await serving?.gateway.drain(message.delayMs))?.cut ?? 0 });
        return process.exit(0);
      case "end":
        // Cuts what is under way, so that it is recorded: that comes with the sockets' last word, a turn later.
        serving?.gateway.close();
        setImmediate(() => process.exit(0));
        return;
      case "sockets":
        return scope.postMessage({ kind: "sockets", ...serving!.sockets(message.accepts) });
      case "targets":
        return targets?.put(message.search, message.targets);
      case "limit":
        return scope.postMessage({ kind: "limit told", id: message.id, told: await serving!.limit(message.question) });
      case "issued":
        issued?.put(message.state);
        serving?.tell?.(0, false);
        return scope.postMessage({ kind: "issued", id: message.id });
      case "count":
        return serving?.tell?.(message.id, message.look);
      default:
        questions.answered(message);
    }
  };
  scope.addEventListener("message", ({ data }) => {
    // The config's own code may send messages too.
    if (typeof data === "object" && data !== null && "kind" in data) void act(data as ToWorker);
  });
}

/** A gateway that serves in this thread. */
class ServingWorker {
  readonly gateway: Gateway;
  /** See tellCounts. */
  readonly tell: ReturnType<typeof tellCounts> | undefined;
  readonly #platform: Platform & ThreadPlatform;
  readonly #load: (task: Task) => Promise<PlannedConfig>;
  readonly #colors: Terminal["errColors"];
  readonly #targets: TargetSets;
  #pending: (Pick<Task, "limits" | "searches"> & { readonly prepared: Prepared }) | undefined = undefined;

  constructor(
    gateway: Gateway,
    platform: Platform & ThreadPlatform,
    load: (task: Task) => Promise<PlannedConfig>,
    targets: TargetSets,
    colors: Terminal["errColors"],
    tell: ServingWorker["tell"],
  ) {
    this.gateway = gateway;
    this.tell = tell;
    this.#platform = platform;
    this.#load = load;
    this.#targets = targets;
    this.#colors = colors;
  }

  /** Loads to the side; gives why that cannot be. */
  async prepare(task: Task): Promise<string | undefined> {
    const { shared } = this.#platform;
    const { limits } = shared;
    try {
      const { plan, dispose } = await this.#load(task);
      try {
        shared.limits = task.limits;
        shared.targets = this.#targets.of(task.searches);
        const prepared = prepare(this.gateway, plan, dispose);
        await prepared.ready;
        this.#pending = { prepared, limits, searches: task.searches };
        return undefined;
      } catch (thrown) {
        dispose();
        shared.limits = limits;
        throw thrown;
      }
    } catch (thrown) {
      return reasonOf(thrown, this.#colors).text;
    }
  }

  /** What an operator wants of a limit, or why that cannot be. */
  async limit({ act, limit, caller }: LimitQuestion): Promise<LimitTold> {
    try {
      return { status: await this.gateway.limits[act](limit, caller) };
    } catch (thrown) {
      const { code, message } = toGatewayError(thrown);
      return { refusal: { code, text: message } };
    }
  }

  /** Tells the listening sockets, and has them accept or not. */
  sockets(accepts: boolean | undefined): Pick<Extract<FromWorker, { kind: "sockets" }>, "sockets" | "refusal"> {
    const { listening } = this.#platform;
    let refusal: string | undefined;
    try {
      if (accepts === true) listening.resume();
      else if (accepts === false) listening.pause();
    } catch (error) {
      refusal = messageOf(error);
    }
    return { sockets: listening.sockets, refusal };
  }

  take(): void {
    if (this.#pending === undefined) return;
    this.#pending.prepared.take();
    this.#targets.keep(this.#pending.searches);
    this.#pending = undefined;
    this.tell?.(0, false);
  }

  drop(): void {
    if (this.#pending === undefined) return;
    this.#pending.prepared.drop();
    this.#platform.shared.limits = this.#pending.limits;
    this.#pending = undefined;
  }
}

/** Starts to listen, or reports why it cannot and ends. */
async function start(
  begin: Start,
  embedded: Embedded,
  questions: Questions,
  targets: TargetSets,
  issued: Issued,
): Promise<ServingWorker> {
  const { errColors } = openTerminal(begin.colors ? "always" : "never");
  try {
    const offset = clockOffset(begin.clock, () => scope.postMessage({ kind: "clock" }));
    const load = async ({ sources, host, port }: Task): Promise<PlannedConfig> => {
      const planned = await planSources(sources, embedded);
      if ("findings" in planned) throw new Faulty(planned.findings);
      return { ...planned, plan: planOfWorker(planned.plan, begin.workers, host, port) };
    };
    const { plan, dispose } = await load(begin.task);
    const platform = platformOf(begin, questions, targets, offset);
    const metrics = isCounted(plan) ? new Metrics(platform.wallClock()) : undefined;
    if (metrics !== undefined) meterThread(metrics, platform, begin.shared.worker);
    const gateway = createGateway(plan, platform, { over: dispose, metrics, issued });
    keepServing((text) => platform.notice("error", text));
    listenOrRefuse(plan, () => gateway.listen());
    platform.listening.closeRest();
    const tell = metrics && tellCounts(metrics, gateway, (message) => scope.postMessage(message));
    if (begin.heart !== undefined) beat(begin.heart.words, begin.shared.worker, begin.heart.everyMs);
    // How it is, is known before it counts as one that serves.
    tell?.(0, false);
    scope.postMessage({ kind: "listening" });
    return new ServingWorker(gateway, platform, load, targets, errColors, tell);
  } catch (thrown) {
    const { exitCode, text } = reasonOf(thrown, errColors);
    return refuse(exitCode, text);
  }
}

/** A config that is wrong. */
class Faulty extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super();
    this.findings = findings;
  }
}

/** Why something cannot be, in full, and the exit code that goes with that. */
function reasonOf(thrown: unknown, colors: Terminal["errColors"]): { exitCode: number; text: string } {
  if (thrown instanceof Faulty) return { exitCode: EXIT.config, text: findingsText(thrown.findings, colors) };
  if (thrown instanceof Refusal) return { exitCode: thrown.exitCode, text: formatRefusal(thrown, colors) };
  return { exitCode: EXIT.bug, text: stackOf(thrown) };
}

function refuse(exitCode: number, text: string): never {
  scope.postMessage({ kind: "refused", exitCode, text });
  process.exit(exitCode);
}

function platformOf(
  begin: Start,
  { note, claim }: Questions,
  targets: TargetSets,
  offset: number,
): Platform & ThreadPlatform {
  const { shared, task, terminal, taken, workers, handed } = begin;
  // Standard error takes a line whole: what the thread says last is not lost with it.
  const verbosity = new Verbosity(shared.verbosity);
  const notice: Platform["notice"] = (level, text) => {
    if (!verbosity.tells(level)) return;
    try {
      writeSync(2, `${noticeText(level, text)}\n`);
    } catch {
      // Nobody reads.
    }
  };
  const linesOf = (sink: number, name: string, taken: Int32Array): ThreadLines => {
    const lines = new ThreadLines({
      post: (bytes) => scope.postMessage({ kind: "lines", sink, lines: bytes }, [bytes.buffer]),
      taken,
      mostWaiting: Math.max(LEAST_WAITING, MOST_WAITING / workers),
      name,
      notice: (text) => notice("warn", text),
    });
    process.on("exit", lines.flush);
    return lines;
  };
  const lines = linesOf(0, "standard output", taken);
  let sinks = 0;
  const linesTo = (to: LinesTo): LinesOut => {
    const sink = ++sinks;
    const taken = new Int32Array(new SharedArrayBuffer(8));
    scope.postMessage({ kind: "open lines", sink, to, taken });
    const lines = linesOf(sink, to.name, taken);
    return {
      write: (line) => lines.write(line),
      get lost() {
        return lines.lost;
      },
      close() {
        lines.flush();
        process.off("exit", lines.flush);
        scope.postMessage({ kind: "close lines", sink });
      },
    };
  };
  return bunThreadPlatform({
    shared: {
      ...shared,
      limits: task.limits,
      note,
      claim,
      counted: (counted) => scope.postMessage({ kind: "told", counted }),
      targets: targets.of(task.searches),
    },
    listening: new ListeningSockets(handed, handed !== undefined),
    terminal,
    now: () => performance.now() + offset,
    line: (text) => lines.write(text),
    linesLost: () => lines.lost,
    linesTo,
    verbosity,
    notice,
  });
}
