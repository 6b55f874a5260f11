// From a config file to a plan, or to all that is wrong with it, each fault with its place in the file.
import type { ConfigFault } from "../config/fault.ts";
import type { Plan } from "../config/plan.ts";
import { resolvePlan } from "../config/resolve.ts";
import { readerFor } from "./config-reader.ts";
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
  /** All of it in sentences. */
  readonly message: string;
  /** As `check --json` prints it: keys that are not known are absent. */
  readonly json: object;
}

/** A plan, or the findings that stand in its way. */
export type Planned = { readonly plan: Plan; readonly findings?: never } | { readonly findings: readonly Finding[] };

/** Loads the config `file` (absolute, there) and makes the plan of it. */
export async function planConfig(file: string, embedded: Embedded): Promise<Planned> {
  const loaded = await loadConfig(file, embedded.modules);
  if (loaded.faults !== undefined) return { findings: loaded.faults.map(ofLoad) };
  const resolved = resolvePlan(loaded.options, readerFor(file));
  if (resolved.plan !== undefined) return { plan: resolved.plan };
  return { findings: await ofConfig(resolved.faults, file, loaded.source) };
}

/** Prints the findings on stderr, a line each, and gives the exit code. */
export function reportFindings(findings: readonly Finding[], terminal: Terminal): number {
  for (const finding of findings) terminal.err(findingText(finding, terminal.errColors));
  if (findings.length > 1) terminal.err(`${findings.length} faults.`);
  return EXIT.config;
}

/** A finding as a line of text: where, what of, and what is wrong. */
export function findingText({ place, path, message }: Finding, { bold, cyan }: Terminal["errColors"]): string {
  return `${bold(shownPlace(place))}  ${path === "" ? "" : `${cyan(path)}: `}${message}`;
}

async function ofConfig(faults: readonly ConfigFault[], file: string, source: string): Promise<Finding[]> {
  // Finding places takes a whole TypeScript parser: it is loaded when there is something to find.
  const { faultJson, formatPath, messageOf, placeFaults } = await import("../config/report.ts");
  return placeFaults(faults, file, source).map(([fault, place]) => ({
    place,
    path: formatPath(fault.path),
    message: messageOf(fault),
    json: faultJson(fault, place),
  }));
}

function ofLoad(fault: LoadFault): Finding {
  const { place, hint, nearest } = fault;
  const message = hint === undefined ? fault.message : `${fault.message} ${hint}`;
  return { place, path: "", message, json: { ...place, path: "", nearest, message } };
}
