// What an exchange was and came to: the one reading that every form of the record shares.
import type { GatewayError } from "../errors.ts";
import type { MatchPlan, RoutePlan } from "../config/plan.ts";
import type { AttemptRecord, Ending, Exchange } from "../exchange.ts";

/**
 * The status to record: of the answer, or what it stands for, or, when none was begun, of the failure (499 for a client that left).
 * 0 when there was neither.
 */
export function statusOf(x: Exchange, ending: Ending): number {
  if (x.answer !== undefined) return x.answer.standsFor ?? x.answer.status;
  const error = errorOf(x, ending);
  return error === undefined ? 0 : error.status;
}

/**
 * The failure to record. What the gateway answered with comes first, for it explains the status; else how sending broke
 * off.
 */
export function errorOf(x: Exchange, ending: Ending): GatewayError | undefined {
  return x.error ?? ending.error;
}

/** How many attempts were made, at whichever upstream. */
export function attemptsOf({ attempts, fallbacks }: Exchange): number {
  return fallbacks.reduce((sum, { attempts }) => sum + attempts.length, attempts.length);
}

/** All of them, in order. */
export function eachAttemptOf({ attempts, fallbacks }: Exchange): readonly AttemptRecord[] {
  return [...fallbacks.flatMap(({ attempts }) => attempts), ...attempts];
}

/** The one that decided: the last that was not withdrawn because another was answered first. */
export function decisiveAttempt({ attempts }: Exchange): AttemptRecord | undefined {
  if (attempts.length < 2) return attempts[0];
  return attempts.findLast(({ error }) => error?.code !== "attempt_withdrawn");
}

/** The path as it was matched; of a request that was refused before, as the client sent it. "" when no head came. */
export function pathOf(x: Exchange): string {
  if (!refusedUnread(x)) return x.path;
  const mark = x.target.indexOf("?");
  return mark < 0 ? x.target : x.target.slice(0, mark);
}

/** The query with its "?", or "". */
export function queryOf(x: Exchange): string {
  if (!refusedUnread(x)) return x.query;
  const mark = x.target.indexOf("?");
  return mark < 0 ? "" : x.target.slice(mark);
}

/** The pattern that fitted, or the only one there is. */
export function routePattern(route: RoutePlan, match: MatchPlan | undefined): string | undefined {
  return match?.path ?? (route.matches.length === 1 ? route.matches[0]!.path : undefined);
}

/** The host of an authority: no port, no brackets. */
export function hostOf(authority: string): string {
  if (authority.charCodeAt(0) === 0x5b) return authority.slice(1, authority.indexOf("]"));
  const colon = authority.indexOf(":");
  return colon < 0 ? authority : authority.slice(0, colon);
}

/** Host and port of a target's URL. */
export function addressOf(target: string): { readonly host: string; readonly port: string } {
  const [, scheme, host = "", port] = /^(https?):\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?/i.exec(target) ?? [];
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: port ?? (scheme?.toLowerCase() === "https" ? "443" : "80"),
  };
}

/** The same as labels of metrics. */
export function addressLabels(target: string): Readonly<Record<"server.address" | "server.port", string>> {
  const { host, port } = addressOf(target);
  return { "server.address": host, "server.port": port };
}

/** Whether an exchange is recorded as an error: a status from 500 on, or what the upstream or the gateway broke. */
export function isError(status: number, error: GatewayError | undefined): boolean {
  return status >= 500 || (error !== undefined && error.fault !== "client");
}

/** Whether the way ended before the target was read: then path and query are not set. */
function refusedUnread(x: Exchange): boolean {
  return x.route === undefined && x.path === "/" && x.target !== "/";
}
