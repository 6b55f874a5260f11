// `sluice init`: a config, and types with which the real TypeScript compiler checks it, nothing else installed.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { cleanUp, cleanEnvironment, folderWith, RIGHT_CONFIG, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const COMPILER = resolve(import.meta.dir, "../../../node_modules/.bin/tsc");

/** A folder after `sluice init`. */
async function initialized(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const cwd = folderWith(files);
  await sluice(["init"], { cwd });
  return cwd;
}

/** What `tsc --noEmit` says in the folder: lines that begin "file(line,column): error". */
async function compile(cwd: string): Promise<{ code: number; errors: string[] }> {
  const compiler = Bun.spawn([COMPILER, "--noEmit"], { cwd, env: cleanEnvironment({ cwd }), stdout: "pipe" });
  const output = await new Response(compiler.stdout).text();
  const errors = output.split("\n").filter((line) => line.includes("error TS"));
  return { code: await compiler.exited, errors };
}

describe("init in an empty folder", () => {
  test("writes a config, a test, a tsconfig.json and .sluice/, and says so", async () => {
    const cwd = folderWith({});
    const { code, stdout, stderr } = await sluice(["init"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^wrote \.sluice\/ \(types of Sluice [^)]+\)\nwrote tsconfig\.json\nwrote gateway\.config\.ts\nwrote gateway\.test\.ts\n/,
    );
    expect(stdout).toEndWith("next: sluice run\n");
    expect(stderr).toBe("");
    expect(readdirSync(cwd).toSorted()).toEqual([".sluice", "gateway.config.ts", "gateway.test.ts", "tsconfig.json"]);
    expect(readFileSync(join(cwd, ".sluice/version"), "utf8")).toStartWith(manifest.version);
  });

  test("the config it writes is right, to check and to the compiler", async () => {
    const cwd = await initialized();
    const checked = await sluice(["check"], { cwd });
    expect(checked).toEqual({ code: 0, stdout: "gateway.config.ts is right: 2 routes, 1 upstream.\n", stderr: "" });
    expect(await compile(cwd)).toEqual({ code: 0, errors: [] });
  });

  test("the test it writes passes", async () => {
    const { code, stdout, stderr } = await sluice(["test"], { cwd: await initialized() });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^gateway\.test\.ts\n  ✓ .+\n1 test: 1 passed\n$/);
  });

  test("what it writes in comments is right too, once it is no comment", async () => {
    const cwd = await initialized();
    const text = readFileSync(join(cwd, "gateway.config.ts"), "utf8")
      .replace(/^( +)\/\/ (\w+: \{)/gm, "$1$2")
      .replace(/^/, 'import { cors } from "hono/cors";\n');
    expect(text).toContain("\n    api: {");
    writeFileSync(join(cwd, "gateway.config.ts"), text);
    expect(await compile(cwd)).toEqual({ code: 0, errors: [] });
    const { stdout, stderr } = await sluice(["check"], { cwd });
    expect(stderr).toBe("");
    expect(stdout).toBe("gateway.config.ts is right: 6 routes, 2 upstreams.\n");
  });

  test("init in a folder that is not there makes it", async () => {
    const cwd = folderWith({});
    const { code, stdout } = await sluice(["init", "a/b"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toEndWith("next: sluice run a/b/gateway.config.ts\n");
    expect(existsSync(join(cwd, "a/b/.sluice/types/sluice/mod.d.ts"))).toBe(true);
  });
});

describe("the real compiler, in a folder with nothing else installed", () => {
  test("right names pass; so does all that a config can import, hono's subpaths among it", async () => {
    const cwd = await initialized({
      "gateway.config.ts": `import { defineGateway, env } from "sluice";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { verify } from "hono/utils/jwt/jwt";
import * as jose from "jose";
import * as v from "valibot";

const Body = v.object({ name: v.string() });
const own = createMiddleware(async (c, next) => {
  if (getCookie(c, "a") === "no") throw new HTTPException(403);
  await next();
});
export const used = [new Hono(), jose.jwtVerify, verify];

export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"], timeouts: { connect: "5s" } } },
  routes: {
    orders: { match: "/api/orders/*", to: "orders", use: [cors(), compress(), own] },
    user: {
      match: "POST /users/:id",
      handler: async ({ params, c, request }) => {
        const id: string = params.id;
        return c.json({ id, name: v.parse(Body, await request.json()).name });
      },
    },
    key: { match: "/key", to: "orders", headers: { request: { set: { "x-key": env("KEY") } } } },
  },
});
`,
    });
    expect(await compile(cwd)).toEqual({ code: 0, errors: [] });
  });

  const wrong: readonly (readonly [name: string, line: string, at: string, part: string])[] = [
    ["a route to an absent upstream", 'a: { match: "/a", to: "oders" },', "8", '"orders"'],
    ["an unknown key in a route", 'a: { match: "/a", to: "orders", timeout: {} },', "8", "timeout"],
    ["a bad duration", 'a: { match: "/a", to: "orders", timeouts: { connect: "5 seconds" } },', "8", "5 seconds"],
    [
      "a parameter that the pattern does not have",
      'a: { match: "/:id", handler: ({ params, c }) => c.text(params.di) },',
      "8",
      "di",
    ],
    ["two destinations", 'a: { match: "/a", to: "orders", answer: {} },', "8", "answer"],
  ];
  test.each(wrong)("%s fails at its line", async (_, line, at, part) => {
    const cwd = await initialized({
      "gateway.config.ts": `import { defineGateway } from "sluice";

export default defineGateway({
  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001"] },
  },
  routes: {
    ${line}
  },
});
`,
    });
    const { code, errors } = await compile(cwd);
    expect(code).not.toBe(0);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toStartWith(`gateway.config.ts(${at},`);
    expect(errors[0]).toContain(part);
  });

  const wrongTests: readonly (readonly [name: string, line: string, part: string])[] = [
    ["an upstream that the config does not have", 'g.upstream("ap").hang();', '"app"'],
    ["a span of time without a unit", 'g.clock.advance("1 day");', "1 day"],
    ["a matcher that does not exist", "expect(1).toBee(1);", "toBee"],
    ["a member that no answer has", 'g.upstream("app").reply({ stauts: 200 });', "stauts"],
  ];
  test.each(wrongTests)("in a test, %s fails at its line", async (_, line, part) => {
    const head = 'import { expect, gateway, test } from "sluice/test";\nimport config from "./gateway.config.ts";\n';
    const body = `test("a", async () => {\n  const g = await gateway(config);\n  ${line}\n  expect(g.log).toEqual([]);\n});\n`;
    const { errors } = await compile(await initialized({ "gateway.test.ts": head + body }));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toStartWith("gateway.test.ts(5,");
    expect(errors[0]).toContain(part);
  });

  test("a name that sluice does not export fails", async () => {
    const cwd = await initialized({
      "gateway.config.ts": 'import { defineGatway } from "sluice";\nexport default defineGatway({});\n',
    });
    const { errors } = await compile(cwd);
    expect(errors[0]).toStartWith("gateway.config.ts(1,10): error TS2724");
  });
});

describe("init where something is already", () => {
  test("a config is never overwritten: says so, exit 1, and the types are renewed", async () => {
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    const { code, stderr } = await sluice(["init"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toBe("gateway.config.ts is there already and was left as it is.\n");
    expect(readFileSync(join(cwd, "gateway.config.ts"), "utf8")).toBe(RIGHT_CONFIG);
    expect(existsSync(join(cwd, ".sluice/types/sluice/mod.d.ts"))).toBe(true);
  });

  test("a tsconfig.json is left as it is: says what to add", async () => {
    const cwd = folderWith({ "tsconfig.json": "{}\n" });
    const { code, stderr } = await sluice(["init"], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain('"extends": "./.sluice/tsconfig.json"');
    expect(readFileSync(join(cwd, "tsconfig.json"), "utf8")).toBe("{}\n");
  });

  test("--types writes .sluice/ alone, without what an older version left there", async () => {
    const cwd = folderWith({ ".sluice/types/sluice/gone.d.ts": "", ".sluice/version": "0.0.1\n" });
    const { code, stdout } = await sluice(["init", "--types"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toStartWith("wrote .sluice/ (types of Sluice ");
    expect(readdirSync(cwd)).toEqual([".sluice"]);
    expect(existsSync(join(cwd, ".sluice/types/sluice/gone.d.ts"))).toBe(false);
    expect(existsSync(join(cwd, ".sluice/types/sluice/mod.d.ts"))).toBe(true);
  });

  test("a file where the folder should be is a mistake of the command line", async () => {
    const { code, stderr } = await sluice(["init", "a"], { cwd: folderWith({ a: "" }) });
    expect(stderr).toBe("sluice: error: a is a file, not a folder.\n");
    expect(code).toBe(64);
  });

  test("a folder below a file cannot be made, and that is said", async () => {
    const { code, stderr } = await sluice(["init", "a/b"], { cwd: folderWith({ a: "" }) });
    expect(stderr).toStartWith("sluice: error: Cannot write in a/b: ENOTDIR");
    expect(code).toBe(71);
  });

  test("a folder that cannot be made: says why", async () => {
    const { code, stderr } = await sluice(["init", "/proc/sluice"]);
    expect(stderr).toStartWith("sluice: error: Cannot write in /proc/sluice: ");
    expect([71, 77]).toContain(code);
  });
});

describe("types of another version", () => {
  test.each(["check", "run"])("%s warns on stderr and says how to renew them", async (verb) => {
    const cwd = await initialized({ "gateway.config.ts": "export default {};\n" });
    const before = await sluice([verb], { cwd });
    expect(before.stderr).not.toContain("warn");
    writeFileSync(join(cwd, ".sluice/version"), "0.0.1\n");
    const { code, stderr } = await sluice([verb], { cwd });
    expect(stderr).toStartWith("sluice: warn: the types in .sluice/ are of Sluice 0.0.1, this is ");
    expect(stderr).toContain("Renew them: sluice init --types");
    expect(code).toBe(before.code);
    await sluice(["init", "--types"], { cwd });
    expect((await sluice([verb], { cwd })).stderr).toBe(before.stderr);
  });
});
