// The access log: one JSON line an exchange, named after OpenTelemetry's conventions. Built by hand, for it is hot.
import type { Identity } from "../config/auth/options.ts";
import type { AttemptRecord, Ending, Exchange, FallbackRecord, Observation, Trace } from "../exchange.ts";
import type { LogPlan } from "../config/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Platform } from "../platform.ts";
import { jsonText } from "./json-text.ts";
import { agentTexts, methodText, openings, originTexts, routeTexts, statusTexts, targetTexts } from "./line-parts.ts";
import { attemptsOf, decisiveAttempt, eachAttemptOf, errorOf, pathOf, queryOf, statusOf } from "./outcome.ts";
import { prettyLine } from "./pretty.ts";
import { queryRedactor } from "./redact.ts";

/** Most characters kept of what a client says; more is cut and marked. */
const MOST_TARGET = 2048;
const MOST_DETAIL = 512;
const MOST = 256;

/** Takes an exchange that has ended. */
export type Recorder = (x: Exchange, ending: Ending) => void;

/** Writes one line an exchange to `platform.line`: JSON, or for a person at a terminal. */
export function accessLog(plan: LogPlan, platform: Platform, pretty: boolean): Recorder {
  const redact = queryRedactor(plan.redactQuery);
  const line = pretty ? prettyLine(redact, platform) : jsonLine(redact, platform);
  return (x, ending) => platform.line(line(x, ending));
}

/**
 * Makes the JSON line. It is printable ASCII without a newline, whatever the client sent. Keys in order: `time`
 * (RFC 3339, UTC, milliseconds, when the exchange ended), `level` (`error` for a status from 500 on and for what the
 * upstream or the gateway broke, else `info`), `msg`, `request_id`, those of the trace where there are traces, then the names of OpenTelemetry, `duration` in
 * seconds from the head's arrival to the last byte, then Sluice's own. What is not known is left out.
 */
export function jsonLine(
  redact: (query: string) => string,
  platform: Platform,
): (x: Exchange, ending: Ending) => string {
  const opening = openings();
  const originText = originTexts();
  const statusText = statusTexts();
  const agentText = agentTexts();
  const routeText = routeTexts();
  const targetText = targetTexts();

  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const failed = status >= 500 || (error !== undefined && error.fault !== "client");
    const micros = Math.max(0, Math.round((platform.now() - x.startedAt) * 1000));
    const seconds = Math.floor(micros / 1_000_000);
    const start = opening(platform.wallClock(), failed ? "error" : "info");
    const id = jsonText(x.id, MOST);
    const trace = x.trace === undefined ? "" : traceText(x.trace);
    const path = jsonText(pathOf(x), MOST_TARGET);
    const method = methodText(x.method, path);
    const asked = queryOf(x);
    const query = asked.length > 1 ? queryText(redact(asked)) : "";
    const origin = originText(x.scheme, x.authority, x.version);
    const client = jsonText(x.client, MOST);
    const peer = x.peer === x.client ? "" : peerText(x.peer);
    const agent = agentText(x.fields.get("user-agent"));
    const rest = String(micros - seconds * 1_000_000 + 1_000_000).slice(1);
    const route = x.route === undefined ? "" : routeText(x.route, x.match);
    const attempts = x.upstream === undefined ? "" : attemptsText(x, x.upstream, status, targetText);
    const caller = x.identity === undefined ? "" : identityText(x.identity);
    const observed = x.observations.length === 0 ? "" : observedText(x.observations);
    const store = x.limitStore === undefined ? "" : `,"sluice.limit_store":"${x.limitStore}"`;
    const fallbacks = x.fallbacks.length === 0 ? "" : fallbacksText(x.fallbacks);
    const faults = x.faults.length === 0 ? "" : `,"sluice.faults":${JSON.stringify(x.faults)}`;
    const end = error === undefined ? "}" : errorText(error);
    return (
      `${start}${id}${trace}${method}${path}${query}${origin}${statusText(status)}${client}${peer}${agent}${ending.bytesIn}` +
      `,"http.response.body.size":${ending.bytesOut},"duration":${seconds}.${rest}${route}${caller}${attempts}` +
      `${observed}${store}${fallbacks}${faults}${end}`
    );
  };
}

function queryText(masked: string): string {
  return `","url.query":"${jsonText(masked.slice(1), MOST_TARGET)}`;
}

function traceText({ traceId, spanId, flags }: Trace): string {
  return `","trace_id":"${traceId}","span_id":"${spanId}","trace_flags":"0${flags}`;
}

function peerText(peer: string): string {
  return `","network.peer.address":"${jsonText(peer, MOST)}`;
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
  const text = `${targetText(upstream, last.target)}${count}`;
  const differs = last.status !== 0 && last.status !== status;
  return (differs ? `${text},"sluice.upstream_status":${last.status}` : text) + each;
}

/** Each of several attempts: where to, why it was made, what came of it, and how many seconds that took. */
function eachText(attempts: readonly AttemptRecord[]): string {
  const each = attempts.map(({ target, reason, status, error, startedAt, settledAt }) => {
    const why = reason === undefined ? "" : `,"reason":"${reason}"`;
    const code = status === 0 ? "" : `,"http.response.status_code":${status}`;
    const type = error === undefined ? "" : `,"error.type":"${error.code}"`;
    const seconds = Math.max(0, (settledAt - startedAt) / 1000).toFixed(6);
    return `{"sluice.target":"${jsonText(target, MOST)}"${why}${code}${type},"duration":${seconds}}`;
  });
  return `,"sluice.attempted":[${each.join(",")}]`;
}

/** Who called. The subject is personal and is left out. */
function identityText({ scheme, consumer }: Identity): string {
  const text = `,"sluice.auth.scheme":"${jsonText(scheme, MOST)}"`;
  return consumer === undefined ? text : `${text},"sluice.consumer":"${jsonText(consumer.name, MOST)}"`;
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

function errorText(error: GatewayError): string {
  const detail = jsonText(error.message, MOST_DETAIL);
  return `,"error.type":"${error.code}","sluice.error.fault":"${error.fault}","sluice.error.detail":"${detail}"}`;
}
