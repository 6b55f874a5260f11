// Targets that fail are passed over for a while: in a whole gateway, whatever the failure, and never the only one.
import { describe, expect, test } from "bun:test";
import type { FakeTarget } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const TARGETS = ["http://a.test", "http://b.test"];
const two = toUpstream({ targets: TARGETS, timeouts: { firstByte: "2s", connect: "1s" } });

/** What the operator was told since the last time. */
const told = (world: World): string[] => world.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);

const attemptsAt = (world: World, host: string): number =>
  world.platform.network.attempts.filter((address) => address === `${host}:80`).length;

/** Sends a request; `b` answers it at once, `a` as the test wants. */
function askBoth(world: World, fail: (a: FakeTarget) => void): void {
  const before = world.a.requests.length;
  const client = world.client();
  client.request("POST", "/it");
  world.settle();
  if (world.a.requests.length > before) fail(world.a);
  else if (world.b.connections.length > 0) world.b.last.answer(200);
  world.settle();
}

/** How a target fails an attempt, and what the notice says of it. */
const FAILURES: readonly (readonly [what: string, fail: (a: FakeTarget, world: World) => void])[] = [
  ["status 502", (a) => a.last.answer(502)],
  ["status 503", (a) => a.last.answer(503)],
  ["status 504", (a) => a.last.answer(504)],
  ["connection_terminated", (a) => a.last.reset()],
  ["http_response_timeout", (_, world) => world.advance(2000)],
  ["http_protocol_error", (a) => a.last.send("SSH-2.0-OpenSSH\r\n\r\n")],
];

describe.each(FAILURES)("five times %s", (what, fail) => {
  test("ejects the target for 30 seconds, and all know why", () => {
    inWorld(two, (world) => {
      for (let i = 0; i < 10; i++) askBoth(world, (a) => fail(a, world));
      expect(told(world)).toEqual([`warn: up http://a.test: ejected for 30s: 5 failures in a row, the last: ${what}`]);
      expect(world.a.requests).toHaveLength(5);
      for (let i = 0; i < 6; i++) askBoth(world, () => expect().fail("it is ejected"));
      world.advance(30_000);
      for (let i = 0; i < 2; i++) askBoth(world, (a) => a.last.answer(200));
      expect(told(world)).toEqual(["info: up http://a.test: picked again: its ejection is over"]);
      expect(world.a.requests).toHaveLength(6);
    });
  });
});

test("a target that cannot be reached costs five second attempts, and then none", () => {
  inWorld(two, (world) => {
    world.a.reception = "ECONNREFUSED";
    for (let i = 0; i < 20; i++) {
      world.client().request("GET", "/it");
      world.settle();
      world.b.last.answer(200);
      world.settle();
    }
    expect(attemptsAt(world, "a.test")).toBe(5);
    expect(told(world)).toEqual([
      "warn: up http://a.test: ejected for 30s: 5 failures in a row, the last: connection_refused",
    ]);
  });
});

test.each([
  ["status 500", (a: FakeTarget) => a.last.answer(500)],
  ["status 404", (a: FakeTarget) => a.last.answer(404)],
])("%s is the service's own matter", (_, fail) => {
  inWorld(two, (world) => {
    for (let i = 0; i < 40; i++) askBoth(world, fail);
    expect(world.a.requests).toHaveLength(20);
  });
});

test("a client that leaves is no failure", () => {
  inWorld(two, (world) => {
    for (let i = 0; i < 40; i++) {
      const client = world.ask("GET", "/it");
      client.reset();
      world.settle();
    }
    expect(world.a.requests).toHaveLength(20);
  });
});

test("one success begins the count anew", () => {
  inWorld(two, (world) => {
    let turn = 0;
    for (let i = 0; i < 60; i++) askBoth(world, (a) => a.last.answer(++turn % 5 === 0 ? 200 : 503));
    expect(world.a.requests).toHaveLength(30);
  });
});

test.each([
  ["the only target there is", toUpstream()],
  ["with ejection off", toUpstream({ targets: TARGETS, ejection: false })],
])("%s is asked whatever becomes of it", (_, options) => {
  inWorld(options, (world) => {
    for (const target of Object.values(world.targets)) target.reception = "ECONNREFUSED";
    for (let i = 0; i < 20; i++) expect(world.ask("GET", "/it").statuses).toEqual([502]);
    expect(attemptsAt(world, "a.test")).toBe(20);
  });
});

test("when all fail, one of two is still asked", () => {
  inWorld(two, (world) => {
    for (const target of Object.values(world.targets)) target.reception = "ECONNREFUSED";
    for (let i = 0; i < 20; i++) expect(world.ask("GET", "/it").statuses).toEqual([502]);
    expect(told(world)).toHaveLength(1);
    expect(attemptsAt(world, "a.test") + attemptsAt(world, "b.test")).toBe(5 + 4 + 16);
  });
});
