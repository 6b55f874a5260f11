// What policies did with an exchange, as events of its span.
import type { Exchange, Limited, Mark, StageName } from "../../exchange.ts";
import { attributeList, lists, numbers, texts, wholes } from "../otlp/span.ts";

const DURATION = numbers("sluice.duration");
const ERROR_TYPE = texts("error.type");
const FAULTS = lists("sluice.faults");
const LIMIT = texts("sluice.limit");
const DECISION = texts("sluice.decision");
const MIRRORS = lists("sluice.mirror.upstreams");
const POLICY = texts("sluice.policy");
const REASON = texts("sluice.reason");
const REMAINING = wholes("sluice.remaining");
const SCHEME = texts("sluice.auth.scheme");
const UPSTREAM = texts("sluice.upstream");

/**
 * The member of a span with one event a policy, at the moment at which it let go of the exchange; "" where there is none.
 * @param now monotonic milliseconds
 * @param moment writes such a moment
 */
export function eventsText(x: Exchange, now: number, moment: (at: number) => string): string {
  const { marks = [], limited, observations, fallbacks } = x;
  if (marks.length + limited.length + observations.length + fallbacks.length === 0) return "";
  const events: { readonly at: number; readonly text: string }[] = [];
  const add = (at: number, name: string, attributes: string): void => {
    const list = attributeList(attributes);
    events.push({ at, text: `{"timeUnixNano":${moment(at)},"name":"sluice.${name}","attributes":${list}}` });
  };
  const endOf = (stage: StageName): number => {
    const mark = marks.findLast((each) => each.stage === stage);
    return mark === undefined ? x.startedAt : end(mark, now);
  };
  for (const mark of marks) {
    const at = end(mark, now);
    // What refuses is the last stage that there is.
    const refused = x.error !== undefined && mark === marks.at(-1) && x.attempts.length + fallbacks.length === 0;
    const details = DETAILS[mark.stage]?.(x) ?? "";
    const outcome = refused ? ERROR_TYPE(x.error!.code) : "";
    add(at, mark.stage, `${DURATION((at - mark.beganAt) / 1000)}${details}${outcome}`);
  }
  for (const each of limited) add(endOf("limits"), "limit", limitAttributes(each));
  for (const { policy, error } of observations) {
    add(endOf(stageOf(policy)), "observed", `${POLICY(policy)}${ERROR_TYPE(error.code)}`);
  }
  for (const { upstream, reason, attempts } of fallbacks) {
    const settled = (attempts.length > 0 ? attempts : x.attempts).map(({ settledAt }) => settledAt || now);
    const attributes = `${UPSTREAM(upstream.name)}${REASON(String(reason))}`;
    add(settled.length === 0 ? now : Math.max(...settled), "fallback", attributes);
  }
  const inOrder = events.sort((a, b) => a.at - b.at).map(({ text }) => text);
  return `,"events":[${inOrder.join(",")}]`;
}

/** The stage of a policy in observe mode: "auth", "allow", "limits.<name>" or "inFlight.<name>". */
function stageOf(policy: string): StageName {
  const [kind = ""] = policy.split(".");
  return kind === "inFlight" ? "in_flight" : (kind as StageName);
}

function end({ endedAt }: Mark, now: number): number {
  return endedAt === 0 ? now : endedAt;
}

/** What a stage says beside the time that it took. */
const DETAILS: Partial<Record<StageName, (x: Exchange) => string>> = {
  auth: ({ identity }) => (identity === undefined ? "" : SCHEME(identity.scheme)),
  faults: ({ faults }) => FAULTS(faults),
  mirror: ({ route }) => MIRRORS(route?.mirrors.map(({ upstream }) => upstream.name) ?? []),
};

function limitAttributes({ limit, allowed, remaining }: Limited): string {
  const decision = allowed ? "allowed" : limit.observe ? "observed" : "refused";
  return `${LIMIT(limit.name)}${DECISION(decision)}${REMAINING(Math.max(0, Math.floor(remaining)))}`;
}
