// A line as JSON with the names of OpenTelemetry. Built by hand, for it is hot.
import type { Trace } from "../../exchange.ts";
import { spanIdOf, traceIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { MOST_AGENT, agentTexts, methodTexts, openings, lastKept, queryTexts, statusTexts } from "../line-parts.ts";
import { errorOf, hostOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers, secondsText } from "./own-members.ts";
import type { Writers } from "./writers.ts";

/** Most characters kept of what a client says; more is cut and marked. */
const MOST_TARGET = 2048;
const MOST = 256;

/**
 * Makes the JSON line. It is printable ASCII without a newline, whatever the client sent. Keys in order: `time`
 * (RFC 3339, UTC, milliseconds, when the exchange ended), `level` (`error` for a status from 500 on and for what the
 * upstream or the gateway broke, else `info`), `msg`, `request_id`, those of the trace where there
 * are traces, then the names of OpenTelemetry, `duration` in seconds from the head's arrival to the last byte, then
 * Sluice's own. What is not known, and what the config leaves out, is not there.
 */
export function jsonLine(writers: Writers, redact: (query: string) => string, platform: Platform): LineMaker {
  // Of what a proxy says only that is taken which needs no escaping: see REQUEST_ID.
  const id = writers.word("request_id");
  const path = writers.anyText("url.path", MOST_TARGET);
  const client = writers.anyText("client.address", MOST);
  const opening = openings(
    (time, level) =>
      writers.first("time", `"${time}"`) + writers.member("level", `"${level}"`) + writers.member("msg", '"exchange"'),
  );
  const trace = traceTexts(writers);
  const method = methodTexts(writers);
  const query = queryTexts(writers, redact);
  const address = writers.anyText("server.address", MOST);
  const origin = lastKept(
    (scheme, authority, version) =>
      writers.member("url.scheme", `"${scheme}"`) +
      (authority === "" ? "" : address(hostOf(authority))) +
      writers.member("network.protocol.version", `"${version}"`),
  );
  const code = statusTexts(writers);
  const peer = writers.anyText("network.peer.address", MOST);
  const bytesIn = writers.start("http.request.body.size");
  const bytesOut = writers.start("http.response.body.size");
  const duration = writers.start("duration");
  const agent = agentTexts(writers.anyText("user_agent.original", MOST_AGENT), bytesIn);
  const own = ownMembers(writers);
  const failure = errorMembers(writers);

  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const micros = Math.round((platform.now() - x.startedAt) * 1000);
    const start = opening(platform.wallClock(), isError(status, error));
    const at = pathOf(x);
    return (
      `${start}${id(x.id)}${x.trace === undefined ? "" : trace(x.trace)}${method(x.method)}${x.method === "" && at === "" ? "" : path(at)}${query(queryOf(x))}` +
      `${origin(x.scheme, x.authority, x.version)}${code(status)}${client(x.client)}` +
      `${x.peer === x.client ? "" : peer(x.peer)}${agent(x.fields.get("user-agent"))}${bytesIn === "" ? "" : ending.bytesIn}` +
      `${bytesOut}${bytesOut === "" ? "" : ending.bytesOut}${duration}${duration === "" ? "" : secondsText(micros)}` +
      `${own(x, status)}${failure(error)}}`
    );
  };
}

function traceTexts(writers: Writers): (trace: Trace) => string {
  const id = writers.word("trace_id");
  const span = writers.word("span_id");
  const flag = writers.word("trace_flags");
  return (trace) => id(traceIdOf(trace)) + span(spanIdOf(trace)) + flag(`0${trace.flags}`);
}
