// Server-Timing: what the stages of an exchange took, for the developer tools of browsers (W3C Server Timing).
import type { Exchange } from "../exchange.ts";
import type { Fields } from "../http/fields.ts";

/**
 * Adds a line, behind any that the upstream sent: the stages that were marked, in their order; `upstream` from the first
 * attempt to the head of the answer; and `total` since the request's head came. It names no targets.
 * @param now monotonic milliseconds
 */
export function tellTiming(
  { marks = [], fallbacks, attempts, startedAt }: Exchange,
  fields: Fields,
  now: number,
): void {
  const metrics = new Map<string, number>();
  for (const { stage, beganAt, endedAt } of marks) {
    if (endedAt !== 0) metrics.set(stage, (metrics.get(stage) ?? 0) + endedAt - beganAt);
  }
  const tries = [...fallbacks.flatMap((each) => each.attempts), ...attempts];
  if (tries.length > 0) {
    const settledAt = Math.max(...tries.map((each) => each.settledAt));
    metrics.set("upstream", (settledAt === 0 ? now : settledAt) - tries[0]!.startedAt);
  }
  metrics.set("total", now - startedAt);
  const told = [...metrics].map(([name, ms]) => `${name};dur=${Math.max(0, Math.round(ms * 100) / 100)}`);
  fields.add("Server-Timing", told.join(", "));
}
