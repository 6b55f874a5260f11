// An exchange that has ended as spans: one of its own, and one for each attempt at an upstream.
import type { TracingPlan } from "../../config/telemetry/plan.ts";
import type { UpstreamPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { AttemptRecord, Ending, Exchange, Trace } from "../../exchange.ts";
import { spanIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { knownMethod } from "../durations.ts";
import { addressOf, errorOf, hostOf, pathOf, queryOf, routePattern, statusOf } from "../outcome.ts";
import { type Attribute, nanoseconds, textAttribute as text, wholeAttribute as whole } from "../otlp/attributes.ts";
import { CLIENT, KNOWS_PARENT, REMOTE_PARENT, SERVER, type Span, STATUS_ERROR } from "../otlp/span.ts";
import { queryRedactor } from "../redact.ts";
import { eventsOf } from "./events.ts";

/** Most characters of a path, a query or a URL. */
const MOST_TARGET = 2048;
const MOST_DETAIL = 512;

/** Attempts of an exchange at one of its upstreams. */
interface Asked {
  readonly upstream: UpstreamPlan;
  readonly attempts: readonly AttemptRecord[];
}

/** Makes spans. Names and attributes are those of OpenTelemetry's conventions for HTTP (1.44), and `sluice.*`. */
export class SpanMaker {
  readonly #redact: (query: string) => string;
  readonly #platform: Pick<Platform, "now" | "wallClock">;

  constructor({ redactQuery }: Pick<TracingPlan, "redactQuery">, platform: Pick<Platform, "now" | "wallClock">) {
    this.#redact = queryRedactor(redactQuery);
    this.#platform = platform;
  }

  /** The spans of an exchange that ends now, its own first. */
  of(x: Exchange, trace: Trace, ending: Ending): Span[] {
    const now = this.#platform.now();
    const ahead = this.#platform.wallClock() - now;
    const moment = (at: number): string => nanoseconds(at + ahead);
    const own = this.#ownSpan(x, trace, ending, now, moment);
    let number = 0;
    const attempts = askedBy(x).flatMap(({ upstream, attempts }) =>
      attempts.map((attempt, resends) => {
        number++;
        const span = this.#attemptSpan(x, upstream, attempt, resends, now, moment);
        return { ...span, ...inner(trace, number) };
      }),
    );
    return [own, ...attempts];
  }

  #ownSpan(x: Exchange, trace: Trace, ending: Ending, now: number, moment: (at: number) => string): Span {
    const error = errorOf(x, ending);
    const status = statusOf(x, ending);
    const failed = status >= 500 || (error !== undefined && error.fault !== "client");
    const route = x.route && routePattern(x.route, x.match);
    const { traceId, spanId, parentId, state, flags, link } = trace;
    return {
      traceId,
      spanId,
      ...(parentId === "" ? {} : { parentSpanId: parentId }),
      ...(state === "" ? {} : { traceState: state }),
      flags: flags | KNOWS_PARENT | (parentId === "" ? 0 : REMOTE_PARENT),
      name: route === undefined ? spanMethod(x) : `${spanMethod(x)} ${route}`,
      kind: SERVER,
      startTimeUnixNano: moment(x.startedAt),
      endTimeUnixNano: moment(now),
      attributes: [...this.#requestAttributes(x), ...outcomeAttributes(x, ending, status, error)],
      events: eventsOf(x, now, moment),
      ...(link === undefined ? {} : { links: [{ traceId: link.traceId, spanId: link.spanId, attributes: [] }] }),
      ...(failed ? { status: { code: STATUS_ERROR } } : {}),
    };
  }

  #requestAttributes(x: Exchange): Attribute[] {
    const { scheme, authority, fields } = x;
    const all = [...methodAttributes(x), text("url.path", pathOf(x), MOST_TARGET), text("url.scheme", scheme)];
    const query = queryOf(x);
    if (query.length > 1) all.push(text("url.query", this.#redact(query).slice(1), MOST_TARGET));
    if (authority !== "") {
      const port = /:(\d+)$/.exec(authority)?.[1];
      all.push(text("server.address", hostOf(authority)));
      all.push(whole("server.port", Number(port ?? (scheme === "https" ? 443 : 80))));
    }
    all.push(text("client.address", x.client));
    if (x.peer !== x.client) all.push(text("network.peer.address", x.peer));
    all.push(text("network.protocol.version", x.version));
    const agent = fields.get("user-agent");
    if (agent !== undefined) all.push(text("user_agent.original", agent, MOST_DETAIL));
    all.push(text("sluice.request_id", x.id));
    return all;
  }

  #attemptSpan(
    x: Exchange,
    upstream: UpstreamPlan,
    { target, startedAt, settledAt, status, error, reason }: AttemptRecord,
    resends: number,
    now: number,
    moment: (at: number) => string,
  ): Omit<Span, "traceId" | "spanId" | "flags"> {
    const { host, port } = addressOf(target);
    const [path, query = ""] = splitQuery(x.forwardTarget ?? x.path + x.query);
    const url = `${target.replace(/\/$/, "")}${path}${this.#redact(query)}`;
    const all = [
      ...methodAttributes(x),
      text("server.address", host),
      whole("server.port", Number(port)),
      text("url.full", url, MOST_TARGET),
      text("sluice.upstream", upstream.name),
      text("sluice.target", target),
    ];
    if (status !== 0) all.push(whole("http.response.status_code", status));
    if (resends > 0) all.push(whole("http.request.resend_count", resends));
    if (reason !== undefined) all.push(text("sluice.attempt.reason", reason));
    if (error !== undefined) all.push(...errorAttributes(error));
    else if (status >= 400) all.push(text("error.type", String(status)));
    return {
      name: spanMethod(x),
      kind: CLIENT,
      startTimeUnixNano: moment(startedAt),
      endTimeUnixNano: moment(settledAt === 0 ? now : settledAt),
      attributes: all,
      ...(error !== undefined || status >= 400 ? { status: { code: STATUS_ERROR } } : {}),
    };
  }
}

/** The upstreams that were asked, in order. An upstream whose fallback is an answer has its attempts in the exchange. */
function askedBy(x: Exchange): Asked[] {
  const { upstream, attempts } = x;
  return upstream === undefined ? [...x.fallbacks] : [...x.fallbacks, { upstream, attempts }];
}

/** The place of the span of an attempt: below that of the exchange. Its id is the one that its target was told. */
function inner(
  { traceId, spanId, seed, state, flags }: Trace,
  number: number,
): Pick<Span, "traceId" | "spanId" | "parentSpanId" | "traceState" | "flags"> {
  return {
    traceId,
    spanId: spanIdOf(seed, number),
    parentSpanId: spanId,
    ...(state === "" ? {} : { traceState: state }),
    flags: flags | KNOWS_PARENT,
  };
}

/** The method in a span's name. */
function spanMethod({ method }: Exchange): string {
  const known = knownMethod(method);
  return known === method ? method : "HTTP";
}

function methodAttributes({ method }: Exchange): Attribute[] {
  const known = knownMethod(method);
  const told = text("http.request.method", known);
  return known === method || method === "" ? [told] : [told, text("http.request.method_original", method)];
}

function outcomeAttributes(
  x: Exchange,
  { bytesIn, bytesOut }: Ending,
  status: number,
  error: GatewayError | undefined,
): Attribute[] {
  const { route, match, upstream, identity } = x;
  const all = [whole("http.request.body.size", bytesIn), whole("http.response.body.size", bytesOut)];
  if (status !== 0) all.push(whole("http.response.status_code", status));
  if (route !== undefined) {
    const pattern = routePattern(route, match);
    if (pattern !== undefined) all.push(text("http.route", pattern));
    all.push(text("sluice.route", route.name));
  }
  if (upstream !== undefined) all.push(text("sluice.upstream", upstream.name));
  if (identity !== undefined) {
    all.push(text("sluice.auth.scheme", identity.scheme));
    if (identity.consumer !== undefined) all.push(text("sluice.consumer", identity.consumer.name));
  }
  if (error !== undefined) all.push(...errorAttributes(error));
  else if (status >= 500) all.push(text("error.type", String(status)));
  return all;
}

function errorAttributes({ code, fault, message }: GatewayError): Attribute[] {
  return [
    text("error.type", code),
    text("sluice.error.fault", fault),
    text("sluice.error.detail", message, MOST_DETAIL),
  ];
}

/** Path, and query with its "?". */
function splitQuery(target: string): [path: string, query?: string] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target] : [target.slice(0, mark), target.slice(mark)];
}
