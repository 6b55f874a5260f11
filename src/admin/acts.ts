// What the admin listener does: method and path, and the function that answers.
import type { Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { type Answer, answerOfBytes, type Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { decodeForm, rawParameters } from "../http/query.ts";
import type { Metrics } from "../record/metrics.ts";
import { CONTENT_TYPES, prometheusText, textFormat } from "../record/prometheus.ts";
import { type Obstacle, readinessAnswer } from "../respond/readiness.ts";
import type { Live } from "./live/live.ts";
import { planView } from "./live/plan-view.ts";
import type { Seen } from "./live/seen.ts";
import type { Load } from "./live/tick.ts";
import { type PageFiles, pageFile } from "./page-files.ts";

/** A target, as operators see it. */
export interface TargetStatus {
  /** As the config writes it. */
  readonly url: string;
  readonly weight: number;
  /** `unused` has weight 0, `drained` says an operator, `down` say checks, `ejected` was it after failures. */
  readonly state: "up" | "unused" | "drained" | "down" | "ejected";
  /** Why it is down or ejected. */
  readonly reason?: string;
  /** Until it is picked again, where it is ejected. */
  readonly seconds?: number;
}

/** An upstream, as operators see it. */
export interface UpstreamStatus {
  readonly name: string;
  /** Of its breaker, where it has one. */
  readonly circuit?: "closed" | "open" | "half-open";
  readonly targets: readonly TargetStatus[];
}

/** What can be known of targets, and done to them. */
export interface TargetControls {
  list(): UpstreamStatus[];
  /** Takes a target out, or brings it back; undefined when there is none. */
  drain(upstream: string, url: string, drained: boolean): TargetStatus | undefined;
}

/** What the admin listener watches over: one gateway, or those of all workers. */
export interface Overseen {
  /** Resolves to the metrics, once they are as fresh as can be had soon. */
  metrics(): Metrics | Promise<Metrics>;
  /** What stands in the way of the gateway's work. */
  obstacles(): readonly Obstacle[];
  readonly targets: TargetControls;
  /** What is left of a limit of this process for a caller; undefined when there is none of this name. */
  left(limit: string, caller: string): number | undefined;
  /** The plan that runs. */
  plan(): Plan;
  /** The metrics, and what each thread has seen of its exchanges since this was asked last. */
  look(): Look | Promise<Look>;
  /** When the config was loaded, or could not be: the last ones, from the start on. */
  loads(): readonly Load[];
  /** The files of the live page; absent where there is none. */
  page?(): Promise<PageFiles>;
  /** Loads the config again. Absent where that cannot be. */
  reload?(): Promise<ReloadOutcome>;
}

/** What the live page is made of. */
export interface Look {
  readonly metrics: Metrics;
  /** Of each thread. */
  readonly seen: readonly Seen[];
}

/** What came of a reload. */
export interface ReloadOutcome {
  readonly ok: boolean;
  /** What `sluice reload` ends with. */
  readonly exitCode: number;
  /** For people: a line or more. */
  readonly message: string;
  /** What is wrong with the config, as `sluice check --json` tells it; none where it was another reason. */
  readonly faults: readonly object[];
}

/** Answers a question. */
export type Act = (x: Exchange, overseen: Overseen, live: Live) => Answer | Promise<Answer>;

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
  "GET /limits": { act: limits },
  "GET /targets": { act: (x, { targets }) => json(x, 200, { upstreams: targets.list() }) },
  "GET /": { act: (x, { page }) => pageFile(x, "html", page), open: true },
  "GET /live/page.css": { act: (x, { page }) => pageFile(x, "css", page), open: true },
  "GET /live/page.js": { act: (x, { page }) => pageFile(x, "script", page), open: true },
  "GET /live/icon.svg": { act: (x, { page }) => pageFile(x, "icon", page), open: true },
  "GET /live/access": { act: (x, { plan }) => json(x, 200, { token: plan().admin?.token !== undefined }), open: true },
  "GET /config": { act: (x, overseen) => json(x, 200, { plan: planView(overseen.plan()), loads: overseen.loads() }) },
  "GET /live/events": { act: (x, _, live) => live.answer(x) },
  "POST /targets/drain": { act: (x, { targets }) => drain(x, targets, true) },
  "POST /targets/restore": { act: (x, { targets }) => drain(x, targets, false) },
  "POST /reload": { act: reload },
};

async function metrics(x: Exchange, overseen: Overseen): Promise<Answer> {
  const format = textFormat(x.fields.joined("accept"));
  const text = prometheusText((await overseen.metrics()).collect(), format);
  const answer = content(x, 200, CONTENT_TYPES[format], text);
  answer.fields.add("Vary", "Accept, Accept-Encoding");
  if (!takesGzip(x.fields.joined("accept-encoding")) || !(answer.content instanceof Uint8Array)) return answer;
  answer.content = await gzipped(answer.content);
  answer.fields.add("Content-Encoding", "gzip");
  return answer;
}

/** Whether gzip is named and wanted (RFC 9110 section 12.5.3). */
function takesGzip(accepted: string | undefined): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|$|;\s*q\s*=\s*(?:1|0?\.0*[1-9]))/i.test(accepted ?? "");
}

/** The same lines come again and again: a tenth is left, and often less. */
async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** As `/readyz`, with the reasons. */
function health(x: Exchange, overseen: Overseen): Answer {
  const obstacles = overseen.obstacles();
  return json(x, obstacles.length === 0 ? 200 : 503, { ready: obstacles.length === 0, obstacles });
}

/** What is left for the caller that the query names. It counts nothing. */
function limits(x: Exchange, overseen: Overseen): Answer {
  const [limit, caller] = ["limit", "caller"].map((name) => rawParameters(x.query, name).map(decodeForm)[0]);
  if (limit === undefined || caller === undefined) {
    const publicDetail = "The query names a limit and a caller: ?limit=perAddress&caller=203.0.113.7";
    throw new GatewayError("http_request_error", "no limit or no caller", { publicDetail });
  }
  const plan = overseen.plan().limits;
  const known = plan.limits.find(({ name }) => name === limit);
  const left = overseen.left(limit, caller);
  if (known === undefined || left === undefined) {
    const publicDetail = "There is no such limit: GET /config lists those that there are.";
    throw new GatewayError("route_not_found", `there is no limit ${limit}`, { publicDetail });
  }
  if (known.shared && plan.store !== undefined) {
    return json(x, 501, { limit, caller, message: "It is counted in a store, which is not looked into." });
  }
  return json(x, 200, { limit, caller, most: known.limit, left });
}

/** Takes the target that the query names out, or brings it back. */
function drain(x: Exchange, targets: TargetControls, drained: boolean): Answer {
  const [upstream, url] = ["upstream", "target"].map((name) => rawParameters(x.query, name).map(decodeForm)[0]);
  if (upstream === undefined || url === undefined) {
    const publicDetail = "The query names an upstream and a target: ?upstream=orders&target=http://10.0.0.7:9001";
    throw new GatewayError("http_request_error", "no upstream or no target", { publicDetail });
  }
  const status = targets.drain(upstream, url, drained);
  if (status !== undefined) return json(x, 200, status);
  const publicDetail = "There is no such target: GET /targets lists those that there are.";
  throw new GatewayError("route_not_found", `${upstream} has no target ${url}`, { publicDetail });
}

/** 200 when the config of now runs, 422 when it cannot and all is as it was. */
async function reload(x: Exchange, overseen: Overseen): Promise<Answer> {
  const outcome = await overseen.reload?.();
  if (outcome === undefined)
    return json(x, 501, { ok: false, message: "The config cannot be reloaded on this runtime." });
  return json(x, outcome.ok ? 200 : 422, outcome);
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
