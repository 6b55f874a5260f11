// A line as JSON with the names of the Elastic Common Schema, in its dotted form.
import type { Trace } from "../../exchange.ts";
import { spanIdOf, traceIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { MOST_AGENT, agentTexts, lastKept, methodTexts, openings, queryTexts, statusTexts } from "../line-parts.ts";
import { errorOf, hostOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers } from "./own-members.ts";
import type { Writers } from "./writers.ts";

/** The release of the schema that the names are of. */
const ECS = "8.17.0";
const MOST_TARGET = 2048;
const MOST = 256;

/** Makes the line. `event.duration` is in nanoseconds; what ECS has no name for is called as in the JSON form. */
export function ecsLine(writers: Writers, redact: (query: string) => string, platform: Platform): LineMaker {
  const duration = writers.start("event.duration");
  const opening = openings(
    (time, level) =>
      writers.first("@timestamp", `"${time}"`) +
      writers.member("log.level", `"${level}"`) +
      writers.member("message", '"exchange"') +
      writers.member("ecs.version", `"${ECS}"`) +
      writers.member("event.kind", '"event"') +
      writers.member("event.category", '["web"]') +
      writers.member("event.dataset", '"sluice.access"') +
      writers.member("event.outcome", level === "error" ? '"failure"' : '"success"') +
      duration,
  );
  const id = writers.text("http.request.id", MOST);
  const trace = traceTexts(writers);
  const method = methodTexts(writers);
  const version = writers.word("http.version");
  const path = writers.text("url.path", MOST_TARGET);
  const query = queryTexts(writers, redact);
  const domain = writers.text("url.domain", MOST);
  const origin = lastKept(
    (scheme, authority) => writers.member("url.scheme", `"${scheme}"`) + domain(hostOf(authority)),
  );
  const code = statusTexts(writers);
  const client = writers.text("client.ip", MOST);
  const source = writers.text("source.ip", MOST);
  const bytesIn = writers.start("http.request.body.bytes");
  const bytesOut = writers.start("http.response.body.bytes");
  const agent = agentTexts("", writers.text("user_agent.original", MOST_AGENT), bytesIn);
  const own = ownMembers(writers);
  const failure = errorMembers(writers);
  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const nanos = Math.max(0, Math.round((platform.now() - x.startedAt) * 1000)) * 1000;
    return (
      `${opening(platform.wallClock(), isError(status, error))}${duration === "" ? "" : nanos}${id(x.id)}` +
      `${x.trace === undefined ? "" : trace(x.trace)}${method(x.method)}${version(x.version)}${path(pathOf(x))}` +
      `${query(queryOf(x))}${origin(x.scheme, x.authority, "")}${code(status)}${client(x.client)}${source(x.peer)}` +
      `${agent(x.fields.get("user-agent"))}${bytesIn === "" ? "" : ending.bytesIn}` +
      `${bytesOut}${bytesOut === "" ? "" : ending.bytesOut}${own(x, status)}${failure(error)}}`
    );
  };
}

function traceTexts(writers: Writers): (trace: Trace) => string {
  const id = writers.word("trace.id");
  const span = writers.word("span.id");
  return (trace) => id(traceIdOf(trace)) + span(spanIdOf(trace));
}
