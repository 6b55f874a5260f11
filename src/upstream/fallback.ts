// Fallbacks: when an upstream has no answer, another one is asked, or an answer of the config takes its place.
import type { Answer } from "../answer.ts";
import type { UpstreamDestination } from "../config/plan.ts";
import type { FallbackDestination } from "../config/shaping/plan.ts";
import type { RetriesPlan } from "../config/upstream/plan.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Exchange, LastStage } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import type { Attempt } from "./attempt.ts";
import { Replay } from "./replay.ts";
import { bearsRepetition } from "./retry.ts";

/** Most bytes of content that are kept for another upstream, where `retries.replay` says nothing. */
const MOST_KEPT = 64 * 1024;

/**
 * Makes the stage of an upstream with a fallback.
 * @param first asks the upstream itself
 * @param other asks the other upstream, or answers
 */
export function fallbackStage(
  { upstream, retries }: UpstreamDestination,
  { on, leadsTo }: FallbackDestination,
  first: LastStage,
  other: LastStage,
): LastStage {
  return async (x) => {
    const replay = leadsTo.kind === "upstream" ? keep(x, retries) : undefined;
    try {
      const outcome = await outcomeOf(first, x);
      const isError = outcome instanceof GatewayError;
      const isWanted = isError ? isUpstreams(outcome) : on.includes(outcome.status);
      if (!isWanted || (leadsTo.kind === "upstream" && !maySend(x, retries, outcome, replay))) {
        if (isError) throw outcome;
        return outcome;
      }
      const asksOther = leadsTo.kind === "upstream";
      const reason = isError ? outcome.code : outcome.status;
      x.fallbacks = [...x.fallbacks, { upstream, reason, attempts: asksOther ? x.attempts : [] }];
      if (asksOther) {
        x.upstream = leadsTo.upstream;
        x.attempts = [];
        if (replay !== undefined) x.content = replay.view();
      }
      if (!isError) outcome.discard();
      return await other(x);
    } finally {
      replay?.decide();
    }
  };
}

async function outcomeOf(stage: LastStage, x: Exchange): Promise<Answer | GatewayError> {
  try {
    return await stage(x);
  } catch (thrown) {
    return toGatewayError(thrown);
  }
}

/** Whether a failure is that of an upstream: not one of the client, and not one of what was asked. */
function isUpstreams({ code, fault }: GatewayError): boolean {
  return fault === "upstream" || code === "connection_limit_reached";
}

/** Keeps content that comes for another upstream, if the request may be acted on twice. */
function keep(x: Exchange, retries: RetriesPlan | undefined): Replay | undefined {
  const { content } = x;
  const most = retries?.replay ?? MOST_KEPT;
  if (!isStream(content) || (content.length ?? 0) > most || !bearsRepetition(x, retries)) return undefined;
  const replay = new Replay(content, most);
  x.content = replay.view();
  return replay;
}

/** Whether another upstream may have the request: nothing of it was sent, or it may be sent twice, and is there whole. */
function maySend(
  x: Exchange,
  retries: RetriesPlan | undefined,
  outcome: Answer | GatewayError,
  replay: Replay | undefined,
): boolean {
  const unsent = outcome instanceof GatewayError && outcome.retry === "safe";
  if (!unsent && !bearsRepetition(x, retries)) return false;
  const flowed = (x.attempts as Attempt[]).some(({ sent }) => sent);
  return !flowed || !isStream(x.content) || replay?.replayable === true;
}
