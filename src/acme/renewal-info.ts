// Asks an authority when it wants a certificate to be renewed (ARI, RFC 9773 section 4).
import { type AcmeClient, objectIn } from "./client.ts";
import { AcmeFailure, shown } from "./failure.ts";
import type { Look } from "./storage.ts";
import { nextLookMs, renewalIn } from "./times.ts";

/**
 * Looks once. The moment in a window stays, as long as the authority names the same one.
 * @param before the last look at this certificate
 * @throws AcmeFailure
 */
export async function lookAt(
  id: string,
  before: Look | undefined,
  client: AcmeClient,
  now: number,
  chance: number,
): Promise<Look> {
  const { renewalInfo } = await client.directory();
  if (renewalInfo === undefined) return { id, next: now + nextLookMs(Infinity) };
  const answer = await client.get(`${renewalInfo.replace(/\/$/, "")}/${id}`);
  const { suggestedWindow, explanationURL } = objectIn(answer);
  const { start, end } = Object(suggestedWindow) as Record<string, unknown>;
  const window = { start: momentOf(start), end: momentOf(end) };
  if (!(window.start < window.end)) {
    throw new AcmeFailure(`${answer.url}: it names no window`, { of: "domain" });
  }
  const isSame = before?.start === window.start && before.end === window.end;
  const at = isSame ? before.at : renewalIn(window, chance);
  const why = typeof explanationURL === "string" ? shown(explanationURL) : undefined;
  return { id, ...window, at, why, next: now + nextLookMs(answer.askedMs) };
}

/** An RFC 3339 time in milliseconds since the epoch; NaN for anything else. */
function momentOf(written: unknown): number {
  return typeof written === "string" ? Date.parse(written) : Number.NaN;
}
