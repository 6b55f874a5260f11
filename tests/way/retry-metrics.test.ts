// What retries count: each attempt after the first by its reason, and what the budget did not give.
import { expect, test } from "bun:test";
import { prometheusText } from "../../src/record/prometheus.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";

const told = (world: World, name: string, labels: Record<string, string> = {}): number =>
  sumOf(readMetrics(prometheusText(world.metrics.collect(), "prometheus")), name, labels);

test("the numbers are those that the targets have counted", () => {
  const upstream = {
    targets: ["http://a.test", "http://b.test"],
    ejection: false,
    retries: { attempts: 2, budget: { share: 0, min: 5 } },
    hedge: { after: "100ms" },
  } as const;
  inWorld(toUpstream(upstream, { admin: {} }), (world) => {
    const retries = (reason: string): number =>
      told(world, "sluice_upstream_retries_total", { upstream: "up", reason });
    for (const target of [world.a, world.b]) target.answerAll(() => answerText("busy", [], 503));
    for (let i = 0; i < 3; i++) {
      world.ask("GET", "/busy");
      world.advance(50);
    }
    for (const target of [world.a, world.b]) target.answerAll(() => undefined);
    for (const { connections } of [world.a, world.b]) for (const connection of connections) connection.end();
    world.settle();
    const slow = world.ask("GET", "/slow");
    world.advance(100);
    for (const { last } of [world.a, world.b]) last.answer(200);
    world.settle();
    expect(slow.statuses).toEqual([200]);
    // The connection of the one that won has served: its end on the way costs nothing of the budget.
    const broken = world.ask("GET", "/broken");
    const [met] = [world.a, world.b].filter(({ requests }) => requests.at(-1)!.target === "/broken");
    met!.last.reset();
    world.settle();
    for (const { last } of [world.a, world.b]) if (last.request.target === "/broken") last.answer(200);
    world.settle();
    expect(broken.statuses).toEqual([200]);
    expect([retries("status"), retries("hedge"), retries("stale")]).toEqual([3, 1, 1]);
    const arrived = world.a.requests.length + world.b.requests.length;
    expect(told(world, "http_client_request_duration_seconds_count")).toBe(arrived);
    for (const target of [world.a, world.b]) target.answerAll(() => answerText("busy", [], 503));
    for (let i = 0; i < 2; i++) {
      world.ask("GET", "/over");
      world.advance(50);
    }
    expect(told(world, "sluice_upstream_retry_refusals_total", { upstream: "up" })).toBe(1);
  });
});
