// Where counts are kept that gateways share, as users write it: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import type { RedisStorePlan } from "../../../src/config/limit/plan.ts";
import { durableObject } from "../../../src/config/limit/durable-object.ts";
import { redis } from "../../../src/config/limit/redis.ts";
import { env } from "../../../src/config/secrets.ts";
import { faultLines, planOf, type World } from "../support.ts";

const routes = { r: { match: "/", answer: {} } };
const limits = { few: { limit: 3, window: "1m" }, own: { limit: 3, window: "1m", store: "process" } } as const;
const withStore = (store: unknown): object => ({ limits, limiting: { store }, routes });
const storeOf = (store: unknown, world?: World): unknown => planOf(withStore(store), world).limits.store;

test("a Redis has the documented defaults", () => {
  expect(storeOf(redis("redis://127.0.0.1"))).toEqual({
    kind: "redis",
    host: "127.0.0.1",
    port: 6379,
    tls: undefined,
    user: undefined,
    password: undefined,
    database: 0,
    prefix: "sluice:",
    timeoutMs: 100,
    onError: "refuse",
  });
});

test("limits are counted there, but those of the process; without a store none are", () => {
  const shared = (options: object): boolean[] => planOf(options).limits.limits.map((limit) => limit.shared);
  expect(shared(withStore(redis("redis://r")))).toEqual([true, false]);
  expect(shared({ limits, routes })).toEqual([false, false]);
});

test("a URL from outside may hold all: TLS, user, password, port, database", () => {
  const world = { env: { URL: "rediss://gate%40way:p%3A%2F@[2001:DB8::1]:7000/4" } };
  const store = planOf(withStore(redis(env("URL"))), world).limits.store as RedisStorePlan;
  expect(store).toMatchObject({ host: "2001:db8::1", port: 7000, user: "gate@way", database: 4 });
  expect(store.tls).toMatchObject({ verify: true });
  expect(store.password!.reveal()).toBe("p:/");
  expect(JSON.stringify(store)).not.toContain("p:/");
});

test("options go before the URL", () => {
  const world = { env: { URL: "redis://a:b@r/4", PW: "secret" } };
  const options = { user: "me", password: env("PW"), database: 2, timeout: "1s", prefix: "x:" } as const;
  const store = planOf(withStore(redis(env("URL"), options)), world).limits.store as RedisStorePlan;
  expect(store).toMatchObject({ user: "me", database: 2, timeoutMs: 1000, prefix: "x:" });
  expect(store.password!.reveal()).toBe("secret");
});

test("Durable Objects have the documented defaults, and a binding that is a name", () => {
  const wanted = { kind: "durable-object", binding: "LIMITS", timeoutMs: 1000, onError: "refuse" };
  expect(storeOf(durableObject("LIMITS"))).toEqual(wanted);
  expect(faultLines(withStore(durableObject("my limits")))[0]!).toMatch(/^limiting\.store\.binding: .*"LIMITS"/);
});

describe("is a fault that says so", () => {
  const world = { env: { BAD: "redis://:secret@host:port/", USER: "redis://me@r" } };
  test.each([
    ["a text in place of a store", "redis://r", /^limiting\.store: .*a store, such as redis\("redis:\/\/…"\)/],
    ["another scheme", redis("http://r"), /^limiting\.store\.url: .*"redis:\/\/host:port\/database"/],
    ["a password in the config", redis("redis://:pw@r"), /password: env\("REDIS_PASSWORD"\)/],
    ["a port that is none", redis("redis://r:70000"), /The port is a whole number/],
    ["a host that is none", redis("redis://_!"), /neither a name nor an IP address/],
    ["a URL from outside that is none", redis(env("BAD")), /^limiting\.store\.url/],
    ["tls of a plain URL", redis("redis://r", { tls: {} }), /a rediss:\/\/ URL beside tls/],
    ["a user without a password", redis(env("USER")), /a password beside user/],
    ["a wait without end", redis("redis://r", { timeout: "10m" }), /at most 1m/],
    ["an unknown wish", redis("redis://r", { onStoreError: "open" as "local" }), /^limiting\.store\.onStoreError/],
    ["a prefix with a blank", redis("redis://r", { prefix: "a b" }), /^limiting\.store\.prefix/],
    ["an unknown option", redis("redis://r", { timout: "1s" } as object), /Did you mean "timeout"\?$/],
  ])("%s", (_, store, message) => {
    const lines = faultLines(withStore(store), world);
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    expect(lines[0]!).not.toMatch(/secret|:pw/);
  });

  test("a limit of a store that is none", () => {
    const wrong = { few: { limit: 1, window: "1m", store: "redis" } };
    expect(faultLines({ limits: wrong, routes })[0]!).toMatch(/^limits\.few\.store: .*"process"/);
  });
});
