// The metrics of all workers on their way to a collector: pushed by the main thread, as the plan says that runs.
import { isSame } from "../../carried.ts";
import type { Plan } from "../../config/plan.ts";
import type { Platform } from "../../platform.ts";
import type { Metrics } from "../../record/metrics.ts";
import type { MetricsPush } from "../../record/otlp/metrics-push.ts";
import { FLUSH_MS, pushTo } from "../../telemetry.ts";

/** Pushes nothing until it is told a plan that wants it. */
export class Pushing {
  readonly #instance: string;
  readonly #platform: Platform;
  #madeOf: unknown = undefined;
  #push: MetricsPush | undefined = undefined;

  /** @param instance of all threads */
  constructor(instance: string, platform: Platform) {
    this.#instance = instance;
    this.#platform = platform;
  }

  /** A plan runs from now on. @param overseen returns what all workers have counted; undefined where nobody counts */
  use(plan: Plan, overseen: { metrics(): Promise<Metrics> } | undefined): void {
    const madeOf = [plan.name, plan.otlp];
    if (overseen === undefined || isSame(madeOf, this.#madeOf)) return;
    this.#madeOf = madeOf;
    this.#push?.close();
    this.#push = pushTo(plan, this.#instance, () => overseen.metrics(), this.#platform);
  }

  /** Pushes what is left, for the last time. */
  async flush(): Promise<void> {
    await this.#push?.flush(FLUSH_MS);
  }

  /** Stops pushing metrics. Call {@link flush} before, to push what is left. */
  close(): void {
    this.#push?.close();
  }
}
