// The import rules: a stage knows its own folder, the contracts and http/; runtime names stay at the edges.
import { expect, test } from "bun:test";
import { IMPORT_EXCEPTIONS } from "./exceptions.ts";
import { type Import, type Source, sourcesIn } from "./source.ts";

const sources = sourcesIn("src");

/** What every file of the core may know. */
const CONTRACTS = [
  "src/answer.ts",
  "src/board.ts",
  "src/callers.ts",
  "src/carried.ts",
  "src/errors.ts",
  "src/exchange.ts",
  "src/issued.ts",
  "src/left.ts",
  "src/platform.ts",
  "src/shared.ts",
  "src/target.ts",
  "src/verbosity.ts",
  "src/verdict.ts",
  "src/config/options.ts",
  "src/config/admin/options.ts",
  "src/config/plan.ts",
  "src/config/secrets.ts",
  "src/config/auth/options.ts",
  "src/config/auth/plan.ts",
  "src/config/limit/options.ts",
  "src/config/limit/plan.ts",
  "src/config/listen/options.ts",
  "src/config/listen/plan.ts",
  "src/config/log/options.ts",
  "src/config/log/plan.ts",
  "src/config/reload/options.ts",
  "src/config/shaping/options.ts",
  "src/config/shaping/plan.ts",
  "src/config/shutdown/options.ts",
  "src/config/telemetry/options.ts",
  "src/config/telemetry/plan.ts",
  "src/config/upstream/options.ts",
  "src/config/upstream/plan.ts",
];

/** Files whose types are part of the contracts, though what they do is not: the plan of each kind of scheme. */
const CONTRACT_TYPES = ["src/config/auth"];

/** Folders that may know more than themselves, the contracts and http/. All other folders of src are stages. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  // The wiring: what stands directly in src puts the stages together.
  src: ["src"],
  // The config brings together what each stage says of its own options: their checks.
  "src/config": ["src/route", "src/record", "src/auth", "src/discover"],
  // A second way, with few steps of its own: it listens, answers and tells as the first one does.
  "src/admin": ["src/listen", "src/record", "src/respond"],
  // An edge that is its own entry makes the plan and starts the gateway; on Cloudflare it counts for others, too.
  "src/platforms": ["src/gateway.ts", "src/config", "src/limit/groups.ts"],
  "src/cli": ["src"],
};

/** Where a package may be imported. A package that is missing here may be imported nowhere in src. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@babel/parser": ["src/config", "src/cli"],
  "@babel/types": ["src/config", "src/cli"],
  bcryptjs: ["src/platforms"],
  citty: ["src/cli"],
  "fastest-levenshtein": ["src/config", "src/cli"],
  hono: ["src/mod.ts", "src/config", "src/handle", "src/cli"],
  ioredis: ["src/platforms"],
  "ipaddr.js": ["src/http", "src/config"],
  jose: ["src/acme", "src/auth", "src/cli"],
  "lru-cache": ["src/auth", "src/cli"],
  picocolors: ["src/record", "src/cli"],
  "structured-headers": ["src/auth", "src/respond", "src/limit"],
  uplot: ["src/admin/page"],
  valibot: ["src/config", "src/cli"],
  yaml: ["src/auth", "src/discover"],
};

/** Modules that a runtime brings. */
const RUNTIME_MODULE = /^(?:node:|bun$|bun:|cloudflare:|deno:|workerd:)/;
const EDGES = ["src/platforms", "src/cli"];

/** The folder under src that a file belongs to; "src" for what stands directly in it. */
function folderOf(path: string): string {
  const [, folder, ...rest] = path.split("/");
  return rest.length > 0 ? `src/${folder}` : "src";
}

function within(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** What is wrong with an import, or undefined. */
function fault(source: Source, { from, file, typeOnly }: Import): string | undefined {
  if (file === undefined) {
    if (RUNTIME_MODULE.test(from)) {
      return within(source.path, EDGES) ? undefined : "a runtime's module outside src/platforms and src/cli";
    }
    if (from === "sluice") return "the package itself: import the file";
    const name = from.split("/", from.startsWith("@") ? 2 : 1).join("/");
    const places = PACKAGES[name];
    if (places === undefined) return "a package that PACKAGES does not name";
    return within(source.path, places) ? undefined : `a package for ${places.join(", ")} only`;
  }
  if (!file.startsWith("src/")) return file === "package.json" ? undefined : "a file outside src";
  const folder = folderOf(source.path);
  const base = [...CONTRACTS, "src/http", ...(typeOnly ? CONTRACT_TYPES : [])];
  if (CONTRACTS.includes(source.path)) return within(file, base) ? undefined : "a file that a contract may not know";
  const allowed = [...base, folder, ...(WIDER[folder] ?? [])];
  return within(file, allowed) ? undefined : `a file that ${folder} may not know`;
}

test("every import in src keeps to its borders", () => {
  const faults: string[] = [];
  for (const source of sources) {
    for (const each of source.imports) {
      const wrong = fault(source, each);
      const excused = IMPORT_EXCEPTIONS.some(({ file, what }) => file === source.path && what === each.from);
      if (wrong !== undefined && !excused) faults.push(`${source.path}:${each.line} imports ${each.from}: ${wrong}`);
    }
  }
  expect(faults).toEqual([]);
});

test("every excused import is still there", () => {
  for (const { file, what } of IMPORT_EXCEPTIONS) {
    const source = sources.find(({ path }) => path === file);
    expect(
      source?.imports.map(({ from }) => from),
      `${file}: ${what}`,
    ).toContain(what);
  }
});

test("no file reaches itself through what it imports at run time", () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter(({ typeOnly, file }) => !typeOnly && file !== undefined).map(({ file }) => file!),
    ]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      cycles.push([...way.slice(at), path].join(" > "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("no file but what users import only passes on what others export", () => {
  const barrels = sources.filter(({ isBarrel }) => isBarrel).map(({ path }) => path);
  expect(barrels).toEqual(["src/cli/testing/api.ts", "src/mod.ts"]);
});

test("imports name the file with its ending", () => {
  const faults = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ file }) => file !== undefined && !/\.(?:ts|json)$/.test(file))
      .map(({ from }) => `${path}: ${from}`),
  );
  expect(faults).toEqual([]);
});
