// The breaker against a model of it, alone and on several threads: when it opens, what it lets through, how it closes.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OwnBoard, UPSTREAM_WORDS } from "../../src/board.ts";
import type { BreakerPlan } from "../../src/config/upstream/plan.ts";
import { type ErrorCode, GatewayError } from "../../src/errors.ts";
import type { AttemptRecord } from "../../src/exchange.ts";
import { boardMemory, SharedBoard } from "../../src/shared-board.ts";
import type { Target } from "../../src/target.ts";
import { Breaker } from "../../src/upstream/breaker.ts";
import { anExchange, targetsOf } from "../balance/doubles.ts";

const PLAN: BreakerPlan = { errors: 0.5, slow: undefined, minimum: 4, windowMs: 10_000, openMs: 5_000, probes: 3 };
const [target] = targetsOf([1]) as [Target];
const x = anExchange();

type Outcome = "good" | "bad" | "none";

/** Breakers of one upstream in several threads, with one clock. */
class Threads {
  now = 1000;
  readonly told: string[] = [];
  readonly all: readonly Breaker<Target>[];

  constructor(plan: Partial<BreakerPlan> = {}, count = 1, startedAt = 1000) {
    this.now = startedAt;
    const memory = boardMemory(4, UPSTREAM_WORDS, [1, 2]);
    const platform = { now: () => this.now, notice: (_: string, text: string) => void this.told.push(text) };
    this.all = Array.from({ length: count }, (_, i) => {
      const board = new SharedBoard(memory, i + 1, () => undefined);
      return new Breaker<Target>({ name: "up", plan: { ...PLAN, ...plan }, board, platform });
    });
  }

  /** An attempt that is let through; undefined when it is not. */
  begin(thread = 0): number | undefined {
    return this.all[thread]!.admit() === undefined ? this.now : undefined;
  }

  settle(startedAt: number, outcome: Outcome, thread = 0, exchange = x): void {
    const code: ErrorCode | undefined =
      outcome === "good" ? undefined : outcome === "bad" ? "connection_refused" : "client_disconnect";
    const attempt: AttemptRecord = {
      target: "",
      startedAt,
      settledAt: this.now,
      status: outcome === "good" ? 200 : 0,
      error: code && new GatewayError(code, "as the test wanted"),
    };
    this.all[thread]!.settled(target, attempt, exchange);
  }

  /** An attempt that takes no time. Whether it was let through. */
  try(outcome: Outcome, thread = 0): boolean {
    const startedAt = this.begin(thread);
    if (startedAt !== undefined) this.settle(startedAt, outcome, thread);
    return startedAt !== undefined;
  }

  get circuit(): string {
    const [first, ...rest] = this.all.map(({ circuit }) => circuit);
    for (const other of rest) expect(other).toBe(first!);
    return first!;
  }
}

test("it opens at the share of failures, with the minimum of attempts, and counts no others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ outcome: fc.constantFrom<Outcome>("good", "bad", "none"), thread: fc.nat(2) }), {
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      (attempts, minimum, errors) => {
        const threads = new Threads({ minimum, errors }, 3);
        let [total, bad, open] = [0, 0, false];
        for (const { outcome, thread } of attempts) {
          expect(threads.try(outcome, thread)).toBe(!open);
          if (outcome !== "none" && !open) {
            total++;
            if (outcome === "bad") bad++;
            open = outcome === "bad" && total >= minimum && bad >= total * errors;
          }
          expect(threads.circuit).toBe(open ? "open" : "closed");
        }
      },
    ),
  );
});

test("what has left the window does not count, in tenths of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ ms: fc.nat(4000), bad: fc.boolean() }), { maxLength: 80 }),
      fc.nat(10_000),
      (steps, start) => {
        const threads = new Threads({}, 1, start);
        const counted: { epoch: number; bad: boolean }[] = [];
        for (const { ms, bad } of steps) {
          threads.now += ms;
          threads.try(bad ? "bad" : "good");
          const epoch = Math.floor(threads.now / 1000);
          counted.push({ epoch, bad });
          const inside = counted.filter((each) => each.epoch > epoch - 10);
          const failed = inside.filter((each) => each.bad).length;
          const opens = bad && inside.length >= 4 && failed >= inside.length / 2;
          expect(threads.circuit).toBe(opens ? "open" : "closed");
          if (opens) return;
        }
      },
    ),
  );
});

/** Opens the circuit. */
function opened(plan: Partial<BreakerPlan> = {}, threads = 1): Threads {
  const all = new Threads(plan, threads);
  for (let i = 0; i < 4; i++) all.try("bad", i % threads);
  expect(all.circuit).toBe("open");
  return all;
}

test("while it is open nothing passes on any thread, and the refusal says for how long", () => {
  const threads = opened({}, 3);
  for (const [ms, seconds] of [
    [0, 5],
    [1, 5],
    [999, 4],
    [3000, 1],
    [999, 1],
  ] as const) {
    threads.now += ms;
    for (const breaker of threads.all) {
      const refusal = breaker.admit()!;
      expect(refusal).toMatchObject({ code: "destination_unavailable", status: 503, retry: "safe" });
      expect(refusal.fields).toEqual([["Retry-After", String(seconds)]]);
    }
  }
  threads.now += 1;
  expect(threads.begin(1)).toBeDefined();
});

test("then so many pass as there are probes, on all threads together", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 20, maxLength: 40 }),
      fc.integer({ min: 1, max: 10 }),
      (order, probes) => {
        const threads = opened({ probes }, 4);
        threads.now += 5000;
        expect(order.filter((thread) => threads.begin(thread) !== undefined)).toHaveLength(probes);
      },
    ),
  );
});

test("when all probes are good it closes, and what was before is forgotten", () => {
  const threads = opened({ openMs: 500 }, 2);
  threads.now += 500;
  const probes = [0, 1, 0].map((thread) => [threads.begin(thread)!, thread] as const);
  for (const [startedAt, thread] of probes) {
    expect(threads.circuit).toBe("half-open");
    threads.now += 10;
    threads.settle(startedAt, "good", thread);
  }
  expect(threads.circuit).toBe("closed");
  // Four failures were in this window: they would open it at once.
  for (let i = 0; i < 3; i++) threads.try("bad");
  expect(threads.circuit).toBe("closed");
  threads.try("bad");
  expect(threads.circuit).toBe("open");
  expect(threads.told).toEqual([
    "up: circuit open for 500ms: 4 of 4 attempts failed within 10s",
    "up: circuit closed: 3 probes passed",
    "up: circuit open for 500ms: 4 of 4 attempts failed within 10s",
  ]);
  expect(threads.all.reduce((sum, { opened }) => sum + opened, 0)).toBe(2);
});

test("one probe that fails opens it again for as long, whatever the others come to", () => {
  const threads = opened();
  threads.now += 5000;
  const probes = [threads.begin()!, threads.begin()!, threads.begin()!];
  threads.settle(probes[0]!, "good");
  threads.now += 2000;
  threads.settle(probes[1]!, "bad");
  expect(threads.circuit).toBe("open");
  threads.settle(probes[2]!, "good");
  threads.now += 4999;
  expect(threads.begin()).toBeUndefined();
  threads.now += 1;
  expect(threads.begin()).toBeDefined();
  expect(threads.circuit).toBe("half-open");
});

test("what began before it opened is no probe", () => {
  const threads = new Threads();
  const old = [threads.begin()!, threads.begin()!, threads.begin()!, threads.begin()!];
  threads.now += 100;
  for (let i = 0; i < 4; i++) threads.try("bad");
  threads.settle(old[0]!, "good");
  threads.now += 5000;
  threads.begin();
  for (const startedAt of old) threads.settle(startedAt, "good");
  expect(threads.circuit).toBe("half-open");
  threads.settle(old[0]!, "bad");
  expect(threads.circuit).toBe("half-open");
});

test("a probe that tells nothing makes place for another", () => {
  const threads = opened({ probes: 1 });
  threads.now += 5000;
  for (let i = 0; i < 10; i++) {
    const startedAt = threads.begin()!;
    expect(threads.begin()).toBeUndefined();
    threads.settle(startedAt, "none");
  }
  expect(threads.try("good")).toBe(true);
  expect(threads.circuit).toBe("closed");
});

test("probes that never end, as of a worker that has died, make place for others after the time that it is open", () => {
  const threads = opened();
  threads.now += 5000;
  const late = [threads.begin()!, threads.begin()!, threads.begin()!];
  threads.now += 4999;
  expect(threads.begin()).toBeUndefined();
  threads.now += 1;
  const next = [threads.begin()!, threads.begin()!, threads.begin()!];
  expect(threads.begin()).toBeUndefined();
  // An upstream that answers later than that closes it all the same.
  threads.settle(late[0]!, "good");
  threads.settle(next[0]!, "good");
  threads.settle(next[1]!, "good");
  expect(threads.circuit).toBe("closed");
});

describe("slow attempts", () => {
  const slow = { overMs: 1000, share: 0.5 };
  const stream = anExchange({ content: { length: undefined, pipe() {}, resume() {}, cancel() {} } });
  const take = (threads: Threads, ms: number, exchange = x): void => {
    const startedAt = threads.begin()!;
    threads.now += ms;
    threads.settle(startedAt, "good", 0, exchange);
  };

  test("open it at their share", () => {
    const threads = new Threads({ slow });
    for (const ms of [10, 1001, 1000]) take(threads, ms);
    expect(threads.circuit).toBe("closed");
    take(threads, 1001);
    expect(threads.circuit).toBe("open");
    expect(threads.told).toEqual(["up: circuit open for 5s: 2 of 4 attempts were slow within 10s"]);
  });

  test("of a client that sends its content slowly are none", () => {
    const threads = new Threads({ slow });
    for (let i = 0; i < 8; i++) take(threads, 1200, stream);
    expect(threads.circuit).toBe("closed");
  });

  test("as probes open it again", () => {
    const threads = opened({ slow, probes: 1 });
    threads.now += 5000;
    take(threads, 1001);
    expect(threads.circuit).toBe("open");
  });
});

test("times may pass the 32 bits of a word, and years may lie between two attempts", () => {
  for (const startedAt of [2 ** 31 - 2000, 2 ** 32 - 2000, 2 ** 41]) {
    const threads = new Threads({ probes: 1 }, 1, startedAt);
    for (let i = 0; i < 4; i++) threads.try("bad");
    expect(threads.begin()).toBeUndefined();
    threads.now += 4999;
    expect(threads.begin()).toBeUndefined();
    threads.now += 1;
    expect(threads.try("good")).toBe(true);
    expect(threads.circuit).toBe("closed");
    for (let i = 0; i < 4; i++) threads.try("bad");
    threads.now += 30 * 86_400_000;
    expect(threads.try("good")).toBe(true);
  }
});

test("another plan with the same window goes on where the one before was; one with another window begins anew", () => {
  const board = new OwnBoard(UPSTREAM_WORDS);
  const platform = { now: () => 1000, notice: () => undefined };
  const make = (plan: Partial<BreakerPlan>): Breaker<Target> =>
    new Breaker({ name: "up", plan: { ...PLAN, ...plan }, board, platform });
  const first = make({});
  const failed = { target: "", startedAt: 1000, settledAt: 1000, status: 503, error: undefined };
  for (let i = 0; i < 4; i++) first.settled(target, failed, x);
  expect(make({ openMs: 1, probes: 1 }).circuit).toBe("open");
  expect(make({ windowMs: 1000 }).circuit).toBe("closed");
});
