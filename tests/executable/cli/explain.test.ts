// `sluice explain`, as the executable prints it: the verdict, the reasons, and where in the config each stands.
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, folderWith, sluice, startSluice } from "./run-sluice.ts";

afterAll(cleanUp);

const KEY = "k3y-of-a-caller-9f1c";
const CONFIG = `import { apiKey, defineGateway, env } from "sluice";
export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:1"] } },
  consumers: { acme: { keys: [env("ACME")] } },
  auth: { key: apiKey() },
  routes: {
    orders: { match: "/orders/*", to: "orders", auth: "key" },
    open: { match: "GET /open", to: "orders", auth: "none" },
  },
});
`;
const ENV = { ACME: `sha256:${new Bun.CryptoHasher("sha256").update(KEY).digest("hex")}` };
const run = (...args: string[]): ReturnType<typeof sluice> =>
  sluice(["explain", ...args], { cwd: folderWith({ "gateway.config.ts": CONFIG }), env: ENV });

test("tells what becomes of a request and where the config says so, and asks nobody", async () => {
  const { code, stdout, stderr } = await run("https://api.test/orders/7", `-Hx-api-key: ${KEY}`, "--from=203.0.113.7");
  expect(stdout.split("\n").slice(0, 2)).toEqual([
    "GET https://api.test/orders/7 from 203.0.113.7",
    "goes to http://127.0.0.1:1",
  ]);
  expect(stdout).toMatch(/orders +\/orders\/\* +wins +gateway\.config\.ts:7/);
  expect(stdout).toMatch(/open +GET \/open +the path is another +gateway\.config\.ts:8/);
  expect(stdout).toMatch(/auth\.key +accepts +consumer acme.* gateway\.config\.ts:5/);
  expect(stdout).toMatch(/\n  X-Forwarded-For: 203\.0\.113\.7 +the gateway\n/);
  expect(stdout).toMatch(/\n  Host: 127\.0\.0\.1:1 +gateway\.config\.ts:3\n/);
  expect(stdout).toMatch(/\n  timeouts\.connect +5s +default\n/);
  expect(stdout + stderr).not.toContain(KEY);
  expect([code, stderr]).toEqual([0, ""]);
});

test("--json is one object, and a refusal is no failure: 0", async () => {
  const { code, stdout } = await run("DELETE", "/open", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ status: 405, code: "method_not_allowed", policies: [], head: [] });
  expect(code).toBe(0);
  expect(JSON.parse((await run("TRACE", "/open", "--json")).stdout)).toMatchObject({ status: 405, matches: [] });
});

test("a config that is wrong: 78; none: 66", async () => {
  const cwd = folderWith({ "wrong.config.ts": "export default { routes: {} };\n" });
  expect((await sluice(["explain", "/", "--config=wrong.config.ts"], { cwd })).code).toBe(78);
  expect((await sluice(["explain", "/"], { cwd })).code).toBe(66);
});

test.each([1, 2])("with %d workers a gateway that runs says what is left, and nothing is counted", async (workers) => {
  const cwd = folderWith({
    "gateway.config.ts": `export default {
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: ${await freePort()} },
  workers: ${workers},
  shutdown: { drainDelay: "0s" },
  limits: { few: { limit: 3, window: "10m" } },
  routes: { hello: { match: "/hello", answer: { body: "hello" }, limits: "few" } },
};
`,
  });
  const gateway = await startSluice([], { cwd });
  const left = async (): Promise<string> => (await sluice(["explain", "/hello"], { cwd })).stdout;
  try {
    expect(await left()).toMatch(/limits\.few +passes +3 in 10m by address; 3 left now/);
    for (let i = 0; i < 3; i++) expect((await fetch(`http://127.0.0.1:${gateway.port}/hello`)).status).toBe(200);
    for (let i = 0; i < 2; i++) {
      const text = await left();
      expect(text).toContain("429 rate_limit_exceeded: limits.few");
      expect(text).toMatch(/limits\.few +refuses +3 in 10m by address; 0 left now/);
    }
  } finally {
    gateway.signal("SIGTERM");
    expect(await gateway.ended()).toBe(0);
  }
  expect(await left()).toMatch(/limits\.few +passes +3 in 10m by address +gateway/);
});

test.each([1, 2])(
  "with %d workers a gateway that runs says which targets are out, and what else it knows",
  async (workers) => {
    const [one, two] = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
    const admin = await freePort();
    const key = "k3y-of-a-caller";
    const config = (connect: string): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: ${admin} },
  workers: ${workers},
  shutdown: { drainDelay: "0s" },
  consumers: { acme: { keys: [{ id: "ci", hash: "sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}" }] } },
  auth: { key: apiKey() },
  upstreams: {
    orders: {
      targets: ["${one}", "${two}"],
      breaker: { minimum: 1, open: "1h" },
      timeouts: { connect: "${connect}" },
    },
    users: { targets: { file: "targets.yaml" } },
  },
  routes: {
    orders: { match: "/orders", to: "orders", auth: "none", timeouts: { firstByte: "7s" } },
    users: { match: "/users", to: "users", auth: "key" },
  },
});
`;
    const cwd = folderWith({ "gateway.config.ts": config("1s"), "targets.yaml": `- ${two}\n` });
    const explain = async (...args: string[]): Promise<string> => (await sluice(["explain", ...args], { cwd })).stdout;
    const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${admin}${path}`, { method: "POST" });
    expect(await explain("/orders")).toMatch(
      /target +\S+:1, one of 2: a gateway that has just started would pick it\n/,
    );
    const gateway = await startSluice([], { cwd });
    try {
      const before = await explain("/orders");
      expect(before).toContain(`\nnow, as the gateway at http://127.0.0.1:${admin} tells\n`);
      expect(before).toMatch(/target +\S+:1, or another of the 2 that may be picked now\n/);
      expect(before).toMatch(/timeouts\.connect +1s +gateway\.config\.ts:13\n/);
      expect(before).toMatch(/timeouts\.firstByte +7s +gateway\.config\.ts:18\n/);
      expect((await ask(`/targets/drain?upstream=orders&target=${one}`)).status).toBe(200);
      const after = await explain("/orders");
      expect(after).toContain(`\ngoes to ${two}\n`);
      expect(after).toMatch(/\n  http:\/\/127\.0\.0\.1:1 +drained +0\n/);
      expect((await fetch(`http://127.0.0.1:${gateway.port}/orders`)).status).toBe(502);
      const open = await explain("/orders");
      expect(open).toMatch(/\n503 destination_unavailable: .*circuit/i);
      expect(open).toMatch(/circuit +open +gateway\.config\.ts:12\n/);
      const found = await explain("/users", "-H", `x-api-key: ${key}`);
      expect(found).toContain(`\ngoes to ${two}\n`);
      expect((await ask("/keys/revoke?id=ci")).status).toBe(200);
      expect(await explain("/users", "-H", `x-api-key: ${key}`)).toMatch(
        /401 invalid_credentials: .*the API key ci is revoked/,
      );
      writeFileSync(join(cwd, "gateway.config.ts"), config("2s"));
      expect(await explain("/orders")).toContain("it runs another config, for it was not reloaded since");
      expect((await ask("/reload")).status).toBe(200);
      expect(await explain("/orders")).not.toContain("another config");
    } finally {
      gateway.signal("SIGTERM");
      expect(await gateway.ended()).toBe(0);
    }
  },
  30_000,
);

/** A port that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = taken;
  taken.stop(true);
  return Promise.resolve(port);
}
