// Spans of the whole gateway: what a collector gets of each exchange, and what becomes of spans that it does not take.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { FakeCollector, NEVER } from "../support/fake-collector.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT = `00-${ID}-b7ad6b7169203331-01`;
const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

function ask(world: World, fields: readonly string[] = [], path = "/"): FakeClient {
  return world.ask("GET", path, ["Connection: close", ...fields]);
}

const OTLP = { endpoint: "http://collector.test:4318", metrics: false } as const;

/** A story with a collector. */
function collected(
  options: GatewayOptions,
  story: (world: World, collector: FakeCollector) => Promise<void> | void,
): Promise<void> {
  return inWorldOf({ tracing: {}, otlp: OTLP, ...options }, async (world) => {
    const collector = new FakeCollector(world.platform);
    await story(world, collector);
  });
}

/** Lets the time pass at which spans are sent. */
async function sent(world: World): Promise<void> {
  world.advance(5000);
  await world.rest();
}

describe("a collector gets", () => {
  test("a span of the exchange and one of the attempt, as the target and the log know them", () =>
    collected(toUpstream(), async (world, collector) => {
      const client = world.ask("GET", "/orders/7?token=secret&page=2", [
        `traceparent: ${PARENT}`,
        "tracestate: a=1",
        "User-Agent: curl/8",
      ]);
      world.advance(120);
      world.a.last.answer(200, "hello");
      world.settle();
      expect(client.answer.status).toBe(200);
      await sent(world);
      expect(collector.received.map(({ url }) => url)).toEqual(["http://collector.test:4318/v1/traces"]);
      expect(collector.received[0]!.read.resource).toMatchObject({ "service.name": "sluice" });
      const [own, attempt, ...others] = collector.spans;
      expect(others).toEqual([]);
      expect(own).toMatchObject({
        traceId: ID,
        spanId: world.record.span_id!,
        parentSpanId: "b7ad6b7169203331",
        traceState: "a=1",
        flags: 0x301,
        name: "GET /*",
        kind: 2,
        links: [],
        events: [],
      });
      expect(own).not.toHaveProperty("status");
      expect(own!.attributes).toEqual({
        "http.request.method": "GET",
        "url.path": "/orders/7",
        "url.query": "token=REDACTED&page=2",
        "url.scheme": "http",
        "server.address": "gw.test",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "curl/8",
        "sluice.request_id": world.record.request_id,
        "http.request.body.size": 0,
        "http.response.body.size": 5,
        "http.response.status_code": 200,
        "http.route": "/*",
        "sluice.route": "all",
        "sluice.upstream": "up",
      });
      expect(attempt).toMatchObject({
        traceId: ID,
        spanId: fieldOf(world.a.requests.at(-1)!, "traceparent")!.slice(36, 52),
        parentSpanId: own!.spanId,
        traceState: "a=1",
        flags: 0x101,
        name: "GET",
        kind: 3,
      });
      expect(attempt!.attributes).toEqual({
        "http.request.method": "GET",
        "server.address": "a.test",
        "server.port": 80,
        "url.full": "http://a.test/orders/7?token=REDACTED&page=2",
        "http.response.status_code": 200,
        "sluice.upstream": "up",
        "sluice.target": "http://a.test",
      });
      const took = BigInt(own!.endTimeUnixNano) - BigInt(own!.startTimeUnixNano);
      expect(took).toBe(120_000_000n);
      expect(own!.startTimeUnixNano).toBe(`${world.platform.clock.epoch + 1000}000000`);
    }));

  test("each attempt with what became of it, in the trace that its target was told", () =>
    collected(
      toUpstream({
        targets: ["http://a.test", "http://b.test"],
        retries: { attempts: 2, on: [503], backoff: { base: "1ms" } },
      }),
      async (world, collector) => {
        for (const target of [world.a, world.b]) {
          target.answerAll(() => (target === world.a ? answerText("no", [], 503) : answerText("ok")));
        }
        world.ask("GET", "/");
        world.advance(100);
        world.settle();
        world.ask("GET", "/");
        world.advance(100);
        await sent(world);
        const attempts = collector.spans.filter(({ kind }) => kind === 3);
        const known = [...world.a.requests, ...world.b.requests].map((each) => fieldOf(each, "traceparent")!);
        expect(attempts.map(({ spanId }) => spanId).toSorted()).toEqual(
          known.map((each) => each.slice(36, 52)).toSorted(),
        );
        const again = attempts.filter(({ attributes }) => attributes["http.request.resend_count"] === 1);
        expect(again.map(({ attributes }) => attributes["sluice.attempt.reason"])).toEqual(["status"]);
        const failed = attempts.filter(({ attributes }) => attributes["error.type"] === "503");
        expect(failed.map(({ status }) => status)).toEqual([{ code: 2 }]);
      },
    ));

  test("what failed as failed: 5xx and the gateway's words, but no fault of the client's", () =>
    collected(
      {
        ...toUpstream(),
        routes: {
          all: { match: "/up", to: "up" },
          broken: { match: "/broken", answer: { status: 500 } },
        },
      },
      async (world, collector) => {
        world.a.reception = "refuse";
        for (const path of ["/up", "/broken", "/nowhere"]) world.ask("GET", path);
        world.ask("PROPFIND", "/nowhere");
        await sent(world);
        const own = collector.spans.filter(({ kind }) => kind === 2);
        expect(own.map(({ name, status, attributes }) => [name, status?.code, attributes["error.type"]])).toEqual([
          ["GET /up", 2, "connection_refused"],
          ["GET /broken", 2, "500"],
          ["GET", undefined, "route_not_found"],
          ["HTTP", undefined, "route_not_found"],
        ]);
        expect(own[3]!.attributes).toMatchObject({
          "http.request.method": "_OTHER",
          "http.request.method_original": "PROPFIND",
        });
      },
    ));

  test("an attempt that was taken back, as what it is and not as a failure", () =>
    collected(
      toUpstream({ targets: ["http://a.test", "http://b.test"], ejection: false, hedge: { after: "200ms" } }),
      async (world, collector) => {
        world.ask("GET", "/hedged");
        world.advance(200);
        world.b.last.answer(200, "from b");
        world.settle();
        world.ask("GET", "/left").reset();
        await world.rest();
        await sent(world);
        const attempts = collector.spans.filter(({ kind }) => kind === 3);
        const told = attempts.map(({ status, attributes }) => [
          attributes["sluice.target"],
          status?.code,
          attributes["error.type"],
          attributes["sluice.attempt.withdrawn"],
        ]);
        expect(told).toEqual([
          ["http://a.test", undefined, undefined, "another attempt was answered first"],
          ["http://b.test", undefined, undefined, undefined],
          [expect.any(String), 2, "client_disconnect", undefined],
        ]);
      },
    ));

  test("what policies did, as events", () =>
    collected(
      {
        upstreams: {
          up: { targets: ["http://a.test"], fallback: { to: "spare" } },
          spare: { targets: ["http://b.test"] },
        },
        consumers: { acme: { keys: [hashOf("acme-key")] } },
        auth: { key: apiKey() },
        limits: { few: { limit: 1, window: "1m", by: "consumer" } },
        inFlight: { one: { max: 1, queue: 1, wait: "1s", by: "route" } },
        routes: {
          all: { match: "/*", to: "up", auth: "key", limits: "few", inFlight: "one", mirror: { to: "spare" } },
        },
      } as GatewayOptions,
      async (world, collector) => {
        world.a.reception = "refuse";
        world.b.answerAll(() => answerText("spare"));
        const key = ["X-API-Key: acme-key"];
        world.ask("GET", "/", key);
        await world.rest();
        world.ask("GET", "/", key);
        await world.rest();
        world.ask("GET", "/", ["X-API-Key: nobody"]);
        await world.rest();
        await sent(world);
        const own = collector.spans.filter(({ kind }) => kind === 2);
        const events = own.map(({ events }) => events.map(({ name, attributes }) => [name, attributes]));
        expect(events[0]!.map(([name]) => name)).toEqual([
          "sluice.auth",
          "sluice.limits",
          "sluice.in_flight",
          "sluice.mirror",
          "sluice.limit",
          "sluice.fallback",
        ]);
        expect(Object.fromEntries(events[0]!)).toMatchObject({
          "sluice.auth": { "sluice.auth.scheme": "key" },
          "sluice.limit": { "sluice.limit": "few", "sluice.decision": "allowed", "sluice.remaining": 0 },
          "sluice.mirror": { "sluice.mirror.upstreams": ["spare"] },
          "sluice.fallback": { "sluice.upstream": "up", "sluice.reason": "connection_refused" },
        });
        expect(Object.fromEntries(events[1]!)).toMatchObject({
          "sluice.limits": { "error.type": "rate_limit_exceeded" },
          "sluice.limit": { "sluice.decision": "refused" },
        });
        expect(Object.fromEntries(events[2]!)).toMatchObject({
          "sluice.auth": { "error.type": "invalid_credentials" },
        });
        expect(own[0]!.attributes).toMatchObject({ "sluice.consumer": "acme", "sluice.upstream": "spare" });
        // The copy belongs to the exchange: it is no attempt of it.
        const [copy] = world.b.requests.filter((each) => fieldOf(each, "x-sluice-mirror") !== undefined);
        expect(fieldOf(copy!, "traceparent")).toContain(own[0]!.spanId);
      },
    ));

  test("a link to what was not believed", () =>
    collected({ ...toUpstream(), tracing: { trust: "nobody" } }, async (world, collector) => {
      world.a.answerAll(() => answerText("ok"));
      ask(world, [`traceparent: ${PARENT}`]);
      await sent(world);
      const [own] = collector.spans;
      expect(own!.links).toMatchObject([{ traceId: ID, spanId: "b7ad6b7169203331" }]);
      expect(own!.traceId).not.toBe(ID);
      expect(own).not.toHaveProperty("parentSpanId");
    }));

  test("what failed of traces that nobody takes, where `errors` says so", () =>
    collected({ ...toUpstream(), tracing: { sample: 0, errors: true } }, async (world, collector) => {
      world.a.answerAll(({ target }) => answerText("x", [], target === "/bad" ? 502 : 200));
      for (const path of ["/good", "/bad"]) ask(world, [], path);
      await sent(world);
      expect(collector.spans.map(({ name, kind, flags }) => [name, kind, flags & 1])).toEqual([
        ["GET /*", 2, 0],
        ["GET", 3, 0],
      ]);
      expect(collector.spans[0]!.attributes["url.path"]).toBe("/bad");
    }));

  test("nothing of a trace that is not taken, and of none where `traces` is false", async () => {
    await collected({ ...toUpstream(), tracing: { sample: 0 } }, async (world, collector) => {
      world.a.answerAll(() => answerText("ok"));
      ask(world);
      await sent(world);
      expect(collector.received).toEqual([]);
    });
    await collected({ ...toUpstream(), otlp: { ...OTLP, traces: false } }, async (world, collector) => {
      world.a.answerAll(() => answerText("ok"));
      ask(world);
      await sent(world);
      expect(collector.received).toEqual([]);
    });
  });
});

describe("spans on their way", () => {
  const ok = (world: World): void => world.a.answerAll(() => answerText("ok", ["Connection: close"]));

  test("a full batch goes at once, the rest after a while", () =>
    collected({ ...toUpstream(), otlp: { ...OTLP, traces: { batch: 4 } } }, async (world, collector) => {
      ok(world);
      for (let at = 0; at < 3; at++) ask(world);
      await world.rest();
      expect(collector.received.map(({ read }) => read.spans.length)).toEqual([4]);
      await sent(world);
      expect(collector.received.map(({ read }) => read.spans.length)).toEqual([4, 2]);
    }));

  test("what a collector that hangs does not take is dropped, counted, and told once", () =>
    collected(
      { ...toUpstream(), admin: {}, otlp: { ...OTLP, traces: { batch: 2, queue: 4 } } },
      async (world, collector) => {
        ok(world);
        collector.answer = NEVER;
        for (let at = 0; at < 8; at++) {
          ask(world);
          await world.rest();
        }
        expect(world.platform.notices.splice(0)).toEqual([
          { level: "warn", text: "otlp: 4 spans wait: more are dropped" },
        ]);
        expect(exports(world)).toMatchObject({ dropped: 10, sent: 0 });
        collector.answer = () => Response.json({});
        world.advance(20_000);
        await world.rest();
        expect(exports(world)).toMatchObject({ dropped: 10, sent: 6, failed: 0 });
        expect(world.platform.notices.splice(0).map(({ level }) => level)).toEqual(["warn", "info"]);
      },
    ));

  test("a collector that is down or asks for patience gets them again, not sooner than it asked", () =>
    collected({ ...toUpstream(), admin: {}, otlp: { ...OTLP, traces: { batch: 2 } } }, async (world, collector) => {
      ok(world);
      const answers = [
        () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" })),
        () => new Response("", { status: 503, headers: { "retry-after": "7" } }),
        () => Response.json({}),
      ];
      collector.answer = () => answers.shift()!();
      ask(world);
      await world.rest();
      for (let second = 0; second < 12; second++) {
        world.advance(1000);
        await world.rest();
      }
      expect(collector.received.map(({ read }) => read.spans.length)).toEqual([2, 2, 2]);
      const [first, second, third] = collector.received.map(({ at }) => at);
      expect(second! - first!).toBeLessThanOrEqual(1000);
      expect(third! - second!).toBeGreaterThanOrEqual(7000);
      expect(world.platform.notices.splice(0)).toEqual([
        { level: "warn", text: "otlp: http://collector.test:4318 does not take spans: ECONNREFUSED" },
        { level: "info", text: "otlp: http://collector.test:4318 takes spans again" },
      ]);
      expect(exports(world)).toMatchObject({ sent: 2, failed: 0 });
    }));

  test("while a collector asks for patience nothing goes, and what comes meanwhile waits, as many as may", () =>
    collected(
      { ...toUpstream(), admin: {}, otlp: { ...OTLP, traces: { batch: 2, queue: 6 } } },
      async (world, collector) => {
        ok(world);
        const answers = [() => new Response("", { status: 429, headers: { "retry-after": "60" } })];
        collector.answer = () => (answers.shift() ?? (() => Response.json({})))();
        for (let at = 0; at < 6; at++) {
          ask(world);
          await world.rest();
        }
        world.advance(59_000);
        await world.rest();
        expect(collector.received).toHaveLength(1);
        expect(exports(world)).toMatchObject({ failed: 2, dropped: 4, sent: 0 });
        world.advance(1000);
        await world.rest();
        expect(collector.received).toHaveLength(4);
        expect(exports(world)).toMatchObject({ failed: 2, dropped: 4, sent: 6 });
        world.platform.notices.splice(0);
      },
    ));

  test("what is refused for good is not sent again, and what is taken in part is counted in part", () =>
    collected({ ...toUpstream(), admin: {}, otlp: { ...OTLP, traces: { batch: 2 } } }, async (world, collector) => {
      ok(world);
      const answers = [
        () => new Response("", { status: 400 }),
        () => Response.json({ partialSuccess: { rejectedSpans: "1", errorMessage: "too\nold" } }),
      ];
      collector.answer = () => answers.shift()!();
      for (let at = 0; at < 2; at++) {
        ask(world);
        await world.rest();
      }
      expect(collector.received).toHaveLength(2);
      expect(exports(world)).toMatchObject({ sent: 1, refused: 3 });
      expect(world.platform.notices.splice(0)).toHaveLength(1);
    }));

  test("a reload keeps what waits, and one that changes the collector sends it to the old one", () =>
    collected(toUpstream(), async (world, collector) => {
      ok(world);
      ask(world);
      world.reload({ ...toUpstream(), tracing: {}, otlp: OTLP });
      ask(world);
      await world.rest();
      expect(collector.received).toHaveLength(0);
      world.reload({ ...toUpstream(), tracing: {}, otlp: { ...OTLP, endpoint: "http://new.test" } });
      await world.rest();
      expect(collector.received.map(({ url, read }) => [url, read.spans.length])).toEqual([
        ["http://collector.test:4318/v1/traces", 4],
      ]);
    }));

  test("a drain sends what is left, and waits for a collector that hangs no longer than it must", () =>
    collected(toUpstream(), async (world, collector) => {
      ok(world);
      ask(world).end();
      world.settle();
      collector.answer = NEVER;
      const drained = world.gateway.drain();
      let isOver = false;
      void drained.then(() => (isOver = true));
      await world.rest();
      expect(collector.spans).toHaveLength(2);
      world.advance(2999);
      await world.rest();
      expect(isOver).toBe(false);
      world.advance(1);
      await world.rest();
      expect(isOver).toBe(true);
    }));

  test("a drain waits for what an earlier config has left to another collector, of then and of now", () =>
    collected(toUpstream(), async (world, collector) => {
      const late: (() => void)[] = [];
      collector.answer = () => new Promise((resolve) => late.push(() => resolve(Response.json({}))));
      const slow = world.ask("GET", "/slow", ["Connection: close"]);
      world.reload({ ...toUpstream(), tracing: {}, otlp: { ...OTLP, endpoint: "http://new.test" } });
      let isOver = false;
      void world.gateway.drain().then(() => (isOver = true));
      await world.rest();
      world.a.last.answer(200, "late");
      slow.end();
      await world.rest();
      expect(collector.received.map(({ url }) => url)).toEqual(["http://collector.test:4318/v1/traces"]);
      expect(isOver).toBe(false);
      late.pop()!();
      await world.rest();
      expect(isOver).toBe(true);
    }));

  test("a drain sends what waits for an earlier config whose exchanges do not end", () =>
    collected(toUpstream(), async (world, collector) => {
      const endless = world.gateway.fetch(new Request("http://gw.test/endless"), "127.0.0.1");
      await world.rest();
      ask(world, [], "/quick").end();
      world.a.last.answer(200, "ok");
      world.settle();
      world.reload({ ...toUpstream(), tracing: {}, otlp: { ...OTLP, endpoint: "http://new.test" } });
      await world.gateway.drain();
      expect(collector.spans.map(({ attributes }) => attributes["url.path"])).toContain("/quick");
      world.a.connections[0]!.answer(200, "at last");
      await world.rest();
      expect(await (await endless).text()).toBe("at last");
    }));

  test("gzip and fields of the config go with each request", () =>
    collected(
      { ...toUpstream(), otlp: { ...OTLP, compression: "gzip", headers: { authorization: "Bearer x" } } },
      async (world, collector) => {
        ok(world);
        ask(world);
        await sent(world);
        await world.until("the request", () => collector.received.length === 1);
        const { headers } = collector.received[0]!;
        expect(headers.get("content-encoding")).toBe("gzip");
        expect(headers.get("authorization")).toBe("Bearer x");
        expect(collector.spans).toHaveLength(2);
      },
    ));
});

/** What has become of spans, by outcome. */
function exports(world: World): Record<string, number> {
  const { family, samples } = world.metrics.collect().find(({ family }) => family.name === "sluice.otlp.exports")!;
  const outcome = family.labels.findIndex((label) => label === "outcome");
  return Object.fromEntries(samples.map(({ labels, values }) => [labels![outcome]!, values[0]!]));
}
