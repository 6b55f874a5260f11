// The request as a target sees it: the client's bytes, less what ends at this hop, plus what the gateway vouches for.
import type { FieldChangesPlan } from "../config/plan.ts";
import type { DeadlineFieldPlan, TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { contentLength } from "../http/body.ts";
import { type Fields, HOP_BY_HOP, fieldKey, plainName, tokens, SAID_OF_CLIENTS } from "../http/fields.ts";
import { wireText } from "../http/latin1.ts";
import { traceparentOf } from "../http/trace-context.ts";

/** What becomes of a client's field. */
const PASS = 0;
const DROP = 1;
/** Believed from a trusted proxy only. */
const FORWARDED = 2;
const FORWARDED_FOR = 3;
const FORWARDED_PROTO = 4;
const FORWARDED_HOST = 5;
const HOST = 6;
const LENGTH = 7;
const VIA = 8;
const CONNECTION = 9;
/** As any other where there are no traces; else we say it ourselves. */
const TRACE = 10;
const BAGGAGE = 11;

const FATES = new Map<string, number>([
  ...[...HOP_BY_HOP].map((key): [string, number] => [key, DROP]),
  ["connection", CONNECTION],
  // Answered at the client's side (RFC 9110 section 10.1.1).
  ["expect", DROP],
  ["x-request-id", DROP],
  ["host", HOST],
  ["content-length", LENGTH],
  ["via", VIA],
  ["x-forwarded-for", FORWARDED_FOR],
  ["x-forwarded-proto", FORWARDED_PROTO],
  ["x-forwarded-host", FORWARDED_HOST],
  ["traceparent", TRACE],
  ["tracestate", TRACE],
  ["baggage", BAGGAGE],
]);

/** What a client could say of itself (case GW-08). */
const IDENTITY = new RegExp(`^(?:${SAID_OF_CLIENTS})$`);

/** Fates of names seen before. Bounded: strangers may send names without end. */
const seen = new Map<string, number>();
const SEEN_KEPT = 512;

function fateOf(key: string): number {
  const known = FATES.get(key) ?? seen.get(key);
  if (known !== undefined) return known;
  const plain = plainName(key);
  let fate = PASS;
  if (IDENTITY.test(plain)) fate = plain === key ? FORWARDED : DROP;
  else if (plain !== key && FATES.has(plain)) fate = DROP;
  if (seen.size < SEEN_KEPT && key.length <= 64) seen.set(key, fate);
  return fate;
}

/** Makes request heads for one destination. */
export interface RequestWriter {
  /**
   * Request line and fields for a target, with the empty line. Names, order and bytes of the client's fields are kept.
   * @param lines more of them, each with its CRLF
   * @param span its number among those of the exchange: see spanIdOf
   * @throws GatewayError `proxy_loop_detected` when the request has passed this gateway before (RFC 9110 section 7.6.3)
   */
  head(x: Exchange, target: TargetPlan, upgrade: string, lines?: string, span?: number): string;
  /** Whether a trailer of this name (lower case) may follow: none that the head may not have from a client. */
  trails(x: Exchange, key: string): boolean;
}

/** What the upstream is told of who calls. */
export interface Vouching {
  /** Lower-case names that clients cannot send: the gateway alone writes them. */
  readonly owned: readonly string[];
  /** Lines, each with its CRLF. */
  lines(x: Exchange): string;
}

/** The Host field that a target sees, of traffic and of checks (case GW-26). `client`: the authority that was asked, or "". */
export function hostOf(host: UpstreamPlan["host"], target: TargetPlan, client: string): string {
  if (host === "upstream") return target.authority;
  if (host === "client") return client === "" ? target.authority : client;
  return host.fixed;
}

/** Compiles what is the same for every request of a route. */
export function requestWriter(
  upstream: UpstreamPlan,
  changes: FieldChangesPlan | undefined,
  pseudonym: string,
  vouching?: Vouching,
  deadlines: readonly DeadlineFieldPlan[] = [],
): RequestWriter {
  /** Plain names that the config removes or writes itself, or that the gateway vouches for. */
  const removed = new Set<string>(vouching?.owned.map(plainName));
  for (const { key } of deadlines) removed.add(plainName(key));
  const via = {
    "1.0": `Via: 1.0 ${pseudonym}\r\n`,
    "1.1": `Via: 1.1 ${pseudonym}\r\n`,
    "2": `Via: 2.0 ${pseudonym}\r\n`,
    "3": `Via: 3.0 ${pseudonym}\r\n`,
  };
  let constant = "";
  for (const key of changes?.remove ?? []) removed.add(plainName(fieldKey(key)));
  for (const [name, value] of changes?.set ?? []) {
    removed.add(plainName(fieldKey(name)));
    constant += `${name}: ${wireText(typeof value === "string" ? value : value.reveal())}\r\n`;
  }
  const hostFor = (x: Exchange, target: TargetPlan): string => hostOf(upstream.host, target, x.authority);
  return {
    trails: (x, key) => !removed.has(plainName(key)) && !x.strip.includes(key),
    head(x, target, upgrade, lines = "", span = 0) {
      const { names, keys, values } = x.fields;
      const { strip, trace } = x;
      const named = namedByConnection(x.fields);
      const length = contentLength(x.content);
      let text = `${x.method} ${x.forwardTarget ?? x.path + x.query} HTTP/1.1\r\n`;
      let hosted = false;
      let sized = false;
      let forwardedFor = "";
      let proto: string | undefined;
      let forwardedHost: string | undefined;
      for (let i = 0; i < names.length; i++) {
        const key = keys[i]!;
        let fate = fateOf(key);
        if (fate >= TRACE) fate = trace === undefined || (fate === BAGGAGE && trace.passesBaggage) ? PASS : DROP;
        if (fate === PASS) {
          if ((named !== undefined && named.has(key)) || (removed.size > 0 && removed.has(plainName(key)))) continue;
          if (strip.length > 0 && strip.includes(key)) continue;
          text += `${names[i]}: ${values[i]}\r\n`;
          continue;
        }
        switch (fate) {
          case HOST:
            if (!hosted) text += `${names[i]}: ${hostFor(x, target)}\r\n`;
            hosted = true;
            break;
          case LENGTH:
            if (length !== undefined && !sized) text += `${names[i]}: ${length}\r\n`;
            sized = true;
            break;
          case VIA:
            if (values[i]!.includes(pseudonym)) {
              throw new GatewayError("proxy_loop_detected", "the request has passed this gateway before");
            }
            text += `${names[i]}: ${values[i]}\r\n`;
            break;
          case FORWARDED:
            if (x.trusted && !removed.has(key)) text += `${names[i]}: ${values[i]}\r\n`;
            break;
          case FORWARDED_FOR:
            if (x.trusted) forwardedFor += `${values[i]}, `;
            break;
          case FORWARDED_PROTO:
            if (x.trusted) proto ??= values[i];
            break;
          case FORWARDED_HOST:
            if (x.trusted) forwardedHost ??= values[i];
            break;
        }
      }
      if (!hosted) text += `Host: ${hostFor(x, target)}\r\n`;
      if (length === undefined) text += "Transfer-Encoding: chunked\r\n";
      else if (length > 0 && !sized) text += `Content-Length: ${length}\r\n`;
      if (!removed.has("x-forwarded-for")) text += `X-Forwarded-For: ${forwardedFor}${x.peer}\r\n`;
      if (!removed.has("x-forwarded-proto")) text += `X-Forwarded-Proto: ${proto ?? x.scheme}\r\n`;
      forwardedHost ??= x.authority;
      if (forwardedHost !== "" && !removed.has("x-forwarded-host")) text += `X-Forwarded-Host: ${forwardedHost}\r\n`;
      if (!removed.has("x-request-id")) text += `X-Request-ID: ${x.id}\r\n`;
      text += via[x.version];
      if (trace !== undefined && !removed.has("traceparent")) {
        text += `traceparent: ${traceparentOf(trace, span)}\r\n`;
        if (trace.state !== "") text += `tracestate: ${trace.state}\r\n`;
      }
      if (upgrade !== "") text += `Connection: upgrade\r\nUpgrade: ${upgrade}\r\n`;
      if (vouching !== undefined) text += vouching.lines(x);
      return `${text}${constant}${lines}\r\n`;
    },
  };
}

/**
 * The names that the client's Connection field lists, which end here (RFC 9110 section 7.6.1); undefined for none. They
 * count only for fields that pass: framing, routing and what the gateway vouches for a client cannot have removed.
 */
function namedByConnection(fields: Fields): ReadonlySet<string> | undefined {
  const at = fields.keys.indexOf("connection");
  if (at < 0) return undefined;
  const only = fields.keys.indexOf("connection", at + 1) < 0;
  const list = only ? fields.values[at]! : fields.joined("connection")!;
  if (list === "keep-alive" || list === "close") return undefined;
  return new Set(tokens(list));
}
