// Spans on their way out: they wait for others, and go in batches. Bounded: what is too much is dropped and counted.
import type { OtlpTracesPlan } from "../../config/telemetry/plan.ts";
import { GatheredText } from "../../http/gathered-text.ts";
import type { Platform, Timer } from "../../platform.ts";
import type { Origin } from "./resource.ts";
import type { OtlpSender } from "./sender.ts";

/** What has become of spans. */
export interface SpanCounts {
  sent: number;
  /** Too many waited. */
  dropped: number;
  refused: number;
  failed: number;
}

/** Takes spans and sends them, one request at a time. */
export class SpanQueue {
  readonly counts: SpanCounts = { sent: 0, dropped: 0, refused: 0, failed: 0 };
  readonly #plan: OtlpTracesPlan;
  readonly #sender: OtlpSender;
  /** A message up to its first span. */
  readonly #opening: string;
  readonly #platform: Platform;
  /** Full batches first, and then the one that grows. */
  readonly #batches: Batch[] = [];
  /** Spans in all of them. */
  #waiting = 0;
  #timer: Timer = undefined;
  /** Resolves when the requests under way, and those behind them, have come to an end. */
  #sending: Promise<void> | undefined = undefined;
  /** Whether all is to be sent, and not whole batches alone. */
  #isFlushing = false;
  #isFull = false;

  constructor(plan: OtlpTracesPlan, sender: OtlpSender, origin: Origin, platform: Platform) {
    this.#plan = plan;
    this.#sender = sender;
    const { resource, scope } = origin;
    const shown = [resource, scope].map((each) => JSON.stringify(each));
    this.#opening = `{"resourceSpans":[{"resource":${shown[0]},"scopeSpans":[{"scope":${shown[1]},"spans":[`;
    this.#platform = platform;
  }

  /** Takes the spans of an exchange, each as JSON. */
  add(spans: readonly string[]): void {
    const { batch, queue, delayMs } = this.#plan;
    if (this.#waiting + spans.length > queue) return this.#drop(spans.length);
    for (const span of spans) {
      let last = this.#batches.at(-1);
      if (last === undefined || last.spans === batch) this.#batches.push((last = new Batch(this.#opening)));
      last.add(span);
    }
    this.#waiting += spans.length;
    if (this.#waiting >= batch) this.#begin();
    else this.#timer ??= this.#platform.setTimer(() => this.#begin(true), delayMs);
  }

  /** Sends spans by themselves, where nothing runs between requests and nothing can wait. */
  async sendNow(spans: readonly string[]): Promise<void> {
    const batch = new Batch(this.#opening);
    for (const span of spans) batch.add(span);
    await this.#send(batch);
  }

  /** Sends all that waits; resolves when it has gone, or after so long. What has not gone by then never goes. */
  async flush(ms: number): Promise<void> {
    this.#begin(true);
    if (this.#sending === undefined) return;
    const late = this.#platform.setTimer(() => this.#sender.stop(), ms);
    await this.#sending;
    this.#platform.clearTimer(late);
  }

  #begin(all = false): void {
    this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#isFlushing ||= all;
    if (this.#waiting > 0) this.#sending ??= this.#run();
  }

  async #run(): Promise<void> {
    const { batch, delayMs } = this.#plan;
    while (this.#waiting >= (this.#isFlushing ? 1 : batch)) {
      // Here they wait bounded, and go all together when the collector takes again.
      await this.#sender.ready();
      const first = this.#batches.shift()!;
      this.#waiting -= first.spans;
      if (this.#waiting === 0) this.#isFlushing = false;
      await this.#send(first);
      this.#isFull = false;
    }
    this.#isFlushing = false;
    this.#sending = undefined;
    if (this.#waiting > 0) this.#timer ??= this.#platform.setTimer(() => this.#begin(true), delayMs);
  }

  async #send(batch: Batch): Promise<void> {
    const { outcome, rejected } = await this.#sender.send(batch.take(), this.#plan.exportMs);
    this.counts[outcome] += batch.spans - rejected;
    this.counts.refused += rejected;
  }

  /** The operator is told once, until there is room again. */
  #drop(count: number): void {
    this.counts.dropped += count;
    if (this.#isFull) return;
    this.#isFull = true;
    this.#platform.notice("warn", `otlp: ${this.#plan.queue} spans wait: more are dropped`);
  }
}

/** The message of one request. As bytes, for spans that wait would be all that a young collection finds alive. */
class Batch {
  /** How many there are. */
  spans = 0;
  readonly #message = new GatheredText();
  readonly #opening: string;

  constructor(opening: string) {
    this.#opening = opening;
  }

  add(span: string): void {
    this.#message.add((this.spans++ === 0 ? this.#opening : ",") + span);
  }

  take(): Uint8Array<ArrayBuffer> {
    this.#message.add("]}]}]}");
    return this.#message.take();
  }
}
