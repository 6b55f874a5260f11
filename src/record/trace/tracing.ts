// Traces: where each exchange stands is settled when it begins, its spans are made when it has ended.
import type { TracingPlan } from "../../config/telemetry/plan.ts";
import type { Ending, Exchange, Trace } from "../../exchange.ts";
import {
  RANDOM,
  readTraceparent,
  readTracestate,
  SAMPLED,
  type SpanContext,
  traceparentOf,
} from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { errorOf, isError, statusOf } from "../outcome.ts";
import type { SpanQueue } from "../otlp/span-queue.ts";
import { randomnessOf, type Sampler, shareSampler, withThreshold } from "./sampling.ts";
import { SpanWriter } from "./spans.ts";

/** Traces of one plan. */
export class Tracing {
  readonly #plan: TracingPlan;
  /** Undefined where spans are sent nowhere. */
  readonly #queue: SpanQueue | undefined;
  readonly #platform: Platform;
  readonly #sampler: Sampler;
  readonly #spans: SpanWriter;

  constructor(plan: TracingPlan, queue: SpanQueue | undefined, platform: Platform) {
    this.#plan = plan;
    this.#queue = queue;
    this.#platform = platform;
    this.#sampler = shareSampler(plan.sample);
    this.#spans = new SpanWriter(plan, platform);
  }

  /** An exchange has come, and it is known from whom. */
  begin(x: Exchange): void {
    const { fields } = x;
    const at = fields.keys.indexOf("traceparent");
    // Of two nobody knows which one holds.
    const isOne = at >= 0 && fields.keys.indexOf("traceparent", at + 1) < 0;
    const said = isOne ? readTraceparent(fields.values[at]!) : undefined;
    // The id that the exchange has just got is as random as those of a trace must be, unless a proxy has given it.
    if (x.trusted && fields.has("x-request-id")) this.#platform.ids.next();
    const isGoingOn = said !== undefined && believes(this.#plan.trust, x);
    x.trace = isGoingOn ? this.#goOn(x, said) : this.#start(x, said);
    if (this.#queue !== undefined && (this.#plan.errors || (x.trace.flags & SAMPLED) !== 0)) x.marks ??= [];
  }

  /** The user's own code sees the span of the exchange as its parent. */
  readonly show = ({ fields, trace }: Exchange): void => {
    if (trace === undefined) return;
    fields.set("traceparent", traceparentOf(trace));
    if (trace.state === "") fields.delete("tracestate");
    else fields.set("tracestate", trace.state);
    if (!trace.passesBaggage) fields.delete("baggage");
  };

  /** It has ended. */
  ended(x: Exchange, ending: Ending): void {
    const { trace } = x;
    const queue = this.#queue;
    if (queue === undefined || trace === undefined) return;
    if ((trace.flags & SAMPLED) === 0 && !(this.#plan.errors && hasFailed(x, ending))) return;
    const spans = this.#spans.of(x, trace, ending);
    // Cloudflare lets nothing wait for the next request.
    if (this.#platform.runtime !== "workers") return queue.add(spans);
    x.outlive(queue.sendNow(spans));
  }

  /** A trace begins here. One that was said, and is not believed, is linked to. */
  #start(x: Exchange, said: SpanContext | undefined): Trace {
    const { takes, threshold } = this.#sampler;
    const { stem, randomness } = this.#platform.ids;
    const isTaken = takes(randomness);
    return {
      stem,
      flags: isTaken ? RANDOM | SAMPLED : RANDOM,
      parentId: "",
      state: isTaken ? `ot=th:${threshold}` : "",
      passesBaggage: believes(this.#plan.baggage, x),
      link: said,
      isAside: false,
    };
  }

  #goOn(x: Exchange, said: SpanContext): Trace {
    let { flags } = said;
    let members: readonly string[] = x.fields.has("tracestate") ? readTracestate(x.fields.all("tracestate")) : [];
    if (this.#plan.parent === "ignore") {
      const isTaken = this.#sampler.takes(randomnessOf(said.traceId, members));
      flags = isTaken ? flags | SAMPLED : flags & ~SAMPLED;
      members = withThreshold(members, isTaken ? this.#sampler.threshold : undefined);
    }
    return {
      stem: said.traceId + this.#platform.ids.stem.slice(said.traceId.length),
      flags,
      parentId: said.spanId,
      state: members.join(","),
      passesBaggage: believes(this.#plan.baggage, x),
      link: undefined,
      isAside: false,
    };
  }
}

function believes(whom: TracingPlan["trust"], x: Exchange): boolean {
  return whom === "everyone" || (whom === "proxies" && x.trusted);
}

/** Whether it is one of those that `errors` records. */
function hasFailed(x: Exchange, ending: Ending): boolean {
  return isError(statusOf(x, ending), errorOf(x, ending));
}
