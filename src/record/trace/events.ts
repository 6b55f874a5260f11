// What policies did with an exchange, as events of its span.
import type { Exchange, Limited, Mark, StageName } from "../../exchange.ts";
import {
  type Attribute,
  numberAttribute,
  textAttribute as text,
  textsAttribute,
  wholeAttribute,
} from "../otlp/attributes.ts";
import type { SpanEvent } from "../otlp/span.ts";

/** One event a policy, at the moment at which it let go of the exchange. */
export function eventsOf(x: Exchange, now: number, moment: (at: number) => string): SpanEvent[] {
  const { marks = [], limited, observations, fallbacks } = x;
  const events: { readonly at: number; readonly name: string; readonly attributes: readonly Attribute[] }[] = [];
  const add = (at: number, name: string, attributes: readonly Attribute[]): void =>
    void events.push({ at, name: `sluice.${name}`, attributes });
  const endOf = (stage: StageName): number => {
    const mark = marks.findLast((each) => each.stage === stage);
    return mark === undefined ? x.startedAt : end(mark, now);
  };
  for (const mark of marks) {
    const at = end(mark, now);
    // What refuses is the last stage that there is.
    const refused = x.error !== undefined && mark === marks.at(-1) && x.attempts.length + fallbacks.length === 0;
    const outcome = refused ? [text("error.type", x.error!.code)] : [];
    add(at, mark.stage, [
      numberAttribute("sluice.duration", (at - mark.beganAt) / 1000),
      ...(DETAILS[mark.stage]?.(x) ?? []),
      ...outcome,
    ]);
  }
  for (const each of limited) add(endOf("limits"), "limit", limitAttributes(each));
  for (const { policy, error } of observations) {
    add(endOf(stageOf(policy)), "observed", [text("sluice.policy", policy), text("error.type", error.code)]);
  }
  for (const { upstream, reason, attempts } of fallbacks) {
    const attributes = [text("sluice.upstream", upstream.name), text("sluice.reason", String(reason))];
    const settled = (attempts.length > 0 ? attempts : x.attempts).map(({ settledAt }) => settledAt || now);
    add(settled.length === 0 ? now : Math.max(...settled), "fallback", attributes);
  }
  return events
    .sort((a, b) => a.at - b.at)
    .map(({ at, name, attributes }) => ({ timeUnixNano: moment(at), name, attributes }));
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
const DETAILS: Partial<Record<StageName, (x: Exchange) => Attribute[]>> = {
  auth: ({ identity }) => (identity === undefined ? [] : [text("sluice.auth.scheme", identity.scheme)]),
  faults: ({ faults }) => [textsAttribute("sluice.faults", faults)],
  mirror: ({ route }) => [
    textsAttribute("sluice.mirror.upstreams", route?.mirrors.map(({ upstream }) => upstream.name) ?? []),
  ],
};

function limitAttributes({ limit, allowed, remaining }: Limited): Attribute[] {
  const decision = allowed ? "allowed" : limit.observe ? "observed" : "refused";
  return [
    text("sluice.limit", limit.name),
    text("sluice.decision", decision),
    wholeAttribute("sluice.remaining", Math.max(0, Math.floor(remaining))),
  ];
}
