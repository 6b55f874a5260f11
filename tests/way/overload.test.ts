// The cap on all that is under way: what comes over it is shed at once, and every way an exchange ends makes room.
import { expect, test } from "bun:test";
import type { OverloadOptions } from "../../src/config/limit/options.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, World } from "../support/fake-world.ts";

const capped = (more: Partial<OverloadOptions> = {}): GatewayOptions =>
  toUpstream(
    { timeouts: { firstByte: "1s" } },
    { overload: { maxInFlight: 2, exempt: ["/ready", "/health/*"], ...more } },
  );

/** What was told to the operator, taken away. */
const told = (world: World): string[] => world.platform.notices.splice(0).map(({ text }) => text);

test("what comes over the cap is answered with 503 and reaches no target; the operator is told once", () => {
  inWorld(capped({ retryAfter: "3s" }), (world) => {
    const held = [world.ask("GET", "/1"), world.ask("GET", "/2")];
    for (let i = 0; i < 3; i++) {
      const { answer } = world.ask("GET", `/over/${i}`);
      expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([503, "3"]);
      expect(JSON.parse(answer.body)).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
        code: "overloaded",
      });
    }
    expect(world.a.requests).toHaveLength(2);
    expect(told(world)).toEqual([
      "2 exchanges are under way, the most that overload.maxInFlight allows: more are answered with 503",
    ]);
    for (const connection of world.a.connections) connection.answer(200);
    world.settle();
    expect(held.map(({ answer }) => answer.status)).toEqual([200, 200]);
    // It is over when nothing has been shed for five seconds, and told five seconds later at most.
    world.advance(9999);
    expect(told(world)).toEqual([]);
    world.advance(1);
    expect(told(world)).toEqual(["fewer exchanges are under way again; answered with 503 meanwhile: 3"]);
  });
});

test("an overload that comes and goes all the time is one: the operator is told once that it began, once that it is over", () => {
  inWorld(capped({ maxInFlight: 1 }), (world) => {
    for (let i = 0; i < 50; i++) {
      world.ask("GET", "/1");
      expect(world.ask("GET", "/over").answer.status).toBe(503);
      world.a.last.answer(200);
      world.advance(1000);
    }
    expect(told(world)).toHaveLength(1);
    world.advance(10_000);
    expect(told(world)).toEqual(["fewer exchanges are under way again; answered with 503 meanwhile: 50"]);
    world.ask("GET", "/1");
    world.ask("GET", "/over");
    expect(told(world)).toHaveLength(1);
    world.a.last.answer(200);
    world.advance(5000);
    expect(told(world)).toEqual(["fewer exchanges are under way again; answered with 503 meanwhile: 1"]);
  });
});

test("a gateway that drains while it is overloaded tells how many were shed", () => {
  const world = new World(capped({ maxInFlight: 1 }));
  const held = world.ask("GET", "/1");
  world.ask("GET", "/over");
  expect(told(world)).toHaveLength(1);
  void world.gateway.drain();
  world.settle();
  world.a.last.answer(200);
  held.end();
  world.advance(2000);
  expect(told(world)).toEqual(["fewer exchanges are under way again; answered with 503 meanwhile: 1"]);
  world.close();
});

test("a tunnel is under way for as long as it is open", () => {
  inWorld(capped({ maxInFlight: 1 }), (world) => {
    const client = world.ask("GET", "/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
    world.a.last.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    world.advance(60_000);
    expect(world.ask("GET", "/over").answer.status).toBe(503);
    client.reset();
    world.settle();
    world.ask("GET", "/1");
    expect(world.a.requests.at(-1)!.target).toBe("/1");
    world.a.last.answer(200);
    world.advance(10_000);
    told(world);
  });
});

test("exempt paths are answered all the same, and their like are not", () => {
  inWorld(capped(), (world) => {
    for (const path of ["/1", "/2", "/ready", "/health", "/health/live", "/ready/x", "/healthy"])
      world.ask("GET", path);
    expect(world.a.requests.map(({ target }) => target)).toEqual(["/1", "/2", "/ready", "/health", "/health/live"]);
    for (const connection of world.a.connections) connection.answer(200);
    world.advance(10_000);
    told(world);
  });
});

const ENDS: readonly (readonly [how: string, end: (world: World, client: FakeClient) => void])[] = [
  ["its answer is out", (world) => world.a.last.answer(200)],
  ["its target breaks", (world) => world.a.last.reset()],
  ["its target is too slow", (world) => world.advance(1001)],
  ["its client leaves", (_, client) => client.reset()],
];

test.each(ENDS)("an exchange makes room when %s", (_, end) => {
  inWorld(capped({ maxInFlight: 1 }), (world) => {
    for (let i = 0; i < 3; i++) {
      const client = world.ask("GET", `/${i}`);
      expect(world.a.requests.at(-1)!.target).toBe(`/${i}`);
      expect(world.ask("GET", "/over").answer.status).toBe(503);
      end(world, client);
      world.settle();
    }
    world.advance(10_000);
    told(world);
  });
});

test("what is refused before it begins takes no room", () => {
  inWorld(capped({ maxInFlight: 1 }), (world) => {
    for (let i = 0; i < 3; i++) {
      const client = world.client();
      client.send("GET /a HTTP/1.1\r\n\r\n");
      world.settle();
      expect(client.answer.status).toBe(400);
    }
    world.ask("GET", "/1");
    expect(world.a.requests).toHaveLength(1);
    world.a.last.answer(200);
  });
});
