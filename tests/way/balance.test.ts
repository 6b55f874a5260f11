// Who is picked, through the whole gateway: what is under way ends with its exchange, cookies and hashes lead, and a target
// that comes back begins small.
import { describe, expect, test } from "bun:test";
import { Secret } from "../../src/config/secrets.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import {
  answerText,
  type FakeClient,
  type FakeTarget,
  type FakeTargetConnection,
} from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const TARGETS = ["http://a.test", "http://b.test"];
const two = (upstream: Partial<UpstreamOptions>): ReturnType<typeof toUpstream> =>
  toUpstream({ targets: TARGETS, ejection: false, ...upstream });

/** Sends a request and gives the target that has it, and who waits for it. */
function ask(world: World, method = "GET", fields: readonly string[] = []): [FakeTarget, FakeClient] {
  const before = world.a.requests.length;
  const client = world.ask(method, "/it", fields);
  return [world.a.requests.length > before ? world.a : world.b, client];
}

/** How an exchange with this target ends. */
const ENDINGS: Readonly<Record<string, (connection: FakeTargetConnection, client: FakeClient, world: World) => void>> =
  {
    "an answer": (connection) => connection.answer(200, "here"),
    "an answer of which the last piece is late": (connection, _, world) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
      world.settle();
      connection.send("cd");
    },
    "a client that leaves before the answer": (_, client) => client.reset(),
    "a client that leaves in the answer": (connection, client, world) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
      world.settle();
      client.reset();
    },
    "a target that breaks before the answer": (connection) => connection.reset(),
    "a target that breaks in the answer": (connection, _, world) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
      world.settle();
      connection.reset();
    },
    "an answer that does not come in time": (_, __, world) => world.advance(2000),
  };

describe.each(["least-busy", "fastest", "hash"])("%s: what is under way is over with", (kind) => {
  const balance = kind === "hash" ? ({ hash: { header: "X-Who" }, bound: 1.01 } as const) : (kind as "least-busy");
  /** More at once than a hash lets be on one target whatever the bound. */
  const MANY = kind === "hash" ? 40 : 2;

  test.each(Object.entries(ENDINGS))("%s", (_, end) => {
    inWorld(two({ balance, timeouts: { firstByte: "2s" } }), (world) => {
      for (let round = 0; round < 20; round++) {
        const [target, client] = ask(world, "POST", ["X-Who: one"]);
        end(target.last, client, world);
        world.settle();
      }
      // Were anything left of them, these would not be spread evenly.
      const asked = Array.from({ length: MANY }, () => ask(world, "POST", ["X-Who: one"])[0]);
      const atA = asked.filter((target) => target === world.a).length;
      expect(Math.abs(atA - MANY / 2)).toBeLessThanOrEqual(kind === "hash" ? 1 : 0);
      for (const target of [world.a, world.b]) for (const connection of target.open) connection.answer(200);
    });
  });
});

test("least-busy: a target is busy until the content of its answer has ended, and a tunnel until it is closed", () => {
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
  const heads: [fields: readonly string[], head: string][] = [
    [[], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
    [upgrade, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ];
  for (const [fields, head] of heads) {
    inWorld(two({ balance: "least-busy" }), (world) => {
      const [busy, client] = ask(world, "GET", fields);
      busy.last.send(head);
      world.settle();
      for (let i = 0; i < 10; i++) {
        const [idle] = ask(world);
        expect(idle).not.toBe(busy);
        idle.last.answer(200);
        world.settle();
      }
      client.reset();
      world.settle();
      const both = [ask(world)[0], ask(world)[0]];
      expect(new Set(both).size).toBe(2);
      for (const target of both) target.last.answer(200);
    });
  }
});

test("least-busy: a copy of a mirror is over when its answer has been dropped", () => {
  const options = toUpstream(
    {},
    {
      upstreams: {
        up: { targets: ["http://c.test"] },
        shadow: { targets: TARGETS, balance: "least-busy", ejection: false },
      },
      routes: { all: { match: "/*", to: "up", mirror: { to: "shadow" } } },
    },
  );
  inWorld(options, (world) => {
    world.targets["c"]!.answerAll(() => answerText("ok"));
    world.a.answerAll(() => answerText("copy"));
    world.b.answerAll(() => answerText("copy"));
    for (let i = 0; i < 200; i++) world.ask("GET", "/it");
    // What stayed counted would make them take strict turns; what is over leaves it to chance.
    const turns = Math.min(world.a.requests.length, world.b.requests.length);
    expect(world.a.requests.length + world.b.requests.length).toBe(200);
    expect(turns).toBeGreaterThan(60);
    expect(turns).toBeLessThan(100);
  });
});

test("fastest: who answers sooner gets nearly all", () => {
  inWorld(two({ balance: "fastest" }), (world) => {
    for (let i = 0; i < 200; i++) {
      const [target] = ask(world);
      world.advance(target === world.a ? 5 : 50);
      target.last.answer(200);
      world.settle();
    }
    expect(world.a.requests.length).toBeGreaterThan(190);
    expect(world.b.requests.length).toBeGreaterThan(0);
  });
});

test("first: the second stands by until the first may not be picked", () => {
  inWorld(two({ balance: "first", ejection: { failures: 2 } }), (world) => {
    world.b.answerAll(() => answerText("b"));
    const statuses = [200, 503, 503, 200].map((status) => {
      const [target, client] = ask(world);
      if (target === world.a) target.last.answer(status);
      world.settle();
      return [client.answer.status, target === world.a ? "a" : "b"];
    });
    expect(statuses).toEqual([
      [200, "a"],
      [503, "a"],
      [503, "a"],
      [200, "b"],
    ]);
    world.platform.notices.length = 0;
  });
});

test("hash: each tenant has its target, whoever asks, and a retry of a tenant goes to the same other one", () => {
  inWorld(two({ balance: { hash: { header: "X-Tenant" } } }), (world) => {
    const of = new Map<string, FakeTarget>();
    for (let i = 0; i < 120; i++) {
      const tenant = `tenant ${i % 30}`;
      const [target] = ask(world, "GET", [`X-Tenant: ${tenant}`]);
      target.last.answer(200);
      world.settle();
      expect(of.get(tenant) ?? target).toBe(target);
      of.set(tenant, target);
    }
    expect(new Set(of.values()).size).toBe(2);
  });
});

test("sticky: a client comes back to its target by its cookie, over TLS or not as it came", async () => {
  const secret = new Secret("a secret of thirty-two bytes....", "STICKY");
  await inWorldOf(two({ balance: { sticky: { cookie: "lb", secret, maxAge: "1h" } } }), async (world) => {
    world.a.answerAll(() => answerText("a", ["Set-Cookie: session=1", "Set-Cookie: lb=theirs"]));
    world.b.answerAll(() => answerText("b", ["Set-Cookie: session=2", "Set-Cookie: lb=theirs"]));
    // The first may come before the cookies are signed: it waits for that.
    const first = world.ask("GET", "/it");
    await world.until("the first answer", () => first.answers.length > 0);
    const [session, line] = first.answer.fields.filter(([name]) => name.toLowerCase() === "set-cookie");
    expect(session![1]).toMatch(/^session=\d$/);
    expect(line![1]).toMatch(/^lb=[A-Za-z0-9_-]{22}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    const cookie = line![1].split(";")[0]!;
    for (let i = 0; i < 10; i++) {
      const client = world.ask("GET", "/it", [`Cookie: x=y; ${cookie}`]);
      expect([client.answer.body, client.answer.fields.filter(([, value]) => value.startsWith("lb="))]).toEqual([
        first.answer.body,
        [["Set-Cookie", "lb=theirs"]],
      ]);
    }
    // The upstream sees what the client sent.
    const [target] = first.answer.body === "a" ? [world.a] : [world.b];
    expect(fieldOf(target.requests.at(-1)!, "cookie")).toBe(`x=y; ${cookie}`);
    // Others are led as if they had none.
    const bodies = Array.from({ length: 10 }, () => world.ask("GET", "/it", ["Cookie: lb=forged"]).answer);
    expect(new Set(bodies.map(({ body }) => body)).size).toBe(2);
    // Its target breaks: another one answers, and has its cookie from then on.
    target.reception = "ECONNREFUSED";
    for (const connection of target.open) connection.end();
    world.settle();
    const moved = world.ask("GET", "/it", [`Cookie: ${cookie}`]).answer;
    expect(moved.body).not.toBe(first.answer.body);
    expect(moved.fields.filter(([, value]) => value.startsWith("lb="))).toHaveLength(1);
  });
});

test("slow start: a target whose ejection is over gets a small share that grows, and the record of it is monotonic", () => {
  inWorld(two({ balance: "round-robin", slowStart: "10s", ejection: { failures: 5, time: "30s" } }), (world) => {
    let broken = true;
    world.a.answerAll(() => answerText("a", [], broken ? 503 : 200));
    world.b.answerAll(() => answerText("b"));
    for (let i = 0; i < 10; i++) world.ask("GET", "/it");
    expect([world.a.requests.length, world.b.requests.length]).toEqual([5, 5]);
    broken = false;
    world.advance(30_000);
    const shares = Array.from({ length: 12 }, () => {
      const before = world.a.requests.length;
      const client = world.client();
      for (let i = 0; i < 40; i++) {
        client.request("GET", "/it");
        world.advance(25);
      }
      return world.a.requests.length - before;
    });
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares[0]).toBeLessThan(8);
    for (const [i, share] of shares.slice(1).entries()) expect(share).toBeGreaterThanOrEqual(shares[i]! - 1);
    expect(shares.slice(10)).toEqual([20, 20]);
    world.platform.notices.length = 0;
  });
});
