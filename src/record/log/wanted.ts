// Which exchanges are written to the access log: what the config picks out, and a share of what it samples.
import type { LogFilterPlan, LogPlan, LogSamplePlan } from "../../config/log/plan.ts";
import type { Ending, Exchange } from "../../exchange.ts";
import { chances } from "../../http/chance.ts";
import type { Platform } from "../../platform.ts";
import { attemptsOf, errorOf, isError, statusOf } from "../outcome.ts";

/** Whether an exchange that has ended is written. Undefined when all are. */
export function wanted(
  { only, sample }: LogPlan,
  platform: Platform,
): ((x: Exchange, ending: Ending) => boolean) | undefined {
  if (only === undefined && sample.length === 0) return undefined;
  const chance = chances(platform.random(1)[0]!);
  const rules = sample.map(ruleOf);
  return (x, ending) => {
    const status = statusOf(x, ending);
    const failed = isError(status, errorOf(x, ending));
    if (only !== undefined && !failed && !isPicked(only, x, status, platform)) return false;
    const rule = rules.find((each) => each.fits(x, status, failed));
    return rule === undefined || rule.share === 1 || chance() < rule.share;
  };
}

function isPicked(
  { statuses, minMs, retried }: LogFilterPlan,
  x: Exchange,
  status: number,
  platform: Platform,
): boolean {
  if (has(statuses, status)) return true;
  if (minMs !== undefined && platform.now() - x.startedAt >= minMs) return true;
  return retried && attemptsOf(x) > 1;
}

interface Rule {
  readonly share: number;
  fits(x: Exchange, status: number, failed: boolean): boolean;
}

function ruleOf({ share, statuses, routes }: LogSamplePlan): Rule {
  return {
    share,
    fits(x, status, failed) {
      if (statuses === undefined ? failed : !has(statuses, status)) return false;
      return routes === undefined || (x.route !== undefined && routes.includes(x.route.name));
    },
  };
}

/** Whether a status is one of these; one below 10 is a class. */
function has(statuses: readonly number[], status: number): boolean {
  return statuses.includes(status) || statuses.includes(Math.floor(status / 100));
}
