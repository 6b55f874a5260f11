// The schema of retries and hedging.
import type * as v from "valibot";
import { Problem } from "../fault.ts";
import { either, leaf, list, maybe, options, then, type Shape } from "../shape.ts";
import { duration, flag, share, size, whole } from "../values.ts";
import type { BudgetPlan, HedgePlan, RetriesPlan } from "./plan.ts";

const BUDGET: BudgetPlan = { share: 0.2, least: 3 };

const DEFAULTS: RetriesPlan = {
  attempts: 3,
  on: { failures: new Set(["connect", "reset", "timeout"]), statuses: new Set([502, 503, 504]) },
  idempotencyKey: false,
  perTryMs: 0,
  backoff: { baseMs: 25, mostMs: 250 },
  retryAfterMs: 1_000,
  replay: 64 * 1024,
  budget: BUDGET,
};

const FAILURES = ["connect", "reset", "timeout"] as const;
type FailureWord = (typeof FAILURES)[number];

const A_CONDITION = `${FAILURES.map((word) => `"${word}"`).join(", ")} or a status from 400 to 599`;

const condition = leaf((value): FailureWord | number | Problem => {
  if (typeof value === "number" && Number.isInteger(value) && value >= 400 && value <= 599) return value;
  const word = FAILURES.find((candidate) => candidate === value);
  return word ?? new Problem(A_CONDITION, typeof value === "string" ? { nearest: [value, FAILURES] } : {});
});

const backoffShape = options({ base: maybe(duration()), max: maybe(duration()) }, function* ({ base, max }) {
  if (base !== undefined && max !== undefined && base > max) {
    yield new Problem("a duration of at least `base`", {
      at: ["max"],
      hint: "It bounds the pauses that grow from `base`.",
    });
  }
});

const entries = {
  attempts: maybe(whole(2, 10)),
  on: maybe(list(condition, "a list of at least one failure or status", 1)),
  perTry: maybe(duration()),
  backoff: maybe(backoffShape),
  retryAfter: maybe(duration(0)),
  replay: maybe(
    either(
      (value) => value === false,
      leaf((): 0 => 0),
      size,
    ),
  ),
  budget: maybe(options({ share: maybe(share), min: maybe(whole(0, 1_000_000)) })),
};

const upstreamEntries = options(entries);
const routeEntries = options({ ...entries, idempotencyKey: maybe(flag) });

/** Retries in place of others, of which there may be none; what is not written stays. */
type InPlaceOf<T> = (of: T | undefined) => T | undefined;

const none = leaf((): (() => undefined) => () => undefined);
const isFalse = (value: unknown): boolean => value === false;

/** Checks the option `retries` of an upstream. */
export const retriesShape: Shape<InPlaceOf<RetriesPlan>> = either(isFalse, none, then(upstreamEntries, filled));

/** Checks the option `retries` of a route. */
export const routeRetries: Shape<InPlaceOf<RetriesPlan>> = either(isFalse, none, then(routeEntries, filled));

function filled(
  written: v.InferOutput<typeof upstreamEntries> & { readonly idempotencyKey?: boolean | undefined },
): InPlaceOf<RetriesPlan> {
  const { attempts, on, perTry, backoff, retryAfter, replay, budget, idempotencyKey } = written;
  return (of = DEFAULTS) => {
    const baseMs = backoff?.base ?? of.backoff.baseMs;
    return {
      attempts: attempts ?? of.attempts,
      on: on === undefined ? of.on : conditions(on),
      idempotencyKey: idempotencyKey ?? of.idempotencyKey,
      perTryMs: perTry ?? of.perTryMs,
      backoff: { baseMs, mostMs: backoff?.max ?? Math.max(baseMs, of.backoff.mostMs) },
      retryAfterMs: retryAfter ?? of.retryAfterMs,
      replay: replay ?? of.replay,
      budget: { share: budget?.share ?? of.budget.share, least: budget?.min ?? of.budget.least },
    };
  };
}

function conditions(on: readonly (FailureWord | number)[]): RetriesPlan["on"] {
  return {
    failures: new Set(on.filter((each) => typeof each === "string")),
    statuses: new Set(on.filter((each) => typeof each === "number")),
  };
}

/** Milliseconds after which a slow attempt is hedged; 0 for never. */
export const hedgeShape: Shape<number> = either(
  isFalse,
  leaf((): 0 => 0),
  then(options({ after: duration() }), ({ after }) => after),
);

/** Hedging after so many milliseconds, out of the budget of the retries, or out of the usual one. */
export function hedgePlan(afterMs: number | undefined, retries: RetriesPlan | undefined): HedgePlan | undefined {
  if (afterMs === undefined || afterMs === 0) return undefined;
  return { afterMs, budget: retries?.budget ?? BUDGET };
}
