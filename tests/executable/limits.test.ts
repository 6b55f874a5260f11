// Limits on the executable: GW-38, GW-40 and the example, by what the origin really got.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { withGateway } from "../support/rig.ts";

const EXAMPLES = resolve(import.meta.dir, "../../examples/limits");

/** An example as it stands, before this origin. */
function startExample(name: string, origin: RawOrigin, env: Record<string, string> = {}): Promise<Gateway> {
  const source = readFileSync(join(EXAMPLES, name), "utf8").replace("port: 8080", "port: 0");
  return startGateway(source, { env: { ...env, ORDERS: origin.url } });
}

describe("limits.config.ts", () => {
  let origin: RawOrigin;
  let gateway: Gateway;
  const ACME = "X-API-Key: acme-key";

  beforeAll(async () => {
    origin = await startOrigin();
    const hash = new Bun.CryptoHasher("sha256").update("acme-key").digest("hex");
    gateway = await startExample("limits.config.ts", origin, { ACME_KEY_HASH: `sha256:${hash}` });
  });
  afterAll(async () => {
    await gateway.stop();
    await origin.stop();
  });

  test("lets pass what is within, and tells what is left of the tightest", async () => {
    const response = await exchange(gateway.port, request("POST", "/orders/1", "x", ACME));
    expect(response.status).toBe(200);
    expect(response.fields.one("ratelimit-policy")).toBe(
      '"burst";q=20;w=1, "guesses";q=10;w=60, "perConsumer";q=100;w=60, "monthly";q=50000;w=2678400',
    );
    expect(response.fields.one("ratelimit")).toMatch(/^"(?:guesses";r=9|burst";r=19|perConsumer";r=95);t=\d+$/);
  });

  test("refuses to listen to guesses without end", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) {
      const response = await exchange(gateway.port, get("/orders/1", `X-API-Key: guess-${i}`));
      statuses.push(response.status);
      if (response.status === 429) expect(problemOf(response)["violated-policies"]).toEqual(["guesses"]);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  });
});

test("body-size.config.ts: each route takes as much as it says", async () => {
  const origin = await startOrigin();
  const gateway = await startExample("body-size.config.ts", origin);
  const post = async (path: string, bytes: number, method = "POST"): Promise<number> =>
    (await exchange(gateway.port, request(method, path, "x".repeat(bytes)))).status;
  expect([await post("/orders/1", 1024 * 1024), await post("/orders/1", 1024 * 1024 + 1)]).toEqual([200, 413]);
  expect([await post("/notes/1", 16 * 1024), await post("/notes/1", 16 * 1024 + 1)]).toEqual([200, 413]);
  expect(await post("/uploads/1", 3 * 1024 * 1024, "PUT")).toBe(200);
  await gateway.stop();
  await origin.stop();
});

test("overload.config.ts, its cap at 3: the fourth is shed while three are under way, readiness is told all the same", async () => {
  const origin = await startOrigin((x) => x.hang());
  const source = readFileSync(join(EXAMPLES, "overload.config.ts"), "utf8");
  const gateway = await startGateway(
    source.replace("port: 8080", "port: 0").replace("maxInFlight: 5000", "maxInFlight: 3"),
    {
      env: { ORDERS: origin.url },
    },
  );
  const held = await Promise.all([1, 2, 3].map(() => connect(gateway.port)));
  for (const client of held) await client.send(get("/orders/1"));
  await until(() => origin.requests.length === 3, "three at the origin");
  const shed = await exchange(gateway.port, get("/orders/2"));
  expect([shed.status, problemOf(shed).code, shed.fields.one("retry-after")]).toEqual([503, "overloaded", "2"]);
  expect((await exchange(gateway.port, get("/readyz"))).status).toBe(200);
  for (const client of held) client.reset();
  await until(async () => {
    const client = await connect(gateway.port);
    await client.send(get("/orders/3"));
    const isThere = await until(() => origin.requestsTo("/orders/3").length > 0, "it", 200).catch(() => false);
    client.reset();
    return isThere === true;
  }, "room again");
  await gateway.stop();
  await origin.stop();
}, 20_000);

test("in-flight.config.ts: a consumer has two at once, and again when one of them has ended", async () => {
  const origin = await startOrigin((x) => x.hang());
  const hash = new Bun.CryptoHasher("sha256").update("acme-key").digest("hex");
  const gateway = await startExample("in-flight.config.ts", origin, { ACME_KEY_HASH: `sha256:${hash}` });
  const ask = (path: string): string => get(path, "X-API-Key: acme-key");
  const held = await Promise.all([connect(gateway.port), connect(gateway.port)]);
  for (const client of held) await client.send(ask("/orders/1"));
  await until(() => origin.requests.length === 2, "two at the origin");
  const over = await exchange(gateway.port, ask("/orders/2"));
  expect([over.status, problemOf(over).code]).toEqual([429, "in_flight_exceeded"]);
  held[0]!.reset();
  await until(() => origin.open === 1, "the first to end at the origin");
  origin.at("/orders/3", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  expect((await exchange(gateway.port, ask("/orders/3"))).status).toBe(200);
  held[1]!.reset();
  await gateway.stop();
  await origin.stop();
});

withGateway(
  "a limit of 10 in a minute",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { trustedProxies: ["127.0.0.1"] },
      upstreams: { u1: { targets: [u1.url] } },
      limits: { few: { limit: 10, window: "1m" } },
      limiting: { capacity: 4096 },
      routes: { all: { match: "/*", to: "u1", limits: ["few"] } },
    }),
  },
  (rig) => {
    test("lets exactly 10 of 100 pass that come at the same instant over 100 connections (GW-40)", async () => {
      const clients = await Promise.all(Array.from({ length: 100 }, () => rig.connect()));
      const raw = get("/instant", "X-Forwarded-For: 198.51.100.1");
      await Promise.all(clients.map((client) => client.send(raw)));
      const answers = await Promise.all(clients.map((client) => client.receive()));
      const passed = answers.filter(({ status }) => status === 200);
      expect([passed.length, answers.filter(({ status }) => status === 429).length]).toEqual([10, 90]);
      expect(rig.origins.u1.requestsTo("/instant")).toHaveLength(10);
      for (const client of clients) client.close();
    });

    test("holds for a whole /64, and for strangers without number its memory stays as it is (GW-38)", async () => {
      const ask = (address: string): string => get("/strangers", `X-Forwarded-For: ${address}`);
      const client = await rig.connect();
      const statuses: number[] = [];
      for (let i = 0; i < 30; i++) {
        await client.send(ask(`2001:db8:1:2::${i.toString(16)}`));
        statuses.push((await client.receive()).status);
      }
      expect(statuses.filter((status) => status === 200)).toHaveLength(10);

      const rss = (): number =>
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.gateway.pid}/status`, "utf8"))![1]);
      const network = (i: number): string => `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1`;
      const many = async (from: number, to: number): Promise<void> => {
        for (let i = from; i < to; i += 50) {
          await client.send(Array.from({ length: 50 }, (_, j) => ask(network(0x20000 + i + j))).join(""));
          for (let j = 0; j < 50; j++) expect((await client.receive()).status).toBe(200);
        }
      };
      await many(0, 5000);
      const before = rss();
      await many(5000, 15_000);
      // Some mebibytes come and go with the garbage of any requests.
      expect(rss() - before).toBeLessThan(24 * 1024);
      client.close();
    }, 60_000);
  },
);
