// Forward-auth: the options of the scheme that asks a service of the user's own, and their schema.
import { plainName, SAID_OF_CLIENTS } from "../../http/fields.ts";
import { isToken } from "../../http/message.ts";
import { readTarget } from "../../http/target.ts";
import { cookieName } from "../caller-by.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { fieldNameProblem } from "../field-changes.ts";
import type { Duration, Size, UpstreamTls } from "../options.ts";
import type { ConnectionOptions, KeepAliveOptions } from "../upstream/options.ts";
import type { TargetPlan, UpstreamPlan } from "../upstream/plan.ts";
import type { Hidden } from "../secrets.ts";
import { chained, either, isPlainObject, leaf, list, maybe, options, or, then, type Shape } from "../shape.ts";
import { readTargetUrl } from "../upstream/target.ts";
import { tlsShape } from "../tls.ts";
import { hostField } from "../upstream/host-field.ts";
import { connections, keepAlive, pooling } from "../upstream/upstream.ts";
import { duration, hiddenText, size, text } from "../values.ts";
import { type NoClaims, type SchemeCommon, SchemeOptions } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** A field that the service gives for the upstream: its name in the service's answer, and in the request. */
export interface CopiedField {
  from: string;
  /** The field that the upstream gets. Default: `from`. */
  to?: string;
}

/** A service that says whether a request may pass, and who sent it (Traefik's ForwardAuth, Caddy's forward_auth). */
export interface ForwardAuthOptions extends SchemeCommon {
  /** Where to ask: `"http://127.0.0.1:4180/oauth2/auth"`. */
  url: string | Hidden;
  /**
   * Fields of the service's answer to set on the request, when it lets pass: `"Remote-User"`, `"A>B"` to give A the name
   * B, or an object. What a client sends under these names is gone first, on every route. Default: none.
   */
  copy?: readonly (string | CopiedField)[];
  /** Fields of the client's request that the service sees. Default: all but those of the connection and of the content. */
  requestHeaders?: readonly string[];
  /** Names of cookies: what the service sets under them when it lets pass goes to the client. Default: none. */
  cookies?: readonly string[];
  /** The field of the service's answer that names the caller: the subject, by which a consumer is found. Default: none. */
  subject?: string;
  /** From the question to the answer's last field; more is 503. Default: `"5s"`. */
  timeout?: Duration;
  /** The Host field that the service sees: its own, the client's, or a fixed text. Default: `"upstream"`. */
  host?: "upstream" | "client" | (string & {});
  keepAlive?: KeepAliveOptions;
  connections?: ConnectionOptions;
  /** Most bytes of the head of the service's answer; more is 503. Default: `"64KiB"`. */
  maxHead?: Size;
  /** TLS towards an `https` service. */
  tls?: UpstreamTls;
}

/** The service that decides, and how it is asked. */
export interface ForwardAuthPlan extends SchemeCommonPlan {
  readonly kind: "forward-auth";
  /** The service as an upstream of one target, which belongs to this scheme alone. */
  readonly upstream: UpstreamPlan;
  /** The path that is asked for, with the query beside it. */
  readonly path: string;
  readonly query: string;
  /** Key of the answer's field, and name of the request's. */
  readonly copy: readonly (readonly [from: string, to: string])[];
  /** Lower-case names; undefined means the default. */
  readonly requestFields: readonly string[] | undefined;
  readonly cookies: readonly string[];
  /** The answer's field that names the caller, lower case; undefined for none. */
  readonly subject: string | undefined;
  readonly timeoutMs: number;
}

/**
 * A service decides: the gateway sends it the request's head, and what it answers with 2xx passes. Anything else goes back
 * to the client as it is, such as the redirect to a login page. oauth2-proxy and Authelia work unchanged.
 */
export function forwardAuth(options: ForwardAuthOptions): SchemeOptions<NoClaims> {
  return new SchemeOptions("forward-auth", options);
}

/** Checks the options of `forwardAuth()`. The result makes a plan for the scheme's name. */
export function forwardAuthShape(gateway: string, reader: ConfigReader): Shape<(name: string) => ForwardAuthPlan> {
  const shape = options({
    ...commonEntries(gateway),
    url: hiddenText(A_URL, reader, (found) => readUrl(found.text)),
    copy: or(copiedFields, []),
    requestHeaders: maybe(list(requestField, "a list of field names")),
    cookies: or(list(cookieName, "a list of names of cookies"), []),
    subject: maybe(answerField),
    timeout: or(duration(), "5s"),
    host: or(hostField, "upstream"),
    keepAlive: or(keepAlive, {}),
    connections: or(connections, {}),
    maxHead: or(size, "64KiB"),
    tls: or(tlsShape(reader), {}),
  });
  return then(shape, (written) => (name) => {
    const { url, copy, timeout, host, keepAlive, connections, maxHead, tls } = written;
    const upstream: UpstreamPlan = {
      name: `auth.${name}`,
      targets: [url.target],
      balance: { kind: "round-robin" },
      slowStartMs: undefined,
      ejection: undefined,
      health: undefined,
      breaker: undefined,
      protocol: "http1",
      host,
      timeouts: {
        connectMs: timeout,
        sendMs: timeout,
        firstByteMs: timeout,
        idleMs: timeout,
        wholeMs: 0,
        deadlineFields: [],
      },
      retries: undefined,
      hedge: undefined,
      ...pooling(keepAlive, connections),
      maxHead,
      tls,
    };
    return {
      ...commonPlan(name, written),
      kind: "forward-auth",
      // Authorization is the caller's on routes that ask in another way: there it passes as it came.
      vouches: copy.map(([, to]) => to.toLowerCase()).filter((key) => key !== "authorization"),
      upstream,
      path: url.path,
      query: url.query,
      copy,
      requestFields: written.requestHeaders,
      cookies: written.cookies,
      subject: written.subject?.toLowerCase(),
      timeoutMs: timeout,
    };
  });
}

const A_URL = 'the URL of a service, such as "http://127.0.0.1:4180/oauth2/auth"';

function readUrl(url: string): { target: TargetPlan; path: string; query: string } | Problem {
  const origin = /^[^:]*:\/\/[^/?#]*/.exec(url)?.[0] ?? url;
  const address = readTargetUrl(origin);
  if (address instanceof Problem) return new Problem(A_URL, address.hint === undefined ? {} : { hint: address.hint });
  const written = url.slice(origin.length);
  const target = readTarget(written.startsWith("/") ? written : `/${written}`);
  if (typeof target === "string") return new Problem(A_URL, { hint: target });
  return { target: { ...address, weight: 1 }, path: target.path, query: target.query };
}

const A_NAME = "a field name";

/** The name of a field that any answer may have. */
const answerField = text(A_NAME, (name) => (isToken(name) ? name : new Problem(A_NAME)));

/** Fields that the gateway writes or reads itself, or that tell of the content. */
const NOT_COPIED = new RegExp(`^(?:cookie|host|via|expect|content-.*|x-request-id|${SAID_OF_CLIENTS})$`);

/** Why no service may set this field for the upstream. */
function copyProblem(name: string): Problem | undefined {
  const problem = fieldNameProblem(name);
  if (problem !== undefined) return problem;
  if (!NOT_COPIED.test(plainName(name.toLowerCase()))) return undefined;
  return new Problem("a field that may be copied", { hint: "The gateway or the client alone says what it holds." });
}

const A_COPY = 'a field name, "A>B", or an object with `from` and `to`';

type Pair = readonly [from: string, to: string];

const arrow: Shape<Pair> = text(A_COPY, (written) => {
  const [from = "", to = from, more] = written.split(">").map((name) => name.trim());
  if (!isToken(from) || more !== undefined) return new Problem(A_COPY);
  return copyProblem(to) ?? [from.toLowerCase(), to];
});

const pair: Shape<Pair> = then(
  options(
    { from: answerField, to: maybe(text(A_NAME, (name) => copyProblem(name) ?? name)) },
    function* ({ from, to }, written) {
      const problem = from === undefined || written["to"] !== undefined ? undefined : copyProblem(to ?? from);
      if (problem !== undefined) yield new Problem(problem.wanted, { at: ["from"], hint: problem.hint ?? "" });
    },
  ),
  ({ from, to }) => [from.toLowerCase(), to ?? from],
);

const copiedFields: Shape<readonly Pair[]> = chained(
  list(either(isPlainObject, pair, arrow), "a list of fields to copy"),
  leaf((value) => {
    const pairs = value as readonly Pair[];
    const names = pairs.map(([, to]) => to.toLowerCase());
    const twin = names.find((name, at) => names.indexOf(name) < at);
    if (twin === undefined) return pairs;
    return new Problem("fields of different names", { found: JSON.stringify(twin), hint: "It is set twice." });
  }),
);

/** Fewer than {@link SAID_OF_CLIENTS}: what else a trusted proxy says, the gateway does not say itself. */
const STATED = /^(?:x-forwarded-.*|forwarded|x-real-ip|x-request-id)$/;

const requestField = text(A_NAME, (name) => {
  const problem = fieldNameProblem(name);
  if (problem !== undefined) return problem;
  const key = name.toLowerCase();
  if (!STATED.test(plainName(key))) return key;
  return new Problem("a field of the client's", { hint: "The gateway says it to the service itself, always." });
});
