// What only Sluice knows of an exchange, as members of a JSON object: the same in every form of a line that has names.
import type { Identity } from "../../config/auth/options.ts";
import type { UpstreamPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { AttemptRecord, Exchange, FallbackRecord, Limited, Observation } from "../../exchange.ts";
import { jsonText } from "../json-text.ts";
import { routeTexts, targetTexts } from "../line-parts.ts";
import { attemptsOf, decisiveAttempt, eachAttemptOf } from "../outcome.ts";

const MOST_DETAIL = 512;
const MOST = 256;

/**
 * Makes them, each behind a comma: the route, who called, upstream, target and attempts, verdicts of policies, and what
 * was out of the ordinary.
 */
export function ownMembers(): (x: Exchange, status: number) => string {
  const routeText = routeTexts();
  const targetText = targetTexts();
  return (x, status) => {
    const route = x.route === undefined ? "" : routeText(x.route, x.match);
    const caller = x.identity === undefined ? "" : identityText(x.identity);
    const attempts = x.upstream === undefined ? "" : attemptsText(x, x.upstream, status, targetText);
    const limits = x.limited.length === 0 ? "" : limitsText(x.limited);
    const observed = x.observations.length === 0 ? "" : observedText(x.observations);
    const store = x.limitStore === undefined ? "" : `,"sluice.limit_store":"${x.limitStore}"`;
    const fallbacks = x.fallbacks.length === 0 ? "" : fallbacksText(x.fallbacks);
    const faults = x.faults.length === 0 ? "" : `,"sluice.faults":${JSON.stringify(x.faults)}`;
    return `${route}${caller}${attempts}${limits}${observed}${store}${fallbacks}${faults}`;
  };
}

/** The failure, likewise: its word, whose fault it was, and what is known of it. */
export function errorMembers(error: GatewayError | undefined): string {
  if (error === undefined) return "";
  const detail = jsonText(error.message, MOST_DETAIL);
  return `,"error.type":"${error.code}","sluice.error.fault":"${error.fault}","sluice.error.detail":"${detail}"`;
}

function attemptsText(
  x: Exchange,
  upstream: UpstreamPlan,
  status: number,
  targetText: (upstream: UpstreamPlan, target: string) => string,
): string {
  const count = attemptsOf(x);
  const each = count > 1 ? eachText(eachAttemptOf(x)) : "";
  const last = decisiveAttempt(x);
  if (last === undefined) return `${targetText(upstream, "")}${count}${each}`;
  const took = last.settledAt === 0 ? "" : `,"sluice.upstream_duration":${secondsOf(last)}`;
  const text = `${targetText(upstream, last.target)}${count}${took}`;
  const differs = last.status !== 0 && last.status !== status;
  return (differs ? `${text},"sluice.upstream_status":${last.status}` : text) + each;
}

/** Each of several attempts: where to, why it was made, what came of it, and how many seconds that took. */
function eachText(attempts: readonly AttemptRecord[]): string {
  const each = attempts.map((attempt) => {
    const { target, reason, status, error } = attempt;
    const why = reason === undefined ? "" : `,"reason":"${reason}"`;
    const code = status === 0 ? "" : `,"http.response.status_code":${status}`;
    const type = error === undefined ? "" : `,"error.type":"${error.code}"`;
    return `{"sluice.target":"${jsonText(target, MOST)}"${why}${code}${type},"duration":${secondsOf(attempt)}}`;
  });
  return `,"sluice.attempted":[${each.join(",")}]`;
}

/** To the microsecond; 0 for an attempt that has not settled. */
function secondsOf({ startedAt, settledAt }: AttemptRecord): string {
  return secondsText(Math.round((settledAt - startedAt) * 1000));
}

/** Microseconds as seconds. Never below 0. */
export function secondsText(micros: number): string {
  if (micros <= 0) return "0.000000";
  const seconds = Math.floor(micros / 1_000_000);
  return `${seconds}.${String(micros - seconds * 1_000_000 + 1_000_000).slice(1)}`;
}

/** Who called. The subject is personal and is left out. */
function identityText({ scheme, consumer }: Identity): string {
  const text = `,"sluice.auth.scheme":"${jsonText(scheme, MOST)}"`;
  return consumer === undefined ? text : `${text},"sluice.consumer":"${jsonText(consumer.name, MOST)}"`;
}

/** What limits said, and what they have left. */
function limitsText(limited: readonly Limited[]): string {
  const each = limited.map(({ limit, allowed, remaining }) => {
    const verdict = allowed ? "allowed" : limit.observe ? "observed" : "refused";
    return `{"limit":"${jsonText(limit.name, MOST)}","verdict":"${verdict}","remaining":${Math.max(0, Math.floor(remaining))}}`;
  });
  return `,"sluice.limits":[${each.join(",")}]`;
}

/** What policies in observe mode would have refused. */
function observedText(observations: readonly Observation[]): string {
  const each = observations.map(
    ({ policy, error }) =>
      `{"policy":"${policy}","error.type":"${error.code}","detail":"${jsonText(error.message, MOST_DETAIL)}"}`,
  );
  return `,"sluice.observed":[${each.join(",")}]`;
}

/** Upstreams that had no answer, each with the failure or the status. */
function fallbacksText(fallbacks: readonly FallbackRecord[]): string {
  const each = fallbacks.map(
    ({ upstream, reason }) => `{"upstream":"${jsonText(upstream.name, MOST)}","reason":"${reason}"}`,
  );
  return `,"sluice.fallbacks":[${each.join(",")}]`;
}
