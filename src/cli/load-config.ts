// Loads the user's config file: imports it, waits a bounded time, and hands back what it exports by default.
import { explainLoadFailure, kindOfFile, type LoadFault, topLevelAwait } from "./load-failure.ts";
import { placeOf } from "./source-text.ts";
import { changedFile, type Sources } from "./sources.ts";
import { registerModules, type VirtualModules } from "./virtual-modules.ts";

/** How long a config may take to load: a top-level `await` that never settles would otherwise hang for ever. */
const LOAD_LIMIT_MS = 10_000;

/** The default export of a config, with what its modules keep alive. */
export interface LoadedConfig {
  readonly options: unknown;
  /**
   * Lets go of its modules, and ends what they have left running: timers, connections. Its functions still run, but import
   * nothing more.
   */
  dispose(): void;
}

/** A config that was loaded, or why not. */
export type Loaded = LoadedConfig | { readonly faults: readonly LoadFault[] };

/**
 * Loads a config as it was read: each time anew, with all that it imports. What its functions import later is loaded as it
 * was read, too, until another config is; one that fails, or is let go before another was loaded, gives way to the last.
 */
export async function loadConfig(sources: Sources, modules: VirtualModules): Promise<Loaded> {
  const { file, texts } = sources;
  const loaded = await loadFile(sources, modules);
  if ("faults" in loaded) return loaded;
  const fault = defaultExportFault(loaded.exports, file, texts.get(file) ?? "");
  if (fault === undefined) return { options: loaded.exports["default"], dispose: () => loaded.dispose() };
  loaded.dispose();
  return { faults: [fault] };
}

/** A file that was loaded, with all that it imports. */
export interface LoadedFile {
  readonly exports: Readonly<Record<string, unknown>>;
  /** What one of the files that were loaded exports. */
  exportsOf(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** Lets go of the file's modules. See LoadedConfig. */
  dispose(): void;
}

/**
 * Loads a file as {@link loadConfig} does, whatever it exports.
 * @param stray is told what nobody catches once it is loaded; by default the process is
 */
export async function loadFile(
  sources: Sources,
  modules: VirtualModules,
  stray: (thrown: unknown) => void = raise,
): Promise<LoadedFile | { readonly faults: readonly LoadFault[] }> {
  const { entry, others } = sources;
  const changed = changedFile(others);
  if (changed !== undefined) return { faults: [changedFault(changed)] };
  const before = registered;
  register(sources, modules);
  const { promise: strayed, resolve: tell } = Promise.withResolvers<Outcome>();
  let isLoading = true;
  const graph = new Bun.ModuleGraph({
    onError(thrown) {
      if (isLoading) return tell({ kind: "stray", thrown });
      // A timer of the config's, say.
      stray(thrown);
    },
  });
  const dispose = (): void => {
    graph.dispose();
    if (registered === sources && before !== undefined) register(before, modules);
  };
  const outcome = await settle(graph.import(entry), strayed);
  isLoading = false;
  if (outcome.kind === "loaded") {
    return { exports: outcome.exports, exportsOf: (path) => graph.import(path), dispose };
  }
  const faults = await faultsOf(outcome, sources, modules);
  dispose();
  return { faults };
}

function raise(thrown: unknown): never {
  throw thrown;
}

let registered: Sources | undefined;

function register(sources: Sources, modules: VirtualModules): void {
  registered = sources;
  registerModules(modules, sources);
}

async function faultsOf(
  outcome: Exclude<Outcome, Arrived>,
  { file, texts }: Sources,
  modules: VirtualModules,
): Promise<LoadFault[]> {
  const source = texts.get(file) ?? "";
  switch (outcome.kind) {
    case "late":
      return [lateFault(file, source)];
    case "thrown":
      return explainLoadFailure(outcome.thrown, file, modules);
    case "stray":
      return (await explainLoadFailure(outcome.thrown, file, modules)).map((fault) => asStray(fault, kindOfFile(file)));
  }
}

interface Arrived {
  readonly kind: "loaded";
  readonly exports: Record<string, unknown>;
}

type Outcome = Arrived | { readonly kind: "thrown" | "stray"; readonly thrown: unknown } | { readonly kind: "late" };

/** The first of: the import's end, an error that nobody caught (a timer of the config's, say), and the time limit. */
async function settle(importing: Promise<Record<string, unknown>>, stray: Promise<Outcome>): Promise<Outcome> {
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
  }
}

function changedFault(file: string): LoadFault {
  return { place: { file }, message: "the file has changed since the config was read.", hint: "Load it once more." };
}

function lateFault(file: string, source: string): LoadFault {
  return {
    place: { file, ...topLevelAwait(source) },
    message: `the ${kindOfFile(file)} did not finish loading within ${LOAD_LIMIT_MS / 1000} s.`,
    hint: "A top-level await never settles.",
  };
}

function asStray(fault: LoadFault, kind: string): LoadFault {
  return { ...fault, message: `nobody caught this while the ${kind} was loading: ${fault.message}` };
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
