// What the executable tells of itself, its keys, breakers and searches: each number is there, and moves when it must.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { issuerOrigin, tokenFrom } from "../support/issuer.ts";
import { get } from "../support/messages.ts";
import { scrape, sumOf } from "../support/metrics-text.ts";
import { answering } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

describe.each([1, 2])("with %d workers", (workers) => {
  let gateway: Gateway;
  let issuer: RawOrigin;
  let broken: RawOrigin;

  beforeAll(async () => {
    issuer = await startOrigin(issuerOrigin("k1"));
    broken = await startOrigin({ behaviour: answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") });
    gateway = await startGateway(`import { defineGateway, jwt } from "sluice";
const kept: object[] = [];
const used = () => process.threadCpuUsage().user + process.threadCpuUsage().system;
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: 0 },
  workers: ${workers},
  auth: { token: jwt({ issuer: ${JSON.stringify(issuer.url)}, audience: "https://api.example.com" }) },
  upstreams: {
    broken: { targets: [${JSON.stringify(broken.url)}], breaker: { minimum: 4, open: "1m" }, retries: false },
    lost: { targets: { from: () => { throw new Error("nobody knows"); }, every: "100ms" } },
  },
  routes: {
    keyed: { match: "/keyed", auth: "token", answer: { body: "ok" } },
    broken: { match: "/broken", auth: "none", to: "broken" },
    lost: { match: "/lost", auth: "none", to: "lost" },
    busy: {
      match: "/busy",
      auth: "none",
      handler: ({ c }) => {
        for (const end = Date.now() + 700; Date.now() < end;);
        return c.text("late");
      },
    },
    greedy: {
      match: "/greedy",
      auth: "none",
      handler: ({ c }) => {
        for (const enough = used() + 400_000; used() < enough;);
        if (kept.length === 0) for (let count = 0; count < 1_000_000; count++) kept.push({ count });
        Bun.gc(true);
        return c.text("kept");
      },
    },
  },
});
`);
  });

  afterAll(async () => {
    await gateway.stop();
    await Promise.all([issuer.stop(), broken.stop()]);
  });

  const value = async (name: string, labels: Record<string, string> = {}): Promise<number> =>
    sumOf(await scrape(gateway.adminPort), name, labels);
  const ask = async (path: string, ...fields: string[]): Promise<number> =>
    (await exchange(gateway.port, get(path, ...fields, "Connection: close"))).status;

  test("the age of a scheme's keys is there once they are fetched, and grows", async () => {
    expect(await ask("/keyed", `Authorization: Bearer ${tokenFrom(issuer)}`)).toBe(200);
    const age = await until(() => value("sluice_auth_keys_age_seconds", { scheme: "token" }), "an age");
    await until(async () => (await value("sluice_auth_keys_age_seconds")) > age, "an age that has grown");
  });

  test("a breaker that opens is counted, and is open", async () => {
    const open = { upstream: "broken" };
    expect(await value("sluice_upstream_circuit_open", open)).toBe(0);
    await until(async () => (await ask("/broken")) === 503 && broken.requests.length >= 4, "the breaker");
    await until(async () => (await value("sluice_upstream_circuit_openings_total", open)) === 1, "the count");
    expect(await value("sluice_upstream_circuit_open", open)).toBe(1);
  });

  test("searches that find nothing are counted", async () => {
    const failures = (): Promise<number> => value("sluice_discovery_failures_total", { upstream: "lost" });
    const before = await until(failures, "a failure");
    await until(async () => (await failures()) > before, "another");
  });

  test("an event loop that stands still is late, by as long as it stood", async () => {
    const late = async (): Promise<number> =>
      (await value("sluice_event_loop_delay_seconds_count")) -
      (await value("sluice_event_loop_delay_seconds_bucket", { le: "0.1" }));
    await until(async () => {
      await ask("/busy");
      return (await late()) >= 1;
    }, "a late timer");
    expect(await value("sluice_event_loop_delay_seconds_sum")).toBeGreaterThan(0.1);
  });

  test("a thread that works, and one that keeps what it makes, is told by its number", async () => {
    const ofThreads = async (name: string): Promise<Map<string, number>> => {
      const samples = (await scrape(gateway.adminPort)).get(name)!.samples;
      return new Map(samples.map(({ labels, value }) => [labels["worker"]!, value]));
    };
    const [cpu, heap] = [
      await ofThreads("sluice_worker_cpu_seconds_total"),
      await ofThreads("sluice_worker_heap_bytes"),
    ];
    const threads = workers === 1 ? ["main"] : ["main", "1", "2"];
    expect([...cpu.keys()].sort()).toEqual(threads.toSorted());
    expect([...heap.keys()].sort()).toEqual(threads.toSorted());

    expect(await ask("/greedy")).toBe(200);
    const grownBy = async (name: string, before: Map<string, number>, by: number): Promise<string[]> =>
      [...(await ofThreads(name))].flatMap(([worker, now]) => (now - before.get(worker)! >= by ? [worker] : []));
    const worked = await until(async () => {
      const those = await grownBy("sluice_worker_cpu_seconds_total", cpu, 0.35);
      return those.length > 0 ? those : undefined;
    }, "a thread that has worked");
    expect(worked).toHaveLength(1);
    expect(worked[0]).toMatch(workers === 1 ? /^main$/ : /^[12]$/);
    await until(
      async () => (await grownBy("sluice_worker_heap_bytes", heap, 10_000_000)).join() === worked.join(),
      "its heap",
    );
  });

  test("the process tells what it is, since when, and what it holds open", async () => {
    const now = Date.now() / 1000;
    expect(Math.abs(now - (await value("process_start_time_seconds")))).toBeLessThan(120);
    const most = Number(spawnSync("/bin/sh", ["-c", "ulimit -n"]).stdout.toString());
    expect(await value("process_max_fds")).toBe(most);
    const held = await Promise.all(Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${gateway.port}/nowhere`)));
    expect(held).toHaveLength(20);
    expect(await value("process_open_fds")).toBeGreaterThan(10);
    const cpu = await value("process_cpu_seconds_total");
    await ask("/busy");
    expect(await value("process_cpu_seconds_total")).toBeGreaterThan(cpu + 0.02);
    expect(await value("process_resident_memory_bytes")).toBeGreaterThan(2 ** 24);
    const families = await scrape(gateway.adminPort);
    const [build] = families.get("sluice_build_info")!.samples;
    expect(build).toMatchObject({ value: 1, labels: { version: expect.any(String), runtime: "bun" } });
    const [config] = families.get("sluice_config_info")!.samples;
    expect(config!.labels["hash"]).toMatch(/^[0-9a-f]{8,64}$/);
  });
});
