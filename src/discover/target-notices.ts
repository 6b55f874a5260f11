// What the operator is told of the targets that are found: each change, and each failure once.
import type { TargetPlan } from "../config/upstream/plan.ts";
import type { Platform } from "../platform.ts";
import { MOST_TARGETS } from "./target-list.ts";
import type { NoticeLevel } from "../verbosity.ts";

/** Takes what a search has come to. */
export interface Tell {
  /** How often the search has failed since it began. */
  readonly failures: number;
  /** @param lacks why a part of them is as it was before, as for `failed` */
  found(targets: readonly TargetPlan[], lacks?: string): void;
  /** Why there is nothing new: sentences. */
  failed(reason: string): void;
}

/** Most URLs in one notice. */
const SHOWN = 5;

/**
 * Passes on the sets that differ from the one before, and reports them.
 * @param title what they are the targets of
 * @param known those that are in use already
 */
export function targetNotices(
  title: string,
  known: readonly TargetPlan[],
  platform: Pick<Platform, "notice">,
  use: (targets: readonly TargetPlan[]) => void,
): Tell {
  let present = known;
  let failure = "";
  let failures = 0;
  let wasCut = false;
  const tell = (level: NoticeLevel, text: string): void => platform.notice(level, `${title}: ${text}`);
  return {
    get failures() {
      return failures;
    },
    found(targets, lacks = "") {
      const next = targets.slice(0, MOST_TARGETS);
      const isCut = next.length < targets.length;
      if (isCut && !wasCut) tell("warn", `${targets.length} targets were found: ${MOST_TARGETS} of them are used.`);
      wasCut = isCut;
      const isSame = marksOf(next) === marksOf(present);
      if (!isSame) {
        const { length } = next;
        tell("info", `${length} ${length === 1 ? "target" : "targets"} from now on: ${changes(present, next)}.`);
        present = next;
        use(next);
      } else if (failure !== "" && lacks === "") tell("info", "the targets are found again; they are the same.");
      if (lacks !== failure && lacks !== "") tell("warn", `${lacks}. What was known of them stays.`);
      failure = lacks;
    },
    failed(reason) {
      failures++;
      if (reason === failure) return;
      failure = reason;
      const what = reason.replace(/[.?!]$/, "");
      if (present.length === 0) tell("error", `${what}. It has no targets yet: it answers 503.`);
      else tell("warn", `${what}. The targets stay as they were.`);
    },
  };
}

function markOf({ url, weight, priority = 0 }: TargetPlan): string {
  return `${url} ${weight} ${priority}`;
}

function marksOf(targets: readonly TargetPlan[]): string {
  return targets.map(markOf).join("\n");
}

/** `new http://10.0.0.7:8080; gone http://10.0.0.5:8080; weighed anew http://10.0.0.6:8080`. */
function changes(before: readonly TargetPlan[], after: readonly TargetPlan[]): string {
  const old = new Map(before.map((target) => [target.url, markOf(target)]));
  const urls = new Set(after.map(({ url }) => url));
  const parts: [what: string, urls: string[]][] = [
    ["new", after.flatMap(({ url }) => (old.has(url) ? [] : [url]))],
    ["gone", before.flatMap(({ url }) => (urls.has(url) ? [] : [url]))],
    [
      "weighed anew",
      after.flatMap((target) => (old.has(target.url) && old.get(target.url) !== markOf(target) ? [target.url] : [])),
    ],
  ];
  const told = parts.flatMap(([what, which]) => (which.length === 0 ? [] : [`${what} ${shown(which)}`]));
  return told.length === 0 ? "in another order" : told.join("; ");
}

function shown(urls: readonly string[]): string {
  const rest = urls.length - SHOWN;
  return rest <= 0 ? urls.join(", ") : `${urls.slice(0, SHOWN).join(", ")} and ${rest} more`;
}
