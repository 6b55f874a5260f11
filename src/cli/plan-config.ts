// From a config file to a plan, or to all that is wrong with it, each fault with its place in the file.
import type { ConfigFault } from "../config/fault.ts";
import type { Plan } from "../config/plan.ts";
import { resolvePlan } from "../config/resolve.ts";
import { readerFor } from "./config-reader.ts";
import type { Embedded } from "./embedded.ts";
import { EXIT, type Place } from "./exit.ts";
import { loadConfig } from "./load-config.ts";
import type { LoadFault } from "./load-failure.ts";
import { readSources, type Sources } from "./sources.ts";
import { shownPlace, type Terminal } from "./terminal.ts";

/** One thing that is wrong with a config, ready to be shown. Secrets are masked. */
export interface Finding {
  readonly place: Place;
  /** "routes.orders.to"; "" when the file itself is at fault. */
  readonly path: string;
  /** The whole finding in sentences. */
  readonly message: string;
  /** As `check --json` prints it: keys that are not known are absent. */
  readonly json: object;
}

/** A plan, and the config that it was made of. */
export interface PlannedConfig {
  readonly plan: Plan;
  readonly sources: Sources;
  /** Lets go of the config's modules. See LoadedConfig. */
  dispose(): void;
}

/** A plan, or the findings that stand in its way. */
export type Planned = PlannedConfig | { readonly findings: readonly Finding[]; readonly sources: Sources };

/** Loads the config `file` (absolute, there) and makes the plan of it. */
export async function planConfig(file: string, embedded: Embedded): Promise<Planned> {
  return planSources(readSources(file), embedded);
}

/** The plan of a config that has been read, or the findings that stand in its way. */
export async function planSources(sources: Sources, embedded: Embedded): Promise<Planned> {
  const { file, texts, others } = sources;
  const loaded = await loadConfig(sources, embedded.modules);
  if ("faults" in loaded) return { findings: loaded.faults.map(loadFinding), sources };
  const { plan, faults } = resolvePlan(loaded.options, readerFor(file));
  if (plan !== undefined) return { plan, sources, dispose: () => loaded.dispose() };
  loaded.dispose();
  return { findings: await configFindings(faults, file, texts.get(file) ?? others.get(file) ?? ""), sources };
}

/** Prints the findings on stderr and gives the exit code. */
export function reportFindings(findings: readonly Finding[], terminal: Terminal): number {
  terminal.err(findingsText(findings, terminal.errColors));
  return EXIT.config;
}

/** The findings, a line each, and how many they are. */
export function findingsText(findings: readonly Finding[], colors: Terminal["errColors"]): string {
  const lines = findings.map((finding) => findingText(finding, colors));
  return [...lines, ...(lines.length > 1 ? [`${lines.length} faults.`] : [])].join("\n");
}

/** A finding as a line of text: where, what of, and what is wrong. */
export function findingText({ place, path, message }: Finding, { bold, cyan }: Terminal["errColors"]): string {
  return `${bold(shownPlace(place))}  ${path === "" ? "" : `${cyan(path)}: `}${message}`;
}

/** What the resolver found wrong with the config in this file, with places in its source. */
export async function configFindings(
  faults: readonly ConfigFault[],
  file: string,
  source: string | undefined,
): Promise<Finding[]> {
  // Finding places takes a whole TypeScript parser: it is loaded when there is something to find.
  const { faultJson, formatPath, sentenceOf, placeFaults } = await import("../config/report.ts");
  return placeFaults(faults, file, source).map(([fault, place]) => ({
    place,
    path: formatPath(fault.path),
    message: sentenceOf(fault),
    json: faultJson(fault, place),
  }));
}

/** The finding for a file that did not load. */
export function loadFinding(fault: LoadFault): Finding {
  const { place, hint, nearest } = fault;
  const message = hint === undefined ? fault.message : `${fault.message} ${hint}`;
  return { place, path: "", message, json: { ...place, path: "", nearest, message } };
}
