// What shaping counts: the branch that was taken, copies, faults made on purpose, and fallbacks with the attempts before them.
import { expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { prometheusText } from "../../src/record/prometheus.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, type World } from "../support/fake-world.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";

const told = (world: World, name: string, labels: Record<string, string> = {}): number =>
  sumOf(readMetrics(prometheusText(world.metrics.collect(), "prometheus")), name, labels);

/** a.test is `up`, b.test is `other`. */
const within = (options: Partial<GatewayOptions>, story: (world: World) => void): void =>
  inWorld(
    {
      admin: {},
      upstreams: { up: { targets: ["http://a.test"] }, other: { targets: ["http://b.test"] } },
      ...options,
    } as GatewayOptions,
    (world) => {
      world.a.answerAll(() => answerText("up"));
      world.b.answerAll(() => answerText("other"));
      story(world);
    },
  );

const ATTEMPTS = "http_client_request_duration_seconds_count";

test("attempts are counted at the branch that was taken", () => {
  within({ routes: { it: { match: "/*", split: [{ to: "up" }, { to: "other" }] } } }, (world) => {
    for (let i = 0; i < 30; i++) world.ask("GET", "/x");
    for (const [name, { requests }] of [
      ["up", world.a],
      ["other", world.b],
    ] as const) {
      expect(told(world, ATTEMPTS, { sluice_upstream: name })).toBe(requests.length);
    }
  });
});

test("copies are counted by what became of them, and are no exchanges", () => {
  const mirror = { to: "other", maxInFlight: 1, maxBody: "3B", timeout: "1s" } as const;
  within({ routes: { it: { match: "/*", to: "up", mirror } } }, (world) => {
    const copies = (outcome: string): number =>
      told(world, "sluice_mirror_copies_total", { route: "it", upstream: "other", outcome });
    world.ask("GET", "/answered");
    world.ask("PUT", "/unfit", ["Content-Length: 4"], "abcd");
    world.b.reception = "hang";
    for (const connection of world.b.connections) connection.end();
    world.settle();
    world.ask("GET", "/failed");
    world.ask("GET", "/dropped");
    world.advance(1000);
    expect(["answered", "unfit", "failed", "dropped"].map(copies)).toEqual([1, 1, 1, 1]);
    expect(told(world, "http_server_request_duration_seconds_count")).toBe(4);
    expect(told(world, ATTEMPTS, { sluice_upstream: "other" })).toBe(0);
    world.platform.notices.length = 0;
  });
});

test("faults made on purpose are counted each by its kind", () => {
  const faults = { delay: { by: "1s" }, abort: { status: 503 } } as const;
  within({ routes: { it: { match: "/*", to: "up", faults } } }, (world) => {
    world.ask("GET", "/x");
    world.advance(1000);
    const made = (fault: string): number => told(world, "sluice_faults_injected_total", { route: "it", fault });
    expect([made("delay"), made("abort")]).toEqual([1, 1]);
  });
});

test("a fallback is counted, and so are the attempts before it, each at its own upstream", () => {
  const upstreams = {
    up: { targets: ["http://a.test"], fallback: { to: "other", on: [503] } },
    other: { targets: ["http://b.test"], fallback: { answer: {} } },
  };
  within({ upstreams, routes: { it: { match: "/*", to: "up" } } }, (world) => {
    world.a.answerAll(() => answerText("no", [], 503));
    world.ask("GET", "/x");
    world.b.reception = "ECONNREFUSED";
    for (const connection of world.b.connections) connection.end();
    world.settle();
    world.ask("GET", "/y");
    const used = (upstream: string, reason: string): number =>
      told(world, "sluice_upstream_fallbacks_total", { upstream, reason });
    expect([used("up", "503"), used("other", "connection_refused")]).toEqual([2, 1]);
    expect(told(world, ATTEMPTS, { sluice_upstream: "up", http_response_status_code: "503" })).toBe(2);
    expect(told(world, ATTEMPTS, { sluice_upstream: "other" })).toBe(2);
    expect(told(world, "http_server_request_duration_seconds_count", { http_response_status_code: "200" })).toBe(2);
  });
});
