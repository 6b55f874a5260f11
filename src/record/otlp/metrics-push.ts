// Pushes metrics to a collector: all of them, again and again. One that is not taken is made up for by the next.
import type { OtlpMetricsPlan } from "../../config/telemetry/plan.ts";
import type { Platform, Timer } from "../../platform.ts";
import { FAMILIES } from "../families.ts";
import type { Metrics } from "../metrics.ts";
import { nanoseconds } from "./attributes.ts";
import { metricsMessage } from "./metrics-message.ts";
import type { Origin } from "./resource.ts";
import type { OtlpSender } from "./sender.ts";

/** Pushes from the time that it is made until it is closed. */
export class MetricsPush {
  readonly #plan: OtlpMetricsPlan;
  readonly #sender: OtlpSender;
  readonly #read: () => Metrics | Promise<Metrics>;
  readonly #origin: Origin;
  readonly #platform: Platform;
  #timer: Timer = undefined;
  #sending: Promise<void> | undefined = undefined;
  #isClosed = false;

  /** @param read gives the metrics, as fresh as can be had soon */
  constructor(
    plan: OtlpMetricsPlan,
    sender: OtlpSender,
    read: () => Metrics | Promise<Metrics>,
    origin: Origin,
    platform: Platform,
  ) {
    this.#plan = plan;
    this.#sender = sender;
    this.#read = read;
    this.#origin = origin;
    this.#platform = platform;
    this.#wait();
  }

  /** Pushes for the last time; resolves when that is done, or after so long. */
  async flush(ms: number): Promise<void> {
    if (this.#isClosed) return;
    this.close();
    const late = this.#platform.setTimer(() => this.#sender.stop(), ms);
    await this.#sending;
    await this.#push();
    this.#platform.clearTimer(late);
  }

  /** Pushes no more. */
  close(): void {
    this.#isClosed = true;
    this.#platform.clearTimer(this.#timer);
  }

  #wait(): void {
    this.#timer = this.#platform.setTimer(() => {
      this.#wait();
      this.#sending ??= this.#push().then(() => (this.#sending = undefined));
    }, this.#plan.intervalMs);
  }

  async #push(): Promise<void> {
    // What is read before would be old by then.
    await this.#sender.ready();
    const metrics = await this.#read();
    const now = nanoseconds(this.#platform.wallClock());
    const message = metricsMessage(metrics.collect(), this.#origin, nanoseconds(metrics.since), now);
    const { outcome } = await this.#sender.send(JSON.stringify(message), this.#plan.exportMs);
    metrics.counter(FAMILIES.otlpExports, { signal: "metrics", outcome }).add();
  }
}
