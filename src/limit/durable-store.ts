// Counts in Durable Objects on Cloudflare: one object for each limit and caller, all of a request asked at once.
import type { DurableObjectStorePlan } from "../config/limit/plan.ts";
import { messageOf } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import type { Ask, CountStore, Said, StoreDecision } from "./store.ts";

/** What a binding of Durable Objects is, as far as it is used. */
interface Namespace {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(url: string, init: { method: string; body: string }): Promise<Response> };
}

/** The answer of an object: see limit-object.ts. */
interface ObjectSaid extends Said {
  readonly takenAt: number;
}

/** How often it is told that it cannot decide. */
const TELL_MS = 60_000;
const RETRY_MS = 1000;

/** Asks the objects of the binding that the plan names. */
export function durableStore(plan: DurableObjectStorePlan, platform: Platform): CountStore {
  const { binding, timeoutMs, onError } = plan;
  let toldAt = -Infinity;
  const fail = (reason: string): void => {
    const now = platform.now();
    if (now - toldAt < TELL_MS) return;
    toldAt = now;
    platform.notice("warn", `limiting.store: the Durable Objects of ${binding} cannot decide (${reason})`);
  };

  const ask = async (x: Exchange, { limit, text, windowMs, units }: Ask, takenAt?: number): Promise<unknown> => {
    const namespace = (x.bindings.env as Record<string, unknown>)[binding] as Namespace | undefined;
    if (typeof namespace?.idFromName !== "function") throw new Error("no such binding of Durable Objects");
    const object = namespace.get(namespace.idFromName(`${limit.name} ${text}`));
    const body = JSON.stringify({ limit: limit.limit, windowMs, units, takenAt });
    const response = await object.fetch("https://limits.invalid/", { method: "POST", body });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  };

  /** Goes on behind the answer to the client. Where it fails the units stay counted. */
  const giveBack = (x: Exchange, asked: Ask, takenAt: number): void => {
    const done = ask(x, asked, takenAt).catch(() => undefined);
    (x.bindings.context as { waitUntil?(work: Promise<unknown>): void } | undefined)?.waitUntil?.(done);
  };

  /** All answers, or undefined; then what others have counted is given back, whenever their answers come. */
  const inTime = (x: Exchange, asks: readonly Ask[]): Promise<readonly ObjectSaid[] | undefined> =>
    new Promise((resolve) => {
      let open = true;
      const all = asks.map((each) => ask(x, each) as Promise<ObjectSaid>);
      const giveUp = (reason: string): void => {
        if (!open) return;
        open = false;
        platform.clearTimer(timer);
        fail(reason);
        for (const [place, one] of all.entries()) {
          one.then(
            ({ fits, takenAt }) => fits && giveBack(x, asks[place]!, takenAt),
            () => undefined,
          );
        }
        resolve(undefined);
      };
      const timer = platform.setTimer(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs);
      Promise.all(all).then(
        (said) => {
          if (!open) return;
          open = false;
          platform.clearTimer(timer);
          resolve(said);
        },
        (error: unknown) => giveUp(messageOf(error)),
      );
    });

  return {
    onError,
    wallClock: () => platform.wallClock(),
    retryMs: () => RETRY_MS,
    close: () => undefined,
    async take(asks, x): Promise<StoreDecision | undefined> {
      const said = await inTime(x, asks);
      if (said === undefined) return undefined;
      const refused = said.findIndex(({ fits }, place) => !fits && !asks[place]!.limit.observe);
      // Each object decides for itself: those that have counted take it back.
      if (refused >= 0) {
        for (const [place, { fits, takenAt }] of said.entries()) if (fits) giveBack(x, asks[place]!, takenAt);
      }
      return { refused, said, giveBack: (place) => giveBack(x, asks[place]!, said[place]!.takenAt) };
    },
  };
}
