// Parts of a log line that repeat, made once. A line costs what its number of pieces costs: few long ones are cheap.
import type { MatchPlan, RoutePlan } from "../config/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import { jsonText } from "./json-text.ts";
import { hostOf, routePattern } from "./outcome.ts";

const MOST = 256;
const MOST_AGENT = 512;

/**
 * The same text in one piece. Engines keep a sum of strings as a tree and would walk it again in every line it becomes
 * a part of; reading a character joins it for good.
 */
export function inOnePiece(text: string): string {
  text.charCodeAt(0);
  return text;
}

/** How a line begins. `time` is of RFC 3339, UTC, in milliseconds. */
type Opening = (time: string, level: "info" | "error") => string;

/** The beginning of a line. Kept for a millisecond, which many lines share under load. */
export function openings(write: Opening): (ms: number, isError: boolean) => string {
  let lastMs = -1;
  let second = -1;
  let prefix = "";
  let info = "";
  let error = "";
  return (ms, isError) => {
    const whole = Math.floor(ms);
    if (whole !== lastMs) {
      lastMs = whole;
      const wholeSecond = Math.floor(whole / 1000);
      if (wholeSecond !== second) {
        second = wholeSecond;
        prefix = new Date(wholeSecond * 1000).toISOString().slice(0, 20);
      }
      const time = `${prefix}${String(whole - wholeSecond * 1000 + 1000).slice(1)}Z`;
      info = inOnePiece(write(time, "info"));
      error = inOnePiece(write(time, "error"));
    }
    return isError ? error : info;
  };
}

/**
 * From the end of the request id to the beginning of the path; nothing when no head came, so that neither method nor
 * path is told. Only methods that are standard are kept.
 */
export function methodText(method: string, path: string): string {
  if (method === "") return path === "" ? "" : '","url.path":"';
  return METHOD_TEXTS.get(method) ?? newMethodText(method);
}

function newMethodText(method: string): string {
  return inOnePiece(`","http.request.method":"${jsonText(method, MOST)}","url.path":"`);
}

const METHOD_TEXTS: ReadonlyMap<string, string> = new Map(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"].map((method) => [
    method,
    newMethodText(method),
  ]),
);

/** From the end of path or query to before the status: how and for whom the request came. The last one is kept. */
export function originTexts(): (scheme: string, authority: string, version: string) => string {
  let last = "";
  let lastScheme = "";
  let lastAuthority = "";
  let lastVersion = "";
  return (scheme, authority, version) => {
    if (authority !== lastAuthority || scheme !== lastScheme || version !== lastVersion) {
      lastScheme = scheme;
      lastAuthority = authority;
      lastVersion = version;
      const address = authority === "" ? "" : `,"server.address":"${jsonText(hostOf(authority), MOST)}"`;
      last = inOnePiece(`","url.scheme":"${scheme}"${address},"network.protocol.version":"${version}"`);
    }
    return last;
  };
}

/** The status, up to the beginning of the client's address. 0 is no status. */
export function statusTexts(): (status: number) => string {
  const known: string[] = [];
  return (status) => {
    const code = status === 0 ? "" : `,"http.response.status_code":${status}`;
    return (known[status] ??= inOnePiece(`${code},"client.address":"`));
  };
}

/** From the end of the client's address to the number of bytes received. The last one is kept. */
export function agentTexts(): (agent: string | undefined) => string {
  const none = '","http.request.body.size":';
  let lastAgent: string | undefined;
  let last = none;
  return (agent) => {
    if (agent === undefined) return none;
    if (agent !== lastAgent) {
      lastAgent = agent;
      last = inOnePiece(`","user_agent.original":"${jsonText(agent, MOST_AGENT)}","http.request.body.size":`);
    }
    return last;
  };
}

/** The pattern that fitted, or the only one there is, and the route's name. All are kept: they come from the config. */
export function routeTexts(): (route: RoutePlan, match: MatchPlan | undefined) => string {
  const known = new WeakMap<RoutePlan | MatchPlan, string>();
  return (route, match) => {
    const key = match ?? route;
    let text = known.get(key);
    if (text === undefined) {
      const pattern = routePattern(route, match);
      const patternText = pattern === undefined ? "" : `,"http.route":"${jsonText(pattern, MOST)}"`;
      text = inOnePiece(`${patternText},"sluice.route":"${jsonText(route.name, MOST)}"`);
      known.set(key, text);
    }
    return text;
  };
}

/** Upstream and target. Both come from the config, so all are kept. */
export function targetTexts(): (upstream: UpstreamPlan, target: string) => string {
  const known = new WeakMap<UpstreamPlan, Map<string, string>>();
  return (upstream, target) => {
    let ofUpstream = known.get(upstream);
    if (ofUpstream === undefined) known.set(upstream, (ofUpstream = new Map()));
    let text = ofUpstream.get(target);
    if (text === undefined) {
      const targetText = target === "" ? "" : `,"sluice.target":"${jsonText(target, MOST)}"`;
      text = inOnePiece(`,"sluice.upstream":"${jsonText(upstream.name, MOST)}"${targetText},"sluice.attempts":`);
      ofUpstream.set(target, text);
    }
    return text;
  };
}
