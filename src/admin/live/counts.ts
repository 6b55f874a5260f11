// What the registry knows, in the form in which it is pushed.
import { FAMILIES } from "../../record/families.ts";
import type { Family, Kind } from "../../record/family.ts";
import type { FamilySamples } from "../../record/metrics.ts";
import type { UpstreamStatus } from "../overseen.ts";
import type { DecisionCount, OutcomeCount, ProcessCount, UpstreamCount } from "./tick.ts";

/** What is counted in the one series of all that was too much. */
const OTHERS = "(others)";

const DECISIONS = ["allowed", "refused", "observed"] as const;

/** A series: the values of its labels in the order of its family, and its count; of a histogram how often something was observed. */
interface Series {
  /** Undefined for the one of all that was too much: nobody knows any more what it was. */
  readonly labels: readonly string[] | undefined;
  readonly count: number;
}

/** Reads each family once, however much is asked of it. */
export class Counts {
  readonly #families: ReadonlyMap<string, FamilySamples>;

  constructor(collected: readonly FamilySamples[]) {
    this.#families = new Map(collected.map((each) => [each.family.name, each]));
  }

  /** Exchanges by route, status and failure. Those beyond the bound of series have no status. */
  outcomes(): OutcomeCount[] {
    const family = FAMILIES.serverDuration;
    const [routeAt, statusAt, typeAt] = placesOf(family, "sluice.route", "http.response.status_code", "error.type");
    const rows = new Map<string, { -readonly [K in keyof OutcomeCount]: OutcomeCount[K] }>();
    for (const { labels, count } of this.#series(family)) {
      const route = labels === undefined ? OTHERS : labels[routeAt]!;
      const status = labels && Number(labels[statusAt]);
      const type = labels?.[typeAt] ?? "";
      // A status is no failure of the gateway's.
      const code = /^\d*$/.test(type) ? "" : type;
      const key = `${status} ${code} ${route}`;
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { route, ...(status !== undefined && { status }), code, count });
      else row.count += count;
    }
    return [...rows.values()];
  }

  /** Upstreams as they are, with what came of attempts. */
  upstreams(listed: readonly UpstreamStatus[]): UpstreamCount[] {
    const came = this.#attempts();
    const [retries, ejections, openings] = [FAMILIES.retries, FAMILIES.ejections, FAMILIES.circuitOpened].map(
      (family) => this.#sumsBy(family, "upstream"),
    );
    return listed.map(({ targets, ...upstream }) => ({
      ...upstream,
      targets: targets.map((target) => {
        const { active, idle, ...counts } = came.get(targetKey(upstream.name, target.url)) ?? NO_ATTEMPTS;
        return { ...target, ...counts, connections: { active, idle } };
      }),
      retries: retries!.get(upstream.name) ?? 0,
      ejections: ejections!.get(upstream.name) ?? 0,
      openings: openings!.get(upstream.name) ?? 0,
    }));
  }

  /** What limits and bounds have decided. */
  decisions(): DecisionCount[] {
    return [
      ...this.#decisions(FAMILIES.limitDecisions, "limit", "limit"),
      ...this.#decisions(FAMILIES.inFlightDecisions, "bound", "inFlight"),
    ];
  }

  /** The process. */
  process(): ProcessCount {
    const versionAt = FAMILIES.buildInfo.labels.indexOf("version");
    return {
      active: this.#sum(FAMILIES.serverActive),
      connections: this.#sum(FAMILIES.connections),
      cpuSeconds: this.#sum(FAMILIES.cpu),
      memory: this.#sum(FAMILIES.residentMemory),
      workers: this.#sum(FAMILIES.workers),
      linesDropped: this.#sum(FAMILIES.logLinesDropped),
      version: this.#series(FAMILIES.buildInfo)[0]?.labels?.[versionAt] ?? "",
      startedAtSeconds: this.#sum(FAMILIES.startTime),
    };
  }

  #attempts(): ReadonlyMap<string, Attempts> {
    const came = new Map<string, Attempts>();
    const at = (upstream: string, target: string): Attempts => {
      const key = targetKey(upstream, target);
      let known = came.get(key);
      if (known === undefined) came.set(key, (known = { ...NO_ATTEMPTS }));
      return known;
    };
    const attempts = FAMILIES.clientDuration;
    const [upstreamAt, targetAt] = placesOf(attempts, "sluice.upstream", "sluice.target");
    const [statusAt, typeAt] = placesOf(attempts, "http.response.status_code", "error.type");
    for (const { labels, count } of this.#series(attempts)) {
      if (labels === undefined) continue;
      const target = at(labels[upstreamAt]!, labels[targetAt]!);
      target.attempts += count;
      const status = Number(labels[statusAt]);
      const type = labels[typeAt]!;
      if (status >= 500 || (status === 0 && type !== "" && type !== "attempt_withdrawn")) target.failures += count;
    }
    const connections = FAMILIES.clientConnections;
    const [ownerAt, urlAt, stateAt] = placesOf(
      connections,
      "sluice.upstream",
      "sluice.target",
      "http.connection.state",
    );
    for (const { labels, count } of this.#series(connections)) {
      if (labels !== undefined)
        at(labels[ownerAt]!, labels[urlAt]!)[labels[stateAt] === "idle" ? "idle" : "active"] += count;
    }
    return came;
  }

  #decisions<L extends string>(
    family: Family<Kind, L | "decision">,
    label: L,
    kind: DecisionCount["kind"],
  ): DecisionCount[] {
    const [nameAt, decisionAt] = placesOf(family, label, "decision");
    const rows = new Map<string, Record<(typeof DECISIONS)[number], number>>();
    for (const { labels, count } of this.#series(family)) {
      // Of one that nobody knows there is nothing to tell.
      if (labels === undefined) continue;
      const name = labels[nameAt]!;
      let row = rows.get(name);
      if (row === undefined) rows.set(name, (row = { allowed: 0, refused: 0, observed: 0 }));
      const decision = DECISIONS.find((each) => each === labels[decisionAt]);
      if (decision !== undefined) row[decision] += count;
    }
    return Array.from(rows, ([name, row]) => ({ name, kind, ...row }));
  }

  /** Counts by the value of a label. */
  #sumsBy<L extends string>(family: Family<Kind, L>, label: L): ReadonlyMap<string, number> {
    const at = family.labels.indexOf(label);
    const sums = new Map<string, number>();
    for (const { labels, count } of this.#series(family)) {
      if (labels !== undefined) sums.set(labels[at]!, (sums.get(labels[at]!) ?? 0) + count);
    }
    return sums;
  }

  #sum(family: Family): number {
    return this.#series(family).reduce((sum, { count }) => sum + count, 0);
  }

  #series(family: Family): Series[] {
    return (this.#families.get(family.name)?.samples ?? []).map(({ labels, values }) => ({
      labels,
      count: family.kind === "histogram" ? values.slice(0, -1).reduce((sum, each) => sum + each, 0) : values[0]!,
    }));
  }
}

/** What came of attempts at a target, and its connections. */
type Attempts = Record<"attempts" | "failures" | "active" | "idle", number>;

const NO_ATTEMPTS: Readonly<Attempts> = { attempts: 0, failures: 0, active: 0, idle: 0 };

function targetKey(upstream: string, url: string): string {
  return `${upstream} ${url}`;
}

/** Where labels stand among those of a family. */
function placesOf<L extends string, const N extends readonly L[]>(
  family: Family<Kind, L>,
  ...names: N
): { readonly [K in keyof N]: number } {
  return names.map((name) => family.labels.indexOf(name)) as { [K in keyof N]: number };
}
