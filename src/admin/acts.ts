// What the admin listener does: method and path, and the function that answers.
import { type Answer, answerOfBytes, type Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import type { Metrics } from "../record/metrics.ts";
import { CONTENT_TYPES, prometheusText, textFormat } from "../record/prometheus.ts";
import { type Obstacle, readinessAnswer } from "../respond/readiness.ts";

/** What the admin listener watches over: one gateway, or those of all workers. */
export interface Overseen {
  /** Resolves to the metrics, once they are as fresh as can be had soon. */
  metrics(): Metrics | Promise<Metrics>;
  /** What stands in the way of the gateway's work. */
  obstacles(): readonly Obstacle[];
}

/** Answers a question. */
export type Act = (x: Exchange, overseen: Overseen) => Answer | Promise<Answer>;

/** One of them. */
interface Offer {
  readonly act: Act;
  /** Whether it needs no token: for those who judge the gateway from outside and can keep no secret. */
  readonly open?: boolean;
}

/** All of them, by method and path. GET takes HEAD too. */
export const ACTS: Readonly<Record<string, Offer>> = {
  "GET /metrics": { act: metrics },
  "GET /livez": { act: (x) => json(x, 200, { live: true }), open: true },
  "GET /readyz": { act: (x, overseen) => readinessAnswer(() => overseen.obstacles())(x), open: true },
  "GET /healthz": { act: health },
};

async function metrics(x: Exchange, overseen: Overseen): Promise<Answer> {
  const format = textFormat(x.fields.joined("accept"));
  const text = prometheusText((await overseen.metrics()).collect(), format);
  return content(x, 200, CONTENT_TYPES[format], text);
}

/** As `/readyz`, with the reasons. */
function health(x: Exchange, overseen: Overseen): Answer {
  const obstacles = overseen.obstacles();
  return json(x, obstacles.length === 0 ? 200 : 503, { ready: obstacles.length === 0, obstacles });
}

function json(x: Exchange, status: number, value: unknown): Answer {
  return content(x, status, "application/json", JSON.stringify(value));
}

function content(x: Exchange, status: number, type: string, text: string): Answer {
  const fields = Fields.of(
    ["Content-Type", type],
    ["Cache-Control", "no-store"],
    ["X-Content-Type-Options", "nosniff"],
  );
  if (status === 503) fields.add("Retry-After", "1");
  return answerOfBytes(x.method, status, fields, new TextEncoder().encode(text));
}
