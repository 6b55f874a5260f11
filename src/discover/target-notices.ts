// What the operator is told of the targets that are found: each change, and each failure once.
import type { TargetPlan } from "../config/upstream/plan.ts";
import type { Platform } from "../platform.ts";

/** Takes what a search has come to. */
export interface Tell {
  /** How often it has failed. */
  readonly failures: number;
  /** @param lacks why a part of them is as it was before, as for `failed` */
  found(targets: readonly TargetPlan[], lacks?: string): void;
  /** Why there is nothing new: sentences. */
  failed(reason: string): void;
}

/** Most URLs in one notice. */
const SHOWN = 5;

/**
 * Passes on the sets that differ from the one before, and tells of them.
 * @param title what they are the targets of
 * @param known those that are in use already
 */
export function targetNotices(
  title: string,
  known: readonly TargetPlan[],
  platform: Pick<Platform, "notice">,
  use: (targets: readonly TargetPlan[]) => void,
): Tell {
  let present = inOrder(known);
  let failure = "";
  let failures = 0;
  const tell = (level: "info" | "warn" | "error", text: string): void => platform.notice(level, `${title}: ${text}`);
  return {
    get failures() {
      return failures;
    },
    found(targets, lacks = "") {
      const next = inOrder(targets);
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

/** Servers of names change the order of what they tell with each answer. */
function inOrder(targets: readonly TargetPlan[]): readonly TargetPlan[] {
  const place = ({ priority = 0, url }: TargetPlan): string => `${String(priority).padStart(5, "0")} ${url}`;
  return targets.toSorted((one, other) => (place(one) < place(other) ? -1 : 1));
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
  return parts.flatMap(([what, which]) => (which.length === 0 ? [] : [`${what} ${shown(which)}`])).join("; ");
}

function shown(urls: readonly string[]): string {
  const rest = urls.length - SHOWN;
  return rest <= 0 ? urls.join(", ") : `${urls.slice(0, SHOWN).join(", ")} and ${rest} more`;
}
