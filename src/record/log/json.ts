// A line as JSON with the names of OpenTelemetry. Built by hand, for it is hot.
import type { Trace } from "../../exchange.ts";
import { spanIdOf, traceIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import {
  MOST_AGENT,
  agentTexts,
  inOnePiece,
  lastKeptByStatus,
  methodTexts,
  openings,
  queryTexts,
  secondsText,
  statusTexts,
} from "../line-parts.ts";
import { errorOf, hostOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers } from "./own-members.ts";
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
  const [idBefore, idBehind] = writers.around("request_id");
  const [pathBefore, pathBehind] = writers.around("url.path");
  const [clientBefore, clientBehind] = writers.around("client.address");
  const opening = openings(
    (time, level) =>
      writers.first("time", `"${time}"`) +
      writers.member("level", `"${level}"`) +
      writers.member("msg", '"exchange"') +
      idBefore,
  );
  const trace = traceTexts(writers);
  const untraced = methodTexts(writers, idBehind, pathBefore);
  const traced = methodTexts(writers, "", pathBefore);
  const query = queryTexts(writers, redact);
  const address = writers.anyText("server.address", MOST);
  const code = statusTexts(writers);
  const behind = lastKeptByStatus(
    (status, scheme, authority, version) =>
      pathBehind +
      writers.member("url.scheme", `"${scheme}"`) +
      (authority === "" ? "" : address(hostOf(authority))) +
      writers.member("network.protocol.version", `"${version}"`) +
      code(status) +
      clientBefore,
  );
  const peer = writers.anyText("network.peer.address", MOST);
  const bytesIn = writers.start("http.request.body.size");
  const bytesOut = writers.start("http.response.body.size");
  const duration = writers.start("duration");
  const agent = agentTexts(clientBehind, writers.anyText("user_agent.original", MOST_AGENT), bytesIn);
  const own = ownMembers(writers);
  const failure = errorMembers(writers);

  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const micros = Math.round((platform.now() - x.startedAt) * 1000);
    const at = pathOf(x);
    const asked = queryOf(x);
    const rest = behind(status, x.scheme, x.authority, x.version);
    const traceText = x.trace === undefined ? "" : idBehind + trace(x.trace);
    let named: string;
    let seen: string;
    if (x.method === "" && at === "") {
      // No head came.
      named = traceText === "" ? idBehind : traceText;
      seen = rest.slice(pathBehind.length);
    } else {
      named = traceText === "" ? untraced(x.method) : traceText + traced(x.method);
      const path = pathBefore === "" ? "" : jsonText(at, MOST_TARGET);
      seen = asked.length > 1 ? `${path}${pathBehind}${query(asked)}${rest.slice(pathBehind.length)}` : path + rest;
    }
    const sent = agent(x.fields.get("user-agent"));
    const asking = x.peer === x.client ? sent : `${clientBehind}${peer(x.peer)}${sent.slice(clientBehind.length)}`;
    // Of what a proxy says only that is taken which needs no escaping: see REQUEST_ID.
    return (
      `${opening(platform.wallClock(), isError(status, error))}${idBefore === "" ? "" : x.id}${named}${seen}` +
      `${clientBefore === "" ? "" : jsonText(x.client, MOST)}${asking}${bytesIn === "" ? "" : ending.bytesIn}` +
      `${bytesOut}${bytesOut === "" ? "" : ending.bytesOut}${duration}${duration === "" ? "" : secondsText(micros)}` +
      `${own(x, status)}${error === undefined ? "}" : `${failure(error)}}`}`
    );
  };
}

function traceTexts(writers: Writers): (trace: Trace) => string {
  const id = writers.word("trace_id");
  const span = writers.word("span_id");
  const flags = [0, 1, 2, 3].map((flag) => inOnePiece(writers.word("trace_flags")(`0${flag}`)));
  return (trace) => id(traceIdOf(trace)) + span(spanIdOf(trace)) + flags[trace.flags]!;
}
