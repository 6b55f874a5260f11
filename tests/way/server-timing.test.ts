// Server-Timing, through the whole gateway: answers tell what stages and upstream took, and nothing else.
import { expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream } from "../support/fake-world.ts";

const timed = (more: Partial<GatewayOptions> = {}): GatewayOptions => ({
  ...toUpstream(),
  serverTiming: true,
  ...more,
});
const NAME = "server-timing";

test("unless it is asked for, answers say nothing of it, and what an upstream says passes", () => {
  inWorld(toUpstream(), (world) => {
    world.a.answerAll(() => answerText("ok", ["Server-Timing: db;dur=7"]));
    expect(fieldOf(world.ask("GET", "/").answer, NAME)).toBe("db;dur=7");
  });
});

test("the upstream's time ends with the head of its answer, and its own line stays", () => {
  inWorld(timed(), (world) => {
    const client = world.ask("GET", "/");
    world.advance(120);
    world.a.last.answer(200, "", ["Server-Timing: db;dur=7"]);
    world.settle();
    expect(client.answer.fields.filter(([name]) => name.toLowerCase() === NAME).map(([, value]) => value)).toEqual([
      "db;dur=7",
      "upstream;dur=120, total;dur=120",
    ]);
  });
});

test("stages stand in their order, with the time that each had the exchange", () => {
  const options = timed({
    limits: { many: { limit: 100, window: "1m", by: "address" } },
    routes: { all: { match: "/*", to: "up", limits: "many", faults: { delay: { by: "30ms" } } } },
  });
  inWorld(options, (world) => {
    const client = world.ask("GET", "/");
    world.advance(30);
    world.advance(5);
    world.a.last.answer(200);
    world.settle();
    expect(fieldOf(client.answer, NAME)).toBe("limits;dur=0, faults;dur=30, upstream;dur=5, total;dur=35");
  });
});

test("attempts are told together, those before a fallback too, and no target by its name", () => {
  const upstreams = {
    up: { targets: ["http://a.test"], fallback: { to: "other" }, timeouts: { firstByte: "1s" } },
    other: { targets: ["http://b.test"] },
  } as const;
  inWorld(timed({ upstreams }), (world) => {
    const client = world.ask("GET", "/");
    world.advance(1000);
    world.advance(20);
    world.b.last.answer(200);
    world.settle();
    expect(fieldOf(client.answer, NAME)).toBe("upstream;dur=1020, total;dur=1020");
  });
});

test("a refusal tells of the stages until then", () => {
  const options = timed({
    auth: { key: apiKey() },
    routes: { all: { match: "/*", to: "up", auth: "key" } },
  });
  inWorld(options, (world) => {
    const { answer } = world.ask("GET", "/");
    expect([answer.status, fieldOf(answer, NAME)]).toEqual([401, "auth;dur=0, total;dur=0"]);
  });
  inWorld(timed({ routes: { one: { match: "/one", to: "up" } } }), (world) => {
    const { answer } = world.ask("GET", "/");
    expect([answer.status, fieldOf(answer, NAME)]).toEqual([404, "total;dur=0"]);
  });
});
