// An exchange that has ended as spans: one of its own, and one for each attempt at an upstream. Written as text by hand:
// of a hundred exchanges one comes here, and code that runs so seldom costs what it touches.
import type { MatchPlan, RoutePlan } from "../../config/plan.ts";
import type { TracingPlan } from "../../config/telemetry/plan.ts";
import type { UpstreamPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { AttemptRecord, Ending, Exchange, Trace } from "../../exchange.ts";
import { spanIdOf, traceIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { Kinds } from "../kinds.ts";
import { inOnePiece } from "../line-parts.ts";
import { addressOf, errorOf, hostOf, isError, pathOf, queryOf, routePattern, statusOf } from "../outcome.ts";
import { CLIENT, FAILED, inString, KNOWS_PARENT, moments, REMOTE_PARENT, SERVER, texts, wholes } from "../otlp/span.ts";
import { queryRedactor } from "../redact.ts";
import { eventsText } from "./events.ts";

/** Most characters of a path, a query or a URL. */
const MOST_TARGET = 2048;
const MOST_DETAIL = 512;

const AGENT = texts("user_agent.original");
const ANSWER_SIZE = wholes("http.response.body.size");
const ATTEMPT_REASON = texts("sluice.attempt.reason");
const ATTEMPT_WITHDRAWN = texts("sluice.attempt.withdrawn");
const CLIENT_ADDRESS = texts("client.address");
const CONSUMER = texts("sluice.consumer");
const DETAIL = texts("sluice.error.detail");
const ERROR_TYPE = texts("error.type");
const FAULT = texts("sluice.error.fault");
const METHOD = texts("http.request.method");
const ORIGINAL_METHOD = texts("http.request.method_original");
const PATH = texts("url.path");
const PEER_ADDRESS = texts("network.peer.address");
const PROTOCOL_VERSION = texts("network.protocol.version");
const QUERY = texts("url.query");
const REQUEST_ID = texts("sluice.request_id");
const REQUEST_SIZE = wholes("http.request.body.size");
const RESENDS = wholes("http.request.resend_count");
const ROUTE = texts("http.route");
const ROUTE_NAME = texts("sluice.route");
const SCHEME = texts("url.scheme");
const AUTH_SCHEME = texts("sluice.auth.scheme");
const SERVER_ADDRESS = texts("server.address");
const SERVER_PORT = wholes("server.port");
const STATUS = wholes("http.response.status_code");
const TARGET = texts("sluice.target");
const UPSTREAM = texts("sluice.upstream");
const URL_FULL = texts("url.full");

/** Attempts of an exchange at one of its upstreams. */
interface Asked {
  readonly upstream: UpstreamPlan;
  readonly attempts: readonly AttemptRecord[];
}

/** What a span says of a route: behind the method in its name, and as attributes. */
interface RouteText {
  readonly name: string;
  readonly attributes: string;
}

const NO_ROUTE: RouteText = { name: "", attributes: "" };

/** Writes spans. Names and attributes are those of OpenTelemetry's conventions for HTTP (1.44), and `sluice.*`. */
export class SpanWriter {
  readonly #redact: (query: string) => string;
  readonly #platform: Pick<Platform, "now" | "wallClock">;
  readonly #kinds: Kinds;
  readonly #moment = moments();
  /** What methods say as attributes, by how they are told. */
  readonly #methods = new Map<string, string>();
  /** What routes and targets say is of the config: each is written once. */
  readonly #routes = new WeakMap<RoutePlan | MatchPlan, RouteText>();
  readonly #targets = new WeakMap<UpstreamPlan, Map<string, TargetText>>();

  constructor(
    { redactQuery, knownMethods }: Pick<TracingPlan, "redactQuery" | "knownMethods">,
    platform: Pick<Platform, "now" | "wallClock">,
  ) {
    this.#redact = queryRedactor(redactQuery);
    this.#kinds = new Kinds(knownMethods);
    this.#platform = platform;
  }

  /** The spans of an exchange that ends now, its own first, each as JSON. */
  of(x: Exchange, trace: Trace, ending: Ending): string[] {
    const now = this.#platform.now();
    const ahead = this.#platform.wallClock() - now;
    const moment = (at: number): string => this.#moment(at + ahead);
    const spans = [this.#ownSpan(x, trace, ending, now, moment)];
    for (const { upstream, attempts } of askedBy(x)) {
      for (let resends = 0; resends < attempts.length; resends++) {
        const place = attemptPlace(trace, spans.length);
        spans.push(place + this.#attemptSpan(x, upstream, attempts[resends]!, resends, now, moment));
      }
    }
    return spans;
  }

  #ownSpan(x: Exchange, trace: Trace, ending: Ending, now: number, moment: (at: number) => string): string {
    const { parentId, state, flags, link } = trace;
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const route = x.route === undefined ? NO_ROUTE : this.#routeText(x.route, x.match);
    const parent = parentId === "" ? "" : `,"parentSpanId":"${parentId}"`;
    const allFlags = flags | KNOWS_PARENT | (parentId === "" ? 0 : REMOTE_PARENT);
    const links =
      link === undefined ? "" : `,"links":[{"traceId":"${link.traceId}","spanId":"${link.spanId}","attributes":[]}]`;
    return (
      `{"traceId":"${traceIdOf(trace)}","spanId":"${spanIdOf(trace)}"${parent}${stateMember(state)},"flags":${allFlags}` +
      `,"name":"${this.#spanMethod(x)}${route.name}","kind":${SERVER},"startTimeUnixNano":${moment(x.startedAt)}` +
      `,"endTimeUnixNano":${moment(now)},"attributes":[${this.#methodAttributes(x)}${this.#requestAttributes(x)}` +
      `${outcomeAttributes(x, ending, status, error, route)}]${eventsText(x, now, moment)}${links}` +
      `${isError(status, error) ? FAILED : ""}}`
    );
  }

  #requestAttributes(x: Exchange): string {
    const { scheme, authority } = x;
    const asked = queryOf(x);
    const query = asked.length > 1 ? QUERY(this.#redact(asked).slice(1), MOST_TARGET) : "";
    const server = authority === "" ? "" : serverAttributes(scheme, authority);
    const peer = x.peer === x.client ? "" : PEER_ADDRESS(x.peer);
    const agent = x.fields.get("user-agent");
    return (
      `${PATH(pathOf(x), MOST_TARGET)}${SCHEME(scheme)}${query}${server}${CLIENT_ADDRESS(x.client)}${peer}` +
      `${PROTOCOL_VERSION(x.version)}${agent === undefined ? "" : AGENT(agent, MOST_DETAIL)}${REQUEST_ID(x.id)}`
    );
  }

  #attemptSpan(
    x: Exchange,
    upstream: UpstreamPlan,
    { target, startedAt, settledAt, status, error, reason }: AttemptRecord,
    resends: number,
    now: number,
    moment: (at: number) => string,
  ): string {
    const { origin, before, after } = this.#targetText(upstream, target);
    const [path, query = ""] = splitQuery(x.forwardTarget ?? x.path + x.query);
    const url = URL_FULL(`${origin}${path}${query === "" ? "" : this.#redact(query)}`, MOST_TARGET);
    // One that was taken back has not failed: nobody waited for it any more.
    const withdrawn = error?.code === "attempt_withdrawn" ? ATTEMPT_WITHDRAWN(error.message, MOST_DETAIL) : "";
    const failure = withdrawn !== "" ? "" : failureOf(error, status);
    return (
      `,"name":"${this.#spanMethod(x)}","kind":${CLIENT},"startTimeUnixNano":${moment(startedAt)}` +
      `,"endTimeUnixNano":${moment(settledAt === 0 ? now : settledAt)},"attributes":[${this.#methodAttributes(x)}${before}` +
      `${url}${after}${status === 0 ? "" : STATUS(status)}${resends === 0 ? "" : RESENDS(resends)}` +
      `${reason === undefined ? "" : ATTEMPT_REASON(reason)}${withdrawn}${failure}]${failure === "" ? "" : FAILED}}`
    );
  }

  /** The method in a span's name. */
  #spanMethod({ method }: Exchange): string {
    return this.#kinds.known(method) === method ? method : "HTTP";
  }

  /** They come first: no comma stands before them. */
  #methodAttributes({ method }: Exchange): string {
    const known = this.#kinds.known(method);
    let told = this.#methods.get(known);
    if (told === undefined) this.#methods.set(known, (told = inOnePiece(METHOD(known).slice(1))));
    return known === method || method === "" ? told : told + ORIGINAL_METHOD(method);
  }

  #routeText(route: RoutePlan, match: MatchPlan | undefined): RouteText {
    const key = match ?? route;
    let text = this.#routes.get(key);
    if (text === undefined) {
      const pattern = routePattern(route, match);
      const attributes = `${pattern === undefined ? "" : ROUTE(pattern)}${ROUTE_NAME(route.name)}`;
      text = { name: pattern === undefined ? "" : ` ${inString(pattern)}`, attributes: inOnePiece(attributes) };
      this.#routes.set(key, text);
    }
    return text;
  }

  #targetText(upstream: UpstreamPlan, target: string): TargetText {
    let ofUpstream = this.#targets.get(upstream);
    if (ofUpstream === undefined) this.#targets.set(upstream, (ofUpstream = new Map()));
    let text = ofUpstream.get(target);
    if (text === undefined) {
      const { host, port } = addressOf(target);
      const before = inOnePiece(`${SERVER_ADDRESS(host)}${SERVER_PORT(Number(port))}`);
      const after = inOnePiece(`${UPSTREAM(upstream.name)}${TARGET(target)}`);
      // Found targets come and go.
      if (ofUpstream.size >= MOST_TARGETS) ofUpstream.clear();
      ofUpstream.set(target, (text = { origin: target.replace(/\/$/, ""), before, after }));
    }
    return text;
  }
}

/** What a span says of a target: the beginning of URLs, and attributes before and after the URL. */
interface TargetText {
  readonly origin: string;
  readonly before: string;
  readonly after: string;
}

/** Targets of an upstream whose texts are kept. */
const MOST_TARGETS = 1024;

/** The upstreams that were asked, in order. An upstream whose fallback is an answer has its attempts in the exchange. */
function askedBy({ upstream, attempts, fallbacks }: Exchange): readonly Asked[] {
  return upstream === undefined ? fallbacks : [...fallbacks, { upstream, attempts }];
}

/** The beginning of the span of an attempt: below that of the exchange. Its id is the one that its target was told. */
function attemptPlace(trace: Trace, number: number): string {
  const [id, parent] = [spanIdOf(trace, number), spanIdOf(trace)];
  const flags = trace.flags | KNOWS_PARENT;
  return `{"traceId":"${traceIdOf(trace)}","spanId":"${id}","parentSpanId":"${parent}"${stateMember(trace.state)},"flags":${flags}`;
}

function stateMember(state: string): string {
  return state === "" ? "" : `,"traceState":"${inString(state, state.length)}"`;
}

function serverAttributes(scheme: string, authority: string): string {
  const port = /:(\d+)$/.exec(authority)?.[1];
  return `${SERVER_ADDRESS(hostOf(authority))}${SERVER_PORT(Number(port ?? (scheme === "https" ? 443 : 80)))}`;
}

function outcomeAttributes(
  { upstream, identity }: Exchange,
  { bytesIn, bytesOut }: Ending,
  status: number,
  error: GatewayError | undefined,
  route: RouteText,
): string {
  const code = status === 0 ? "" : STATUS(status);
  const asked = upstream === undefined ? "" : UPSTREAM(upstream.name);
  const scheme = identity === undefined ? "" : AUTH_SCHEME(identity.scheme);
  const consumer = identity?.consumer === undefined ? "" : CONSUMER(identity.consumer.name);
  const failure = error !== undefined ? errorAttributes(error) : status >= 500 ? ERROR_TYPE(String(status)) : "";
  return `${REQUEST_SIZE(bytesIn)}${ANSWER_SIZE(bytesOut)}${code}${route.attributes}${asked}${scheme}${consumer}${failure}`;
}

/** What has become of an attempt: for whoever asked, an answer from 400 on is a failure. */
function failureOf(error: GatewayError | undefined, status: number): string {
  if (error !== undefined) return errorAttributes(error);
  return status >= 400 ? ERROR_TYPE(String(status)) : "";
}

function errorAttributes({ code, fault, message }: GatewayError): string {
  return `${ERROR_TYPE(code)}${FAULT(fault)}${DETAIL(message, MOST_DETAIL)}`;
}

/** Path, and query with its "?". */
function splitQuery(target: string): [path: string, query?: string] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target] : [target.slice(0, mark), target.slice(mark)];
}
