// Ticks as an admin listener tells them, for tests: a gateway with two routes, two upstreams and a limit.
import type { SeenExchange } from "../../../src/admin/live/seen.ts";
import type { OutcomeCount, Tick } from "../../../src/admin/live/tick.ts";
import { stepOf, STEPS, toPairs } from "../../../src/admin/live/latencies.ts";

/** When the first tick is, in milliseconds since the epoch. */
export const BEGAN = 1_795_000_000_000;

/** Durations as a tick has them. */
export function pairsOf(...ms: readonly number[]): number[] {
  const counts = new Uint32Array(STEPS);
  for (const each of ms) counts[stepOf(each)]! += 1;
  return toPairs(counts);
}

/** An outcome. */
export function outcome(route: string, status: number, count: number, code = ""): OutcomeCount {
  return { route, status, code, count };
}

/** An exchange that went well. */
export function seenExchange(more: Partial<SeenExchange> = {}): SeenExchange {
  return {
    id: "0190a8f2",
    at: BEGAN + 1500,
    ms: 12.5,
    method: "GET",
    path: "/orders/7",
    status: 200,
    route: "orders",
    upstream: "orders",
    attempts: 1,
    bytesIn: 0,
    bytesOut: 2048,
    spans: [
      { name: "connect", from: 0.1, to: 0.4, target: "http://10.0.0.7:9001" },
      { name: "first byte", from: 0.4, to: 12, target: "http://10.0.0.7:9001", outcome: "200" },
      { name: "body", from: 12, to: 12.5 },
    ],
    ...more,
  };
}

/** A tick so many seconds after the first; what else is told in `more`. */
export function tickAt(seconds: number, more: Partial<Tick> = {}): Tick {
  return {
    at: BEGAN + seconds * 1000,
    name: "sluice",
    outcomes: [],
    upstreams: [],
    decisions: [],
    process: {
      active: 3,
      connections: 12,
      cpuSeconds: 10 + seconds * 0.25,
      memory: 80 * 2 ** 20,
      workers: 2,
      linesDropped: 0,
      version: "1.2.3",
      startedAtSeconds: BEGAN / 1000 - 7260,
    },
    obstacles: [],
    durations: [],
    exchanges: [],
    uses: [],
    lastLoad: { at: BEGAN - 7_260_000, ok: true, message: "started" },
    ...more,
  };
}

const target = (attempts: number, failures: number): { attempts: number; failures: number; weight: number } => ({
  attempts,
  failures,
  weight: 1,
});

/** A gateway that is busy, two seconds of it. */
export const BUSY: readonly [Tick, Tick] = [
  tickAt(0, {
    outcomes: [outcome("orders", 200, 1000), outcome("orders", 502, 4, "connection_refused")],
    upstreams: [
      {
        name: "orders",
        circuit: "open",
        targets: [
          { url: "http://10.0.0.7:9001", state: "up", ...target(900, 0), connections: { active: 1, idle: 2 } },
          { url: "http://10.0.0.8:9001", state: "up", ...target(104, 4), connections: { active: 0, idle: 0 } },
        ],
        retries: 0,
        ejections: 0,
        openings: 1,
      },
    ],
    decisions: [{ name: "perConsumer", kind: "limit", allowed: 50, refused: 5, observed: 0 }],
  }),
  tickAt(2, {
    outcomes: [
      outcome("orders", 200, 1240),
      outcome("orders", 502, 8, "connection_refused"),
      outcome("orders", 429, 3, "rate_limit_exceeded"),
      outcome("users", 500, 1),
      outcome("", 404, 2, "route_not_found"),
    ],
    upstreams: [
      {
        name: "orders",
        circuit: "open",
        targets: [
          { url: "http://10.0.0.7:9001", state: "up", ...target(1140, 0), connections: { active: 3, idle: 1 } },
          {
            url: "http://10.0.0.8:9001",
            state: "down",
            reason: "GET /健康 answers 503 instead of 200 to 299",
            ...target(108, 8),
            connections: { active: 0, idle: 0 },
          },
        ],
        retries: 4,
        ejections: 1,
        openings: 2,
      },
      {
        name: "users",
        targets: [
          {
            url: "http://u.test",
            state: "ejected",
            reason: "5 failures\x1b[2J in a row",
            seconds: 29.2,
            ...target(7, 5),
            connections: { active: 0, idle: 1 },
          },
        ],
        retries: 0,
        ejections: 1,
        openings: 0,
      },
    ],
    decisions: [{ name: "perConsumer", kind: "limit", allowed: 150, refused: 8, observed: 0 }],
    durations: [
      ["orders", pairsOf(1, 1, 1, 1, 1, 1, 1, 1, 20, 1500)],
      ["users", pairsOf(12_000)],
    ],
    obstacles: [{ name: "auth.token", reason: "its keys cannot be had" }],
    uses: [
      { limit: "perConsumer", caller: "acme", used: 85, of: 100, resetMs: 12_340 },
      { limit: "perConsumer", caller: "2001:db8::/64", used: 100, of: 100, resetMs: 59_900 },
    ],
    exchanges: [
      seenExchange({
        ...{ at: BEGAN - 30_000, ms: 1.2, path: "/orders/8", status: 502, code: "connection_refused", attempts: 2 },
        spans: [{ name: "connect", from: 0, to: 1, target: "http://10.0.0.8:9001" }],
      }),
      seenExchange({ path: "/\x1b[2J", status: 404, code: "route_not_found", ms: 0.04, route: "", spans: [] }),
      seenExchange({ method: "POST", path: `/orders/${"long/".repeat(20)}`, consumer: "acme", ms: 1500 }),
      seenExchange({ at: BEGAN + 1900 }),
    ],
  }),
];
