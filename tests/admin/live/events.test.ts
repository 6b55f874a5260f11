// The events of the live page: one a second to each who looks, of all that is counted; and nobody is asked when nobody looks.
import { describe, expect, test } from "bun:test";
import { idsOf } from "../../../src/http/ids.ts";
import { type Admin, openAdmin } from "../../../src/admin/admin.ts";
import type { Overseen } from "../../../src/admin/overseen.ts";
import { quantile, STEPS, addPairs } from "../../../src/admin/live/latencies.ts";
import { EventStream, type Live } from "../../../src/admin/live/live.ts";
import type { SeenExchange } from "../../../src/admin/live/seen.ts";
import type { Tick } from "../../../src/admin/live/tick.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import type { Platform } from "../../../src/platform.ts";
import { answerText, FakeClient } from "../../../src/platforms/fake/peers.ts";
import { pairsOf, seenExchange, tickAt } from "../../cli/top/ticks.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";

const OPTIONS: GatewayOptions = {
  name: "gate",
  admin: {},
  upstreams: { up: { targets: ["http://a.test", "http://b.test"], breaker: {} } },
  limits: { ten: { limit: 10, window: "1m", by: "route" } },
  routes: {
    up: { match: "/up/*", to: "up" },
    limited: { match: "/limited", limits: "ten", answer: { body: "ok" } },
    broken: { match: "/broken", answer: { status: 503 } },
  },
};

interface Stage {
  readonly world: World;
  readonly admin: Admin;
  /** What the next questions wait for. */
  holdUntil(answered: Promise<void>): void;
  /** The config was loaded anew, with another name. */
  rename(name: string): void;
  /** How often the gateway was asked. */
  readonly asked: () => number;
  /** One more looks. */
  watch(path?: string): Promise<FakeClient>;
  /** Moves the clock by a second. */
  second(): Promise<void>;
}

/** The ticks that have come. */
const ticksOf = ({ received }: FakeClient): Tick[] =>
  [...received.matchAll(/event: tick\ndata: (.*)\n\n/g)].map(([, json]) => JSON.parse(json!) as Tick);

async function onStage(act: (stage: Stage) => Promise<void>): Promise<void> {
  await inWorldOf(OPTIONS, async (world) => {
    let asked = 0;
    let held: Promise<void> | undefined;
    let { plan } = world.gateway;
    const { gateway, metrics, platform } = world;
    const overseen: Overseen = {
      metrics: () => metrics,
      look: async () => {
        asked++;
        await held;
        return { metrics, seen: [gateway.look()!] };
      },
      obstacles: () => gateway.obstacles(),
      targets: gateway.targets,
      limits: gateway.limits,
      keys: gateway.keys!,
      verbosity: gateway.verbosity,
      plan: () => plan,
      build: { version: "0.1.0", revision: "" },
      loads: () => [{ at: 7, ok: true, message: "started" }],
    };
    world.a.answerAll(() => answerText("hello", ["Connection: close"]));
    world.b.answerAll(() => answerText("hello", ["Connection: close"]));
    // The world counts ids: one for each exchange of the gateway's.
    const lent: Platform = Object.create(platform, { ids: { value: idsOf(() => "0") } });
    const admin = openAdmin(plan.admin!, overseen, lent);
    await act({
      world,
      admin,
      asked: () => asked,
      rename: (name) => void (plan = { ...plan, name }),
      holdUntil: (answered) => void (held = answered),
      async watch(path = "/live/events") {
        const client = new FakeClient(platform.network.dial("127.0.0.1:9901"), () => 0);
        client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await world.rest();
        return client;
      },
      async second() {
        world.advance(1000);
        await world.rest();
      },
    });
    admin.close();
    await world.rest();
  });
}

describe("who looks", () => {
  test("gets a tick at once, and one a second", async () => {
    await onStage(async ({ watch, second }) => {
      const client = await watch();
      expect(client.received).toContain("Content-Type: text/event-stream");
      expect(ticksOf(client)).toHaveLength(1);
      await second();
      await second();
      expect(ticksOf(client)).toHaveLength(3);
    });
  });

  test("is told what happened", async () => {
    await onStage(async ({ world, watch, second }) => {
      const client = await watch();
      for (let each = 0; each < 6; each++) world.ask("GET", "/up/1", ["Connection: close"]);
      for (let each = 0; each < 12; each++) world.ask("GET", "/limited", ["Connection: close"]);
      world.ask("GET", "/nowhere", ["Connection: close"]);
      world.ask("GET", "/broken", ["Connection: close"]);
      await second();
      const tick = ticksOf(client)[1]!;
      const { outcomes, upstreams, decisions, durations, exchanges, uses, process, name, lastLoad, obstacles } = tick;
      expect(new Set(outcomes)).toEqual(
        new Set([
          { route: "up", status: 200, code: "", count: 6 },
          { route: "limited", status: 200, code: "", count: 10 },
          { route: "limited", status: 429, code: "rate_limit_exceeded", count: 2 },
          { route: "", status: 404, code: "route_not_found", count: 1 },
          { route: "broken", status: 503, code: "", count: 1 },
        ]),
      );
      expect(upstreams).toMatchObject([{ name: "up", circuit: "closed", retries: 0, ejections: 0, openings: 0 }]);
      expect(upstreams[0]!.targets).toEqual(
        ["http://a.test", "http://b.test"].map((url) => ({
          ...{ url, weight: 1, state: "up" as const, attempts: 3, failures: 0 },
          connections: { active: 0, idle: 0 },
        })),
      );
      expect(decisions).toEqual([{ name: "ten", kind: "limit", allowed: 10, refused: 2, observed: 0 }]);
      const counts = new Uint32Array(STEPS);
      for (const [, pairs] of durations) addPairs(counts, pairs);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20);
      expect(quantile(counts, 0.99)).toBeLessThan(1);
      expect(exchanges).toHaveLength(20);
      expect(uses).toMatchObject([{ limit: "ten", caller: "route limited", used: 10, of: 10 }]);
      expect([process.active, name, obstacles]).toEqual([0, "gate", []]);
      expect(lastLoad).toEqual({ at: 7, ok: true, message: "started" });
    });
  });

  test("is told the name of the config that runs, in ticks and in what is refused", async () => {
    await onStage(async ({ rename, watch, second }) => {
      const client = await watch();
      rename("other");
      await second();
      expect(ticksOf(client).map(({ name }) => name)).toEqual(["gate", "other"]);
      const asks = await watch("/targets?nonsense=1");
      expect(asks.received).toContain("Proxy-Status: other; error=");
    });
  });

  test("sees each exchange once, and what is counted as often as it is told", async () => {
    await onStage(async ({ world, watch, second }) => {
      const client = await watch();
      world.ask("GET", "/limited", ["Connection: close"]);
      await second();
      await second();
      const [, first, then] = ticksOf(client);
      expect([first!.exchanges.length, then!.exchanges.length]).toEqual([1, 0]);
      expect(then!.outcomes).toEqual(first!.outcomes);
    });
  });

  test("shares the ticks with others: the gateway is asked once a second", async () => {
    await onStage(async ({ asked, watch, second }) => {
      const clients = [await watch(), await watch(), await watch()];
      const before = asked();
      await second();
      await second();
      expect(asked() - before).toBe(2);
      for (const client of clients) expect(ticksOf(client).length).toBeGreaterThanOrEqual(2);
    });
  });

  test("and takes nothing misses ticks, and is not waited for", async () => {
    await onStage(async ({ watch, second }) => {
      const slow = await watch();
      const quick = await watch();
      slow.hold();
      for (let at = 0; at < 20; at++) await second();
      expect(ticksOf(quick)).toHaveLength(20);
      slow.read();
      await second();
      await second();
      expect(ticksOf(slow).length).toBeGreaterThan(1);
    });
  });
});

test("when the last one has gone nobody is asked any more, and no timer runs", async () => {
  await onStage(async ({ world, asked, watch, second }) => {
    const [one, other] = [await watch(), await watch()];
    one.leave();
    await second();
    const before = asked();
    await second();
    expect(asked()).toBe(before + 1);
    other.leave();
    await second();
    const after = asked();
    for (let at = 0; at < 5; at++) await second();
    expect(asked()).toBe(after);
    const again = await watch();
    expect(ticksOf(again)).toHaveLength(1);
    expect(world.platform.notices).toEqual([]);
  });
});

test("who goes while the gateway is asked leaves no timer behind", async () => {
  await onStage(async ({ world, asked, holdUntil, watch, second }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    holdUntil(promise);
    const client = await watch();
    client.reset();
    await world.rest();
    resolve();
    await world.rest();
    const before = asked();
    await second();
    await second();
    expect(asked()).toBe(before);
  });
});

describe("a client that is full", () => {
  /** What is written to one that has room for one event at a time. */
  function fullStream(): { readonly stream: EventStream; readonly told: () => Tick[]; push(tick: Tick): void } {
    const written: string[] = [];
    const stream = new EventStream({ join: () => {}, leave: () => {} } as unknown as Live);
    const write = (chunk: string | Uint8Array): boolean =>
      written.push(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk)) < 0;
    stream.pipe({ write, end: () => {}, fail: () => {} });
    return {
      stream,
      told: () => written.map((each) => JSON.parse(/^data: (.*)$/m.exec(each)![1]!) as Tick),
      push: (tick) => stream.push(tick, new TextEncoder().encode(`event: tick\ndata: ${JSON.stringify(tick)}\n\n`)),
    };
  }

  test("is sent nothing until it has room again", () => {
    const { stream, told, push } = fullStream();
    for (let at = 0; at < 5; at++) push(tickAt(at));
    expect(told()).toEqual([tickAt(0)]);
    stream.resume();
    push(tickAt(9));
    expect(told()).toEqual([tickAt(0), tickAt(9)]);
    stream.resume();
    stream.cancel();
    push(tickAt(10));
    expect(told()).toHaveLength(2);
  });

  test("is told then how long all took that it has missed, and the last exchanges of it", () => {
    const { stream, told, push } = fullStream();
    const seconds = 30;
    const exchangesIn = (second: number): SeenExchange[] =>
      Array.from({ length: 50 }, (_, at) => seenExchange({ id: `${second}-${at}` }));
    const tick = (second: number): Tick =>
      tickAt(second, {
        durations: [["orders", pairsOf(1, 20)], ...(second === 3 ? [["users", pairsOf(7)] as const] : [])],
        exchanges: exchangesIn(second),
      });
    for (let second = 0; second < seconds; second++) push(tick(second));
    stream.resume();
    push(tick(seconds));
    const last = told()[1]!;
    expect(last).toMatchObject({ at: tick(seconds).at, outcomes: [] });
    expect(new Map(last.durations)).toEqual(
      new Map([
        ["orders", pairsOf(...Array.from({ length: seconds }, () => [1, 20]).flat())],
        ["users", pairsOf(7)],
      ]),
    );
    const all = Array.from({ length: seconds + 1 }, (_, second) => exchangesIn(second)).flat();
    expect(last.exchanges.map(({ id }) => id)).toEqual(all.slice(-120).map(({ id }) => id));
    stream.resume();
    push(tick(seconds + 1));
    expect(told()[2]!).toEqual(tick(seconds + 1));
  });
});

test("a target that is down is told with the reason", async () => {
  await onStage(async ({ world, watch }) => {
    world.gateway.targets.drain("up", "http://a.test", true);
    world.platform.notices.length = 0;
    const [tick] = ticksOf(await watch());
    expect(tick!.upstreams[0]!.targets.map(({ state }) => state)).toEqual(["drained", "up"]);
  });
});
