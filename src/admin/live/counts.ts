// What the registry knows, in the form in which it is pushed.
import { FAMILIES } from "../../record/families.ts";
import type { Family } from "../../record/family.ts";
import type { FamilySamples, Sample } from "../../record/metrics.ts";
import type { UpstreamStatus } from "../overseen.ts";
import type { DecisionCount, OutcomeCount, ProcessCount, UpstreamCount } from "./tick.ts";

/** What is counted in the one series of all that was too much. */
const OTHERS = "(others)";

/** Finds series by family and label. */
export class Counts {
  readonly #families: ReadonlyMap<string, readonly Sample[]>;

  constructor(collected: readonly FamilySamples[]) {
    this.#families = new Map(collected.map(({ family, samples }) => [family.name, samples]));
  }

  /** Exchanges by route, status and failure. */
  outcomes(): OutcomeCount[] {
    const rows = new Map<string, { route: string; status: number; code: string; count: number }>();
    for (const { labels, count } of this.#rows(FAMILIES.serverDuration)) {
      const route = labels["sluice.route"] ?? OTHERS;
      const status = Number(labels["http.response.status_code"] ?? 0);
      const type = labels["error.type"] ?? "";
      // A status is no failure of the gateway's.
      const code = /^\d*$/.test(type) ? "" : type;
      const key = `${status} ${code} ${route}`;
      const row = rows.get(key) ?? { route, status, code, count: 0 };
      row.count += count;
      rows.set(key, row);
    }
    return [...rows.values()];
  }

  /** Upstreams as they are, with what came of attempts. */
  upstreams(listed: readonly UpstreamStatus[]): UpstreamCount[] {
    const attempts = new Map<string, { attempts: number; failures: number; active: number; idle: number }>();
    const at = (
      labels: Readonly<Record<string, string>>,
    ): { attempts: number; failures: number; active: number; idle: number } => {
      const key = `${labels["sluice.upstream"]} ${labels["sluice.target"]}`;
      const known = attempts.get(key) ?? { attempts: 0, failures: 0, active: 0, idle: 0 };
      attempts.set(key, known);
      return known;
    };
    for (const { labels, count } of this.#rows(FAMILIES.clientDuration)) {
      const target = at(labels);
      target.attempts += count;
      const status = Number(labels["http.response.status_code"] ?? 0);
      const type = labels["error.type"] ?? "";
      if (status >= 500 || (status === 0 && type !== "" && type !== "attempt_withdrawn")) target.failures += count;
    }
    for (const { labels, count } of this.#rows(FAMILIES.clientConnections)) {
      at(labels)[labels["http.connection.state"] === "idle" ? "idle" : "active"] += count;
    }
    return listed.map(({ targets, ...upstream }) => ({
      ...upstream,
      targets: targets.map((target) => {
        const { active, idle, ...counts } = at({ "sluice.upstream": upstream.name, "sluice.target": target.url });
        return { ...target, ...counts, connections: { active, idle } };
      }),
      retries: this.#sum(FAMILIES.retries, { upstream: upstream.name }),
      ejections: this.#sum(FAMILIES.ejections, { upstream: upstream.name }),
      openings: this.#sum(FAMILIES.circuitOpened, { upstream: upstream.name }),
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
    return {
      active: this.#sum(FAMILIES.serverActive),
      connections: this.#sum(FAMILIES.connections),
      cpuSeconds: this.#sum(FAMILIES.cpu),
      memory: this.#sum(FAMILIES.residentMemory),
      workers: this.#sum(FAMILIES.workers),
      linesDropped: this.#sum(FAMILIES.logLinesDropped),
      version: this.#rows(FAMILIES.buildInfo)[0]?.labels["version"] ?? "",
      startedAtSeconds: this.#sum(FAMILIES.startTime),
    };
  }

  #decisions(family: Family, label: string, kind: DecisionCount["kind"]): DecisionCount[] {
    const names = new Set(this.#rows(family).map(({ labels }) => labels[label] ?? OTHERS));
    return [...names].map((name) => {
      const of = (decision: string): number => this.#sum(family, { [label]: name, decision });
      return { name, kind, allowed: of("allowed"), refused: of("refused"), observed: of("observed") };
    });
  }

  #sum(family: Family, wanted: Readonly<Record<string, string>> = {}): number {
    const names = Object.keys(wanted);
    return this.#rows(family)
      .filter(({ labels }) => names.every((name) => labels[name] === wanted[name]))
      .reduce((sum, { count }) => sum + count, 0);
  }

  /** Each series with its labels by name; of a histogram how often something was observed. */
  #rows(family: Family): { readonly labels: Readonly<Record<string, string>>; readonly count: number }[] {
    return (this.#families.get(family.name) ?? []).map(({ labels, values }) => ({
      labels: Object.fromEntries((labels ?? []).map((value, at) => [family.labels[at]!, value])),
      count: family.kind === "histogram" ? values.slice(0, -1).reduce((sum, each) => sum + each, 0) : values[0]!,
    }));
  }
}
