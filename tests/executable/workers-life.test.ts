// The life of several workers: how they start, how they are let go, and what stands in their way.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { configText, type Gateway, gatewayCommand, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect, exchange, refuses } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";

const started: Gateway[] = [];

/** A gateway that does not outlive its test, whatever becomes of that. */
const start: typeof startGateway = async (...how) => {
  const gateway = await startGateway(...how);
  started.push(gateway);
  return gateway;
};

afterEach(() => {
  for (const gateway of started.splice(0)) if (gateway.alive) gateway.signal("SIGKILL");
});

/** A gateway that is expected to refuse its start: exit code and stderr. */
async function refusalOf(config: Parameters<typeof configText>[0]): Promise<readonly [code: number, text: string]> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-workers-"));
  writeFileSync(join(folder, "gateway.config.ts"), configText(config));
  const child = Bun.spawn([...gatewayCommand(), "run"], { cwd: folder, stdout: "ignore", stderr: "pipe" });
  const text = await new Response(child.stderr).text();
  const code = await child.exited;
  rmSync(folder, { recursive: true });
  return [code, text];
}

const inThread = (what: string): string => `import { isMainThread } from "node:worker_threads";
import { defineGateway } from "sluice";
if (!isMainThread) ${what};
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 2,
  routes: { all: { match: "/*", answer: {} } },
});
`;

test("SIGTERM lets the exchanges of all workers finish, and then the process ends with 0", async () => {
  const origin = await startOrigin({
    behaviour: async (x) => {
      await x.wait(500);
      await x.send(plain(x.request.target));
    },
  });
  const gateway = await start({
    workers: 4,
    log: { format: "json" },
    upstreams: { u: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u" } },
  });
  const clients = await Promise.all(Array.from({ length: 60 }, () => connect(gateway.port)));
  await Promise.all(clients.map((client, number) => client.send(get(`/${number}`))));
  await until(() => origin.requests.length === 60, "all at the origin");
  gateway.signal("SIGTERM");
  await refuses(gateway.port);
  const texts = await Promise.all(clients.map(async (client) => (await client.receive()).body.text));
  expect(texts).toEqual(clients.map((_, number) => `/${number}`));
  await gateway.stop();
  expect(gateway.log).toHaveLength(60);
  expect(gateway.stderr.text).toContain("sluice: stopped\n");
  await origin.stop();
});

test("what outlasts the grace is cut in every worker, counted and recorded", async () => {
  const origin = await startOrigin({ behaviour: (x) => x.hang() });
  const gateway = await start({
    workers: 2,
    log: { format: "json" },
    shutdown: { grace: "300ms" },
    upstreams: { u: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u" } },
  });
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(gateway.port)));
  await Promise.all(clients.map((client) => client.send(get("/"))));
  await until(() => origin.requests.length === 12, "all at the origin");
  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
  expect(gateway.stderr.text).toContain("cut off what was still under way: 12");
  expect(gateway.log).toHaveLength(12);
  for (const client of clients) client.close();
  await origin.stop();
});

test.each([
  ["SIGTERM", ["SIGTERM", "SIGTERM"], 143],
  ["SIGQUIT", ["SIGQUIT"], 131],
] as const)("%s ends at once what is under way, and records it", async (_, signals, code) => {
  const origin = await startOrigin({ behaviour: (x) => x.hang() });
  const gateway = await start({
    workers: 2,
    log: { format: "json" },
    shutdown: { grace: "30s" },
    upstreams: { u: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u" } },
  });
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(gateway.port)));
  await Promise.all(clients.map((client) => client.send(get("/"))));
  await until(() => origin.requests.length === 12, "all at the origin");
  for (const signal of signals) {
    gateway.signal(signal);
    if (signals.length > 1) await refuses(gateway.port);
  }
  expect(await gateway.ended(2000)).toBe(code);
  expect(gateway.log).toHaveLength(12);
  for (const client of clients) client.close();
  await origin.stop();
});

test("a worker that is caught in the user's code is ended after the grace", async () => {
  const gateway = await start(`import { writeSync } from "node:fs";
import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 2,
  shutdown: { grace: "100ms" },
  routes: { loop: { match: "/loop", handler: () => { writeSync(2, "caught\\n"); for (;;); } } },
});
`);
  using client = await connect(gateway.port);
  await client.send(get("/loop"));
  await until(() => gateway.stderr.text.includes("caught"), "the loop to begin");
  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
  expect(gateway.stderr.text).toMatch(/worker \d does not answer: it is ended/);
});

test("a config that fails in a worker alone is told with its place", async () => {
  const [code, text] = await refusalOf(inThread('throw new Error("only here")'));
  expect(code).toBe(78);
  expect(text).toMatch(/gateway\.config\.ts:3:\d+.*only here/);
  expect(text).toMatch(/worker \d cannot serve, though the main thread has loaded the config/);
  expect(text.split("only here")).toHaveLength(2);
});

test("a config that ends its thread is told", async () => {
  const [code, text] = await refusalOf(inThread("process.exit(5)"));
  expect(code).toBe(78);
  expect(text).toMatch(/worker \d ended with exit code 5 before it listened.*\n.*process\.exit/);
});

test("a port that another gateway has is refused, though several listeners could share it", async () => {
  const config = { workers: 2, routes: { all: { match: "/*", answer: {} } } } as const;
  const gateway = await start(config);
  const [code, text] = await refusalOf({ ...config, listen: { port: gateway.port } });
  expect(code).toBe(71);
  expect(text).toContain("another process listens there");
  await gateway.stop();
});

test("a fixed port is taken again at once after a stop", async () => {
  const config = { workers: 2, routes: { all: { match: "/*", answer: { status: 204 } } } } as const;
  const first = await start(config);
  const { port } = first;
  expect((await exchange(port, get("/"))).status).toBe(204);
  await first.stop();
  const second = await start({ ...config, listen: { port } });
  expect(second.port).toBe(port);
  expect((await exchange(port, get("/"))).status).toBe(204);
  await second.stop();
});

test("what all workers have counted goes on after a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-workers-"));
  const config = {
    workers: 3,
    limits: { ten: { limit: 10, window: "1h" } },
    limiting: { snapshot: join(folder, "limits.snapshot") },
    routes: { all: { match: "/*", limits: "ten", answer: { status: 204 } } },
  } as const;
  const statusesOf = async (): Promise<number[]> => {
    const gateway = await start(config);
    const all = await Promise.all(Array.from({ length: 7 }, () => exchange(gateway.port, get("/"))));
    await gateway.stop();
    return all.map(({ status }) => status).sort();
  };
  expect(await statusesOf()).toEqual([204, 204, 204, 204, 204, 204, 204]);
  expect(await statusesOf()).toEqual([204, 204, 204, 429, 429, 429, 429]);
  rmSync(folder, { recursive: true });
});

test("the example starts and answers", async () => {
  const example = readFileSync(join(import.meta.dir, "../../examples/several-workers.config.ts"), "utf8");
  const gateway = await start(example, { env: { SLUICE_PORT: "0", SLUICE_HOST: "127.0.0.1" } });
  expect((await exchange(gateway.port, get("/orders/1"))).fields.all("ratelimit")).toHaveLength(1);
  await gateway.stop();
});

test('"auto" starts a worker a core', async () => {
  const gateway = await start({ workers: "auto", routes: { all: { match: "/*", answer: {} } } });
  const cores = navigator.hardwareConcurrency;
  if (cores > 1) expect(gateway.stderr.text).toContain(`${cores} workers`);
  await gateway.stop();
});
