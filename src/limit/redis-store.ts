// Counts in Redis: what is asked is one script call, whatever number of limits a route has.
import type { RedisStorePlan } from "../config/limit/plan.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";
import type { ClientTls, Platform } from "../platform.ts";
import { RedisLink } from "./redis-link.ts";
import { GIVE_BACK, RESET, type Script, TAKE } from "./redis-scripts.ts";
import type { Ask, CountStore, Said, StoreDecision } from "./store.ts";

/** A reply that has come, though the loop was too busy to see it, is read in this time. */
const GRACE_MS = 1;

/** Connects, and decides once that is done. @param tls of a `rediss://` URL */
export function redisStore(
  plan: RedisStorePlan,
  tls: ClientTls | undefined,
  platform: Platform,
  deadlines: Deadlines,
): CountStore {
  const { host, port, user, database, timeoutMs, prefix, onError } = plan;
  const meanwhile =
    onError === "local"
      ? "meanwhile each process counts for itself"
      : "meanwhile requests that it would decide are answered with 503";
  const redis = { host, port, tls, user, password: plan.password?.reveal(), database };
  const link = new RedisLink({ redis, timeoutMs, probeKey: `${prefix}probe`, meanwhile }, platform);
  const keyOf = keys(prefix, platform);
  /** Milliseconds that Redis's clock is ahead of this machine's. */
  let ahead = 0;

  const giveBack = (key: string, { windowMs, units }: Ask, takenAt: number): void => {
    if (!link.usable) return;
    // Where that fails the units stay counted: too many for a window, and never too few.
    link
      .run(GIVE_BACK, [key], [windowMs * 1000, units, takenAt].map(String))
      .catch((error: unknown) => link.doubt(error));
  };

  const decisionOf = (reply: unknown, asks: readonly Ask[], names: readonly string[]): StoreDecision => {
    if (!isReply(reply, asks.length)) throw new Error("an answer of another script");
    const [now, refused] = reply as [number, number];
    ahead = now / 1000 - platform.wallClock();
    return {
      refused: refused - 1,
      said: asks.map((_, place) => saidIn(reply, 2 + place * 3)),
      giveBack: (place) => giveBack(names[place]!, asks[place]!, now),
    };
  };

  /** For an operator, who waits for it: a Redis that does not answer is told of, as by who asks for a request. */
  const inTime = (script: Script, asked: Ask, args: readonly string[]): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = platform.setTimer(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    link.run(script, [keyOf(asked)], args).then(resolve, reject);
    return promise.finally(() => platform.clearTimer(timer));
  };

  return {
    onError,
    async left(asked) {
      const { limit, windowMs } = asked;
      const reply = await inTime(TAKE, asked, [limit.limit, windowMs * 1000, 0, 0].map(String));
      if (!isReply(reply, 1)) throw new Error("an answer of another script");
      return saidIn(reply, 2).remaining;
    },
    async reset(asked) {
      await inTime(RESET, asked, []);
    },
    wallClock: () => platform.wallClock() + ahead,
    retryMs: () => link.retryMs,
    close: () => link.close(),
    take(asks) {
      if (!link.usable) return undefined;
      const names = asks.map(keyOf);
      const args = asks.flatMap(({ limit, windowMs, units }) => [
        String(limit.limit),
        String(windowMs * 1000),
        String(units),
        limit.observe ? "0" : "1",
      ]);
      return new Promise((resolve) => {
        let open = true;
        const settle = (decision: StoreDecision | undefined): void => {
          open = false;
          deadlines.disarm(deadline);
          resolve(decision);
        };
        const giveUp = (): void => {
          if (!open) return;
          settle(undefined);
          link.tooLate();
        };
        const deadline = new Deadline(() => platform.setTimer(giveUp, GRACE_MS));
        deadlines.arm(deadline, timeoutMs);
        link
          .run(TAKE, names, args)
          .then((reply) => open && settle(decisionOf(reply, asks, names)))
          .catch((error: unknown) => {
            if (open) settle(undefined);
            link.doubt(error);
          });
      });
    },
  };
}

/** Names of keys: the limit's, and a hash of who is counted, so that Redis holds no names of callers. */
function keys(prefix: string, platform: Platform): (ask: Ask) => string {
  const encoder = new TextEncoder();
  return ({ limit, text }) => {
    // Where there is Redis, hashes are made at once.
    const digest = platform.sha256(encoder.encode(text)) as Uint8Array;
    return `${prefix}${limit.name}:${digest.subarray(0, 16).toBase64({ omitPadding: true })}`;
  };
}

function isReply(reply: unknown, asks: number): reply is readonly number[] {
  return (
    Array.isArray(reply) && reply.length === 2 + asks * 3 && reply.every((each: unknown) => Number.isSafeInteger(each))
  );
}

function saidIn(reply: readonly number[], at: number): Said {
  return { fits: reply[at] === 1, remaining: reply[at + 1]!, resetMs: reply[at + 2]! / 1000 };
}
