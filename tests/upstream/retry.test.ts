// What follows an attempt, for all that can decide it: every failure, sent or not, replayable or not, repeatable or not.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { RetriesPlan } from "../../src/config/upstream/plan.ts";
import { type ErrorCode, GatewayError, MEANINGS, type Retry } from "../../src/errors.ts";
import { retryAfterMs } from "../../src/http/retry-after.ts";
import { backoff, failureOf, nextMove, type Tried } from "../../src/upstream/retry.ts";

const RETRIES: RetriesPlan = {
  attempts: 4,
  on: { failures: new Set(["connect", "reset", "timeout"]), statuses: new Set([503]) },
  idempotencyKey: false,
  perTryMs: 0,
  backoff: { baseMs: 25, mostMs: 250 },
  retryAfterMs: 1000,
  replay: 65_536,
  budget: { share: 0.2, least: 3 },
};

const OUTCOMES = ["connect", "busy", "reset", "timeout", "final", 503, 500] as const;

const tried: fc.Arbitrary<Tried> = fc.record({
  outcome: fc.constantFrom(...OUTCOMES),
  unsent: fc.boolean(),
  stale: fc.boolean(),
  staleBefore: fc.boolean(),
  replayable: fc.boolean(),
  repeatable: fc.boolean(),
  attempts: fc.integer({ min: 1, max: 5 }),
  hasOthers: fc.boolean(),
});
const retries = fc.constantFrom(undefined, RETRIES);

/** One that was sent, can be sent again, and may be acted on twice. */
const SENT: Tried = {
  outcome: "reset",
  unsent: false,
  stale: false,
  staleBefore: false,
  replayable: true,
  repeatable: true,
  attempts: 1,
  hasOthers: true,
};

describe("whatever happened", () => {
  const holds = (name: string, promise: (t: Tried, plan: RetriesPlan | undefined, move: string) => boolean): void =>
    test(name, () => {
      fc.assert(
        fc.property(tried, retries, (t, plan) => promise(t, plan, nextMove(t, plan))),
        { numRuns: 5000 },
      );
    });

  holds("what was sent and may not be acted on twice is never sent again", (t, _, move) => {
    return t.unsent || t.repeatable || move === "end";
  });
  holds("what cannot be sent again whole is never sent again", (t, _, move) => t.replayable || move === "end");
  holds("there are never more attempts than are allowed", (t, plan, move) => {
    return t.attempts < (plan?.attempts ?? 3) || move === "end";
  });
  holds("without `retries` nothing is retried, and no answer is passed over", (t, plan, move) => {
    return plan !== undefined || (move !== "retry" && (t.unsent || t.stale || move === "end"));
  });
  holds("what is final, or was not listed, is not retried", (t, _, move) => {
    return !(["final", "busy", 500] as unknown[]).includes(t.outcome) || move !== "retry";
  });
  holds("one exchange is sent anew for a dying connection once", (t, _, move) => !t.staleBefore || move !== "fresh");
});

describe("what follows", () => {
  test.each([
    ["a failure of a request that was sent", SENT, undefined, "end"],
    ["the same where it is to be retried", SENT, RETRIES, "retry"],
    ["no connection", { ...SENT, outcome: "connect", unsent: true }, undefined, "other"],
    [
      "no connection, for what bears no repetition",
      { ...SENT, outcome: "connect", unsent: true, repeatable: false },
      undefined,
      "other",
    ],
    [
      "no connection to the only target",
      { ...SENT, outcome: "connect", unsent: true, hasOthers: false },
      undefined,
      "end",
    ],
    [
      "the same where it is to be retried",
      { ...SENT, outcome: "connect", unsent: true, hasOthers: false },
      RETRIES,
      "retry",
    ],
    [
      "all places taken at the only target",
      { ...SENT, outcome: "busy", unsent: true, hasOthers: false },
      RETRIES,
      "end",
    ],
    ["a dying connection", { ...SENT, stale: true }, undefined, "fresh"],
    ["a dying connection, for what bears no repetition", { ...SENT, stale: true, repeatable: false }, undefined, "end"],
    ["a second dying connection", { ...SENT, stale: true, staleBefore: true, attempts: 2 }, undefined, "end"],
    ["the same where it is to be retried", { ...SENT, stale: true, staleBefore: true, attempts: 2 }, RETRIES, "retry"],
    ["a status that was listed", { ...SENT, outcome: 503 }, RETRIES, "retry"],
    ["one that was not", { ...SENT, outcome: 500 }, RETRIES, "end"],
    ["a status for what bears no repetition", { ...SENT, outcome: 503, repeatable: false }, RETRIES, "end"],
  ] as readonly (readonly [string, Tried, RetriesPlan | undefined, string])[])("%s", (_, t, plan, move) => {
    expect(nextMove(t, plan)).toBe(move as never);
  });
});

describe("what a failure is", () => {
  const codes = Object.keys(MEANINGS) as ErrorCode[];
  test.each(
    codes.flatMap((code) => (["safe", "idempotent", "never"] as Retry[]).map((retry) => [code, retry] as const)),
  )("%s, %s", (code, retry) => {
    const failure = failureOf(new GatewayError(code, "it failed", { retry }));
    if (retry === "safe") expect(failure).toBe(code === "connection_limit_reached" ? "busy" : "connect");
    // Nobody else's fault is mended by asking the upstream again.
    else if (MEANINGS[code].fault !== "upstream") expect(failure).toBe("final");
  });

  test.each([
    ["connection_terminated", "reset"],
    ["http_response_incomplete", "reset"],
    ["http_protocol_error", "reset"],
    ["http_response_timeout", "timeout"],
    ["connection_write_timeout", "timeout"],
    ["http_upgrade_failed", "final"],
    ["proxy_loop_detected", "final"],
    ["deadline_exceeded", "final"],
    ["client_disconnect", "final"],
  ] as const)("%s is %s", (code, failure) => {
    expect(failureOf(new GatewayError(code, "it failed"))).toBe(failure);
  });
});

describe("the pause before a retry", () => {
  test("is anything up to a bound that doubles each time, and never over the most", () => {
    const most = [1, 2, 3, 4, 5, 6, 60].map((attempts) => backoff(attempts, RETRIES.backoff, 0.999_999));
    expect(most).toEqual([24, 49, 99, 199, 249, 249, 249]);
    expect([1, 2, 3].map((attempts) => backoff(attempts, RETRIES.backoff, 0))).toEqual([0, 0, 0]);
    expect([1, 2, 3].map((attempts) => backoff(attempts, RETRIES.backoff, 0.5))).toEqual([12, 25, 50]);
  });

  test.each([
    ["2", 2000],
    ["0", 0],
    ["Sun, 29 Nov 2026 12:00:03 GMT", 3000],
    ["Sun, 29 Nov 2026 11:59:00 GMT", 0],
    ["soon", 0],
    ["-1", 0],
    ["1.5", 0],
    [undefined, 0],
  ])("Retry-After %p asks for %i ms", (value, ms) => {
    expect(retryAfterMs(value, Date.UTC(2026, 10, 29, 12))).toBe(ms);
  });
});
