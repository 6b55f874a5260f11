// The stage that limits by a store beyond this process: one question for all of the route's limits.
import { GatewayError } from "../errors.ts";
import type { Exchange, Limited, Stage } from "../exchange.ts";
import { retryAfterSeconds } from "../http/retry-after.ts";
import { limitStage, note, observe, refusalOf, refuse, type RunningLimit, takeAll } from "./limit.ts";
import type { Ask, CountStore, StoreDecision } from "./store.ts";

/**
 * Makes the stage of these limits: those of the process are asked first, then the store about all that are shared. While
 * the store cannot decide, the way ends with 503 or the process's own counts decide, as the config says.
 */
export function limitsStage(limits: readonly RunningLimit[], store: CountStore | undefined): Stage {
  const shared = limits.filter(({ plan }) => plan.shared);
  if (store === undefined || shared.length === 0) return limitStage(limits);
  const own = limits.filter(({ plan }) => !plan.shared);
  return (x) => {
    const said: Limited[] = [];
    takeAll(own, x, said);
    const wall = store.wallClock();
    const asks: Ask[] = [];
    for (const limit of shared) {
      const ask = limit.ask(x, wall);
      if (ask !== undefined) asks.push(ask);
    }
    if (asks.length === 0) return note(x, said);
    const decision = store.take(asks, x);
    if (decision === undefined) return decideWithout(store, shared, asks, x, said);
    return decision.then((decided) =>
      decided === undefined ? decideWithout(store, shared, asks, x, said) : conclude(decided, asks, x, said),
    );
  };
}

function conclude(decision: StoreDecision, asks: readonly Ask[], x: Exchange, said: Limited[]): void {
  const { refused } = decision;
  for (const [place, { limit, units, endsInMs }] of asks.entries()) {
    const { fits, remaining, resetMs } = decision.said[place]!;
    const counted = fits && refused < 0 && units > 0;
    const taken: Limited = {
      limit,
      allowed: fits,
      remaining,
      resetMs: endsInMs ?? resetMs,
      giveBack: counted ? () => decision.giveBack(place) : undefined,
    };
    said.push(taken);
    if (fits) continue;
    if (limit.observe) observe(x, limit, refusalOf(taken));
    else if (place === refused) refuse(x, said, refusalOf(taken));
  }
  note(x, said);
}

/** Nothing opens because a store is away: the process counts, or the request is refused. */
function decideWithout(
  store: CountStore,
  shared: readonly RunningLimit[],
  asks: readonly Ask[],
  x: Exchange,
  said: Limited[],
): void {
  if (store.onError === "local") {
    x.limitStore = "local";
    takeAll(shared, x, said);
    return note(x, said);
  }
  const seconds = retryAfterSeconds(store.retryMs());
  const names = asks.map(({ limit }) => `limits.${limit.name}`).join(", ");
  const error = new GatewayError("limit_store_unavailable", `limiting.store cannot decide of ${names}`, {
    fields: [["Retry-After", String(seconds)]],
  });
  for (const { limit } of asks) if (limit.observe) observe(x, limit, error);
  if (asks.some(({ limit }) => !limit.observe)) refuse(x, said, error);
  note(x, said);
}
