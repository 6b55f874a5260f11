// Another config in place of the one that runs: loaded and checked to the side; what is wrong with it changes nothing.
import pico from "picocolors";
import type { ReloadOutcome } from "../admin/overseen.ts";
import type { Load } from "../admin/live/tick.ts";
import type { Plan } from "../config/plan.ts";
import { FAMILIES } from "../record/families.ts";
import type { Metrics } from "../record/metrics.ts";
import type { Embedded } from "./embedded.ts";
import { EXIT, Refusal, stackOf } from "./exit.ts";
import { filesBehind, passGate } from "./gate.ts";
import { findingsText, planConfig, planSources } from "./plan-config.ts";
import { planSummary } from "./plan-summary.ts";
import type { ServiceManager } from "./service-manager.ts";
import type { Address, Serving } from "./serving.ts";
import { hashOf, type Sources } from "./sources.ts";
import { formatRefusal, shownPath, type Terminal } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

type Colors = Terminal["errColors"];
const NO_COLORS = pico.createColors(false);

/** Loads that are remembered, and most characters of what was told of one. */
const MOST_LOADS = 20;
const MOST_MESSAGE = 4096;

/** What {@link Reloads} needs of its surroundings. */
export interface ReloadsOptions {
  /** The config, an absolute path. */
  readonly file: string;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
  /** The plan as it can run here: what cannot be changed is as it was. */
  adjust(plan: Plan): Plan;
  /** Puts a plan in place of the one that runs. See Serving. */
  swap: Serving["swap"];
  /** The texts of the config that runs first. */
  readonly sources: Sources;
  /** Who is told when a reload begins, and when the gateway serves again. */
  readonly manager: Pick<ServiceManager, "reloading" | "ready"> | undefined;
  /** Told of each attempt, with the files that it depends on. */
  tried?: ((sources: Sources) => void) | undefined;
}

/** Reloads the config, one time after another. */
export class Reloads {
  readonly #options: ReloadsOptions;
  /** Reloads so far, by what came of them. */
  readonly counts = { success: 0, failure: 0 };
  /** When the config was loaded, or could not be: the last ones. */
  readonly loads: Load[] = [];
  /** When the config that runs was loaded, in milliseconds since the epoch. */
  loadedAt = 0;
  /** Of the config that runs: see hashOf. */
  hash = "";
  /** The texts of the config that runs. */
  sources: Sources;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadOutcome> | undefined = undefined;
  readonly #end = new AbortController();
  /** Settles once the tests of a reload have ended. */
  #testing: Promise<unknown> = Promise.resolve();

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.sources = options.sources;
    this.#runs(options.sources, "started");
  }

  /** Loads what the file says now. Those who ask while one is under way share the one after it. Never rejects. */
  request(): Promise<ReloadOutcome> {
    if (this.#next !== undefined) return this.#next;
    this.#next = this.#last.then(async () => {
      this.#next = undefined;
      const manager = this.#closed ? undefined : this.#options.manager;
      manager?.reloading();
      const outcome = await this.#reload();
      if (!this.#closed)
        manager?.ready(outcome.ok ? outcome.message : "the last reload failed: the gateway goes on as it was");
      return outcome;
    });
    this.#last = this.#next;
    return this.#next;
  }

  /** Does something else while none is under way. */
  readonly alone = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  };

  /** The gateway leaves: what runs stays. Resolves once no test runs any more. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#testing;
  }

  get #closed(): boolean {
    return this.#end.signal.aborted;
  }

  async #reload(): Promise<ReloadOutcome> {
    const { file, embedded, terminal, tried, adjust, swap } = this.#options;
    try {
      if (this.#closed) throw new Refusal(EXIT.failure, "the gateway is shutting down: it reloads nothing.");
      let planned = await planConfig(file, embedded);
      tried?.("findings" in planned ? planned.sources : filesBehind(planned.plan, planned.sources));
      let tested = "";
      if ("plan" in planned && planned.plan.reload.gate !== undefined) {
        // Meanwhile nothing of it runs here, and what runs imports its own files.
        planned.dispose();
        const passing = passGate(planned.sources, embedded, this.#end.signal);
        this.#testing = passing.catch(() => undefined);
        const gated = await passing;
        if (!("passed" in gated)) return this.#failed(gated.exitCode, gated.text, gated.faults);
        tested = `, ${gated.passed === 1 ? "1 test" : `${gated.passed} tests`} passed`;
        planned = await planSources(planned.sources, embedded);
      }
      if ("findings" in planned) {
        const { findings } = planned;
        const faults = findings.map(({ json }) => json);
        return this.#failed(EXIT.config, (colors) => findingsText(findings, colors), faults);
      }
      const plan = adjust(planned.plan);
      let moved: Address | undefined;
      try {
        moved = await swap({ ...planned, plan });
      } catch (refusal) {
        planned.dispose();
        throw refusal;
      }
      const where =
        moved === undefined ? "" : `, listening on ${urlOf(moved.host, moved.port, plan.listen.tls !== undefined)}`;
      this.counts.success++;
      const message = `reloaded ${shownPath(file)} (${planSummary(plan)})${tested}${where}`;
      this.#runs(planned.sources, message);
      terminal.err(`sluice: ${message}`);
      return { ok: true, exitCode: EXIT.ok, message, faults: [] };
    } catch (thrown) {
      if (thrown instanceof Refusal) return this.#failed(thrown.exitCode, (colors) => formatRefusal(thrown, colors));
      const why = stackOf(thrown);
      return this.#failed(EXIT.bug, () => `sluice: error: ${why}`);
    }
  }

  #runs(sources: Sources, message: string): void {
    this.loadedAt = Date.now();
    this.hash = hashOf(sources);
    this.sources = sources;
    this.#note({ at: this.loadedAt, ok: true, message, hash: this.hash });
  }

  #note(load: Load): void {
    this.loads.push(load);
    if (this.loads.length > MOST_LOADS) this.loads.shift();
  }

  #failed(exitCode: number, textIn: (colors: Colors) => string, faults: readonly object[] = []): ReloadOutcome {
    const { file, terminal } = this.#options;
    this.counts.failure++;
    const end = `sluice: error: ${shownPath(file)} was not reloaded: the gateway goes on as it was`;
    terminal.err(`${textIn(terminal.errColors)}\n${end}`);
    const message = `${textIn(NO_COLORS)}\n${end}`;
    this.#note({ at: Date.now(), ok: false, message: message.slice(0, MOST_MESSAGE) });
    return { ok: false, exitCode, message, faults };
  }
}

/** Lets be read what came of reloads. */
export function meterReloads(metrics: Metrics, reloads: Reloads): void {
  for (const result of ["success", "failure"] as const) {
    metrics.count(FAMILIES.reloads, { result }, () => reloads.counts[result]);
  }
  metrics.readOne(FAMILIES.loadedAt, () => reloads.loadedAt / 1000);
  metrics.readOne(FAMILIES.lastReload, () => Number(reloads.loads.at(-1)!.ok));
  metrics.read(FAMILIES.configInfo, () => [[{ hash: reloads.hash }, 1]]);
}
