// The package for Deno and Cloudflare, as its users have it: installed by npm into a folder with nothing else.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import * as mod from "../../src/mod.ts";
import { packageArchive } from "../../scripts/npm-package.ts";
import { startChild } from "../conformance/child.ts";
import { startWorkerd } from "../conformance/workerd.ts";
import { ROOT } from "../rules/source.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

interface Done {
  readonly code: number;
  readonly text: string;
}

async function run(...command: readonly string[]): Promise<Done> {
  const child = Bun.spawn([...command], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, text: out + err };
}

const CONFIG = `import { apiKey, defineGateway, env } from "sluice";
import { cors } from "hono/cors";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { app: { targets: ["http://127.0.0.1:9"] } },
  consumers: { acme: { keys: [env("KEY_HASH")] } },
  auth: { key: apiKey({ header: "x-api-key" }) },
  routes: {
    hello: { match: "GET /hello/:name", auth: "none", use: [cors()], handler: ({ params, c }) => c.text(params.name) },
    all: { match: "/*", to: "app", auth: "key" },
  },
});
`;

const WORKER = `import { workers } from "sluice/workers";
import config from "./gateway.config.ts";

export default workers(config);
`;

const TSCONFIG = {
  compilerOptions: {
    ...{ target: "ESNext", module: "NodeNext", strict: true, noEmit: true, allowImportingTsExtensions: true },
    // The declarations of the package are checked too.
    ...{ types: [], lib: ["ESNext", "DOM", "DOM.Iterable"], skipLibCheck: false },
  },
  include: ["*.ts"],
};

const KEY_HASH = `sha256:${"0".repeat(64)}`;

/** Installs it; why not, where the registry cannot be asked for what it depends on. */
async function install(): Promise<string | undefined> {
  const workshop = join(ROOT, `dist/package-test-${process.pid}`);
  try {
    writeFileSync(join(folder, "sluice.tgz"), await packageArchive(workshop, 1_767_323_046));
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
  writeFileSync(join(folder, "gateway.config.ts"), CONFIG);
  writeFileSync(join(folder, "worker.ts"), WORKER);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  const { code, text } = await run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "./sluice.tgz");
  if (code === 0) return undefined;
  if (/\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.test(text)) {
    return "npm's registry cannot be reached";
  }
  throw new Error(text);
}

const lack = await install();

describe.skipIf(lack !== undefined)(`the package from npm${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  test("brings what it imports, and nothing else of ours", () => {
    const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
    for (const name of ["hono", "jose", "valibot", "sluice"]) expect(installed).toContain(name);
    for (const name of ["citty", "uplot", "typescript", "bun"]) expect(installed).not.toContain(name);
    const files = readdirSync(join(folder, "node_modules/sluice")).toSorted();
    expect(files).toEqual(["LICENSE", "README.md", "lib", "package.json", "types"]);
  });

  test("Node imports what a config imports", async () => {
    const { code, text } = await run(
      "node",
      "-e",
      'import("sluice").then((all) => console.log(Object.keys(all).join()))',
    );
    expect({ code, text }).toEqual({ code: 0, text: `${Object.keys(mod).toSorted().join()}\n` });
  });

  test("the compiler finds nothing wrong with a config, the package's own declarations among it", async () => {
    expect(await run(bin("tsc"), "-p", ".")).toEqual({ code: 0, text: "" });
  });

  test("the compiler finds what does not exist where it stands, and knows what a test imports", async () => {
    const wrong = CONFIG.replace('to: "app"', 'to: "ap"').replace('x-api-key"', 'x", hedaer: "y"');
    writeFileSync(join(folder, "wrong.ts"), wrong);
    writeFileSync(
      join(folder, "gateway.test.ts"),
      'import { gateway, test } from "sluice/test";\nvoid gateway;\nexport const n: number = test;\n',
    );
    const { code, text } = await run(bin("tsc"), "-p", ".");
    for (const name of ["wrong.ts", "gateway.test.ts"]) rmSync(join(folder, name));
    expect(code).not.toBe(0);
    const places = text.split("\n").flatMap((line) => /^([\w.]+\(\d+,\d+\)): error/.exec(line)?.[1] ?? []);
    expect(places).toEqual(["gateway.test.ts(3,14)", "wrong.ts(8,38)", "wrong.ts(11,25)"]);
    expect(text).toContain("Did you mean to write 'header'?");
  });

  const answers = async (port: number): Promise<void> => {
    const hello = await fetch(`http://127.0.0.1:${port}/hello/you`, { headers: { origin: "https://example.com" } });
    expect([hello.status, await hello.text(), hello.headers.get("access-control-allow-origin")]).toEqual([
      200,
      "you",
      "*",
    ]);
    const refused = await fetch(`http://127.0.0.1:${port}/other`);
    expect([refused.status, refused.headers.get("www-authenticate") !== null]).toEqual([401, true]);
    await refused.body?.cancel();
  };

  test("Deno runs a config", async () => {
    const started = await startChild({
      command: [bin("deno"), "run", "-A", "npm:sluice/deno", "gateway.config.ts"],
      folder,
      env: { KEY_HASH },
      port: (_, stderr) => Number(/listening.*?:(\d+)\b/.exec(stderr)?.[1] ?? 0) || undefined,
      ends: [0],
    });
    try {
      await answers(started.port);
    } finally {
      await started.stop();
    }
  });

  test("Cloudflare's runtime runs it, bundled with a worker of three lines", async () => {
    const started = await startWorkerd(join(folder, "worker.ts"), { KEY_HASH });
    try {
      await answers(started.port);
    } finally {
      await started.stop();
    }
  });

  test("has the version of this one, and exact versions of what it needs", async () => {
    const own = (await Bun.file(join(folder, "node_modules/sluice/package.json")).json()) as typeof manifest;
    expect(own.version).toBe(manifest.version);
    for (const [name, version] of Object.entries(own.dependencies)) {
      expect((manifest.dependencies as Record<string, string>)[name]).toBe(version);
    }
    expect(existsSync(join(folder, "node_modules/sluice/lib/mod.js"))).toBe(true);
  });
});
