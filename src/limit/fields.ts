// Fields that tell clients of limits: the draft of the IETF, and the older dialect.
import type { LimitPlan, LimitsPlan } from "../config/limit/plan.ts";
import type { Exchange, Limited } from "../exchange.ts";
import type { Fields } from "../http/fields.ts";
import { retryAfterSeconds } from "../http/retry-after.ts";

/** Fields by which upstreams tell of limits of their own: on a limited route they would mix with ours. */
const OWNED = ["ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/**
 * Puts the fields on the answer of an exchange that was limited (draft-ietf-httpapi-ratelimit-headers-10). `RateLimit` names
 * the limit that is nearest to its end, `RateLimit-Policy` all of them. `Reset` of the older dialect is seconds from now.
 */
export function limitFields(dialect: LimitsPlan["fields"]): ((x: Exchange, fields: Fields) => void) | undefined {
  if (dialect === false) return undefined;
  const texts = new Map<LimitPlan, string>();
  const policyOf = (limit: LimitPlan): string => {
    let text = texts.get(limit);
    if (text === undefined) texts.set(limit, (text = policyText(limit)));
    return text;
  };
  return (x, fields) => {
    let tightest: Limited | undefined;
    let policies = "";
    for (const each of x.limited) {
      if (each.limit.observe) continue;
      policies = policies === "" ? policyOf(each.limit) : `${policies}, ${policyOf(each.limit)}`;
      if (tightest === undefined || shareOf(each) < shareOf(tightest)) tightest = each;
    }
    if (tightest === undefined) return;
    for (const key of OWNED) fields.delete(key);
    const { limit, remaining, resetMs } = tightest;
    const seconds = retryAfterSeconds(resetMs);
    const until = Number.isFinite(seconds) ? `;t=${seconds}` : "";
    if (dialect !== "legacy") {
      fields.add("RateLimit-Policy", policies);
      fields.add("RateLimit", `"${limit.name}";r=${remaining}${until}`);
    }
    if (dialect !== "draft") {
      fields.add("X-RateLimit-Limit", String(limit.limit));
      fields.add("X-RateLimit-Remaining", String(remaining));
      if (until !== "") fields.add("X-RateLimit-Reset", String(seconds));
    }
  };
}

/** How much of a limit is left, from 0 to 1. */
function shareOf({ remaining, limit }: Limited): number {
  return remaining / limit.limit;
}

function policyText({ name, limit, span }: LimitPlan): string {
  const seconds = "windowMs" in span ? Math.ceil(span.windowMs / 1000) : span.per === "day" ? 86_400 : 2_678_400;
  return `"${name}";q=${limit};w=${seconds}`;
}
