// Faults made on purpose, through the whole gateway: who meets them, what the client sees, and what is recorded.
import { expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FaultOptions } from "../../src/config/shaping/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const faulty = (faults: FaultOptions, more: object = {}): GatewayOptions => ({
  ...toUpstream(),
  routes: { all: { match: "/*", to: "up", faults, ...more } },
});

const within = (options: GatewayOptions, story: (world: World) => void): void =>
  inWorld(options, (world) => {
    world.a.answerAll(() => answerText("ok"));
    story(world);
  });

test.each([400, 429, 503, 599])(
  "an abort answers %d in the upstream's place, and the record says that it was made",
  (status) => {
    within(faulty({ abort: { status } }), (world) => {
      const { answer } = world.ask("POST", "/x", ["Content-Length: 3"], "abc");
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toMatchObject({ status, code: "fault_injected", title: "Fault made on purpose" });
      expect(fieldOf(answer, "retry-after")).toBe(status === 503 ? "1" : undefined);
      expect(world.a.requests).toHaveLength(0);
      expect(world.record).toMatchObject({
        "http.response.status_code": status,
        "error.type": "fault_injected",
        "sluice.faults": ["abort"],
      });
    });
  },
);

test("a delay keeps a request back for so long, and no longer", () => {
  within(faulty({ delay: { by: "200ms" } }), (world) => {
    const client = world.ask("GET", "/x");
    world.advance(199);
    expect(world.a.requests).toHaveLength(0);
    world.advance(1);
    expect(client.answer).toMatchObject({ status: 200, body: "ok" });
    expect(world.record).toMatchObject({ "sluice.faults": ["delay"], duration: 0.2 });
  });
});

test("who is delayed and then aborted is told so by the record", () => {
  within(faulty({ delay: { by: "1s" }, abort: { status: 500 } }), (world) => {
    const client = world.ask("GET", "/x");
    expect(client.statuses).toEqual([]);
    world.advance(1000);
    expect(client.statuses).toEqual([500]);
    expect(world.record).toMatchObject({ "sluice.faults": ["delay", "abort"] });
  });
});

test("each share is drawn for itself", () => {
  within(faulty({ delay: { by: "1ms", share: 0.5 }, abort: { status: 503, share: 0.2 } }), (world) => {
    const client = world.client();
    for (let i = 0; i < 1000; i++) {
      client.request("GET", "/x");
      world.advance(1);
    }
    const made = world.records.map((record) => (record as { "sluice.faults"?: string[] })["sluice.faults"] ?? []);
    const count = (is: (faults: readonly string[]) => boolean): number => made.filter(is).length;
    expect(Math.abs(count((faults) => faults.includes("delay")) - 500)).toBeLessThan(60);
    expect(Math.abs(count((faults) => faults.includes("abort")) - 200)).toBeLessThan(50);
    expect(Math.abs(count((faults) => faults.length === 2) - 100)).toBeLessThan(40);
    expect(client.statuses.filter((status) => status === 503)).toHaveLength(
      count((faults) => faults.includes("abort")),
    );
  });
});

test("only those meet them who are meant", () => {
  within(faulty({ abort: { status: 503 }, when: { header: { "X-Fault": "yes" } } }), (world) => {
    expect(world.ask("GET", "/x").statuses).toEqual([200]);
    expect(world.ask("GET", "/x", ["X-Fault: no"]).statuses).toEqual([200]);
    expect(world.ask("GET", "/x", ["X-Fault: yes"]).statuses).toEqual([503]);
    expect(world.records.map((record) => "sluice.faults" in record)).toEqual([false, false, true]);
  });
});

test("a client that leaves during a delay is recorded then, and the upstream never hears of it", () => {
  within({ ...faulty({ delay: { by: "1h" } }, { inFlight: "one" }), inFlight: { one: { max: 1 } } }, (world) => {
    const client = world.ask("GET", "/x");
    client.reset();
    world.settle();
    expect(world.record).toMatchObject({ "error.type": "client_disconnect", "sluice.faults": ["delay"] });
    expect(world.a.requests).toHaveLength(0);
    world.advance(100_000);
    expect(world.platform.clock.timers).toBe(0);
    // Its place is free again.
    const next = world.ask("GET", "/x");
    world.advance(3_600_000);
    expect(next.statuses).toEqual([200]);
  });
});

test("a drain cuts what is still kept back", () => {
  within(faulty({ delay: { by: "1d" } }), (world) => {
    world.ask("GET", "/x");
    void world.gateway.drain();
    world.advance(25_000);
    expect(world.record).toMatchObject({ "error.type": "draining", "sluice.faults": ["delay"] });
  });
});
