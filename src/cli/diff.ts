// `sluice diff [old] [new]`: what another config would change: its settings, or what becomes of the requests of an access log.
import { planView } from "../admin/live/plan-view.ts";
import type { Plan } from "../config/plan.ts";
import { messageOf } from "../errors.ts";
import { bunPlatform } from "../platforms/bun.ts";
import { adminPlaceIn, unreachable } from "./admin-place.ts";
import { placesIn } from "./config-places.ts";
import { comparisonOf } from "./diff/compare.ts";
import { Groups } from "./diff/groups.ts";
import { readRequest } from "./diff/logged-request.ts";
import { changesBetween, type Side, sideOf, sideOfView } from "./diff/plans.ts";
import { settingsText, trafficText } from "./diff/text.ts";
import { EXIT, Refusal, usageError } from "./exit.ts";
import { maskingOf } from "./explain/masking.ts";
import { SILENT } from "./explain/rehearsal.ts";
import { findConfig } from "./find-config.ts";
import { linesOfFile, linesOfInput } from "./logs/read-lines.ts";
import { type PlannedConfig, planConfig, reportFindings } from "./plan-config.ts";
import { shownPath, type Terminal } from "./terminal.ts";
import { defineVerb } from "./verb.ts";

/** Longest wait for a gateway on the same machine. */
const PATIENCE_MS = 5000;

/** `sluice diff`: says what another config would change. */
export const diff = defineVerb(
  {
    name: "diff",
    summary: "says what another config would change",
    notes: [
      "Of two configs it compares all that they come to, every default filled in. With one, or none, the other side is what",
      "runs: its gateway is asked, over `admin`. Secrets are compared and not shown, functions by their source; of what runs",
      "neither can be compared.",
      "--log says which requests of an access log would change route, verdict or upstream, by the stages that serve and",
      "without any traffic; the first config is the one that wrote it. Limits are left out: sluice simulate tells of those.",
      "What a log does not tell is said, never guessed. It is one of the forms that sluice logs reads; --log=- is standard",
      "input. --json prints { same, changes: [{ path, before, after, placeBefore, placeAfter }] }, with --log { same, requests,",
      "unreadable, groups: [{ method, pattern, requests, changes: [{ what, before, after }], doubts, example }] }.",
    ],
    examples: [
      ["sluice diff", "what a reload would change"],
      ["sluice diff old.config.ts new.config.ts", "what is set otherwise"],
      ["sluice diff old.config.ts new.config.ts --log=access.log", "what that would have done to these requests"],
    ],
    exits: [
      [0, "there is no difference"],
      [1, "there is one, or it cannot be told whether there is"],
      [66, "a file is missing, or the log is none"],
      69,
      78,
    ],
  },
  {
    old: { type: "positional", required: false, means: "config", description: "the config before" },
    new: { type: "positional", required: false, means: "config", description: "the config after" },
    log: {
      type: "string",
      valueHint: "file",
      means: "file",
      description: "an access log that the old one has written",
    },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ old, new: other, log, json }, { terminal, embedded }) => {
    if (log !== undefined && other === undefined) {
      throw usageError("--log takes two configs: the one that wrote it, and another.");
    }
    const first = await planConfig(findConfig(old), embedded);
    if ("findings" in first) return reportFindings(first.findings, terminal);
    if (other === undefined) {
      const now = await running(first);
      return tellSettings(now, ofView(first, now), json === true, terminal);
    }
    const second = await planConfig(findConfig(other), embedded);
    if ("findings" in second) return reportFindings(second.findings, terminal);
    if (log !== undefined) return tellTraffic(first.plan, second.plan, log, json === true, terminal);
    return tellSettings(sideIn(first), sideIn(second), json === true, terminal);
  },
);

function sideIn({ plan, sources }: PlannedConfig): Side {
  return sideOf(plan, placesIn(sources).near);
}

/** As a gateway that runs would tell it: what is not set is absent, and "auto" is a number that it has chosen. */
function ofView({ plan, sources }: PlannedConfig, running: Side): Side {
  const view = JSON.parse(JSON.stringify(planView(plan))) as object;
  const workers = plan.workers === "auto" ? running.settings.get("workers") : plan.workers;
  return sideOfView({ ...view, workers: Number(workers) }, placesIn(sources).near);
}

/** What the gateway of a config runs. */
async function running({ plan, sources }: PlannedConfig): Promise<Side> {
  const { name, url, how } = adminPlaceIn(plan, sources.file);
  let answer: unknown;
  try {
    const response = await fetch(`${url}/config`, { ...how, signal: AbortSignal.timeout(PATIENCE_MS) });
    answer = await response.json();
  } catch (thrown) {
    throw unreachable(name, thrown);
  }
  const { plan: view, detail, title } = Object(answer) as Readonly<Record<string, unknown>>;
  if (typeof view === "object" && view !== null) return sideOfView(view);
  throw new Refusal(EXIT.unavailable, `What answers at ${name} tells no config: ${String(detail ?? title)}`);
}

function tellSettings(before: Side, after: Side, json: boolean, { out, width, outColors }: Terminal): number {
  const changes = changesBetween(before, after);
  out(json ? JSON.stringify({ same: changes.length === 0, changes }) : settingsText(changes, width, outColors));
  return changes.length === 0 ? EXIT.ok : EXIT.failure;
}

async function tellTraffic(before: Plan, after: Plan, log: string, json: boolean, terminal: Terminal): Promise<number> {
  const maskings = [before, after].map(maskingOf);
  const groups = new Groups((target) => maskings.reduce((text, masking) => masking.target(text), target));
  const comparison = comparisonOf(before, after, bunPlatform({ lines: SILENT }));
  const { counted } = groups;
  let line = 0;
  for await (const texts of linesOf(log)) {
    for (const text of texts) {
      line += 1;
      if (text.trim() === "") continue;
      const request = readRequest(text);
      if (request === undefined) {
        counted.unreadable += 1;
        counted.firstUnreadable ??= line;
      } else if (request === "cut") counted.cut += 1;
      else {
        counted.requests += 1;
        // Without a head it comes to no route, whatever the routes.
        if (request === "headless") continue;
        const difference = await comparison.compare(request);
        if (difference !== undefined) groups.add(request, difference);
      }
    }
  }
  comparison.close();
  if (counted.requests + counted.cut === 0 && counted.unreadable > 0) {
    const hint = "sluice diff reads the forms json, ecs and caddy.";
    throw new Refusal(
      EXIT.noInput,
      `No line of ${log === "-" ? "standard input" : shownPath(log)} is of an access log.`,
      { hint },
    );
  }
  const found = groups.inOrder();
  const same = found.length === 0 && counted.cut === 0;
  if (json) terminal.out(JSON.stringify({ same, ...counted, groups: found }));
  else terminal.out(trafficText(counted, found, terminal.outColors));
  return same ? EXIT.ok : EXIT.failure;
}

async function* linesOf(log: string): AsyncGenerator<readonly string[]> {
  try {
    yield* log === "-" ? linesOfInput(process.stdin) : linesOfFile(log, false);
  } catch (thrown) {
    throw new Refusal(EXIT.noInput, `${shownPath(log)} cannot be read: ${messageOf(thrown)}`);
  }
}
