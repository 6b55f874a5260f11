// A worker thread: loads the config for itself, listens beside the others, and does what the main thread says.
import { writeSync } from "node:fs";
import type { Plan } from "../../config/plan.ts";
import { createGateway, type Gateway } from "../../gateway.ts";
import type { Platform } from "../../platform.ts";
import { bunThreadPlatform, noticeText } from "../../platforms/bun.ts";
import { MOST_WAITING } from "../../platforms/stdout.ts";
import { ThreadLines } from "../../platforms/thread-lines.ts";
import type { Embedded } from "../embedded.ts";
import { EXIT, Refusal } from "../exit.ts";
import { listenRefusal } from "../listen-refusal.ts";
import { findingText, planConfig } from "../plan-config.ts";
import { keepServing } from "../serving.ts";
import { formatRefusal, openTerminal } from "../terminal.ts";
import { Metrics } from "../../record/metrics.ts";
import { clockOffset } from "./clock.ts";
import { tellCounts } from "./counting.ts";
import type { FromWorker, Start, ToWorker } from "./messages.ts";
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

/** What a worker has begun. */
interface Served {
  readonly gateway: Gateway;
  /** See tellCounts. */
  tell(id: number): void;
}

/** Serves in this thread until the main thread ends it. */
export function serveAsWorker(embedded: Embedded): void {
  let serving: Served | undefined;
  const questions = new Questions((message) => scope.postMessage(message));
  let targets: TargetSets | undefined;
  const act = async (message: ToWorker): Promise<void> => {
    switch (message.kind) {
      case "start":
        targets = new TargetSets(message.start.targets);
        serving = await start(message.start, embedded, questions, targets);
        return;
      case "drain":
        scope.postMessage({ kind: "drained", cut: (await serving?.gateway.drain())?.cut ?? 0 });
        return process.exit(0);
      case "end":
        // Cuts what is under way, so that it is recorded: that comes with the sockets' last word, a turn later.
        serving?.gateway.close();
        setImmediate(() => process.exit(0));
        return;
      case "targets":
        return targets?.put(message.upstream, message.targets);
      case "count":
        return serving?.tell(message.id);
      default:
        questions.answered(message);
    }
  };
  scope.addEventListener("message", ({ data }) => {
    // The config's own code may send messages too.
    if (typeof data === "object" && data !== null && "kind" in data) void act(data as ToWorker);
  });
}

/** Comes to listen, or tells why not and ends. */
async function start(task: Start, embedded: Embedded, questions: Questions, targets: TargetSets): Promise<Served> {
  const terminal = openTerminal(task.colors ? "always" : "never");
  try {
    const offset = clockOffset(task.clock, () => scope.postMessage({ kind: "clock" }));
    const planned = await planConfig(task.file, embedded);
    if ("findings" in planned) {
      return refuse(EXIT.config, planned.findings.map((each) => findingText(each, terminal.errColors)).join("\n"));
    }
    const plan = planOfWorker(planned.plan, task.workers, task.host, task.port);
    const platform = platformOf(task, questions, targets, offset);
    const metrics = plan.admin && new Metrics();
    const gateway = createGateway(plan, platform, undefined, metrics);
    keepServing((text) => platform.notice("error", text));
    listen(gateway, plan);
    const tell = metrics && tellCounts(metrics, gateway, (message) => scope.postMessage(message));
    scope.postMessage({ kind: "listening" });
    return { gateway, tell: (id) => tell?.(id) };
  } catch (thrown) {
    if (thrown instanceof Refusal) return refuse(thrown.exitCode, formatRefusal(thrown, terminal.errColors));
    return refuse(EXIT.bug, thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
}

function refuse(exitCode: number, text: string): never {
  scope.postMessage({ kind: "refused", exitCode, text });
  process.exit(exitCode);
}

function platformOf(
  { shared, terminal, taken, workers }: Start,
  { note, claim }: Questions,
  targets: TargetSets,
  offset: number,
): Platform {
  // Standard error takes a line whole: what the thread says last is not lost with it.
  const notice: Platform["notice"] = (level, text) => {
    try {
      writeSync(2, noticeText(level, text));
    } catch {
      // Nobody reads.
    }
  };
  const lines = new ThreadLines({
    post: (bytes) => scope.postMessage({ kind: "lines", lines: bytes }, [bytes.buffer]),
    taken,
    mostWaiting: Math.max(LEAST_WAITING, MOST_WAITING / workers),
    notice: (text) => notice("warn", text),
  });
  process.on("exit", lines.flush);
  return bunThreadPlatform({
    shared: { ...shared, note, claim, targets: targets.targets },
    terminal,
    now: () => performance.now() + offset,
    line: (text) => lines.write(text),
    linesLost: () => lines.lost,
    notice,
  });
}

function listen(gateway: Gateway, plan: Plan): void {
  try {
    gateway.listen();
  } catch (error) {
    throw listenRefusal(error, plan.listen.host, plan.listen.port);
  }
}
