// From a config file to a plan, or to all that is wrong with it, each fault with its place in the file.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ConfigFault, ConfigReader } from "../config/fault.ts";
import type { Plan } from "../config/plan.ts";
import { resolvePlan } from "../config/resolve.ts";
import type { Embedded } from "./embedded.ts";
import { EXIT, type Place } from "./exit.ts";
import { loadConfig } from "./load-config.ts";
import type { LoadFault } from "./load-failure.ts";
import { shownPlace, type Terminal } from "./terminal.ts";

/** One thing that is wrong with a config, ready to be shown. Secrets are masked. */
export interface Finding {
  readonly place: Place;
  /** "routes.orders.to"; "" when the file itself is at fault. */
  readonly path: string;
  readonly found: string | undefined;
  readonly wanted: string | undefined;
  readonly nearest: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** A plan, or the findings that stand in its way. */
export type Planned = { readonly plan: Plan; readonly findings?: never } | { readonly findings: readonly Finding[] };

/** Loads the config `file` (absolute, there) and makes the plan of it. */
export async function planConfig(file: string, embedded: Embedded): Promise<Planned> {
  const loaded = await loadConfig(file, embedded.modules);
  if (loaded.faults !== undefined) return { findings: loaded.faults.map(ofLoad) };
  const resolved = resolvePlan(loaded.options, readerFor(file));
  if (resolved.plan !== undefined) return { plan: resolved.plan };
  // Finding places needs a whole TypeScript parser: it is loaded when there is something to find.
  const [{ locate }, { messageOf, pathText }] = await Promise.all([
    import("../config/locate.ts"),
    import("../config/report.ts"),
  ]);
  const ofConfig = (fault: ConfigFault): Finding => ({
    place: { file, ...locate(loaded.source, fault.path) },
    path: pathText(fault.path),
    found: fault.found,
    wanted: fault.wanted,
    nearest: fault.nearest,
    message: messageOf(fault),
    hint: fault.hint,
  });
  return { findings: resolved.faults.map(ofConfig).sort(byPlace) };
}

/** Prints the findings on stderr, one after the other, and gives the exit code. */
export function reportFindings(findings: readonly Finding[], terminal: Terminal): number {
  const { bold, red } = terminal.errColors;
  for (const { place, message, hint } of findings) {
    terminal.err(`${bold(shownPlace(place))}: ${red("error")}: ${message}`);
    if (hint !== undefined) terminal.err(`  ${hint.replaceAll("\n", "\n  ")}`);
  }
  if (findings.length > 1) terminal.err(`${findings.length} faults.`);
  return EXIT.config;
}

function ofLoad(fault: LoadFault): Finding {
  const { place, message, hint, nearest } = fault;
  return { place, path: "", found: undefined, wanted: undefined, nearest, message, hint };
}

function byPlace(a: Finding, b: Finding): number {
  return (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0);
}

function readerFor(file: string): ConfigReader {
  return {
    env: (name) => process.env[name],
    file: (path) => {
      try {
        return readFileSync(resolve(dirname(file), path), "utf8");
      } catch {
        return undefined;
      }
    },
  };
}
