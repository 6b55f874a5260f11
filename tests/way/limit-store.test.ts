// Limits that are counted in Redis, through the whole gateway: one question, in time, and what happens without an answer.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { LimitOptions } from "../../src/config/limit/options.ts";
import { redis, type RedisStoreOptions } from "../../src/config/limit/redis.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { GIVE_BACK, RESET, TAKE } from "../../src/limit/redis-scripts.ts";
import { type FakeAnswer, fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { type FakeCommand, passes } from "../../src/platforms/fake/redis.ts";
import { inWorldOf, World } from "../support/fake-world.ts";

const FEW: Record<string, LimitOptions> = { few: { limit: 3, window: "10s", by: "route" } };

function options(
  limits: Record<string, LimitOptions> = FEW,
  store: RedisStoreOptions = {},
  more: Partial<GatewayOptions> = {},
): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: { acme: { keys: [`sha256:${new Bun.CryptoHasher("sha256").update("acme").digest("hex")}`] } },
    auth: { key: apiKey() },
    limits,
    limiting: { store: redis("redis://redis.test", store) },
    routes: { all: { match: "/*", to: "up", auth: "none", limits: Object.keys(limits) } },
    ...more,
  };
}

/** A world whose target answers, once the connection to Redis has been tried. */
async function inStory(
  written: GatewayOptions,
  story: (world: World, decisions: () => FakeCommand[]) => Promise<void>,
  status = 200,
): Promise<void> {
  await inWorldOf(written, async (world) => {
    world.a.answerAll(() => answerText("ok", [], status));
    world.settle();
    const { commands } = world.platform.fakeRedis;
    await story(world, () => commands.filter(({ args }) => !args.includes("sluice:probe")));
    // What is told is part of the story; the world demands silence at its end.
    world.platform.notices.length = 0;
  });
}

const ask = (world: World, path = "/x", fields: readonly string[] = []): FakeClient => world.ask("GET", path, fields);
const answered = (world: World, path?: string, fields?: readonly string[]): FakeAnswer =>
  ask(world, path, fields).answer;
const code = (answer: FakeAnswer): unknown => (JSON.parse(answer.body) as { code: string }).code;
const notices = (world: World): string[] => world.platform.notices.map(({ level, text }) => `${level}: ${text}`);

describe("one question", () => {
  const LIMITS = {
    burst: { limit: 20, window: "1s", by: "address" },
    route: { limit: 9, window: "1m", by: "route", mode: "observe" },
    daily: { limit: 50, per: "day", by: { header: "x-tenant" }, cost: 4 },
  } as const;

  test("is asked about all limits of a route, with hashes in place of names", async () => {
    await inStory(options(LIMITS, { prefix: "gw:" }), async (world, decisions) => {
      expect(answered(world, "/x", ["X-Tenant: secret"]).status).toBe(200);
      const [{ name, args }] = decisions().filter(({ args }) => args[1] === "3") as [FakeCommand];
      expect(name).toBe("EVALSHA");
      expect(args.slice(0, 2)).toEqual([TAKE.sha1, "3"]);
      expect(args.slice(2, 5).join(" ")).toMatch(
        /^gw:burst:[A-Za-z0-9+/]{22} gw:route:[A-Za-z0-9+/]{22} gw:daily:[A-Za-z0-9+/]{22}$/,
      );
      expect(args.slice(5).join(" ")).toBe("20 1000000 1 1 9 60000000 1 0 50 172800000000 4 1");
      expect(args.join()).not.toContain("secret");
      expect(world.platform.fakeRedis.options).toMatchObject({ host: "redis.test", port: 6379, database: 0 });
    });
  });

  test("answers what clients are told", async () => {
    await inStory(options(LIMITS), async (world) => {
      const answer = answered(world);
      expect(fieldOf(answer, "ratelimit-policy")).toBe('"burst";q=20;w=1, "daily";q=50;w=86400');
      expect(fieldOf(answer, "ratelimit")).toBe('"burst";r=19;t=3');
    });
  });

  test("that is refused ends the way as 429, and the target sees nothing", async () => {
    await inStory(options(LIMITS), async (world) => {
      world.platform.fakeRedis.commanded = (command) => command.answer(passes(command, 1));
      const answer = answered(world);
      expect([answer.status, code(answer), fieldOf(answer, "retry-after")]).toEqual([429, "rate_limit_exceeded", "2"]);
      expect(JSON.parse(answer.body)).toMatchObject({ "violated-policies": ["burst"] });
      expect(world.a.requests).toHaveLength(0);
    });
  });

  test("of a limit that observes is told to the log alone", async () => {
    await inStory(options(LIMITS), async (world) => {
      world.platform.fakeRedis.commanded = (command) => {
        const reply = passes(command);
        reply.splice(5, 3, 0, 0, 9_000_000);
        command.answer(reply);
      };
      expect(answered(world).status).toBe(200);
      expect(world.record).toMatchObject({ "sluice.observed": [{ policy: "limits.route" }] });
    });
  });

  test("is asked before auth about addresses, and behind it about callers", async () => {
    const limits: Record<string, LimitOptions> = {
      burst: { limit: 20, window: "1s" },
      calls: { limit: 9, window: "1s", by: "consumer" },
    };
    const routes = { all: { match: "/*", to: "up", auth: "key", limits: ["calls", "burst"] } } as const;
    await inStory(options(limits, {}, { routes } as object), async (world, decisions) => {
      expect(answered(world).status).toBe(401);
      expect(answered(world, "/x", ["X-API-Key: acme"]).status).toBe(200);
      expect(decisions().map(({ args }) => args[2]!.split(":")[1])).toEqual(["burst", "burst", "calls"]);
    });
  });

  test("is none about limits that stay in the process; what those counted is given back with a refusal", async () => {
    const limits: Record<string, LimitOptions> = {
      own: { limit: 2, window: "1m", by: "route", store: "process" },
      ...FEW,
    };
    await inStory(options(limits), async (world, decisions) => {
      const { fakeRedis } = world.platform;
      fakeRedis.commanded = (command) => command.answer(passes(command, 1));
      for (let i = 0; i < 5; i++) expect(answered(world).status).toBe(429);
      fakeRedis.commanded = (command) => command.answer(passes(command));
      expect([1, 2, 3].map(() => answered(world).status)).toEqual([200, 200, 429]);
      expect(decisions()).toHaveLength(7);
    });
  });

  test("goes out at once, before others are answered", async () => {
    await inStory(options(), async (world, decisions) => {
      world.platform.fakeRedis.commanded = () => {};
      const clients = [ask(world), ask(world), ask(world)];
      expect(decisions()).toHaveLength(3);
      for (const command of decisions()) command.answer(passes(command));
      world.settle();
      expect(clients.map(({ answer }) => answer.status)).toEqual([200, 200, 200]);
    });
  });
});

test("an answer that does not count gives back what was taken, by the time at which it was", async () => {
  const limits: Record<string, LimitOptions> = { failures: { limit: 3, window: "10s", statuses: ["5xx"], cost: 2 } };
  await inStory(options(limits), async (world, decisions) => {
    expect(answered(world).status).toBe(200);
    const { name, args } = decisions()[1]!;
    expect([name, args[0], args[1], ...args.slice(3)]).toEqual([
      "EVALSHA",
      GIVE_BACK.sha1,
      "1",
      "10000000",
      "2",
      "1700000000000000",
    ]);
    expect(args[2]).toBe(decisions()[0]!.args[2]!);
  });
});

test("a quota ends by Redis's clock, whatever this machine's clock says", async () => {
  await inStory(options({ daily: { limit: 9, per: "day" } }), async (world, decisions) => {
    const { fakeRedis, clock } = world.platform;
    const midnight = Date.UTC(2026, 10, 26);
    let time = midnight - 1000;
    expect(clock.epoch).toBeLessThan(time);
    fakeRedis.commanded = (command) => command.answer([time * 1000, ...passes(command).slice(1)]);
    answered(world);
    expect(fieldOf(answered(world), "ratelimit")).toBe('"daily";r=8;t=1');
    time = midnight + 1000;
    answered(world);
    expect(fieldOf(answered(world), "ratelimit")).toBe('"daily";r=8;t=86399');
    const [, before, , behind] = decisions().map(({ args }) => args[2]);
    expect(behind).not.toBe(before!);
  });
});

test("a Redis that does not know the script is sent it", async () => {
  await inStory(options(), async (world, decisions) => {
    world.platform.fakeRedis.commanded = (command) => {
      if (command.name === "EVALSHA") command.refuse("NOSCRIPT No matching script.");
      else command.answer(passes(command));
    };
    expect(answered(world).status).toBe(200);
    expect(decisions().map(({ name, args }) => [name, args[0]])).toEqual([
      ["EVALSHA", TAKE.sha1],
      ["EVAL", TAKE.text],
    ]);
  });
});

describe("a Redis that does not answer in time", () => {
  test("is waited for as long as the config says, and by nobody after that", async () => {
    await inStory(options(FEW, { timeout: "80ms" }), async (world, decisions) => {
      world.platform.fakeRedis.commanded = () => {};
      const client = ask(world);
      world.advance(79);
      expect(client.answers).toHaveLength(0);
      world.advance(3);
      expect([client.answer.status, code(client.answer)]).toEqual([503, "limit_store_unavailable"]);
      expect(fieldOf(client.answer, "retry-after")).toBe("1");
      expect(answered(world).status).toBe(503);
      expect(decisions()).toHaveLength(1);
      expect(world.a.requests).toHaveLength(0);
      expect(notices(world)).toEqual([
        "warn: limiting.store: Redis at redis.test:6379 cannot decide (no answer within 80 ms): meanwhile requests that it would decide are answered with 503",
      ]);
    });
  });

  test("is tried again, at first at once and then less and less often, for ever, and told of once", async () => {
    await inStory(options(), async (world) => {
      const { fakeRedis } = world.platform;
      fakeRedis.connecting = { refused: "Connection refused" };
      fakeRedis.die();
      world.advance(60_000);
      const pauses = fakeRedis.attempts.slice(1).map((at, i) => at - fakeRedis.attempts[i]!);
      expect(pauses[1]!).toBeLessThanOrEqual(100);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(5000);
      expect(pauses.at(-1)!).toBeGreaterThanOrEqual(2500);
      expect(answered(world).status).toBe(503);
      fakeRedis.connecting = undefined;
      world.advance(5000);
      expect(answered(world).status).toBe(200);
      expect(notices(world).map((text) => text.replace(/\d+\.\d/, "N"))).toEqual([
        "warn: limiting.store: Redis at redis.test:6379 cannot decide (reset): meanwhile requests that it would decide are answered with 503",
        "info: limiting.store: Redis at redis.test:6379 decides again, after N s",
      ]);
    });
  });

  test("is not taken for back before it has taken a write in time", async () => {
    await inStory(options(), async (world) => {
      const { fakeRedis } = world.platform;
      fakeRedis.die();
      fakeRedis.commanded = (command) => command.refuse("READONLY You can't write against a read only replica.");
      world.advance(20_000);
      expect(answered(world).status).toBe(503);
      fakeRedis.commanded = () => {};
      world.advance(20_000);
      expect(answered(world).status).toBe(503);
      fakeRedis.commanded = (command) => command.answer(passes(command));
      world.advance(6000);
      expect(answered(world).status).toBe(200);
    });
  });
});

describe("at the start", () => {
  test("the first requests wait for the connection", async () => {
    await inWorldOf(options(), async (world) => {
      world.a.answerAll(() => answerText("ok"));
      expect(answered(world).status).toBe(200);
    });
  });

  test("a Redis that is not there keeps nobody waiting", async () => {
    const world = new World(options());
    world.platform.fakeRedis.connecting = "never";
    world.platform.fakeRedis.die("refused");
    const client = ask(world);
    world.advance(110);
    expect(client.answer.status).toBe(503);
    world.advance(20_000);
    expect(answered(world).status).toBe(503);
    world.platform.notices.length = 0;
    world.close();
  });
});

describe("a Redis that answers with an error", () => {
  test.each([
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
  ])("for all: %s", async (message) => {
    await inStory(options(FEW, { onStoreError: "local" }), async (world, decisions) => {
      world.platform.fakeRedis.commanded = (command) => command.refuse(message);
      expect([1, 2, 3, 4].map(() => answered(world).status)).toEqual([200, 200, 200, 429]);
      expect(decisions()).toHaveLength(1);
      expect(notices(world)).toEqual([
        `warn: limiting.store: Redis at redis.test:6379 cannot decide (${message}): meanwhile each process counts for itself`,
      ]);
    });
  });

  test("for one key alone: others go on", async () => {
    await inStory(options({ ...FEW, broken: { limit: 1, window: "1s" } }), async (world, decisions) => {
      world.platform.fakeRedis.commanded = (command) => {
        if (command.args.some((arg) => arg.startsWith("sluice:broken"))) command.refuse("WRONGTYPE Operation");
        else command.answer(passes(command));
      };
      expect([1, 2].map(() => answered(world).status)).toEqual([503, 503]);
      expect(decisions()).toHaveLength(2);
      expect(notices(world)).toEqual([
        "warn: limiting.store: Redis at redis.test:6379 could not decide of one key: WRONGTYPE Operation",
      ]);
    });
  });

  test.each([[[1, 2, 3]], ["OK"], [null], [["a", 0, 1, 2, 3]]])("that is no error but nonsense: %j", async (reply) => {
    await inStory(options(), async (world) => {
      world.platform.fakeRedis.commanded = (command) => command.answer(reply);
      expect(answered(world).status).toBe(503);
    });
  });
});

describe("with onStoreError: local", () => {
  test("the process counts meanwhile, and the log says so", async () => {
    await inStory(options(FEW, { onStoreError: "local" }), async (world) => {
      const { fakeRedis } = world.platform;
      fakeRedis.connecting = { refused: "Connection refused" };
      fakeRedis.die();
      expect([1, 2, 3, 4].map(() => answered(world).status)).toEqual([200, 200, 200, 429]);
      expect(
        world.records.map((record) => (record as unknown as Record<string, unknown>)["sluice.limit_store"]),
      ).toEqual(["local", "local", "local", "local"]);
      fakeRedis.connecting = undefined;
      world.advance(10_000);
      expect(answered(world).status).toBe(200);
      expect(world.records.at(-1)).not.toHaveProperty(["sluice.limit_store"]);
    });
  });

  test("a request that waits when it breaks off is counted by the process", async () => {
    await inStory(options(FEW, { onStoreError: "local" }), async (world) => {
      world.platform.fakeRedis.commanded = () => {};
      const client = ask(world);
      world.platform.fakeRedis.die();
      world.settle();
      expect(client.answer.status).toBe(200);
      expect(world.record).toMatchObject({ "sluice.limit_store": "local" });
    });
  });
});

test("a limit that observes refuses nobody because of a store", async () => {
  await inStory(options({ seen: { limit: 1, window: "1s", mode: "observe" } }), async (world) => {
    world.platform.fakeRedis.connecting = { refused: "gone" };
    world.platform.fakeRedis.die();
    expect(answered(world).status).toBe(200);
    expect(world.record).toMatchObject({
      "sluice.observed": [{ policy: "limits.seen", "error.type": "limit_store_unavailable" }],
    });
  });
});

describe("what an operator asks of a limit", () => {
  test("is asked of the store for nothing, and a reset forgets one key there and the process's own count", async () => {
    await inStory(options(FEW, { onStoreError: "local" }), async (world, decisions) => {
      const { fakeRedis } = world.platform;
      const seen = world.gateway.limits.see("few", "all");
      await world.rest();
      expect(await seen).toEqual({ limit: "few", caller: "all", most: 3, left: 2 });
      const [look] = decisions();
      expect(look!.args.slice(3)).toEqual(["3", "10000000", "0", "0"]);
      const reset = world.gateway.limits.reset("few", "all");
      await world.rest();
      expect(await reset).toEqual({ limit: "few", caller: "all", most: 3, left: 3, before: 2 });
      const last = decisions().at(-1)!;
      expect([last.args[0], last.args[2]]).toEqual([RESET.sha1, look!.args[2]!]);
      fakeRedis.connecting = { refused: "gone" };
      fakeRedis.die();
      expect([1, 2, 3, 4].map(() => answered(world).status)).toEqual([200, 200, 200, 429]);
    });
  });

  test("is refused when the store does not answer in time, and nothing is left waiting", async () => {
    await inStory(options(), async (world) => {
      world.platform.fakeRedis.commanded = () => {};
      const seen = world.gateway.limits.see("few", "all").catch((error: unknown) => error);
      await world.rest();
      world.advance(1000);
      expect(await seen).toMatchObject({ code: "limit_store_unavailable", status: 503 });
    });
  });
});
