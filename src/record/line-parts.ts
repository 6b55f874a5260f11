// Parts of a log line that repeat, made once. A line costs what its number of pieces costs: few long ones are cheap.
import type { MatchPlan, RoutePlan } from "../config/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import { STANDARD } from "./kinds.ts";
import type { Writer, Writers } from "./log/writers.ts";
import { routePattern } from "./outcome.ts";

const MOST_TARGET = 2048;
const MOST = 256;
/** Of what an agent calls itself. */
export const MOST_AGENT = 512;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/**
 * The same text, well-formed, in one piece. Engines keep a sum of strings as a tree and would walk it again in every line
 * it becomes a part of. Reading of it does not always join it: compiled code finds a character in the tree, or does not
 * read what nobody uses. What comes of bytes was never a tree.
 */
export function inOnePiece(text: string): string {
  return DECODER.decode(ENCODER.encode(text));
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

/** The method, between two texts; nothing of it when no head came. Only methods that are standard are kept. */
export function methodTexts(writers: Writers, before = "", behind = ""): Writer<string> {
  const own = writers.text("http.request.method", MOST);
  const write = (method: string): string => before + own(method) + behind;
  const known = new Map(STANDARD.map((method) => [method, inOnePiece(write(method))]));
  return (method) => known.get(method) ?? write(method);
}

/** The query without its "?"; nothing where there is none. What is secret in it is masked. */
export function queryTexts(writers: Writers, redact: (query: string) => string): Writer<string> {
  if (!writers.keeps("url.query")) return () => "";
  const write = writers.anyText("url.query", MOST_TARGET);
  return (query) => (query.length > 1 ? write(redact(query).slice(1)) : "");
}

/**
 * A piece of a line that is made of three texts. The last one is kept: many requests have the same. It is joined when it is
 * asked for again: what comes once is not worth that.
 */
export function lastKept(
  write: (one: string, two: string, three: string) => string,
): (one: string, two: string, three: string) => string {
  let last = write("", "", "");
  let isJoined = false;
  let lastOne = "";
  let lastTwo = "";
  let lastThree = "";
  return (one, two, three) => {
    if (two !== lastTwo || one !== lastOne || three !== lastThree) {
      lastOne = one;
      lastTwo = two;
      lastThree = three;
      last = write(one, two, three);
      isJoined = false;
    } else if (!isJoined) {
      last = inOnePiece(last);
      isJoined = true;
    }
    return last;
  };
}

/** A piece of a line that is made of the status and three texts. The last one of each status is kept. */
export function lastKeptByStatus(
  write: (status: number, one: string, two: string, three: string) => string,
): (status: number, one: string, two: string, three: string) => string {
  const known: ((one: string, two: string, three: string) => string)[] = [];
  return (status, one, two, three) =>
    (known[status] ??= lastKept((...texts) => write(status, ...texts)))(one, two, three);
}

/** The status. 0 is none. */
export function statusTexts(writers: Writers): (status: number) => string {
  const known: string[] = [];
  return (status) =>
    (known[status] ??= status === 0 ? "" : inOnePiece(writers.member("http.response.status_code", String(status))));
}

/**
 * The agent, between the end of the member before it and the beginning of the next. The last one is kept.
 * @param write writes the agent
 */
export function agentTexts(before: string, write: Writer<string>, next: string): (agent: string | undefined) => string {
  const none = inOnePiece(before + next);
  const kept = lastKept((agent) => before + write(agent) + next);
  return (agent) => (agent === undefined ? none : kept(agent, "", ""));
}

/** Three digits. */
const THOUSAND = Array.from({ length: 1000 }, (_, number) => inOnePiece(String(number).padStart(3, "0")));

/** Microseconds as seconds, to the microsecond. Never below 0. */
export function secondsText(micros: number): string {
  if (micros <= 0) return "0.000000";
  const seconds = Math.floor(micros / 1_000_000);
  const rest = micros - seconds * 1_000_000;
  const millis = Math.floor(rest / 1000);
  return `${seconds}.${THOUSAND[millis]!}${THOUSAND[rest - millis * 1000]!}`;
}

/** The pattern that fitted, or the only one there is, and the route's name. All are kept: they come from the config. */
export function routeTexts(writers: Writers): (route: RoutePlan, match: MatchPlan | undefined) => string {
  const known = new WeakMap<RoutePlan | MatchPlan, string>();
  const pattern = writers.anyText("http.route", MOST);
  const name = writers.anyText("sluice.route", MOST);
  return (route, match) => {
    const key = match ?? route;
    let text = known.get(key);
    if (text === undefined) {
      const path = routePattern(route, match);
      text = inOnePiece((path === undefined ? "" : pattern(path)) + name(route.name));
      known.set(key, text);
    }
    return text;
  };
}

/** Targets of an upstream that are known at once; where they come and go, those that went are forgotten with the others. */
const MOST_TARGETS = 1000;

/** Upstream and target, and the beginning of the next member. They are kept: nobody outside makes one. */
export function targetTexts(writers: Writers, next: string): (upstream: UpstreamPlan, target: string) => string {
  const known = new WeakMap<UpstreamPlan, Map<string, string>>();
  const name = writers.anyText("sluice.upstream", MOST);
  const address = writers.text("sluice.target", MOST);
  return (upstream, target) => {
    let ofUpstream = known.get(upstream);
    if (ofUpstream === undefined) known.set(upstream, (ofUpstream = new Map()));
    let text = ofUpstream.get(target);
    if (text === undefined) {
      text = inOnePiece(name(upstream.name) + address(target) + next);
      if (ofUpstream.size >= MOST_TARGETS) ofUpstream.clear();
      ofUpstream.set(target, text);
    }
    return text;
  };
}
