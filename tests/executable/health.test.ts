// Health on the executable: targets that flap, with one thread and with several, which know the same and check once.
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

const PATH = "/healthz";
const INTERVAL = 200;

/** A target that answers as it is told, and tells checks from requests. */
interface Flapping {
  readonly origin: RawOrigin;
  check: number;
  traffic: number;
  /** When checks came. */
  readonly checks: number[];
  requests: number;
}

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

async function flapping(): Promise<Flapping> {
  const state = { check: 200, traffic: 200, checks: [] as number[], requests: 0 };
  const origin = await startOrigin({
    behaviour: async (x) => {
      const isCheck = x.request.target === PATH;
      if (isCheck) state.checks.push(performance.now());
      else state.requests++;
      await x.send(plain("ok", `HTTP/1.1 ${isCheck ? state.check : state.traffic} Fine\r\n`));
    },
  });
  running.push(() => origin.stop());
  return Object.assign(state, { origin });
}

async function start(workers: number, targets: readonly Flapping[], upstream: object): Promise<Gateway> {
  const gateway = await startGateway({
    workers,
    upstreams: { up: { targets: targets.map(({ origin }) => origin.url), ...upstream } },
    routes: { all: { match: "/*", to: "up" } },
  });
  running.push(() => gateway.stop());
  return gateway;
}

/** Statuses of so many requests, each on a connection of its own, so that all workers get some. */
async function statusesOf({ port }: Gateway, count: number): Promise<number[]> {
  const all = await Promise.all(Array.from({ length: count }, () => exchange(port, get("/it"))));
  return all.map(({ status }) => status);
}

const count = (text: string, part: string): number => text.split(part).length - 1;

describe.each([1, 3])("%i workers", (workers) => {
  test("check each target once in its interval, and all know what came of it", async () => {
    const [a, b] = [await flapping(), await flapping()];
    const health = { path: PATH, interval: `${INTERVAL}ms`, fall: 2, rise: 2 } as const;
    const gateway = await start(workers, [a, b], { health, ejection: false });
    await until(() => a.checks.length >= 8 && b.checks.length >= 8, "eight checks of each");
    for (const { checks } of [a, b]) expect((checks[7]! - checks[0]!) / 7).toBeGreaterThan(INTERVAL * 0.85);

    b.check = 503;
    await until(() => gateway.stderr.text.includes(": down: "), "b to be down");
    b.requests = 0;
    expect(await statusesOf(gateway, 40)).toEqual(Array(40).fill(200));
    expect(b.requests).toBe(0);

    a.check = 503;
    await until(() => count(gateway.stderr.text, ": down: ") === 2, "a to be down");
    a.requests = 0;
    expect(await statusesOf(gateway, 20)).toEqual(Array(20).fill(503));
    expect([a.requests, b.requests]).toEqual([0, 0]);

    a.check = b.check = 200;
    await until(() => count(gateway.stderr.text, ": up: ") === 2, "both to be up");
    expect(await statusesOf(gateway, 40)).toEqual(Array(40).fill(200));
    expect(Math.min(a.requests, b.requests)).toBeGreaterThan(5);
    // Each change is told once, not once a worker.
    expect(count(gateway.stderr.text, "2 checks in a row")).toBe(4);
  });

  test("eject a target together, and tell it once", async () => {
    const [a, b] = [await flapping(), await flapping()];
    const gateway = await start(workers, [a, b], { ejection: { failures: 5, time: "60s" } });
    b.traffic = 503;
    await until(async () => {
      await statusesOf(gateway, 12);
      return gateway.stderr.text.includes("ejected");
    }, "b to be ejected");
    b.requests = 0;
    expect(await statusesOf(gateway, 40)).toEqual(Array(40).fill(200));
    expect(b.requests).toBe(0);
    expect(gateway.stderr.text).toContain("ejected for 1m: 5 failures in a row, the last: status 503");
    expect(count(gateway.stderr.text, "ejected")).toBe(1);
  });
});

test.each([1, 3])(
  "the breaker is one for %i workers: what one has seen, none lets through, and probes are counted together",
  async (workers) => {
    const a = await flapping();
    const gateway = await start(workers, [a], { breaker: { minimum: 12, window: "1m", open: "1500ms", probes: 4 } });
    a.traffic = 503;
    await until(async () => {
      await statusesOf(gateway, 12);
      return gateway.stderr.text.includes("circuit open");
    }, "the circuit to open");
    a.requests = 0;
    expect(await statusesOf(gateway, 40)).toEqual(Array(40).fill(503));
    expect(a.requests).toBe(0);
    // Probes find it still failing: four at most in each round.
    await until(async () => (await statusesOf(gateway, 1), a.requests > 0), "a probe");
    expect(await statusesOf(gateway, 20)).toEqual(Array(20).fill(503));
    expect(a.requests).toBeLessThanOrEqual(4);
    a.traffic = 200;
    await until(
      async () => (await statusesOf(gateway, 1), gateway.stderr.text.includes("circuit closed")),
      "it to close",
    );
    expect(await statusesOf(gateway, 40)).toEqual(Array(40).fill(200));
    expect([count(gateway.stderr.text, "circuit open"), count(gateway.stderr.text, "circuit closed")]).toEqual([1, 1]);
  },
);

test.each([1, 3])(
  "the admin listener of %i workers drains a target, for all of them, and counts what was ejected",
  async (workers) => {
    const [a, b] = [await flapping(), await flapping()];
    const targets = [a, b].map(({ origin }) => origin.url);
    const gateway = await startGateway({
      workers,
      admin: { port: 0 },
      upstreams: { up: { targets, ejection: { failures: 3 }, breaker: {} } },
      routes: { all: { match: "/*", to: "up" } },
    });
    running.push(() => gateway.stop());
    const admin = async (method: string, path: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, { method })).text();
    const query = `?upstream=up&target=${encodeURIComponent(targets[1]!)}`;

    expect(JSON.parse(await admin("POST", `/targets/drain${query}`))).toMatchObject({ state: "drained" });
    expect(await statusesOf(gateway, 30)).toEqual(Array(30).fill(200));
    expect(b.requests).toBe(0);
    await admin("POST", `/targets/restore${query}`);
    await statusesOf(gateway, 30);
    expect(b.requests).toBeGreaterThan(5);

    b.traffic = 503;
    await until(
      async () => (await statusesOf(gateway, 10), gateway.stderr.text.includes("ejected")),
      "b to be ejected",
    );
    expect(JSON.parse(await admin("GET", "/targets"))).toMatchObject({
      upstreams: [
        { name: "up", circuit: "closed", targets: [{ state: "up" }, { state: "ejected", reason: "status 503" }] },
      ],
    });
    const metrics = await admin("GET", "/metrics");
    expect(metrics).toContain('sluice_upstream_ejections_total{upstream="up"} 1\n');
    expect(metrics).toContain('sluice_upstream_circuit_open{upstream="up"} 0\n');
    expect(metrics).toContain(`sluice_upstream_up{upstream="up",target="${targets[1]}"} 0\n`);
  },
);

test("health.config.ts checks its targets and answers from those that are up", async () => {
  const [a, b] = [await flapping(), await flapping()];
  const file = resolve(import.meta.dir, "../../examples/upstreams/health.config.ts");
  const env = { ORDERS_A: a.origin.url, ORDERS_B: b.origin.url };
  const gateway = await startGateway(readFileSync(file, "utf8").replace("port: 8080", "port: 0"), { env });
  running.push(() => gateway.stop());
  await until(() => a.checks.length > 0 && b.checks.length > 0, "a check of each");
  b.traffic = 503;
  await until(
    async () => (await statusesOf(gateway, 4), gateway.stderr.text.includes("ejected for 10s")),
    "b to be ejected",
  );
  expect(await statusesOf(gateway, 12)).toEqual(Array(12).fill(200));
});

test("a worker that is replaced knows what the others know", async () => {
  const [a, b] = [await flapping(), await flapping()];
  b.check = 503;
  const gateway = await startGateway(
    `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 2,
  upstreams: {
    up: { targets: ["${a.origin.url}", "${b.origin.url}"], health: { path: "${PATH}", interval: "200ms", fall: 1 } },
  },
  routes: {
    all: { match: "/*", to: "up" },
    die: { match: "/die", handler: () => process.exit(3) },
  },
});
`,
  );
  running.push(() => gateway.stop());
  await until(() => gateway.stderr.text.includes(": down: "), "b to be down");
  b.requests = 0;
  for (let died = 1; died <= 3; died++) {
    await exchange(gateway.port, get("/die")).catch(() => undefined);
    await until(() => count(gateway.stderr.text, "serves again") === died, "another worker");
    expect(await statusesOf(gateway, 20)).toEqual(Array(20).fill(200));
  }
  expect(b.requests).toBe(0);
});
