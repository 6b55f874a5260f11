// What the executable takes from its surroundings and what it must not: .env, bunfig.toml, proxies, limits, node_modules.
import { afterAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXECUTABLE } from "../../support/executable.ts";
import { until } from "../../support/deadline.ts";
import { cleanUp, folderWith, RIGHT_CONFIG, type Running, sluice, startSluice } from "./run-sluice.ts";

afterAll(cleanUp);

async function stop(gateway: Running): Promise<void> {
  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
}

/** The environment that the process was started with last. */
function environmentOf(gateway: Running): string[] {
  return readFileSync(`/proc/${gateway.pid}/environ`, "utf8").split("\0");
}

test(".env, bunfig.toml with its preload, package.json and tsconfig.json of the folder are not read", async () => {
  const cwd = folderWith({
    ".env": "FROM_DOTENV=1\nSLUICE_PORT=1\n",
    ".env.local": "FROM_DOTENV=1\n",
    "bunfig.toml": 'preload = ["./preload.ts"]\n[run]\npreload = ["./preload.ts"]\n',
    "preload.ts": 'import { writeFileSync } from "node:fs";\nwriteFileSync("preloaded", "");\n',
    "package.json": '{ "imports": { "sluice": "./wrong.ts" } }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "sluice": ["./wrong.ts"] } } }',
    "wrong.ts": 'throw new Error("wrong sluice");\n',
    "gateway.config.ts": RIGHT_CONFIG.replace('body: "hello"', 'body: String(process.env["FROM_DOTENV"])'),
  });
  const gateway = await startSluice([], { cwd });
  expect(await (await fetch(`http://127.0.0.1:${gateway.port}/hello`)).text()).toBe("undefined");
  expect(existsSync(join(cwd, "preloaded"))).toBe(false);
  await stop(gateway);
});

test("the limit of 256 fetches at once is lifted by starting anew, in the same process", async () => {
  const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
  const gateway = await startSluice([], { cwd });
  // The pid is that of the child which the test started.
  expect(environmentOf(gateway)).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=65535");
  await stop(gateway);
  const other = await startSluice([], { cwd, env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "300" } });
  expect(environmentOf(other)).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=300");
  await stop(other);
});

test("a handler's fetches run 300 at once", async () => {
  let held = 0;
  const { promise: all, resolve: go } = Promise.withResolvers<void>();
  const origin = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      if (++held === 300) go();
      await all;
      return new Response("ok");
    },
  });
  const cwd = folderWith({
    "gateway.config.ts": `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: {
    fan: {
      match: "/fan",
      handler: async ({ c }) => {
        const answers = await Promise.all(Array.from({ length: 300 }, () => fetch("${origin.url.href}")));
        return c.text(String(answers.length));
      },
    },
  },
});
`,
  });
  const gateway = await startSluice([], { cwd });
  const answer = fetch(`http://127.0.0.1:${gateway.port}/fan`);
  await until(
    () => held === 300,
    () => `300 fetches at the origin; ${held} came`,
  );
  expect(await (await answer).text()).toBe("300");
  await stop(gateway);
  await origin.stop(true);
});

test("proxy variables redirect nothing: neither what is forwarded nor a handler's fetch", async () => {
  const origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("direct") });
  const proxy = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("through the proxy") });
  const proxyUrl = proxy.url.href;
  const cwd = folderWith({
    "gateway.config.ts": `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { origin: { targets: ["${origin.url.origin}"] } },
  routes: {
    forwarded: { match: "/forwarded", to: "origin" },
    fetched: { match: "/fetched", handler: () => fetch("${origin.url.href}") },
  },
});
`,
  });
  for (const set of [{ BUN_CONFIG_MAX_HTTP_REQUESTS: "300" }, {}]) {
    const env = { ...set, HTTP_PROXY: proxyUrl, http_proxy: proxyUrl, HTTPS_PROXY: proxyUrl, All_Proxy: proxyUrl };
    const gateway = await startSluice([], { cwd, env });
    for (const path of ["/forwarded", "/fetched"]) {
      expect(await (await fetch(`http://127.0.0.1:${gateway.port}${path}`)).text()).toBe("direct");
    }
    expect(environmentOf(gateway).filter((line) => /proxy/i.test(line))).toEqual([]);
    expect(gateway.output.stderr).toMatch(
      /^sluice: warn: [A-Za-z_, ]+ ignored: the gateway connects to its upstreams itself\.\n/,
    );
    expect(gateway.output.stderr.match(/ignored/g)).toHaveLength(1);
    await stop(gateway);
  }
  await origin.stop(true);
  await proxy.stop(true);
});

test("packages of a node_modules beside the config load as their package.json says", async () => {
  const cwd = folderWith({
    "node_modules/by-exports/package.json":
      '{ "type": "module", "exports": { ".": "./lib/x.js", "./y": "./lib/y.js" } }',
    "node_modules/by-exports/lib/x.js": 'export const x = "x";\n',
    "node_modules/by-exports/lib/y.js": 'export const y = "y";\n',
    "node_modules/@scope/by-main/package.json": '{ "main": "lib/main.cjs" }',
    "node_modules/@scope/by-main/lib/main.cjs": 'module.exports = { z: "z" };\n',
    "gateway.config.ts": `import { defineGateway } from "sluice";
import { x } from "by-exports";
import { y } from "by-exports/y";
import main from "@scope/by-main";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: { all: { match: "/*", answer: { body: x + y + main.z } } },
});
`,
  });
  const gateway = await startSluice([], { cwd });
  expect(await (await fetch(`http://127.0.0.1:${gateway.port}/`)).text()).toBe("xyz");
  await stop(gateway);
});

test("what a config imports is what the gateway itself uses, whatever lies in node_modules", async () => {
  const cwd = folderWith({
    "node_modules/hono/package.json": '{ "name": "hono", "main": "index.js" }',
    "node_modules/hono/index.js": 'throw new Error("wrong hono");\n',
    "node_modules/own/package.json": '{ "name": "own", "type": "module", "main": "index.js" }',
    "node_modules/own/index.js": 'import { HTTPException } from "hono/http-exception";\nexport { HTTPException };\n',
    "gateway.config.ts": `import { defineGateway } from "sluice";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { HTTPException as FromPackage } from "own";
import { errors } from "jose";
import * as v from "valibot";
const name = new errors.JWTExpired("late", {}).name;
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: {
    same: { match: "/same", handler: ({ c }) => c.json([HTTPException === FromPackage, typeof Hono, name, v.is(v.string(), "")]) },
    refused: { match: "/refused", handler: () => { throw new HTTPException(418, { message: "short and stout" }); } },
  },
});
`,
  });
  const gateway = await startSluice([], { cwd });
  const url = `http://127.0.0.1:${gateway.port}`;
  expect(await (await fetch(`${url}/same`)).json()).toEqual([true, "function", "JWTExpired", true]);
  const refused = await fetch(`${url}/refused`);
  expect([refused.status, await refused.text()]).toEqual([418, "short and stout"]);
  await stop(gateway);
});

test("every module that a config may import loads", async () => {
  const types = folderWith({});
  await sluice(["init", "--types"], { cwd: types });
  const project = JSON.parse(readFileSync(join(types, ".sluice/tsconfig.json"), "utf8")) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  const names = Object.keys(project.compilerOptions.paths);
  expect(names.length).toBeGreaterThan(90);
  for (const [file] of Object.values(project.compilerOptions.paths)) {
    expect(existsSync(join(types, ".sluice", file ?? ""))).toBe(true);
  }
  // hono/deno reaches for Deno when it loads; sluice/test is for the tests beside a config.
  const source = names
    .filter((name) => name !== "hono/deno" && name !== "sluice/test")
    .map((name, i) => `import * as m${i} from "${name}";\nif (m${i} === undefined) throw new Error("${name}");\n`);
  const cwd = folderWith({ "gateway.config.ts": `${source.join("")}${RIGHT_CONFIG}` });
  expect((await sluice(["check"], { cwd })).stderr).toBe("");
});

test("the file alone, copied into an empty folder, does init, check and run, and forwards", async () => {
  const origin = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) =>
      new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`),
  });
  const cwd = folderWith({});
  const file = join(cwd, "sluice");
  copyFileSync(EXECUTABLE, file);
  expect((await sluice(["init"], { cwd, file })).code).toBe(0);
  const config = join(cwd, "gateway.config.ts");
  await Bun.write(config, readFileSync(config, "utf8").replace("http://127.0.0.1:3000", origin.url.origin));
  expect((await sluice(["check"], { cwd, file })).code).toBe(0);
  const gateway = await startSluice(["--port=0", "--host=127.0.0.1"], { cwd, file });
  const url = `http://127.0.0.1:${gateway.port}`;
  expect(await (await fetch(`${url}/hello`)).text()).toBe("Hello from Sluice.\n");
  const answer = await fetch(`${url}/some/path`, { method: "POST", body: "content" });
  expect(await answer.text()).toBe("POST /some/path content");
  await stop(gateway);
  await origin.stop(true);
});
