// The breaker in a whole gateway: clients are answered at once while it is open, and nothing reaches the upstream but probes.
import { expect, test } from "bun:test";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const BREAKER = { minimum: 4, open: "5s", probes: 2 } as const;
const told = (world: World): string[] => world.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);

/** The target answers by itself, with the status that the test sets. */
function serving(world: World): { status: number } {
  const state = { status: 200 };
  world.a.answerAll(() => answerText("ok", [], state.status));
  return state;
}

test("it opens, answers 503 at once with the time that is left, lets probes through, and closes", () => {
  inWorld(toUpstream({ breaker: BREAKER }), (world) => {
    const state = serving(world);
    state.status = 503;
    for (let i = 0; i < 4; i++) expect(world.ask("POST", "/it").answer.body).toBe("ok");
    expect(told(world)).toEqual(["warn: up: circuit open for 5s: 4 of 4 attempts failed within 10s"]);
    world.advance(1500);
    for (let i = 0; i < 10; i++) {
      const { answer } = world.ask("GET", "/it");
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: "destination_unavailable",
        detail: "Requests to the service failed too often a moment ago.",
      });
      expect(Object.fromEntries(answer.fields)).toMatchObject({
        "Retry-After": "4",
        "Proxy-Status": "sluice; error=destination_unavailable",
      });
    }
    expect(world.a.requests).toHaveLength(4);
    expect(world.records.at(-1)).toMatchObject({ "error.type": "destination_unavailable" });

    world.advance(3500);
    state.status = 200;
    for (let i = 0; i < 3; i++) expect(world.ask("GET", "/it").answer.body).toBe("ok");
    expect(told(world)).toEqual(["info: up: circuit closed: 2 probes passed"]);
  });
});

test("of many requests at once in the moment after, so many as there are probes go through", () => {
  inWorld(toUpstream({ breaker: BREAKER }), (world) => {
    serving(world).status = 503;
    for (let i = 0; i < 4; i++) world.ask("GET", "/it");
    world.advance(5000);
    world.a.answerAll(() => undefined);
    for (const { socket } of world.a.open) socket.destroy();
    world.settle();
    const before = world.a.requests.length;
    const clients = Array.from({ length: 12 }, () => world.ask("GET", "/it"));
    expect(world.a.requests).toHaveLength(before + 2);
    expect(clients.flatMap(({ statuses }) => statuses)).toEqual(Array(10).fill(503));
    // One client gives up: another request may go in its place.
    clients.find(({ statuses }) => statuses.length === 0)!.reset();
    world.settle();
    world.ask("GET", "/it");
    expect(world.a.requests).toHaveLength(before + 3);
    for (const connection of world.a.open) connection.answer(200);
    world.settle();
    told(world);
  });
});

test("an exchange whose attempt opened it gets that attempt's answer, and no other attempt is made", () => {
  const targets = ["http://a.test", "http://b.test"];
  inWorld(toUpstream({ targets, breaker: { minimum: 1, errors: 0.1 }, ejection: false }), (world) => {
    world.a.reception = world.b.reception = "ECONNREFUSED";
    expect(world.ask("GET", "/it").statuses).toEqual([502]);
    expect(world.platform.network.attempts).toHaveLength(1);
    expect(world.record).toMatchObject({ "error.type": "connection_refused", "sluice.attempts": 1 });
    expect(told(world)).toHaveLength(1);
  });
});

test("what fails on one upstream opens no other", () => {
  const upstreams = {
    up: { targets: ["http://a.test"], breaker: BREAKER },
    well: { targets: ["http://b.test"], breaker: BREAKER },
  };
  const routes = { a: { match: "/a", to: "up" }, b: { match: "/b", to: "well" } } as const;
  inWorld({ upstreams, routes }, (world) => {
    serving(world).status = 502;
    world.b.answerAll(() => answerText("ok"));
    for (let i = 0; i < 8; i++) world.ask("GET", "/a");
    expect([world.ask("GET", "/a").statuses, world.ask("GET", "/b").statuses]).toEqual([[503], [200]]);
    told(world);
  });
});

test("it stays open when another config takes over", () => {
  inWorld(toUpstream({ breaker: BREAKER }), (world) => {
    serving(world).status = 503;
    for (let i = 0; i < 4; i++) world.ask("GET", "/it");
    world.reload(toUpstream({ breaker: { ...BREAKER, probes: 1 }, timeouts: { firstByte: "9s" } }));
    expect(world.ask("GET", "/it").answer.body).toContain("destination_unavailable");
    expect(world.a.requests).toHaveLength(4);
    told(world);
  });
});
