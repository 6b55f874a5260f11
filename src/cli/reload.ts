// Another config in place of the one that runs: loaded and checked to the side; what is wrong with it changes nothing.
import type { Plan } from "../config/plan.ts";
import { FAMILIES } from "../record/families.ts";
import type { Metrics } from "../record/metrics.ts";
import type { Embedded } from "./embedded.ts";
import { Refusal } from "./exit.ts";
import { type Finding, findingsText, planConfig } from "./plan-config.ts";
import { planSummary } from "./plan-summary.ts";
import type { Address, Serving } from "./serving.ts";
import type { Sources } from "./sources.ts";
import { formatRefusal, shownPath, type Terminal } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

/** What came of a reload. */
export interface Reloaded {
  readonly ok: boolean;
  /** What the operator was told. */
  readonly text: string;
  /** What is wrong with the config; none where it was another reason. */
  readonly findings: readonly Finding[];
}

/** What reloads need. */
export interface ReloadsOptions {
  /** The config, an absolute path. */
  readonly file: string;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
  /** The plan as it can run here: what cannot be changed is as it was. */
  adjust(plan: Plan): Plan;
  /** See Serving. */
  swap: Serving["swap"];
  /** Told of each attempt, with the files that were read. */
  tried?: ((sources: Sources) => void) | undefined;
}

/** Reloads the config, one time after another. */
export class Reloads {
  readonly #options: ReloadsOptions;
  /** Reloads so far, by what came of them. */
  readonly counts = { success: 0, failure: 0 };
  /** When the config that runs was loaded, in milliseconds since the epoch. */
  loadedAt = Date.now();
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<Reloaded> | undefined = undefined;

  constructor(options: ReloadsOptions) {
    this.#options = options;
  }

  /** Loads what the file says now. Those who ask while one is under way share the one after it. Never rejects. */
  request(): Promise<Reloaded> {
    this.#last = this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      return this.#reload();
    });
    return this.#next;
  }

  async #reload(): Promise<Reloaded> {
    const { file, embedded, terminal, tried, adjust, swap } = this.#options;
    try {
      const planned = await planConfig(file, embedded);
      tried?.(planned.sources);
      if ("findings" in planned)
        return this.#failed(findingsText(planned.findings, terminal.errColors), planned.findings);
      const plan = adjust(planned.plan);
      let moved: Address | undefined;
      try {
        moved = await swap({ ...planned, plan });
      } catch (refusal) {
        planned.dispose();
        throw refusal;
      }
      const where = moved === undefined ? "" : `, listening on ${urlOf(moved.host, moved.port)}`;
      const text = `reloaded ${shownPath(file)} (${planSummary(plan)})${where}`;
      terminal.err(`sluice: ${text}`);
      this.counts.success++;
      this.loadedAt = Date.now();
      return { ok: true, text, findings: [] };
    } catch (thrown) {
      if (thrown instanceof Refusal) return this.#failed(formatRefusal(thrown, terminal.errColors));
      return this.#failed(
        `sluice: error: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
      );
    }
  }

  #failed(text: string, findings: readonly Finding[] = []): Reloaded {
    const { file, terminal } = this.#options;
    this.counts.failure++;
    terminal.err(text);
    terminal.err(`sluice: error: ${shownPath(file)} was not reloaded: the gateway goes on as it was`);
    return { ok: false, text, findings };
  }
}

/** Lets be read what came of reloads. */
export function meterReloads(metrics: Metrics, reloads: Reloads): void {
  for (const result of ["success", "failure"] as const) {
    metrics.count(FAMILIES.reloads, { result }, () => reloads.counts[result]);
  }
  metrics.readOne(FAMILIES.loadedAt, () => reloads.loadedAt / 1000);
}
