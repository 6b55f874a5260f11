// An exchange that has ended, as operators see it: what it was, and where its time went.
import type { Ending, Exchange, StageName } from "../../exchange.ts";
import { attemptsOf, eachAttemptOf, errorOf, pathOf, statusOf } from "../../record/outcome.ts";
import type { SeenExchange, Span, SpanName } from "./seen.ts";

const MOST_PATH = 200;
const MOST_DETAIL = 200;
/** Attempts that are shown. */
const MOST_ATTEMPTS = 8;

const SPANS = {
  limits: "limit",
  auth: "auth",
  allow: "allow",
  in_flight: "wait",
  faults: "fault",
  mirror: "mirror",
} as const satisfies Record<StageName, SpanName>;

/**
 * The view of an exchange.
 * @param now monotonic milliseconds
 * @param wall milliseconds since the epoch at that moment
 */
export function viewOf(x: Exchange, ending: Ending, now: number, wall: number): SeenExchange {
  const error = errorOf(x, ending);
  const { identity } = x;
  const consumer = identity?.consumer?.name;
  return {
    id: x.id,
    at: wall - (now - x.startedAt),
    ms: now - x.startedAt,
    method: x.method.slice(0, 16),
    path: shortened(pathOf(x), MOST_PATH),
    status: statusOf(x, ending),
    ...(error && { code: error.code, detail: shortened(error.message, MOST_DETAIL) }),
    ...(x.route && { route: x.route.name }),
    ...(consumer !== undefined && { consumer }),
    ...(identity && { scheme: identity.scheme }),
    ...(x.upstream && { upstream: x.upstream.name }),
    attempts: attemptsOf(x),
    bytesIn: ending.bytesIn,
    bytesOut: ending.bytesOut,
    spans: spansOf(x, now),
  };
}

/** Where the time of an exchange went. What is not told of is the gateway's own. */
function spansOf(x: Exchange, now: number): Span[] {
  const spans: Span[] = [];
  let last = x.startedAt;
  const add = (name: SpanName, from: number, to: number, more: Pick<Span, "target" | "outcome"> = {}): void => {
    const end = to === 0 ? now : to;
    spans.push({ name, from: from - x.startedAt, to: end - x.startedAt, ...more });
    last = Math.max(last, end);
  };
  for (const { stage, beganAt, endedAt } of x.marks ?? []) add(SPANS[stage], beganAt, endedAt);
  const attempts = eachAttemptOf(x);
  for (const { target, startedAt, sentAt = 0, settledAt, status, error } of attempts.slice(0, MOST_ATTEMPTS)) {
    const outcome = error?.code ?? (status === 0 ? "" : String(status));
    if (sentAt !== 0 || error !== undefined) add("connect", startedAt, sentAt === 0 ? settledAt : sentAt, { target });
    if (sentAt !== 0 || error === undefined) {
      add("first byte", sentAt === 0 ? startedAt : sentAt, settledAt, { target, outcome });
    }
  }
  if (attempts.some(({ status }) => status !== 0)) add("body", last, now);
  else if (x.answer !== undefined) add("answer", last, now);
  return spans;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
