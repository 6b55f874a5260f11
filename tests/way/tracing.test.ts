// Traces of the whole gateway: which trace an exchange belongs to, and what upstreams, handlers and callers are told of it.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const ID = "0af7651916cd43dd8448eb211c80319c";

/** What the only target was told last, by lower-case name. */
function told(world: World, name: string): readonly string[] {
  return world.a.requests.at(-1)!.fields.flatMap(([each, value]) => (each.toLowerCase() === name ? [value] : []));
}

function ask(world: World, fields: readonly string[] = [], path = "/"): FakeClient {
  return world.ask("GET", path, ["Connection: close", ...fields]);
}

const answering = (options: GatewayOptions, tell: (world: World) => void): void =>
  inWorld(options, (world) => {
    world.a.answerAll(() => answerText("hello", ["Connection: close"]));
    tell(world);
  });

describe("without tracing", () => {
  test("what clients say of traces passes as it is, right or wrong", () => {
    answering(toUpstream(), (world) => {
      ask(world, ["TraceParent: nonsense", "tracestate: a=1", "tracestate: b=2", "Baggage: x=y"]);
      expect(told(world, "traceparent")).toEqual(["nonsense"]);
      expect(told(world, "tracestate")).toEqual(["a=1", "b=2"]);
      expect(told(world, "baggage")).toEqual(["x=y"]);
      expect(world.record).not.toHaveProperty("trace_id");
    });
  });
});

describe("with tracing", () => {
  const traced = (
    tracing: NonNullable<GatewayOptions["tracing"]>,
    more: Partial<GatewayOptions> = {},
  ): GatewayOptions => toUpstream({}, { tracing, ...more });

  test("a trace is continued: upstreams see its id, a span of the gateway's own, and the flags", () => {
    answering(traced({}), (world) => {
      ask(world, [`traceparent: ${PARENT}`, "tracestate: a=1", "tracestate: b=2"]);
      const [parent, ...others] = told(world, "traceparent");
      expect(others).toEqual([]);
      expect(parent).toMatch(new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`));
      expect(parent).not.toContain("b7ad6b7169203331");
      expect(told(world, "tracestate")).toEqual(["a=1,b=2"]);
      expect(world.record).toMatchObject({ trace_id: ID, trace_flags: "01" });
      expect(world.record.span_id).not.toBe(parent!.slice(36, 52));
    });
  });

  test("a trace begins here with the id of the exchange, and says that it is random and how it was sampled", () => {
    answering(traced({ sample: 1 }), (world) => {
      ask(world);
      const id = world.record.request_id.replaceAll("-", "");
      expect(told(world, "traceparent")[0]).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-03$`));
      expect(told(world, "tracestate")).toEqual(["ot=th:0"]);
      expect(world.record.trace_id).toBe(id);
    });
  });

  test("one that is not recorded is passed on all the same", () => {
    answering(traced({ sample: 0 }), (world) => {
      ask(world, ["tracestate: a=1"]);
      expect(told(world, "traceparent")[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
      // Without a traceparent that holds it says nothing.
      expect(told(world, "tracestate")).toEqual([]);
    });
  });

  test.each([
    ["malformed", ["traceparent: 00-0af7"]],
    ["of zeros", [`traceparent: 00-${"0".repeat(32)}-b7ad6b7169203331-01`]],
    ["there twice", [`traceparent: ${PARENT}`, `traceparent: ${PARENT}`]],
    ["named by Connection", [`traceparent: nonsense`, "Connection: traceparent"]],
  ])("one that is %s is as good as none", (_, fields) => {
    answering(traced({}), (world) => {
      ask(world, [...fields, "tracestate: a=1"]);
      expect(told(world, "traceparent")).toHaveLength(1);
      expect(told(world, "traceparent")[0]).not.toContain(ID);
      expect(told(world, "tracestate")).toEqual(["ot=th:0"]);
    });
  });

  test("whose trace is continued is said by `trust`", () => {
    const proxies = { listen: { trustedProxies: ["10.0.0.0/8"] } };
    for (const [trust, more, isBelieved] of [
      ["everyone", {}, true],
      ["proxies", {}, false],
      ["proxies", { listen: { trustedProxies: ["0.0.0.0/0"] } }, true],
      ["proxies", proxies, false],
      ["nobody", { listen: { trustedProxies: ["0.0.0.0/0"] } }, false],
    ] as const) {
      answering(traced({ trust }, more), (world) => {
        ask(world, [`traceparent: ${PARENT}`]);
        expect([trust, told(world, "traceparent")[0]!.includes(ID)]).toEqual([trust, isBelieved]);
      });
    }
  });

  test("baggage of strangers ends here, that of proxies that are trusted passes", () => {
    answering(traced({}), (world) => {
      ask(world, ["Baggage: user=1"]);
      expect(told(world, "baggage")).toEqual([]);
    });
    answering(traced({}, { listen: { trustedProxies: ["0.0.0.0/0"] } }), (world) => {
      ask(world, ["Baggage: user=1"]);
      expect(told(world, "baggage")).toEqual(["user=1"]);
    });
    answering(traced({ baggage: "everyone" }), (world) => {
      ask(world, ["Baggage: user=1"]);
      expect(told(world, "baggage")).toEqual(["user=1"]);
    });
  });

  test("a route may keep it from its upstream", () => {
    const options = traced({});
    const routes = { all: { match: "/*", to: "up", headers: { request: { remove: ["traceparent"] } } } };
    answering({ ...options, routes } as GatewayOptions, (world) => {
      ask(world, [`traceparent: ${PARENT}`]);
      expect(told(world, "traceparent")).toEqual([]);
    });
  });

  test("`parent` says who decides: whoever began the trace, or the share of this gateway", () => {
    for (const [parent, sample, said, flags] of [
      ["follow", 0, PARENT, "01"],
      ["follow", 1, OTHER_PARENT, "00"],
      ["ignore", 0, PARENT, "00"],
      ["ignore", 1, OTHER_PARENT, "01"],
    ] as const) {
      answering(traced({ parent, sample }), (world) => {
        ask(world, [`traceparent: ${said}`]);
        expect([parent, sample, told(world, "traceparent")[0]!.slice(-2)]).toEqual([parent, sample, flags]);
      });
    }
  });

  test("a problem tells the trace", () => {
    answering(traced({}), (world) => {
      const client = world.ask("GET", "/", [`traceparent: ${PARENT}`, "Transfer-Encoding: nonsense"]);
      expect(JSON.parse(client.answer.body)).not.toHaveProperty("trace_id", undefined);
    });
    answering({ ...traced({}), routes: { one: { match: "/one", to: "up" } } }, (world) => {
      const client = ask(world, [`traceparent: ${PARENT}`]);
      expect(JSON.parse(client.answer.body)).toMatchObject({ status: 404, trace_id: ID });
    });
  });

  test("handlers see the span of the exchange, and no baggage of strangers", () =>
    inWorldOf(
      {
        tracing: {},
        routes: {
          all: {
            match: "/*",
            handler: ({ request, c }) =>
              c.json(["traceparent", "tracestate", "baggage"].map((name) => request.headers.get(name))),
          },
        },
      },
      async (world) => {
        const client = ask(world, [`traceparent: ${PARENT}`, "tracestate: a=1", "Baggage: user=1"]);
        await world.rest();
        expect(JSON.parse(client.answer.body)).toEqual([`00-${ID}-${world.record.span_id}-01`, "a=1", null]);
      },
    ));
});
