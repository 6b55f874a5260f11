// Metrics of the executable: numbers are those that clients and origins have counted, whichever worker served.
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until, within } from "../support/deadline.ts";
import { type Gateway, gatewayCommand, startGateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { readMetrics, scrape, scrapeText, sumOf } from "../support/metrics-text.ts";
import { type Behaviour, plain } from "../support/origin-exchange.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const running: { gateway: Gateway; origin: RawOrigin }[] = [];

afterEach(async () => {
  for (const { gateway, origin } of running.splice(0)) {
    if (gateway.alive) gateway.signal("SIGKILL");
    await origin.stop();
  }
});

/** Answers once all of the request is there. */
const answerWhole: Behaviour = async (x) => {
  await x.body();
  await x.send(plain("hello"));
};

/** A gateway with several policies, and its origin. */
async function start(workers: number): Promise<{ gateway: Gateway; origin: RawOrigin }> {
  const origin = await startOrigin({ behaviour: answerWhole });
  const gateway = await startGateway(`import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: 0 },
  shutdown: { drainDelay: "0s" },
  workers: ${workers},
  upstreams: { up: { targets: [${JSON.stringify(origin.url)}] } },
  auth: { key: apiKey() },
  limits: { ten: { limit: 10, window: "1h", by: "route" } },
  inFlight: { many: { max: 1000, by: "route" } },
  routes: {
    up: { match: "/up/:id", to: "up", auth: "none", inFlight: "many" },
    limited: { match: "/limited", auth: "none", limits: "ten", answer: { body: "ok" } },
    keyed: { match: "/keyed", auth: "key", answer: { body: "ok" } },
    die: { match: "/die", auth: "none", handler: () => process.exit(3) },
    loop: {
      match: "/loop",
      auth: "none",
      handler: ({ c }) => {
        for (const end = Date.now() + 1500; Date.now() < end;);
        return c.text("late");
      },
    },
  },
});
`);
  const started = { gateway, origin };
  running.push(started);
  return started;
}

const COUNT = "http_server_request_duration_seconds_count";
const CLIENTS = 12;
const ROUNDS = 20;

describe.each([1, 3])("with %d workers", (workers) => {
  test("what is told is what clients got and origins saw", async () => {
    const { gateway, origin } = await start(workers);
    const statuses = new Map<number, number>();
    const ask = async (client: Awaited<ReturnType<typeof connect>>, round: number): Promise<void> => {
      const requests = [
        get(`/up/${round}`),
        request("POST", "/up/x", "four"),
        get("/limited"),
        get("/keyed"),
        get("/nope"),
      ];
      for (const each of requests) {
        await client.send(each);
        const { status } = await client.receive();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(gateway.port)));
    await Promise.all(
      clients.map(async (client) => {
        for (let round = 0; round < ROUNDS; round++) await ask(client, round);
      }),
    );
    const all = CLIENTS * ROUNDS;
    // An exchange ends when its last byte has gone, which its client may see first.
    const told = await until(async () => {
      const metrics = await scrape(gateway.adminPort);
      return sumOf(metrics, COUNT) === all * 5 ? metrics : undefined;
    }, "all of them to be counted");
    const seen = (labels: Record<string, string>): number => sumOf(told, COUNT, labels);
    expect(
      new Map([...statuses.keys()].map((status) => [status, seen({ http_response_status_code: String(status) })])),
    ).toEqual(statuses);
    expect(seen({ sluice_route: "up", http_route: "/up/:id" })).toBe(origin.requests.length);
    expect(seen({ sluice_route: "up", http_request_method: "POST" })).toBe(all);
    expect(sumOf(told, "http_server_request_body_size_bytes_sum", { sluice_route: "up" })).toBe(4 * all);
    expect(sumOf(told, "http_server_response_body_size_bytes_sum", { sluice_route: "up" })).toBe(5 * 2 * all);
    const attempts = "http_client_request_duration_seconds_count";
    expect(sumOf(told, attempts, { sluice_target: origin.url, http_response_status_code: "200" })).toBe(2 * all);
    expect(sumOf(told, "sluice_upstream_up", { target: origin.url })).toBe(1);
    expect(sumOf(told, "http_client_open_connections", { http_connection_state: "idle" })).toBe(origin.open);
    expect(sumOf(told, "sluice_limit_decisions_total", { decision: "allowed" })).toBe(10);
    expect(sumOf(told, "sluice_limit_decisions_total", { decision: "refused" })).toBe(all - 10);
    expect(sumOf(told, "sluice_limit_entries")).toBe(1);
    expect(sumOf(told, "sluice_auth_decisions_total", { scheme: "key", outcome: "absent" })).toBe(all);
    expect(sumOf(told, "sluice_in_flight_decisions_total", { bound: "many", decision: "allowed" })).toBe(2 * all);
    expect(sumOf(told, "sluice_connections_open")).toBe(CLIENTS);
    expect(sumOf(told, "sluice_workers")).toBe(workers);
    expect(sumOf(told, "http_server_active_requests")).toBe(0);
    expect(sumOf(told, "process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(sumOf(told, "process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    for (const client of clients) client.close();
    await until(async () => sumOf(await scrape(gateway.adminPort), "sluice_connections_open") === 0, "no connection");
    await gateway.stop();
  });

  test("the admin listener tells of a drain until it is over", async () => {
    const { gateway } = await start(workers);
    const admin = gateway.adminPort;
    using client = await connect(gateway.port);
    await client.send("GET /up/1 HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\n\r\n");
    await until(async () => sumOf(await scrape(admin), "http_server_active_requests") === 1, "the exchange to begin");
    expect((await exchange(admin, get("/readyz").replace("gw.test", "localhost"))).status).toBe(200);
    gateway.signal("SIGTERM");
    const ready = await until(async () => {
      const response = await exchange(admin, get("/readyz").replace("gw.test", "localhost"));
      return response.status === 503 ? response : undefined;
    }, "readiness to end");
    expect(ready.body.text).toContain('"draining"');
    await client.send("x");
    expect((await client.receive()).status).toBe(200);
    expect(await gateway.ended()).toBe(0);
  });
});

test("a worker that ends takes nothing with it, and counters never go down", async () => {
  const { gateway } = await start(3);
  const admin = gateway.adminPort;
  for (let died = 1; died <= 3; died++) {
    for (let at = 0; at < 20; at++) await exchange(gateway.port, get("/limited", "Connection: close"));
    using client = await connect(gateway.port);
    await client.send(get("/die"));
    await client.closed();
    await until(async () => sumOf(await scrape(admin), COUNT, { sluice_route: "limited" }) === 20 * died, "the sum");
    await until(async () => sumOf(await scrape(admin), "sluice_workers") === 3, "the new worker");
  }
  await gateway.stop();
});

test.each([1, 2])("reloads of %d workers are counted by what came of them, and counters go on", async (workers) => {
  const { gateway } = await start(workers);
  const admin = gateway.adminPort;
  const file = join(gateway.folder, "gateway.config.ts");
  const good = readFileSync(file, "utf8");
  await exchange(gateway.port, get("/limited", "Connection: close"));
  await until(async () => sumOf(await scrape(admin), COUNT) === 1, "the exchange to be counted");
  const before = sumOf(await scrape(admin), "sluice_config_last_reload_success_timestamp_seconds");
  const reload = async (text: string, result: string): Promise<Awaited<ReturnType<typeof scrape>>> => {
    writeFileSync(file, text);
    gateway.signal("SIGHUP");
    return until(async () => {
      const told = await scrape(admin);
      return sumOf(told, "sluice_config_reloads_total", { result }) === 1 ? told : undefined;
    }, `a reload that comes to ${result}`);
  };
  const failed = await reload("export default 7;", "failure");
  expect(sumOf(failed, "sluice_config_last_reload_successful")).toBe(0);
  expect(sumOf(failed, "sluice_config_last_reload_success_timestamp_seconds")).toBe(before);
  const told = await reload(good.replace("limit: 10", "limit: 11"), "success");
  expect(sumOf(told, "sluice_config_last_reload_success_timestamp_seconds")).toBeGreaterThan(before);
  expect(sumOf(told, "sluice_config_reloads_total")).toBe(2);
  expect(sumOf(told, "sluice_config_last_reload_successful")).toBe(1);
  await exchange(gateway.port, get("/limited", "Connection: close"));
  await until(async () => sumOf(await scrape(admin), COUNT) === 2, "the exchange after it");
  expect(sumOf(await scrape(admin), "sluice_limit_decisions_total", { decision: "allowed" })).toBe(2);
  expect(sumOf(await scrape(admin), "sluice_connections_open")).toBe(0);
  await gateway.stop();
});

test("a worker that is caught in the user's code holds no scrape up", async () => {
  const { gateway } = await start(2);
  using client = await connect(gateway.port);
  await exchange(gateway.port, get("/limited", "Connection: close"));
  await until(async () => sumOf(await scrape(gateway.adminPort), COUNT) === 1, "the first");
  await client.send(get("/loop"));
  const began = performance.now();
  let longest = 0;
  while (performance.now() - began < 1000) {
    const asked = performance.now();
    expect(sumOf(await scrape(gateway.adminPort), COUNT)).toBe(1);
    longest = Math.max(longest, performance.now() - asked);
  }
  expect(longest).toBeLessThan(1200);
  expect(longest).toBeGreaterThan(90);
  expect((await client.receive()).status).toBe(200);
  await gateway.stop();
});

const lack = missing("promtool");
const ifThere = lack === undefined ? test : test.skip;
ifThere(
  `promtool finds nothing to say about a busy gateway${lack === undefined ? "" : ` (skipped: ${lack})`}`,
  async () => {
    const { gateway } = await start(2);
    for (const path of ["/up/1", "/limited", "/keyed", "/nope", "/up/2?x"])
      await exchange(gateway.port, get(path, "Connection: close"));
    const text = await scrapeText(gateway.adminPort);
    expect(readMetrics(text).size).toBeGreaterThan(15);
    const promtool = Bun.spawn([pathOfTool("promtool"), "check", "metrics"], {
      stdin: new Blob([text]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await new Response(promtool.stdout).text()) + (await new Response(promtool.stderr).text());
    expect([await within(promtool.exited, "promtool"), said]).toEqual([0, ""]);
    const open = await scrapeText(gateway.adminPort, "Accept: application/openmetrics-text; version=1.0.0");
    expect(readMetrics(open, "openmetrics").size).toBeGreaterThan(15);
    await gateway.stop();
  },
);

test("an admin port that somebody has is refused by name, and the gateway does not serve", async () => {
  const { gateway } = await start(1);
  const config = `import { defineGateway } from "sluice";
export default defineGateway({ listen: { host: "127.0.0.1", port: 0 }, admin: { port: ${gateway.adminPort} }, routes: { r: { match: "/", answer: {} } } });`;
  await Bun.write(join(gateway.folder, "second.config.ts"), config);
  const second = Bun.spawn([...gatewayCommand(), "run", "second.config.ts"], { cwd: gateway.folder, stderr: "pipe" });
  const said = await new Response(second.stderr).text();
  expect(await within(second.exited, "its end")).toBe(71);
  expect(said).toContain("another process listens there");
  expect(said).toContain("admin.port in the config");
  await gateway.stop();
});

test("the example asks for its token", async () => {
  const source = readFileSync(join(import.meta.dir, "../../examples/admin/metrics.config.ts"), "utf8");
  const own = source
    .replace("port: 8080", "port: 0")
    .replace("port: 9901", "port: 0")
    .replace('"0.0.0.0"', '"127.0.0.1"');
  const gateway = await startGateway(own, { env: { ADMIN_TOKEN: "0123456789abcdef0123" } });
  await expect(scrapeText(gateway.adminPort)).rejects.toThrow("401");
  const text = await scrapeText(gateway.adminPort, "Authorization: Bearer 0123456789abcdef0123");
  expect(sumOf(readMetrics(text), "sluice_limit_decisions_total")).toBe(0);
  expect(gateway.stderr.text + gateway.lines.join("")).not.toContain("0123456789abcdef");
  await gateway.stop();
});
