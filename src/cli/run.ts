// `sluice run [file]`: loads the config, listens, and serves until a signal ends it.
import { availableParallelism } from "node:os";
import { isSame } from "../carried.ts";
import { isCounted, type Plan } from "../config/plan.ts";
import { planWarnings } from "../config/warnings.ts";
import { countsAs } from "../counts.ts";
import { createGateway } from "../gateway.ts";
import { Metrics } from "../record/metrics.ts";
import { meterProcess } from "../record/process-metrics.ts";
import { bunPlatform } from "../platforms/bun.ts";
import { buildOf, fullVersion } from "./embedded.ts";
import { type MoreOverseen, overseenIn, withAdmin } from "./admin-listener.ts";
import { Refusal, usageError } from "./exit.ts";
import { Issuing } from "./issuing.ts";
import { findConfig } from "./find-config.ts";
import { filesBehind, gateWarnings } from "./gate.ts";
import { listenOrRefuse } from "./listen-refusal.ts";
import { serviceManager } from "./service-manager.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import { planSummary } from "./plan-summary.ts";
import { reexecute } from "./reexecute.ts";
import { meterReloads, Reloads } from "./reload.ts";
import { type Address, keepServing, type Serving, ServingHere, untilStopped } from "./serving.ts";
import { formatRefusal } from "./terminal.ts";
import { handingHere } from "./upgrade/handing.ts";
import { type Predecessor, predecessorOf } from "./upgrade/predecessor.ts";
import { programOf } from "./upgrade/program.ts";
import { Upgrades } from "./upgrade/upgrades.ts";
import { urlOf } from "./url-of.ts";
import { defineVerb, type VerbContext } from "./verb.ts";
import { Verbosity, noticeText } from "../verbosity.ts";
import { placeOfText } from "./sources.ts";
import { watchSources } from "./watch-sources.ts";
import { staleTypes } from "./version-stamp.ts";

/** `sluice run`: runs the gateway in the foreground. */
export const run = defineVerb(
  {
    name: "run",
    summary: "runs the gateway in the foreground",
    notes: [
      "Without a file: gateway.config.ts (.mts, .js, .mjs, .json) in this folder, then in $XDG_CONFIG_HOME/sluice, then in",
      "/etc/sluice. The access log goes to stdout, messages go to stderr.",
      "SIGHUP loads the config again: what is wrong with it is told, and changes nothing.",
      "SIGTERM and SIGINT let exchanges finish (a second one ends at once); SIGQUIT ends at once.",
    ],
    examples: [
      ["sluice run", "run the config of this folder"],
      ["sluice run /etc/sluice/gateway.config.ts", "run that one"],
      ["sluice run --watch", "while you write the config"],
      ["sluice run --port=9000 --host=127.0.0.1", "listen elsewhere than the config says"],
    ],
    exits: [
      [0, "it was told to end, and has drained"],
      66,
      71,
      77,
      78,
      [130, "a second SIGINT ended it"],
      [131, "SIGQUIT ended it"],
      [143, "a second SIGTERM ended it"],
    ],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config" },
    port: { type: "string", valueHint: "port", variable: "SLUICE_PORT", description: "listen on this port" },
    host: { type: "string", valueHint: "address", variable: "SLUICE_HOST", description: "listen on this address" },
    watch: { type: "boolean", description: "reload when the config changes, or a file that it imports" },
  },
  async (args, context) => {
    const { terminal } = context;
    const before = predecessorOf(process.env);
    if (before === undefined) return serve(args, context, before);
    try {
      const exitCode = await serve(args, { ...context, terminal: before.hearing(terminal) }, before);
      before.ends(exitCode);
      return exitCode;
    } catch (thrown) {
      if (thrown instanceof Refusal) {
        before.say(formatRefusal(thrown, terminal.errColors));
        before.ends(thrown.exitCode);
      }
      throw thrown;
    }
  },
);

/** The flags of the command line. */
interface Flags {
  readonly file?: string | undefined;
  readonly port?: string | undefined;
  readonly host?: string | undefined;
  readonly watch?: boolean | undefined;
}

/** @param before the process that this one takes over from */
async function serve(
  args: Flags,
  { terminal, embedded }: VerbContext,
  before: Predecessor | undefined,
): Promise<number> {
  const warn = (text: string): void => terminal.err(noticeText("warn", text));
  const address = listenOverride(args, process.env);
  if (before === undefined) reexecute(embedded.compiled, warn);
  const program = programOf(embedded.compiled);
  const file = findConfig(args.file);
  const stale = staleTypes(file, embedded);
  if (stale !== undefined) warn(stale);
  const planned = await planConfig(file, embedded);
  if ("findings" in planned) return reportFindings(planned.findings, terminal);

  const workers = planned.plan.workers === "auto" ? availableParallelism() : planned.plan.workers;
  const { admin } = planned.plan;
  const asStarted = (plan: Plan): Plan => {
    for (const warning of [...planWarnings(plan, Date.now()), ...gateWarnings(plan, file)]) warn(warning);
    return { ...plan, workers, admin, listen: { ...plan.listen, ...address } };
  };
  const plan = asStarted(planned.plan);
  const begun = await before?.begin();
  const handed = begun?.sockets;
  const level = new Int32Array(new SharedArrayBuffer(4));
  const platform = bunPlatform({
    verbosity: new Verbosity(level),
    handed: handed && { ...handed, gateway: workers > 1 ? [] : handed.gateway },
  });
  const counts = begun?.counts && countsAs(begun.counts, plan.limits, workers, platform);
  const manager = serviceManager(process.env, warn);
  const reloadsOf = (serving: () => Serving, metrics: Metrics | undefined): Reloads => {
    const watch = args.watch ? watchSources(() => void reloads.request()) : undefined;
    const reloads = new Reloads({
      file,
      embedded,
      terminal,
      adjust(next) {
        for (const option of ["workers", "admin"] as const) {
          if (!isSame(next[option], planned.plan[option]))
            warn(`${option}: what it says now holds after a restart or an upgrade`);
        }
        if (isCounted(next) && !isCounted(plan))
          warn("otlp: metrics are counted, and sent, after a restart or an upgrade");
        return asStarted(next);
      },
      swap: (next) => serving().swap(next),
      sources: planned.sources,
      manager,
      tried: watch,
    });
    if (metrics !== undefined) meterReloads(metrics, reloads);
    watch?.(filesBehind(plan, planned.sources));
    return reloads;
  };
  const upgradesOf = (serving: () => Serving, { alone }: Reloads): Upgrades =>
    new Upgrades({ program, terminal, platform, manager, handing: () => serving().handing!, alone });
  const adminOf = (reloads: Reloads, upgrades: Upgrades): MoreOverseen => ({
    build: buildOf(embedded),
    loads: () => reloads.loads,
    placeOf: (text) => placeOfText(reloads.sources, text),
    reload: () => reloads.request(),
    upgrade: () => upgrades.request(),
    page: embedded.page,
  });
  const untilEnd = async (
    serving: Serving,
    reloads: Reloads,
    upgrades: Upgrades,
    listen: () => Promise<Address> | Address,
  ): Promise<number> => {
    let watchdog: NodeJS.Timeout | undefined;
    // Signals are heard before anybody can be told that it listens.
    const stopped = untilStopped(
      serving,
      () => void reloads.request(),
      (mostMs) => {
        void reloads.close();
        upgrades.close();
        clearInterval(watchdog);
        if (mostMs !== undefined) manager?.stopping(mostMs);
      },
      terminal,
      upgrades.taken,
      before?.gone,
    );
    const announce = ({ host, port }: Address): void => {
      const summary = workers === 1 ? planSummary(plan) : `${planSummary(plan)}, ${workers} workers`;
      const where = `listening on ${urlOf(host, port, plan.listen.tls !== undefined)} (${summary})`;
      terminal.err(`sluice ${fullVersion(embedded)} ${where}`);
      manager?.ready(where);
      if (manager?.watchdogMs !== undefined) {
        watchdog = setInterval(() => serving.isAlive() && manager.alive(), manager.watchdogMs / 2);
      }
    };
    const first = await Promise.race([listen(), stopped]);
    if (typeof first !== "number") {
      const taken = before?.takeOver(serving.handing!, fullVersion(embedded), platform);
      if (typeof (await Promise.race([taken, stopped])) !== "number") announce(first);
    }
    const exitCode = await stopped;
    await reloads.close();
    return exitCode;
  };
  if (workers > 1) {
    const { Supervisor } = await import("./workers/supervisor.ts");
    // Between two questions of the watchdog each has beaten, unless it hangs.
    const beatMs = manager?.watchdogMs === undefined ? undefined : manager.watchdogMs / 8;
    const config = { ...planned, plan };
    const options = { workers, config, embedded, terminal, platform, level, beatMs, handed, counts };
    const supervisor = new Supervisor(options);
    keepServing((text) => terminal.err(noticeText("error", text)));
    const reloads = reloadsOf(() => supervisor, supervisor.metrics);
    let serving: Serving = supervisor;
    const upgrades = upgradesOf(() => serving, reloads);
    serving = await supervisor.withAdmin(adminOf(reloads, upgrades));
    return untilEnd(serving, reloads, upgrades, () => supervisor.start());
  }
  process.on("exit", () => platform.flush());
  const metrics = isCounted(plan) ? new Metrics(platform.wallClock()) : undefined;
  const issuing = new Issuing(platform, embedded.version);
  await issuing.use(plan.listen.tls?.acme);
  const { issued } = issuing;
  const gateway = createGateway(plan, platform, { over: planned.dispose, metrics, issued, counts });
  keepServing((text) => platform.notice("error", text));
  let serving: Serving = new ServingHere(gateway, plan, platform.sinks, {
    issuing,
    handing: handingHere(gateway, platform, issuing),
  });
  const reloads = reloadsOf(() => serving, metrics);
  const upgrades = upgradesOf(() => serving, reloads);
  if (metrics !== undefined) {
    meterProcess(metrics, platform, buildOf(embedded), () => 1);
    issuing.meter(metrics);
    const overseen = overseenIn(gateway, metrics, adminOf(reloads, upgrades));
    serving = await withAdmin(serving, plan, overseen, platform, terminal);
  }
  return untilEnd(serving, reloads, upgrades, async () => {
    await gateway.ready;
    const address = listenOrRefuse(plan, () => gateway.listen());
    platform.listening.closeRest();
    if (before === undefined) issuing.start();
    return address;
  });
}

type Override = Partial<Pick<Plan["listen"], "host" | "port">>;

/** What the flags, or else the environment, say in place of `listen`. */
function listenOverride(
  flags: { readonly port?: string | undefined; readonly host?: string | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Override {
  const port = flags.port ?? environment["SLUICE_PORT"];
  const host = flags.host ?? environment["SLUICE_HOST"];
  const portName = flags.port === undefined ? "SLUICE_PORT" : "--port";
  if (host === "") throw usageError("SLUICE_HOST is set but empty.", "Unset it, or give an address such as 127.0.0.1.");
  return {
    ...(port === undefined ? {} : { port: portNumber(portName, port) }),
    ...(host === undefined ? {} : { host }),
  };
}

function portNumber(name: string, text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port;
  throw usageError(`${name} is a port from 0 to 65535, not "${text}".`);
}
