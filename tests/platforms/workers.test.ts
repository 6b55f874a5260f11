// The entry on Cloudflare: secrets from bindings, the client's address, wrong configs, and the example.
import { afterEach, expect, spyOn, test } from "bun:test";
import { resolve } from "node:path";
import { defineGateway, env } from "../../src/mod.ts";
import { workers } from "../../src/platforms/workers.ts";
import { startWorkerd } from "../conformance/workerd.ts";
import { startCollector } from "../support/collector.ts";
import { exchange } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";

const silent = (): void => undefined;
const log = spyOn(console, "log").mockImplementation(silent);
const errors = spyOn(console, "error").mockImplementation(silent);

afterEach(() => {
  log.mockClear();
  errors.mockClear();
});

const config = defineGateway({
  upstreams: { app: { targets: [env("APP")] } },
  routes: {
    who: { match: "/who", handler: ({ client, c }) => c.text(client) },
    bound: { match: "/bound", handler: ({ c }) => c.text(String((c.env as Record<string, unknown>)["WORD"])) },
    app: { match: "/app/*", to: "app" },
  },
});

test("env() reads bindings, and the user's code sees them too", async () => {
  const origin = await startOrigin();
  const worker = workers(config);
  const bindings = { APP: origin.url, WORD: "bound" };
  expect(await (await worker.fetch(new Request("http://gw.test/app/x"), bindings, {})).text()).toBe("ok");
  expect(await (await worker.fetch(new Request("http://gw.test/bound"), bindings, {})).text()).toBe("bound");
  await origin.stop();
});

test("the client is who CF-Connecting-IP names", async () => {
  const worker = workers(config);
  const request = new Request("http://gw.test/who", { headers: { "cf-connecting-ip": "2001:db8::7" } });
  expect(await (await worker.fetch(request, { APP: "http://127.0.0.1:1" }, {})).text()).toBe("2001:db8::7");
});

test("the access log goes to the console", async () => {
  await workers(config).fetch(new Request("http://gw.test/nowhere"), { APP: "http://127.0.0.1:1" }, {});
  const line = JSON.parse(String(log.mock.calls[0]![0])) as Record<string, unknown>;
  expect(line["http.response.status_code"]).toBe(404);
});

test("with a config that is wrong every request is 500; the console tells why, once, the client is told nothing", async () => {
  const worker = workers(config);
  for (let i = 0; i < 2; i++) {
    const response = await worker.fetch(new Request("http://gw.test/who"), {}, {});
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).not.toContain("APP");
  }
  expect(errors.mock.calls.length).toBe(1);
  expect(String(errors.mock.calls[0]![0])).toContain("APP");
});

test("a config with admin serves without it; the console tells that", async () => {
  const warned = spyOn(console, "warn").mockImplementation(() => undefined);
  const worker = workers({ ...config, admin: {} });
  expect((await worker.fetch(new Request("http://gw.test/who"), { APP: "http://127.0.0.1:1" }, {})).status).toBe(200);
  expect(warned.mock.calls.map(([text]) => String(text)).join()).toContain("admin: Cloudflare has no listeners");
  warned.mockRestore();
});

test("nothing runs before the first request: no timer, no random number", () => {
  const timer = spyOn(globalThis, "setTimeout");
  const random = spyOn(crypto, "randomUUID");
  workers(config);
  expect(timer.mock.calls.length + random.mock.calls.length).toBe(0);
  timer.mockRestore();
  random.mockRestore();
});

test("the example runs in workerd", async () => {
  const origin = await startOrigin();
  const entry = resolve(import.meta.dir, "../../examples/workers/worker.ts");
  const worker = await startWorkerd(entry, { ORDERS_URL: origin.url, ORDERS_KEY: "a key" }, { LIMITS: "LimitStore" });
  try {
    const request = "GET /api/orders/7 HTTP/1.1\r\nHost: gw.test\r\nOrigin: https://shop.example\r\n\r\n";
    const response = await exchange(worker.port, request);
    expect(response.status).toBe(200);
    expect(response.fields.one("ratelimit")).toMatch(/^"perAddress";r=99;t=\d+$/);
    expect(response.fields.one("access-control-allow-origin")).toBe("https://shop.example");
    expect((await origin.requestTo("/orders/7")).fields.one("x-orders-key")).toBe("a key");
  } finally {
    await worker.stop();
    await origin.stop();
  }
});

test("the spans of a request are sent when its answer is there, and the runtime is told to wait for that", async () => {
  const origin = await startOrigin();
  const collector = startCollector();
  const worker = workers(
    defineGateway({
      tracing: {},
      otlp: { endpoint: env("COLLECTOR") },
      upstreams: { app: { targets: [env("APP")] } },
      routes: { app: { match: "/app/*", to: "app" } },
    }),
  );
  const waits: Promise<unknown>[] = [];
  const context = { waitUntil: (promise: Promise<unknown>) => void waits.push(promise) };
  const bindings = { APP: origin.url, COLLECTOR: collector.url };
  for (let at = 0; at < 2; at++) {
    await (await worker.fetch(new Request("http://gw.test/app/x"), bindings, context)).text();
  }
  expect(waits).toHaveLength(2);
  await Promise.all(waits);
  expect(collector.taken.map(({ spans }) => spans.map(({ kind }) => kind))).toEqual([
    [2, 3],
    [2, 3],
  ]);
  expect(collector.taken[0]!.resource).toMatchObject({ "process.runtime.name": "workerd" });
  expect(collector.faults).toEqual([]);
  await collector.stop();
  await origin.stop();
});
