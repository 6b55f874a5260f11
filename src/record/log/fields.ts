// Fields of requests and answers that the config wants in a line. Credentials are masked, whatever it wants.
import type { LogPlan } from "../../config/log/plan.ts";
import type { Exchange } from "../../exchange.ts";
import type { Fields } from "../../http/fields.ts";
import { jsonText } from "../json-text.ts";
import { CREDENTIAL_FIELDS, MASK } from "../redact.ts";

const MOST = 512;
/** Lines of a field of one name that are kept. */
const MOST_LINES = 16;

/** Fields that hold a URL, whose query may hold a credential. */
const URLS: ReadonlySet<string> = new Set(["referer", "location", "content-location"]);

/** Returns the values of one field as the record may tell them. */
export type FieldReader = (fields: Fields, key: string) => readonly string[];

/** Reads fields: values are masked, or their queries are. */
export function fieldReader({ redactFields }: LogPlan, redact: (query: string) => string): FieldReader {
  const secret = new Set([...CREDENTIAL_FIELDS, ...redactFields]);
  return (fields, key) => {
    const values = fields.all(key);
    if (values.length > MOST_LINES) values.length = MOST_LINES;
    if (secret.has(key)) return values.map(() => MASK);
    return URLS.has(key) ? values.map((value) => withoutSecrets(value, redact)) : values;
  };
}

/** A fragment is read as a query, too: OAuth hands tokens over in one (RFC 6749 section 4.2.2), pages have routes there. */
function withoutSecrets(url: string, redact: (query: string) => string): string {
  const behind = (mark: string, text: string): string => {
    const at = text.indexOf(mark);
    return at < 0 ? text : text.slice(0, at + 1) + redact(text.slice(at + 1));
  };
  const hash = url.indexOf("#");
  if (hash < 0) return behind("?", url);
  return behind("?", url.slice(0, hash)) + behind("?", behind("#", url.slice(hash)));
}

/**
 * Fields as members named by OpenTelemetry's conventions: `"http.request.header.referer":["…"]`. Undefined when the config
 * wants none.
 */
export function fieldMembers(plan: LogPlan, redact: (query: string) => string): ((x: Exchange) => string) | undefined {
  const { request, response } = plan.members;
  if (request.length + response.length === 0) return undefined;
  const read = fieldReader(plan, redact);
  return (x) => {
    let text = "";
    for (const key of request) text += member("request", key, read(x.fields, key));
    if (x.answer === undefined) return text;
    for (const key of response) text += member("response", key, read(x.answer.fields, key));
    return text;
  };
}

function member(side: "request" | "response", key: string, values: readonly string[]): string {
  return values.length === 0 ? "" : `,"http.${side}.header.${jsonText(key, MOST)}":${valuesText(values)}`;
}

/** Fields as an object of lists, as Caddy writes them. */
export function fieldsObject(read: FieldReader, fields: Fields, keys: readonly string[]): string {
  const each = keys.flatMap((key) => {
    const values = read(fields, key);
    return values.length === 0 ? [] : [`"${jsonText(spelled(key), MOST)}":${valuesText(values)}`];
  });
  return `{${each.join(",")}}`;
}

/** "user-agent" as "User-Agent". */
function spelled(key: string): string {
  return key.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

function valuesText(values: readonly string[]): string {
  return `[${values.map((value) => `"${jsonText(value, MOST)}"`).join(",")}]`;
}
