// A line as JSON as Caddy writes it, for those who read Caddy's logs already.
import type { LogPlan } from "../../config/log/plan.ts";
import type { Exchange } from "../../exchange.ts";
import { Fields } from "../../http/fields.ts";
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import { errorOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import { fieldReader, fieldsObject } from "./fields.ts";
import type { LineMaker } from "./line.ts";
import { errorMembers, ownMembers, secondsText } from "./own-members.ts";

const MOST_TARGET = 2048;
const MOST = 256;
const NO_FIELDS = new Fields();

/**
 * Makes the line. What Caddy does not know follows its members. Of fields there are `User-Agent` and those that the
 * config names, where Caddy has all.
 */
export function caddyLine(plan: LogPlan, redact: (query: string) => string, platform: Platform): LineMaker {
  const own = ownMembers();
  const read = fieldReader(plan, redact);
  const request = [...new Set(["user-agent", ...plan.members.request])];
  const { response } = plan.members;
  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const micros = Math.round((platform.now() - x.startedAt) * 1000);
    return (
      `{"level":"${isError(status, error) ? "error" : "info"}","ts":${(platform.wallClock() / 1000).toFixed(3)}` +
      `,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"${jsonText(x.peer, MOST)}"` +
      `,"client_ip":"${jsonText(x.client, MOST)}","proto":"${protocolOf(x)}","method":"${jsonText(x.method, MOST)}"` +
      `,"host":"${jsonText(x.authority, MOST)}","uri":"${jsonText(pathOf(x) + redact(queryOf(x)), MOST_TARGET)}"` +
      `,"headers":${fieldsObject(read, x.fields, request)}},"bytes_read":${ending.bytesIn}` +
      `,"user_id":"${jsonText(x.identity?.consumer?.name ?? "", MOST)}","duration":${secondsText(micros)}` +
      `,"size":${ending.bytesOut},"status":${status}` +
      `,"resp_headers":${fieldsObject(read, x.answer?.fields ?? NO_FIELDS, response)}` +
      `,"request_id":"${jsonText(x.id, MOST)}"${traceText(x)}${own(x, status)}${errorMembers(error)}}`
    );
  };
}

/** As Go and the log formats of old write it. */
export function protocolOf({ version }: Exchange): string {
  return version.includes(".") ? `HTTP/${version}` : `HTTP/${version}.0`;
}

/** As Caddy writes them. */
function traceText({ trace }: Exchange): string {
  return trace === undefined ? "" : `,"traceID":"${trace.traceId}","spanID":"${trace.spanId}"`;
}
