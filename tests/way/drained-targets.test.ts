// A target that an operator drains gets nothing more, whatever else is known of it; and what operators see of targets.
import { expect, test } from "bun:test";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const A = "http://a.test";
const B = "http://b.test";
const two = toUpstream({ targets: [A, B], ejection: { failures: 2 }, breaker: { minimum: 50 } });
const told = (world: World): string[] => world.platform.notices.splice(0).map(({ text }) => text);
const statesOf = (world: World): string[] => world.gateway.targets.list()[0]!.targets.map(({ state }) => state);

/** Which targets are asked by so many requests. */
function asked(world: World, requests = 6): string[] {
  const before = Object.entries(world.targets).map(([name, target]) => [name, target.requests.length] as const);
  for (let i = 0; i < requests; i++) expect(world.ask("GET", "/it").statuses).toEqual([200]);
  return before.filter(([name, count]) => world.targets[name]!.requests.length > count).map(([name]) => name);
}

function serving(world: World): void {
  for (const target of Object.values(world.targets)) target.answerAll(() => answerText("ok"));
}

test("it gets no new request until it is brought back; what is under way goes on", () => {
  inWorld(two, (world) => {
    world.b.answerAll(() => answerText("ok"));
    const client = world.ask("GET", "/long");
    expect(world.gateway.targets.drain("up", A, true)).toEqual({ url: A, weight: 1, state: "drained" });
    expect(asked(world)).toEqual(["b"]);
    world.a.last.answer(200, "at last");
    world.settle();
    expect(client.answer.body).toBe("at last");
    world.gateway.targets.drain("up", A, true);
    expect(told(world)).toEqual([`up ${A}: drained: an operator takes it out`]);
    world.gateway.targets.drain("up", A, false);
    serving(world);
    for (const { socket } of world.a.open) socket.destroy();
    world.settle();
    expect(asked(world)).toEqual(["a", "b"]);
    expect(told(world)).toEqual([`up ${A}: picked again: an operator has brought it back`]);
  });
});

test("when all are drained the answer is 503", () => {
  inWorld(two, (world) => {
    for (const url of [A, B]) world.gateway.targets.drain("up", url, true);
    expect(world.ask("GET", "/it").statuses).toEqual([503]);
    told(world);
  });
});

test("it stays drained when another config takes over", () => {
  inWorld(two, (world) => {
    serving(world);
    world.gateway.targets.drain("up", A, true);
    world.reload(toUpstream({ targets: [A, B, "http://c.test"] }));
    serving(world);
    expect(asked(world)).toEqual(["b", "c"]);
    expect(statesOf(world)).toEqual(["drained", "up", "up"]);
    told(world);
  });
});

test("there is no target of another name", () => {
  inWorld(two, (world) => {
    expect(world.gateway.targets.drain("up", "http://c.test", true)).toBeUndefined();
    expect(world.gateway.targets.drain("down", A, true)).toBeUndefined();
  });
});

test("operators see what is known of each target, and of the circuit", () => {
  const targets = [A, B, { url: "http://c.test", weight: 0 }];
  inWorld(toUpstream({ targets, ejection: { failures: 2 }, breaker: { minimum: 4, errors: 0.1 } }), (world) => {
    const list = (): unknown => world.gateway.targets.list();
    const [b, c] = [B, "http://c.test"].map((url) => ({ url, weight: 1, state: "up" })) as [object, object];
    const unused = { ...c, weight: 0, state: "unused" };
    expect(list()).toEqual([{ name: "up", circuit: "closed", targets: [{ ...b, url: A }, b, unused] }]);
    world.a.reception = "ECONNREFUSED";
    world.b.answerAll(() => answerText("ok"));
    for (let i = 0; i < 6; i++) world.ask("GET", "/it");
    world.advance(1500);
    const reason = "connection_refused";
    const a = { url: A, weight: 1, state: "ejected", reason, seconds: 29 };
    expect(list()).toEqual([{ name: "up", circuit: "open", targets: [a, b, unused] }]);
    told(world);
  });
  const health = { path: "/", interval: "1s", jitter: 0, fall: 1 } as const;
  inWorld(toUpstream({ health }), (world) => {
    world.a.answerAll(() => answerText("", [], 418));
    world.advance(1);
    expect(world.gateway.targets.list()).toEqual([
      { name: "up", targets: [{ url: A, weight: 1, state: "down", reason: "status 418" }] },
    ]);
    told(world);
  });
});
