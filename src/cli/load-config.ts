// Loads the user's config file: imports it, waits a bounded time, and hands back what it exports by default.
import { readFileSync } from "node:fs";
import { EXIT, Refusal, systemCode } from "./exit.ts";
import { explainLoadFailure, type LoadFault, topLevelAwait } from "./load-failure.ts";
import { placeOf } from "./source-text.ts";
import { shownPath } from "./terminal.ts";
import { registerModules, type VirtualModules } from "./virtual-modules.ts";

/** How long a config may take to load: a top-level `await` that never settles would otherwise hang for ever. */
const LOAD_LIMIT_MS = 10_000;

/** A config that was loaded, or why not. */
export type Loaded =
  | { readonly options: unknown; readonly source: string; readonly faults?: never }
  | { readonly faults: readonly LoadFault[]; readonly source: string; readonly options?: never };

/** Loads `file`, an absolute path that exists. Throws a refusal (66) only when the file cannot be read. */
export async function loadConfig(file: string, modules: VirtualModules): Promise<Loaded> {
  const source = readSource(file);
  registerModules(modules);
  const outcome = await settle(import(file) as Promise<Record<string, unknown>>);
  switch (outcome.kind) {
    case "late":
      return { source, faults: [lateFault(file, source)] };
    case "thrown":
      return { source, faults: await explainLoadFailure(outcome.thrown, file, modules) };
    case "stray":
      return { source, faults: (await explainLoadFailure(outcome.thrown, file, modules)).map(asStray) };
    case "loaded": {
      const fault = defaultExportFault(outcome.exports, file, source);
      return fault === undefined ? { source, options: outcome.exports["default"] } : { source, faults: [fault] };
    }
  }
}

function readSource(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Refusal(EXIT.noInput, `${shownPath(file)} cannot be read (${systemCode(error)}).`);
  }
}

type Outcome =
  | { readonly kind: "loaded"; readonly exports: Record<string, unknown> }
  | { readonly kind: "thrown" | "stray"; readonly thrown: unknown }
  | { readonly kind: "late" };

/** The first of: the import's end, an error that nobody caught (a timer of the config's, say), and the time limit. */
async function settle(importing: Promise<Record<string, unknown>>): Promise<Outcome> {
  const { promise: stray, resolve: tell } = Promise.withResolvers<Outcome>();
  const onStray = (thrown: unknown): void => tell({ kind: "stray", thrown });
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);
  const { promise: late, resolve: ring } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => ring({ kind: "late" }), LOAD_LIMIT_MS);
  try {
    return await Promise.race([
      importing.then(
        (exports): Outcome => ({ kind: "loaded", exports }),
        (thrown: unknown): Outcome => ({ kind: "thrown", thrown }),
      ),
      stray,
      late,
    ]);
  } finally {
    clearTimeout(timer);
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onStray);
  }
}

function lateFault(file: string, source: string): LoadFault {
  return {
    place: { file, ...topLevelAwait(source) },
    message: `the config did not finish loading within ${LOAD_LIMIT_MS / 1000} s.`,
    hint: "A top-level await never settles.",
  };
}

function asStray(fault: LoadFault): LoadFault {
  return { ...fault, message: `nobody caught this while the config was loading: ${fault.message}` };
}

function defaultExportFault(exports: Record<string, unknown>, file: string, source: string): LoadFault | undefined {
  const hint = "Write: export default defineGateway({ … });";
  if (!("default" in exports)) return { place: { file }, message: "the file has no default export.", hint };
  const value = exports["default"];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return undefined;
  const place = placeOf(source, /^[ \t]*export\s+default\b/m);
  return { place: { file, ...place }, message: `the default export must be an object; it is ${kindOf(value)}.`, hint };
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return `a ${typeof value}`;
}
