// `hedge`: a second attempt beside a slow one; the first answer counts, and the other attempt is withdrawn.
import { describe, expect, test } from "bun:test";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const hedged = (upstream: Partial<UpstreamOptions> = {}): ReturnType<typeof toUpstream> =>
  toUpstream({ targets: ["http://a.test", "http://b.test"], ejection: false, hedge: { after: "200ms" }, ...upstream });

const counts = ({ a, b }: World): [number, number] => [a.requests.length, b.requests.length];

describe("a slow request", () => {
  test("is sent beside to another target when its time is over, and not before", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(199);
      expect(counts(world)).toEqual([1, 0]);
      world.advance(1);
      expect(counts(world)).toEqual([1, 1]);
      world.b.last.answer(200, "from b");
      world.settle();
      expect(client.answer.body).toBe("from b");
      // The other is withdrawn: its connection is closed, and nothing of it reaches anybody.
      expect(world.a.open).toEqual([]);
      expect(world.record).toMatchObject({ "sluice.attempts": 2, "sluice.target": "http://b.test" });
    });
  });

  test("is answered by whoever answers first", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(250);
      world.a.last.answer(200, "from a");
      world.settle();
      expect(client.answer.body).toBe("from a");
      expect(world.b.open).toEqual([]);
      expect(world.record).toMatchObject({ "sluice.attempts": 2, "sluice.target": "http://a.test" });
    });
  });

  test("that fails waits for the other", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(200);
      world.a.last.reset();
      world.settle();
      expect(client.received).toBe("");
      world.b.last.answer(200, "from b");
      world.settle();
      expect(client.answer.body).toBe("from b");
    });
  });

  test("of which both fail is told the last failure", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(200);
      world.b.last.reset();
      world.settle();
      world.a.last.reset();
      world.settle();
      expect(client.statuses).toEqual([502]);
    });
  });

  test("with retries: an answer that is to be retried does not count while the other is under way", () => {
    inWorld(hedged({ retries: {} }), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(200);
      world.a.last.send(answerText("busy", [], 503));
      world.settle();
      expect(client.received).toBe("");
      world.b.last.answer(200, "from b");
      world.settle();
      expect(client.answer.body).toBe("from b");
    });
  });

  test("takes both with it when its client leaves", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(200);
      client.reset();
      world.settle();
      expect([world.a.open, world.b.open]).toEqual([[], []]);
      expect(world.record["error.type"]).toBe("client_disconnect");
    });
  });
});

describe("is not sent beside", () => {
  test.each([
    ["what bears no repetition", "POST", ["Content-Length: 3"], "abc", {}],
    ["what has only one target", "GET", [], "", { targets: ["http://a.test"] }],
    ["a switch of protocols", "GET", ["Connection: Upgrade", "Upgrade: websocket"], "", {}],
    ["what the budget does not have", "GET", [], "", { retries: { budget: { share: 0, min: 0 } } }],
  ] as const)("%s", (_, method, fields, content, upstream) => {
    inWorld(hedged(upstream as Partial<UpstreamOptions>), (world) => {
      const client = world.ask(method, "/it", fields, content);
      world.advance(5000);
      expect(world.a.requests.length + (world.targets["b"]?.requests.length ?? 0)).toBe(1);
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });

  test("content that still flows", () => {
    inWorld(hedged(), (world) => {
      const client = world.client();
      client.request("PUT", "/it", ["Content-Length: 6"], "abc");
      world.advance(5000);
      client.send("def");
      world.settle();
      expect(counts(world)).toEqual([1, 0]);
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });

  test("what was answered in time", () => {
    inWorld(hedged(), (world) => {
      const client = world.ask("GET", "/it");
      world.advance(199);
      world.a.last.answer(200);
      world.advance(1000);
      expect({ statuses: client.statuses, counts: counts(world) }).toEqual({ statuses: [200], counts: [1, 0] });
    });
  });
});

test("when every request is slow, hedging adds no more than the budget", () => {
  inWorld(hedged({ timeouts: { firstByte: "1s" } }), (world) => {
    const requests = 500;
    for (let i = 0; i < requests; i++) {
      world.client().request("GET", "/it");
      world.advance(10);
    }
    world.advance(2000);
    const [a, b] = counts(world);
    expect(a + b).toBeGreaterThan(requests + 3);
    expect(a + b).toBeLessThan(1.25 * requests);
    expect(world.records).toHaveLength(requests);
  });
});
