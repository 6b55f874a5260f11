// `timeouts.whole` and `timeouts.header`: one deadline for all attempts, what clients may say of it, what upstreams are told.
import { describe, expect, test } from "bun:test";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream } from "../support/fake-world.ts";

const within = (
  timeouts: NonNullable<UpstreamOptions["timeouts"]>,
  more: Partial<UpstreamOptions> = {},
): ReturnType<typeof toUpstream> =>
  toUpstream({ targets: ["http://a.test", "http://b.test"], ejection: false, timeouts, ...more });

describe("whole", () => {
  test("ends an attempt that has no answer", () => {
    inWorld(within({ whole: "2s" }), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(1999);
      expect(client.received).toBe("");
      world.advance(1);
      expect(client.statuses).toEqual([504]);
      expect(world.record["error.type"]).toBe("http_response_timeout");
      expect(world.a.open).toEqual([]);
    });
  });

  test("is one for all attempts together", () => {
    inWorld(within({ whole: "2s" }, { retries: { perTry: "900ms", attempts: 5 } }), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(1999);
      expect(client.received).toBe("");
      world.advance(1);
      expect(client.statuses).toEqual([504]);
      expect(world.a.requests.length + world.b.requests.length).toBe(3);
      // The last target had little of the time: it is not to blame.
      const errors = world.record["sluice.attempted"]!.map((attempt) => attempt["error.type"]);
      expect(errors).toEqual(["http_response_timeout", "http_response_timeout", "attempt_withdrawn"]);
    });
  });

  test("ends the wait for a connection too", () => {
    inWorld(within({ whole: "2s", connect: "9s" }, { targets: ["http://a.test"] }), (world) => {
      world.a.reception = "hang";
      const client = world.ask("POST", "/it");
      world.advance(2000);
      expect(client.statuses).toEqual([504]);
      expect(world.platform.network.aborted).toBe(1);
    });
  });

  test("breaks off an answer that is not whole by then, and leaves alone what is", () => {
    inWorld(within({ whole: "2s" }), (world) => {
      const quick = world.ask("GET", "/quick");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      world.advance(1500);
      world.a.last.send("def");
      const slow = world.ask("GET", "/slow");
      world.b.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      for (let i = 0; i < 3; i++) {
        world.advance(600);
        world.b.last.send("d");
      }
      world.advance(200);
      expect(quick.answer).toMatchObject({ complete: true, body: "abcdef" });
      expect(slow.answer).toMatchObject({ status: 200, complete: false, body: "abcddd" });
      expect(slow.ending).toBe("reset");
      world.advance(5000);
      expect(world.records.at(-1)).toMatchObject({ "error.type": "http_response_timeout" });
    });
  });

  test.each(["text/event-stream", "text/event-stream; charset=utf-8", "application/grpc", "application/grpc+proto"])(
    "does not bound a stream of %s",
    (type) => {
      inWorld(within({ whole: "2s" }), (world) => {
        const client = world.ask("GET", "/it");
        world.a.last.send(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
        world.advance(60_000);
        world.a.last.send("0\r\n\r\n");
        world.settle();
        expect(client.answer).toMatchObject({ complete: true, body: "abc" });
      });
    },
  );

  test("a client that leaves while its answer comes leaves no clock", () => {
    inWorld(within({ whole: "2s" }), (world) => {
      const client = world.ask("GET", "/it");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      world.settle();
      client.reset();
      world.settle();
      expect(world.record["error.type"]).toBe("client_disconnect");
    });
  });
});

describe("header", () => {
  const HEADER = { header: "X-Request-Timeout" } as const;

  test.each([
    ["shortens whole", "1500", { whole: "2s" }, 1500, "deadline_exceeded"],
    ["does not lengthen it", "9000", { whole: "2s" }, 2000, "http_response_timeout"],
    ["bounds where nothing else does", "1500", {}, 1500, "deadline_exceeded"],
    ["counts only if it can be read", "1500ms", { whole: "2s" }, 2000, "http_response_timeout"],
    ["counts only if it can be read", "-1", { whole: "2s" }, 2000, "http_response_timeout"],
    ["counts only if it can be read", "99999999999", { whole: "2s" }, 2000, "http_response_timeout"],
  ] as const)("%s: %s", (_, value, timeouts, ms, error) => {
    inWorld(within({ ...HEADER, ...timeouts }), (world) => {
      const client = world.ask("GET", "/it", [`X-Request-Timeout: ${value}`]);
      world.advance(ms - 1);
      expect(client.received).toBe("");
      world.advance(1);
      expect(client.statuses).toEqual([504]);
      expect(world.record["error.type"]).toBe(error);
    });
  });

  test("whatever strangers write, no timer outlives its request", () => {
    inWorld(within(HEADER), (world) => {
      const timers = world.platform.clock.timers;
      for (let ms = 100_000; ms < 100_050; ms++) {
        const client = world.ask("GET", "/it", [`X-Request-Timeout: ${ms}`]);
        const { last } = world.a.requests.length > world.b.requests.length ? world.a : world.b;
        last.answer(200);
        world.settle();
        client.end();
        world.settle();
      }
      world.advance(90_000);
      expect(world.platform.clock.timers).toBeLessThanOrEqual(timers + 1);
    });
  });

  test.each(["2147483648", "9999999999"])("%s is longer than any timer, and counts as none", (value) => {
    inWorld(within(HEADER), (world) => {
      const client = world.ask("GET", "/it", [`X-Request-Timeout: ${value}`]);
      expect(fieldOf(world.a.last.request, "x-request-timeout")).toBeUndefined();
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });

  test("0 is told at once that there is no time, and nothing is sent", () => {
    inWorld(within(HEADER), (world) => {
      expect(world.ask("GET", "/it", ["X-Request-Timeout: 0"]).statuses).toEqual([504]);
      expect(world.a.requests).toEqual([]);
    });
  });

  test("the upstream is told what is left, at each attempt", () => {
    inWorld(within({ ...HEADER, whole: "2s" }, { retries: { perTry: "500ms", backoff: { base: "1ms" } } }), (world) => {
      world.ask("GET", "/it", ["x-request-timeout: 1500"]);
      world.advance(510);
      const told = [world.a, world.b].map(({ last }) => fieldOf(last.request, "x-request-timeout"));
      expect(told[0]).toBe("1500");
      expect(Number(told[1])).toBeGreaterThanOrEqual(990);
      expect(Number(told[1])).toBeLessThanOrEqual(1000);
      world.b.last.send(answerText("ok"));
      world.settle();
    });
  });

  test("it is told also when the client says nothing, and never what the client says beyond it", () => {
    inWorld(within({ ...HEADER, whole: "2s" }), (world) => {
      for (const fields of [[], ["X-Request-Timeout: 5000"], ["X-Request-Timeout: soon", "X_Request_Timeout: 1"]]) {
        const client = world.ask("GET", "/it", fields);
        const { last } = world.a.requests.length > world.b.requests.length ? world.a : world.b;
        const lines = last.request.fields.filter(
          ([name]) => name.toLowerCase().replaceAll("_", "-") === "x-request-timeout",
        );
        expect(lines).toEqual([["X-Request-Timeout", "2000"]]);
        last.answer(200);
        world.settle();
        expect(client.statuses).toEqual([200]);
      }
    });
  });

  test("without bound and without a word of the client nothing is told", () => {
    inWorld(within(HEADER), (world) => {
      world.ask("GET", "/it");
      expect(fieldOf(world.a.last.request, "x-request-timeout")).toBeUndefined();
      world.a.last.answer(200);
      world.settle();
    });
  });

  test.each([
    ["2S", 2000],
    ["1500m", 1500],
    ["1M", 60_000],
    ["250000u", 250],
    ["1", undefined],
    ["123456789m", undefined],
  ])("grpc-timeout: %s", (value, ms) => {
    inWorld(within({ header: "grpc-timeout", firstByte: "10m" }), (world) => {
      const client = world.ask("POST", "/it", [`grpc-timeout: ${value}`]);
      expect(fieldOf(world.a.last.request, "grpc-timeout")).toBe(ms === undefined ? undefined : `${ms}m`);
      if (ms === undefined) world.a.last.answer(200);
      else world.advance(ms);
      world.settle();
      expect(client.statuses).toEqual([ms === undefined ? 200 : 504]);
    });
  });
});
