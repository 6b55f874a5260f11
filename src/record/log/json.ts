// A line as JSON with the names of OpenTelemetry. Built by hand, for it is hot.
import type { Trace } from "../../exchange.ts";
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import { agentTexts, methodText, openings, originTexts, statusTexts } from "../line-parts.ts";
import { errorOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers, secondsText } from "./own-members.ts";

/** Most characters kept of what a client says; more is cut and marked. */
const MOST_TARGET = 2048;
const MOST = 256;

/**
 * Makes the JSON line. It is printable ASCII without a newline, whatever the client sent. Keys in order: `time`
 * (RFC 3339, UTC, milliseconds, when the exchange ended), `level` (`error` for a status from 500 on and for what the
 * upstream or the gateway broke, else `info`), `msg`, `request_id`, those of the trace where there are traces, then the names of OpenTelemetry, `duration` in
 * seconds from the head's arrival to the last byte, then Sluice's own. What is not known is left out.
 */
export function jsonLine(redact: (query: string) => string, platform: Platform): LineMaker {
  const opening = openings((time, level) => `{"time":"${time}","level":"${level}","msg":"exchange","request_id":"`);
  const originText = originTexts();
  const statusText = statusTexts();
  const agentText = agentTexts();
  const own = ownMembers();

  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const micros = Math.round((platform.now() - x.startedAt) * 1000);
    const start = opening(platform.wallClock(), isError(status, error));
    const id = jsonText(x.id, MOST);
    const trace = x.trace === undefined ? "" : traceText(x.trace);
    const path = jsonText(pathOf(x), MOST_TARGET);
    const method = methodText(x.method, path);
    const asked = queryOf(x);
    const query = asked.length > 1 ? queryText(redact(asked)) : "";
    const origin = originText(x.scheme, x.authority, x.version);
    const client = jsonText(x.client, MOST);
    const peer = x.peer === x.client ? "" : peerText(x.peer);
    const agent = agentText(x.fields.get("user-agent"));
    return (
      `${start}${id}${trace}${method}${path}${query}${origin}${statusText(status)}${client}${peer}${agent}${ending.bytesIn}` +
      `,"http.response.body.size":${ending.bytesOut},"duration":${secondsText(micros)}${own(x, status)}` +
      `${errorMembers(error)}}`
    );
  };
}

function queryText(masked: string): string {
  return `","url.query":"${jsonText(masked.slice(1), MOST_TARGET)}`;
}

function peerText(peer: string): string {
  return `","network.peer.address":"${jsonText(peer, MOST)}`;
}

function traceText({ traceId, spanId, flags }: Trace): string {
  return `","trace_id":"${traceId}","span_id":"${spanId}","trace_flags":"0${flags}`;
}
