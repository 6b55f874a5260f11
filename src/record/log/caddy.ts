// A line as JSON as Caddy writes it, for those who read Caddy's logs already.
import type { LogPlan } from "../../config/log/plan.ts";
import type { Exchange } from "../../exchange.ts";
import { Fields } from "../../http/fields.ts";
import { spanIdOf, traceIdOf } from "../../http/trace-context.ts";
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import { errorOf, isError, pathOf, queryOf, statusOf } from "../outcome.ts";
import { fieldReader, fieldsObject } from "./fields.ts";
import type { LineMaker } from "./line.ts";
import { secondsText } from "../line-parts.ts";
import { errorMembers, ownMembers } from "./own-members.ts";
import type { Writers } from "./writers.ts";

const MOST_TARGET = 2048;
const MOST = 256;
const NO_FIELDS = new Fields();

/**
 * Makes the line. What Caddy does not know follows its members. Of fields there are `User-Agent` and those that the
 * config names, where Caddy has all.
 */
export function caddyLine(
  writers: Writers,
  plan: LogPlan,
  redact: (query: string) => string,
  platform: Platform,
): LineMaker {
  const opening = {
    info: writers.first("level", '"info"'),
    error: writers.first("level", '"error"'),
  };
  const ts = writers.json("ts");
  const constant = writers.member("logger", '"http.log.access"') + writers.member("msg", '"handled request"');
  const requested = requestTexts(writers, plan, redact);
  const bytesIn = writers.json("bytes_read");
  const user = writers.anyText("user_id", MOST);
  const duration = writers.json("duration");
  const bytesOut = writers.json("size");
  const code = writers.json("status");
  const answered = answerTexts(writers, plan, redact);
  const id = writers.word("request_id");
  const traceId = writers.word("traceID");
  const spanId = writers.word("spanID");
  const own = ownMembers(writers);
  const failure = errorMembers(writers);
  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const micros = Math.round((platform.now() - x.startedAt) * 1000);
    const trace = x.trace === undefined ? "" : traceId(traceIdOf(x.trace)) + spanId(spanIdOf(x.trace));
    return (
      `${opening[isError(status, error) ? "error" : "info"]}${ts((platform.wallClock() / 1000).toFixed(3))}${constant}` +
      `${requested(x)}${bytesIn(ending.bytesIn)}${user(x.identity?.consumer?.name ?? "")}` +
      `${duration(secondsText(micros))}${bytesOut(ending.bytesOut)}${code(status)}${answered(x)}${id(x.id)}${trace}` +
      `${own(x, status)}${failure(error)}}`
    );
  };
}

function requestTexts(writers: Writers, plan: LogPlan, redact: (query: string) => string): (x: Exchange) => string {
  if (!writers.keeps("request")) return () => "";
  const read = fieldReader(plan, redact);
  const names = [...new Set(["user-agent", ...plan.members.request])];
  return (x) =>
    `,"request":{"remote_ip":"${jsonText(x.peer, MOST)}","client_ip":"${jsonText(x.client, MOST)}"` +
    `,"proto":"${protocolOf(x)}","method":"${jsonText(x.method, MOST)}","host":"${jsonText(x.authority, MOST)}"` +
    `,"uri":"${jsonText(pathOf(x) + redact(queryOf(x)), MOST_TARGET)}","headers":${fieldsObject(read, x.fields, names)}}`;
}

function answerTexts(writers: Writers, plan: LogPlan, redact: (query: string) => string): (x: Exchange) => string {
  if (!writers.keeps("resp_headers")) return () => "";
  const read = fieldReader(plan, redact);
  const { response } = plan.members;
  return ({ answer }) => `,"resp_headers":${fieldsObject(read, answer?.fields ?? NO_FIELDS, response)}`;
}

/** As Go and the log formats of old write it. */
export function protocolOf({ version }: Exchange): string {
  return version.includes(".") ? `HTTP/${version}` : `HTTP/${version}.0`;
}
