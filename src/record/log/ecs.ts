// A line as JSON with the names of the Elastic Common Schema, in its dotted form.
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import { openings } from "../line-parts.ts";
import { errorOf, hostOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers } from "./own-members.ts";

/** The release of the schema that the names are of. */
const ECS = "8.17.0";
const MOST_TARGET = 2048;
const MOST_AGENT = 512;
const MOST = 256;

/** Makes the line. `event.duration` is in nanoseconds; what ECS has no name for is called as in the JSON form. */
export function ecsLine(redact: (query: string) => string, platform: Platform): LineMaker {
  const opening = openings(
    (time, level) =>
      `{"@timestamp":"${time}","log.level":"${level}","message":"exchange","ecs.version":"${ECS}","event.kind":"event"` +
      `,"event.category":["web"],"event.dataset":"sluice.access"` +
      `,"event.outcome":"${level === "error" ? "failure" : "success"}","event.duration":`,
  );
  const own = ownMembers();
  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const start = opening(platform.wallClock(), isError(status, error));
    const nanos = Math.max(0, Math.round((platform.now() - x.startedAt) * 1000)) * 1000;
    const query = queryOf(x).length > 1 ? redact(queryOf(x)).slice(1) : "";
    return (
      `${start}${nanos}` +
      text("http.request.id", x.id, MOST) +
      (x.trace === undefined ? "" : `,"trace.id":"${x.trace.traceId}","span.id":"${x.trace.spanId}"`) +
      text("http.request.method", x.method, MOST) +
      `,"http.version":"${x.version}"` +
      text("url.path", pathOf(x), MOST_TARGET) +
      text("url.query", query, MOST_TARGET) +
      `,"url.scheme":"${x.scheme}"` +
      text("url.domain", hostOf(x.authority), MOST) +
      (status === 0 ? "" : `,"http.response.status_code":${status}`) +
      text("client.ip", x.client, MOST) +
      text("source.ip", x.peer, MOST) +
      text("user_agent.original", x.fields.get("user-agent") ?? "", MOST_AGENT) +
      `,"http.request.body.bytes":${ending.bytesIn},"http.response.body.bytes":${ending.bytesOut}` +
      `${own(x, status)}${errorMembers(error)}}`
    );
  };
}

/** A member that is left out when it is empty. */
function text(name: string, value: string, most: number): string {
  return value === "" ? "" : `,"${name}":"${jsonText(value, most)}"`;
}
