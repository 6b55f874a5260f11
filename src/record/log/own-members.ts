// What only Sluice knows of an exchange, as members of a JSON object: the same in every form of a line that has names.
import type { Identity } from "../../config/auth/options.ts";
import type { UpstreamPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { AttemptRecord, Exchange, FallbackRecord, Limited, Observation } from "../../exchange.ts";
import { jsonText } from "../json-text.ts";
import { routeTexts, secondsText, targetTexts } from "../line-parts.ts";
import { attemptsOf, decisiveAttempt, eachAttemptOf } from "../outcome.ts";
import type { Writers } from "./writers.ts";

const MOST_DETAIL = 512;
const MOST = 256;

/**
 * Makes them, each behind a comma: the route, who called, upstream, target and attempts, verdicts of policies, and what
 * was out of the ordinary.
 */
export function ownMembers(writers: Writers): (x: Exchange, status: number) => string {
  const routeText = routeTexts(writers);
  const scheme = writers.anyText("sluice.auth.scheme", MOST);
  const consumer = writers.anyText("sluice.consumer", MOST);
  const attempts = attemptTexts(writers);
  const limits = writers.list("sluice.limits", limitText);
  const observed = writers.list("sluice.observed", observedText);
  const store = writers.word("sluice.limit_store");
  const fallbacks = writers.list("sluice.fallbacks", fallbackText);
  const faults = writers.list("sluice.faults", (fault: string) => `"${fault}"`);
  const callerText = ({ scheme: name, consumer: known }: Identity): string =>
    scheme(name) + (known === undefined ? "" : consumer(known.name));
  return (x, status) => {
    let text = x.route === undefined ? "" : routeText(x.route, x.match);
    // Who called. The subject is personal and is left out.
    if (x.identity !== undefined) text += callerText(x.identity);
    if (x.upstream !== undefined) text += attempts(x, x.upstream, status);
    if (x.limited.length > 0) text += limits(x.limited);
    if (x.observations.length > 0) text += observed(x.observations);
    if (x.limitStore !== undefined) text += store(x.limitStore);
    if (x.fallbacks.length > 0) text += fallbacks(x.fallbacks);
    if (x.faults.length > 0) text += faults(x.faults);
    return text;
  };
}

/** The failure, likewise: its word, whose fault it was, and what is known of it. */
export function errorMembers(writers: Writers): (error: GatewayError | undefined) => string {
  const type = writers.word("error.type");
  const fault = writers.word("sluice.error.fault");
  const detail = writers.anyText("sluice.error.detail", MOST_DETAIL);
  return (error) => (error === undefined ? "" : type(error.code) + fault(error.fault) + detail(error.message));
}

function attemptTexts(writers: Writers): (x: Exchange, upstream: UpstreamPlan, status: number) => string {
  const countStart = writers.start("sluice.attempts");
  const durationStart = writers.start("sluice.upstream_duration");
  const targetText = targetTexts(writers, countStart);
  // As it nearly always is: one attempt, which came to something.
  const targetOnce = targetTexts(writers, `${countStart}${countStart === "" ? "" : 1}${durationStart}`);
  const statusText = writers.json("sluice.upstream_status");
  const attempted = writers.list("sluice.attempted", attemptText);
  return (x, upstream, status) => {
    const made = attemptsOf(x);
    const last = decisiveAttempt(x);
    const took = last === undefined || last.settledAt === 0 || durationStart === "" ? "" : secondsOf(last);
    const differs = last !== undefined && last.status !== 0 && last.status !== status;
    if (made === 1 && took !== "") {
      const once = targetOnce(upstream, last!.target) + took;
      return differs ? once + statusText(last.status) : once;
    }
    const count = countStart === "" ? "" : made;
    const each = made > 1 ? attempted(eachAttemptOf(x)) : "";
    return (
      `${targetText(upstream, last?.target ?? "")}${count}${took === "" ? "" : durationStart + took}` +
      `${differs ? statusText(last.status) : ""}${each}`
    );
  };
}

/** One of several attempts: where to, why it was made, what came of it, and how many seconds that took. */
function attemptText(attempt: AttemptRecord): string {
  const { target, reason, status, error } = attempt;
  const why = reason === undefined ? "" : `,"reason":"${reason}"`;
  const code = status === 0 ? "" : `,"http.response.status_code":${status}`;
  const type = error === undefined ? "" : `,"error.type":"${error.code}"`;
  return `{"sluice.target":"${jsonText(target, MOST)}"${why}${code}${type},"duration":${secondsOf(attempt)}}`;
}

/** To the microsecond; 0 for an attempt that has not settled. */
function secondsOf({ startedAt, settledAt }: AttemptRecord): string {
  return secondsText(Math.round((settledAt - startedAt) * 1000));
}

/** What a limit said, and what it has left. */
function limitText({ limit, allowed, remaining }: Limited): string {
  const verdict = allowed ? "allowed" : limit.observe ? "observed" : "refused";
  return `{"limit":"${jsonText(limit.name, MOST)}","verdict":"${verdict}","remaining":${Math.max(0, Math.floor(remaining))}}`;
}

/** What a policy in observe mode would have refused. */
function observedText({ policy, error }: Observation): string {
  return `{"policy":"${policy}","error.type":"${error.code}","detail":"${jsonText(error.message, MOST_DETAIL)}"}`;
}

/** An upstream that had no answer, with the failure or the status. */
function fallbackText({ upstream, reason }: FallbackRecord): string {
  return `{"upstream":"${jsonText(upstream.name, MOST)}","reason":"${reason}"}`;
}
