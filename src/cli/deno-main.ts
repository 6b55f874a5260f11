// The entry on Deno: `deno run -A src/cli/deno-main.ts [run] [gateway.config.ts]`, the verb `run` of the executable.
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import manifest from "../../package.json" with { type: "json" };
import { isCounted, type Plan } from "../config/plan.ts";
import { formatFault, placeFaults } from "../config/report.ts";
import { resolvePlan } from "../config/resolve.ts";
import { planWarnings } from "../config/warnings.ts";
import { messageOf } from "../errors.ts";
import { createGateway } from "../gateway.ts";
import { Metrics } from "../record/metrics.ts";
import { meterProcess } from "../record/process-metrics.ts";
import { denoPlatform } from "../platforms/deno.ts";
import { overseenIn, withAdmin } from "./admin-listener.ts";
import { readerFor } from "./config-reader.ts";
import { EXIT, Refusal } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { listenOrRefuse } from "./listen-refusal.ts";
import { planSummary } from "./plan-summary.ts";
import { keepServing, type Serving, ServingHere, untilStopped } from "./serving.ts";
import { formatRefusal, openTerminal, shownPath } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

const terminal = openTerminal("auto");

/** Deno keeps what a module has imported: a changed file would be loaded with the old ones that it imports. */
const tellNoReload = (): void =>
  terminal.err("sluice: SIGHUP: reloading the config is for the executable; the gateway goes on as it is");

const ONE_WORKER = "workers: one thread serves on Deno; several are for the executable";

/** Runs the config until a signal ends it; resolves to the exit code. */
async function run(named: string | undefined): Promise<number> {
  const file = findConfig(named);
  const plan = await planOf(file);
  if (plan === undefined) return EXIT.config;
  refuseImpossible(plan);
  const platform = denoPlatform();
  if (typeof plan.workers === "number" && plan.workers > 1) platform.notice("warn", ONE_WORKER);
  for (const warning of planWarnings(plan, platform.wallClock())) platform.notice("warn", warning);
  const metrics = isCounted(plan) ? new Metrics(platform.wallClock()) : undefined;
  const gateway = createGateway(plan, platform, { metrics });
  keepServing((text) => platform.notice("error", text));
  let serving: Serving = new ServingHere(gateway, plan, platform.sinks);
  if (metrics !== undefined) {
    const build = { version: manifest.version, revision: "" };
    meterProcess(metrics, platform, build, () => 1);
    const loads = [{ at: platform.wallClock(), ok: true, message: "started" }];
    const overseen = overseenIn(gateway, metrics, { build, loads: () => loads });
    serving = await withAdmin(serving, plan, overseen, platform, terminal);
  }
  const stopped = untilStopped(serving, tellNoReload, () => undefined, terminal);
  const first = await Promise.race([gateway.ready, stopped]);
  if (typeof first !== "number") {
    const { host, port } = listenOrRefuse(plan, () => gateway.listen());
    terminal.err(
      `sluice ${manifest.version} on Deno listening on ${urlOf(host, port, plan.listen.tls !== undefined)} (${planSummary(plan)})`,
    );
  }
  const exitCode = await stopped;
  await platform.flush();
  return exitCode;
}

/** @throws Refusal of what the executable could do */
function refuseImpossible({ upstreams, log }: Plan): void {
  if (log !== false && log.to.some((sink) => sink.kind === "syslog" && sink.to.kind === "unix-datagram")) {
    const hint = 'Name an address such as "udp://127.0.0.1:514".';
    throw new Refusal(EXIT.config, "log.to: Deno sends to no Unix socket.", { hint });
  }
  for (const { name, protocol, discovery } of Object.values(upstreams)) {
    if (protocol !== "h2" || (discovery?.kind !== "dns" && discovery?.kind !== "srv")) continue;
    const message = `upstreams.${name}: Deno speaks HTTP/2 to no address that is found by DNS: it would verify the address.`;
    throw new Refusal(EXIT.config, message, { hint: "Write a list of targets." });
  }
}

async function planOf(file: string): Promise<Plan | undefined> {
  let written: unknown;
  try {
    ({ default: written } = (await import(pathToFileURL(file).href)) as { default: unknown });
  } catch (thrown) {
    throw new Refusal(EXIT.config, `${shownPath(file)} cannot be loaded: ${messageOf(thrown)}`);
  }
  const { plan, faults } = resolvePlan(written, { ...readerFor(file), wholeTls: false });
  if (plan !== undefined) return plan;
  for (const [fault, place] of placeFaults(faults, shownPath(file), readFileSync(file, "utf8"))) {
    terminal.err(formatFault(fault, place));
  }
  return undefined;
}

try {
  const words = process.argv.slice(2);
  process.exit(await run(words[0] === "run" ? words[1] : words[0]));
} catch (thrown) {
  if (!(thrown instanceof Refusal)) throw thrown;
  terminal.err(formatRefusal(thrown, terminal.errColors));
  process.exit(thrown.exitCode);
}
