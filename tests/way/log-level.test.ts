// How much the gateway tells of itself: what each level tells, and who changes it.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const told = (world: World): string[] => world.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);
const drained = (world: World): string[] => {
  for (const drains of [true, false]) world.gateway.targets.drain("up", "http://a.test", drains);
  return told(world);
};

describe("a level tells what matters as much or more:", () => {
  test.each([
    ["error", 0],
    ["warn", 0],
    ["info", 2],
    ["debug", 2],
    [undefined, 2],
  ] as const)("%s", async (logLevel, count) => {
    await inWorldOf(toUpstream({}, { ...(logLevel && { logLevel }) }), async (world) => {
      expect(drained(world)).toHaveLength(count);
    });
  });
});

test("debug tells why exchanges failed, of connections and of each check; else nothing is told of these", async () => {
  const options: GatewayOptions = toUpstream(
    { health: { path: "/health", interval: "1s" } },
    { auth: { key: apiKey({ query: "api_key" }) }, routes: { all: { match: "/*", to: "up", auth: "key" } } },
  );
  await inWorldOf(options, async (world) => {
    world.a.answerAll(() => answerText("ok"));
    const story = (): string[] => {
      told(world);
      world.ask("GET", "/x?api_key=sk_secret&a=1");
      world.advance(1500);
      return told(world);
    };
    expect(story()).toEqual([]);
    world.gateway.verbosity.level = "debug";
    const lines = story();
    expect(lines).toContain("debug: up http://a.test: a check passed");
    const [refusal] = lines.filter((line) => line.includes("GET /x"));
    expect(refusal).toMatch(
      /^debug: [-0-9a-f]{36}: GET \/x from \S+; route all; 401 invalid_credentials: key: no consumer has this API key$/,
    );
    expect(lines.join()).not.toContain("sk_secret");
    world.gateway.verbosity.level = "info";
    expect(story()).toEqual([]);
  });
});

test("debug tells of connections to targets, and what was tried", async () => {
  await inWorldOf(toUpstream({}, { logLevel: "debug" }), async (world) => {
    world.ask("GET", "/x");
    expect(told(world)).toEqual(["debug: up http://a.test: connected in 0 ms, 1 are open"]);
    world.a.last.answer(200);
    world.settle();
    expect(told(world)).toEqual([]);
  });
});

test("a reload changes it where the config does, and else leaves what an operator has said", async () => {
  const options = (logLevel: "warn" | "info", name: string): GatewayOptions => toUpstream({}, { logLevel, name });
  await inWorldOf(options("info", "a"), async (world) => {
    const level = (): string => world.gateway.verbosity.level;
    world.gateway.verbosity.level = "debug";
    world.reload(options("info", "b"));
    expect(level()).toBe("debug");
    world.reloadInVain(options("warn", "c"));
    expect(level()).toBe("debug");
    world.reload(options("warn", "c"));
    expect(level()).toBe("warn");
  });
});
