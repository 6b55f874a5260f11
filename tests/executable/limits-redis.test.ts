// Limits that several executables hold together by one Redis: exact under hammering, and never stuck when it fails.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { answering, plain } from "../support/origin-exchange.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { startRedis, type RedisServer, type RedisStart } from "../support/redis.ts";
import { missing } from "../support/requirements.ts";

const lack = missing("redis-server", "openssl");
const title = (text: string): string => (lack === undefined ? text : `${text} (skipped: ${lack})`);

/** A config whose route /* has one limit for all, counted in this Redis. */
function config(origin: RawOrigin, url: string, limit: object, store: object = {}): string {
  return `import { defineGateway, env, redis } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: [${JSON.stringify(origin.url)}] } },
  limits: { all: ${JSON.stringify({ by: "route", ...limit })} },
  limiting: { store: redis(${url}, ${JSON.stringify(store)}) },
  routes: { all: { match: "/*", to: "u1", limits: "all" } },
});
`;
}

/** Asks all gateways over so many connections each, one request after another, until told to end. */
async function hammer(gateways: readonly Gateway[], connections: number, goesOn: () => boolean): Promise<number[]> {
  const statuses: number[] = [];
  const one = async ({ port }: Gateway): Promise<void> => {
    using client = await connect(port);
    while (goesOn()) {
      await client.send(get("/x"));
      statuses.push((await client.receive()).status);
    }
  };
  await Promise.all(gateways.flatMap((gateway) => Array.from({ length: connections }, () => one(gateway))));
  return statuses;
}

describe.skipIf(lack !== undefined)(title("three executables with one Redis"), () => {
  async function withThree(
    limit: object,
    story: (gateways: Gateway[], origin: RawOrigin, arrivals: number[]) => Promise<void>,
  ): Promise<void> {
    const arrivals: number[] = [];
    const answer = answering(plain());
    const origin = await startOrigin((x) => {
      arrivals.push(performance.now());
      return answer(x);
    });
    const redis = await startRedis();
    const text = config(origin, JSON.stringify(redis.url), limit);
    const gateways = await Promise.all([1, 2, 3].map(() => startGateway(text)));
    try {
      await story(gateways, origin, arrivals);
    } finally {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await Promise.all([origin.stop(), redis.stop()]);
    }
  }

  test("admit exactly the limit, and what is refused is 429", async () => {
    await withThree({ limit: 500, window: "10m" }, async (gateways, _, arrivals) => {
      let sent = 0;
      const statuses = await hammer(gateways, 20, () => sent++ < 3000);
      expect(arrivals).toHaveLength(500);
      expect(statuses.filter((status) => status === 200)).toHaveLength(500);
      expect(statuses.filter((status) => status === 429)).toHaveLength(statuses.length - 500);
    });
  }, 30_000);

  test("admit no more than the limit in any window, by the upstream's own clock", async () => {
    await withThree({ limit: 60, window: "1s" }, async (gateways, _, arrivals) => {
      const end = performance.now() + 4500;
      await hammer(gateways, 8, () => performance.now() < end);
      // On the way from the decision to the origin a request may be late: a quarter of a second is the most seen here.
      const most = arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + 750).length);
      expect(Math.max(...most)).toBeLessThanOrEqual(60);
      expect(arrivals.length).toBeGreaterThan(0.94 * 60 * 4);
      expect(arrivals.length).toBeLessThanOrEqual(60 * 5);
    });
  }, 30_000);
});

describe.skipIf(lack !== undefined)(title("a Redis that fails"), () => {
  interface Row {
    readonly start?: RedisStart;
    /** Breaks what runs; gives what runs after that, if it is another. */
    readonly down: (redis: RedisServer) => Promise<unknown>;
    readonly up: (redis: RedisServer) => Promise<RedisServer | unknown>;
    readonly reason: RegExp;
  }
  const restart = async (redis: RedisServer): Promise<RedisServer> => startRedis({ port: redis.port });
  const rows: Record<string, Row> = {
    "dies and comes again": { down: (redis) => redis.stop(), up: restart, reason: /losed|refused/ },
    hangs: {
      down: async (redis) => redis.freeze(),
      up: async (redis) => redis.thaw(),
      reason: /no answer within 100 ms/,
    },
    "is slow for a while": {
      start: { settings: ["--enable-debug-command", "local"] },
      down: async (redis) => void redis.send("DEBUG", "SLEEP", "0.7"),
      up: async () => {},
      reason: /no answer within 100 ms/,
    },
    "becomes a replica": {
      down: (redis) => redis.send("REPLICAOF", "127.0.0.1", String(closedPort())),
      up: (redis) => redis.send("REPLICAOF", "NO", "ONE"),
      reason: /READONLY/,
    },
    "loads its data": {
      start: { settings: ["--enable-debug-command", "local", "--loading-process-events-interval-bytes", "1024"] },
      down: async (redis) => {
        await redis.send("DEBUG", "POPULATE", "3000", "data", "100");
        await redis.send("CONFIG", "SET", "key-load-delay", "300");
        void redis.send("DEBUG", "RELOAD");
      },
      up: async () => {},
      reason: /LOADING|no answer/,
    },
    "has no memory left": {
      down: (redis) => redis.send("CONFIG", "SET", "maxmemory", "1"),
      up: (redis) => redis.send("CONFIG", "SET", "maxmemory", "0"),
      reason: /OOM/,
    },
    "asks for another password": {
      down: async (redis) => {
        await redis.send("CONFIG", "SET", "requirepass", "other");
        await redis.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      },
      up: (redis) => redis.send("CONFIG", "SET", "requirepass", ""),
      reason: /losed|NOAUTH/,
    },
  };

  test.each(Object.entries(rows))(
    "%s: refused or counted by the process, quickly, and decided again without a restart",
    async (_, { start, down, up, reason }) => {
      const origin = await startOrigin();
      let redis = await startRedis(start);
      const limit = { limit: 1_000_000, window: "1h" };
      const url = JSON.stringify(redis.url);
      const refusing = await startGateway(config(origin, url, limit));
      const local = await startGateway(config(origin, url, limit, { onStoreError: "local" }));
      const slowest = { ms: 0 };
      const ask = async ({ port }: Gateway): Promise<number> => {
        const began = performance.now();
        const { status } = await exchange(port, get("/x"));
        slowest.ms = Math.max(slowest.ms, performance.now() - began);
        return status;
      };
      const lastOf = (gateway: Gateway): Record<string, unknown> => gateway.log.at(-1) ?? {};
      const says = async (gateway: Gateway, store: "local" | undefined): Promise<boolean> => {
        const count = gateway.lines.length;
        expect(await ask(gateway)).toBe(200);
        await until(() => gateway.lines.length > count, "the line of the log");
        return lastOf(gateway)["sluice.limit_store"] === store;
      };
      try {
        expect([await ask(refusing), await ask(local)]).toEqual([200, 200]);
        slowest.ms = 0;
        await down(redis);
        await until(async () => (await ask(refusing)) === 503, "a refusal");
        await until(() => says(local, "local"), "the process to count");
        expect(slowest.ms).toBeLessThan(600);
        const next = await up(redis);
        if (next !== undefined && typeof next === "object" && next !== null && "port" in next)
          redis = next as RedisServer;
        await until(async () => (await ask(refusing)) === 200, "Redis to decide again", 10_000);
        await until(() => says(local, undefined), "Redis to decide again", 10_000);
        for (const [gateway, meanwhile] of [
          [refusing, "answered with 503"],
          [local, "counts for itself"],
        ] as const) {
          const notices = gateway.stderr.text.split("\n").filter((line) => line.includes("limiting.store"));
          expect(notices.length % 2).toBe(0);
          expect(notices[0]).toMatch(reason);
          expect(notices[0]).toInclude(meanwhile);
          expect(notices.at(-1)).toMatch(/decides again, after \d+\.\d s$/);
        }
      } finally {
        await Promise.all([refusing.stop(), local.stop()]);
        await Promise.all([origin.stop(), redis.stop()]);
      }
    },
    30_000,
  );

  test("at the start: the gateway listens, and counts together once Redis is there", async () => {
    const origin = await startOrigin();
    const port = closedPort();
    const url = JSON.stringify(`redis://127.0.0.1:${port}`);
    const gateway = await startGateway(config(origin, url, { limit: 2, window: "1h" }));
    expect((await exchange(gateway.port, get("/x"))).status).toBe(503);
    const redis = await startRedis({ port });
    await until(async () => (await exchange(gateway.port, get("/x"))).status === 429, "the limit", 10_000);
    expect(origin.requests).toHaveLength(2);
    await gateway.stop();
    await Promise.all([origin.stop(), redis.stop()]);
  }, 20_000);

  test("forgets all, scripts too: it counts anew, and nothing is refused for that", async () => {
    const origin = await startOrigin();
    const redis = await startRedis();
    const gateway = await startGateway(config(origin, JSON.stringify(redis.url), { limit: 2, window: "1h" }));
    const statuses = async (): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < 3; i++) all.push((await exchange(gateway.port, get("/x"))).status);
      return all;
    };
    expect(await statuses()).toEqual([200, 200, 429]);
    await redis.send("FLUSHALL");
    await redis.send("SCRIPT", "FLUSH");
    expect(await statuses()).toEqual([200, 200, 429]);
    await gateway.stop();
    expect(gateway.stderr.text).not.toContain("limiting.store");
    await Promise.all([origin.stop(), redis.stop()]);
  });
});

describe.skipIf(lack !== undefined)(title("an operator, over the admin listener"), () => {
  test.each([1, 2])(
    "sees and resets what is counted in Redis, with %i workers; without it that is a 503",
    async (workers) => {
      const origin = await startOrigin();
      const redis = await startRedis();
      const more = `workers: ${workers}, admin: { port: 0 }, upstreams`;
      const text = config(origin, JSON.stringify(redis.url), { limit: 2, window: "1h" }).replace("upstreams", more);
      const gateway = await startGateway(text);
      const ask = async (method: string, path: string): Promise<unknown> =>
        (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, { method })).json();
      const status = async (): Promise<number> => (await exchange(gateway.port, get("/x"))).status;
      expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
      const one = { limit: "all", caller: "all", most: 2 };
      expect(await ask("GET", "/limits?limit=all&caller=all")).toEqual({ ...one, left: 0 });
      expect(await ask("POST", "/limits/reset?caller=all")).toEqual({ limits: [{ ...one, left: 2, before: 0 }] });
      expect(await ask("GET", "/limits?limit=all&caller=all")).toEqual({ ...one, left: 2 });
      expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
      await redis.stop();
      const gone = { status: 503, code: "limit_store_unavailable" };
      expect(await ask("POST", "/limits/reset?caller=all&limit=all")).toMatchObject(gone);
      await gateway.stop();
      await origin.stop();
    },
  );
});

describe.skipIf(lack !== undefined)(title("TLS and passwords"), () => {
  test("over TLS, as a user with a password, in a database of its own; with another authority it is refused", async () => {
    const { ca, otherCa, local } = certificates();
    const tlsPort = closedPort();
    const redis = await startRedis({
      settings: [
        ...["--tls-port", String(tlsPort), "--tls-cert-file", local.certFile, "--tls-key-file", local.keyFile],
        ...["--tls-ca-cert-file", ca.certFile, "--tls-auth-clients", "no"],
        ...[
          "--user",
          "gateway",
          "on",
          ">p:/@%word",
          "~sluice:*",
          "-@all",
          ..."evalsha eval get set del time select hello auth".split(" ").map((word) => `+${word}`),
        ],
      ],
    });
    const origin = await startOrigin();
    const limit = { limit: 2, window: "1h" };
    const start = (authority: string): Promise<Gateway> =>
      startGateway(config(origin, 'env("REDIS_URL")', limit, { tls: { ca: authority }, database: 3 }), {
        env: { REDIS_URL: `rediss://gateway:${encodeURIComponent("p:/@%word")}@127.0.0.1:${tlsPort}` },
      });
    const [right, wrong] = [await start(ca.cert), await start(otherCa.cert)];
    expect((await exchange(right.port, get("/x"))).status).toBe(200);
    expect((await exchange(wrong.port, get("/x"))).status).toBe(503);
    await redis.send("SELECT", "3");
    expect(((await redis.send("KEYS", "*")) as string[]).toSorted()).toEqual([
      expect.stringMatching(/^sluice:all:[A-Za-z0-9+/]{22}$/),
      "sluice:probe",
    ]);
    for (const gateway of [right, wrong]) expect(gateway.stderr.text).not.toContain("word");
    await Promise.all([right.stop(), wrong.stop()]);
    await Promise.all([origin.stop(), redis.stop()]);
  }, 20_000);
});

test.skipIf(lack !== undefined)(title("redis.config.ts: two gateways hold its limits together"), async () => {
  const origin = await startOrigin();
  const redis = await startRedis();
  const source = readFileSync(resolve(import.meta.dir, "../../examples/limits/redis.config.ts"), "utf8")
    .replace("port: 8080", "port: 0")
    .replace("limit: 100", "limit: 3");
  const env = { ORDERS: origin.url, REDIS_URL: redis.url };
  const [one, other] = [await startGateway(source, { env }), await startGateway(source, { env })];
  const statuses: number[] = [];
  for (const { port } of [one, other, one, other]) statuses.push((await exchange(port, get("/orders/1"))).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  await Promise.all([one.stop(), other.stop()]);
  await Promise.all([origin.stop(), redis.stop()]);
});
