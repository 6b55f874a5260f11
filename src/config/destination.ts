// The schema of where a route leads: exactly one of an upstream, a split, a handler, a fixed answer, a redirect.
import { isToken } from "../http/message.ts";
import { readPattern, type Pattern } from "../route/pattern.ts";
import { compileLocation } from "../route/redirect.ts";
import { compileRewrite } from "../route/rewrite.ts";
import { answerShape } from "./answer.ts";
import { callerByShape } from "./caller-by.ts";
import type { AllowNames } from "./auth/allow.ts";
import { quoted } from "./describe.ts";
import { Problem } from "./fault.ts";
import type { FixedAnswer, Handler } from "./options.ts";
import type { CallerByPlan, Destination, MatchPlan, RewritePlan, UpstreamDestination } from "./plan.ts";
import { mirrorShape, type NamedMirror } from "./shaping/mirror.ts";
import { type NamedBranch, splitShape } from "./shaping/split.ts";
import type { RetriesPlan, TimeoutsPlan, UpstreamPlan } from "./upstream/plan.ts";
import { either, leaf, list, maybe, options, partOf, or, then, type Shape } from "./shape.ts";
import { upstreamName } from "./upstream/name.ts";
import { hedgePlan, hedgeShape, routeRetries } from "./upstream/retries.ts";
import { timeoutsShape } from "./upstream/timeouts.ts";
import { text } from "./values.ts";

/** What a route must know of the rest of the config. */
export interface Settings {
  /** Names of the upstreams, right or wrong. */
  readonly upstreams: readonly string[];
  /** Names of the schemes, right or wrong. */
  readonly schemes: readonly string[];
  readonly allow: AllowNames;
  /** Names of the limits, right or wrong. */
  readonly limits: readonly string[];
  /** Names of the bounds for exchanges under way, right or wrong. */
  readonly inFlight: readonly string[];
  /** Whether there is an access log. */
  readonly logs: boolean;
}

type RedirectPlan = Extract<Destination, { kind: "redirect" }>;

/** What the options of a destination come out as. */
interface Parts {
  readonly to: string | undefined;
  readonly split: readonly NamedBranch[] | undefined;
  readonly splitBy: CallerByPlan | undefined;
  readonly handler: Handler | undefined;
  readonly answer: FixedAnswer | "readiness" | undefined;
  readonly redirect: Omit<RedirectPlan, "kind"> | undefined;
  readonly rewrite: RewritePlan | undefined;
  readonly timeouts: ((of: TimeoutsPlan) => TimeoutsPlan) | undefined;
  readonly retries: ((of: RetriesPlan | undefined) => RetriesPlan | undefined) | undefined;
  readonly hedge: number | undefined;
  readonly mirror: readonly NamedMirror[] | undefined;
  readonly upgrade: readonly string[];
}

const KINDS = ["to", "split", "handler", "answer", "redirect"] as const;
/** Options that say how to forward. */
const FORWARDING = ["rewrite", "timeouts", "retries", "hedge", "mirror", "upgrade"] as const;

/** Checks of the options that say where a route leads. */
export function destinationEntries({ upstreams, allow }: Settings): { readonly [K in keyof Parts]: Shape<Parts[K]> } {
  const to = upstreamName(upstreams);
  return {
    to: maybe(to),
    split: maybe(splitShape(to, allow)),
    splitBy: maybe(callerByShape),
    handler: maybe(handler),
    answer: maybe(either((value) => typeof value === "string", answerWord, answerShape)),
    redirect: maybe(redirect),
    rewrite: maybe(rewrite),
    timeouts: maybe(timeoutsShape),
    retries: maybe(routeRetries),
    hedge: maybe(hedgeShape),
    mirror: maybe(mirrorShape(to)),
    upgrade: or(list(protocol, "a list of protocol names"), ["websocket"]),
  };
}

const AN_ANSWER = 'an answer such as { body: "hello" }, or "readiness"';

const answerWord = text(AN_ANSWER, (word): "readiness" | Problem => {
  if (word === "readiness") return word;
  const hint = "A text to send is written { body: … }.";
  return new Problem(AN_ANSWER, { hint, nearest: [word, ["readiness"]] });
});

const handler = leaf((value) => {
  return typeof value === "function" ? (value as Handler) : new Problem("a function that returns a Response");
});

const A_REDIRECT = 'a path or an absolute URL, such as "/new/:id"';

const redirect = options({
  to: text(A_REDIRECT, (to) => {
    if (holdsUser(to)) return new Problem(A_REDIRECT, { hint: "It holds user or password." });
    return /^[^\s\p{Cc}]+$/u.test(to) ? to : new Problem(A_REDIRECT, { hint: "It is empty, or holds a blank." });
  }),
  status: or(
    leaf((value) => REDIRECTS.find((status) => status === value) ?? new Problem(`one of ${REDIRECTS.join(", ")}`)),
    308,
  ),
});

function holdsUser(url: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*@/.test(url);
}

const REDIRECTS = [301, 302, 303, 307, 308] as const;

const A_PATH = 'a path, such as "/api"';
const path = text(A_PATH, (written) => (written === "" ? new Problem(A_PATH) : written));

const rewrite: Shape<RewritePlan> = then(
  options({ stripPrefix: maybe(path), replace: maybe(path) }, function* (_, written) {
    if ((written["stripPrefix"] === undefined) === (written["replace"] === undefined)) {
      yield new Problem("exactly one of stripPrefix, replace");
    }
  }),
  ({ stripPrefix, replace }) =>
    stripPrefix === undefined
      ? { kind: "replace", template: replace ?? "" }
      : { kind: "strip-prefix", prefix: stripPrefix },
);

const protocol = text('the name of a protocol, such as "websocket"', (written) => {
  const name = written.toLowerCase();
  if (name === "h2c") {
    return new Problem("a protocol to switch to", {
      hint: "Requests inside an HTTP/2 tunnel would pass every route by.",
    });
  }
  return name.split("/", 2).every(isToken) && name.split("/").length <= 2
    ? name
    : new Problem("the name of a protocol");
});

/** What is wrong between the options of a route. `matches` are those that are right. */
export function* destinationProblems(
  written: Readonly<Record<string, unknown>>,
  matches: readonly MatchPlan[],
): Generator<Problem> {
  const kinds = KINDS.filter((kind) => written[kind] !== undefined);
  if (kinds.length !== 1) {
    const hint = kinds.length === 0 ? "The route leads nowhere." : `Here are ${kinds.join(" and ")}.`;
    yield new Problem(`exactly one of ${KINDS.join(", ")}`, { hint });
  }
  for (const option of FORWARDING) {
    if (written[option] === undefined || written["to"] !== undefined || written["split"] !== undefined) continue;
    const hint = `Only a route with \`to\` or \`split\` forwards anything; \`${option}\` has no effect here.`;
    yield new Problem("a route with to or split", { at: [option], hint });
  }
  for (const template of TEMPLATES) {
    const [option, key] = template.at;
    const text = partOf(written[option], key);
    if (typeof text === "string" && text !== "" && !holdsUser(text)) yield* templateProblems(template, text, matches);
  }
}

/** A text that takes what a pattern matched, and the function that reads it as it will be read when the gateway runs. */
interface Template {
  readonly at: readonly [option: string, key: string];
  readonly wanted: string;
  readonly read: (text: string, pattern: Pattern) => unknown;
}

const TEMPLATES: readonly Template[] = [
  {
    at: ["rewrite", "stripPrefix"],
    wanted: "a prefix of the pattern",
    read: (prefix, pattern) => compileRewrite({ kind: "strip-prefix", prefix }, pattern),
  },
  {
    at: ["rewrite", "replace"],
    wanted: "a path to put in place of the pattern's",
    read: (template, pattern) => compileRewrite({ kind: "replace", template }, pattern),
  },
  { at: ["redirect", "to"], wanted: A_REDIRECT, read: compileLocation },
];

function* templateProblems(template: Template, text: string, matches: readonly MatchPlan[]): Generator<Problem> {
  for (const { path } of matches) {
    const pattern = readPattern(path);
    const read = typeof pattern === "string" ? undefined : template.read(text, pattern);
    if (typeof pattern === "string" || typeof read !== "string") continue;
    const sentence = read.replaceAll(`\`${text}\``, quoted(text));
    const hint = matches.length === 1 ? sentence : `${sentence} The pattern is "${path}".`;
    const names = pattern.names.map((name) => `:${name}`);
    const unknown = text.match(/(?<=\/):[A-Za-z_]\w*/g)?.find((name) => !names.includes(name));
    const nearest = unknown === undefined ? {} : { nearest: [unknown, names] as const };
    yield new Problem(template.wanted, { at: template.at, found: quoted(text), hint, ...nearest });
    return;
  }
}

/** The destination of a route whose options are checked. */
export function destinationOf(parts: Parts, upstreams: ReadonlyMap<string, UpstreamPlan>): Destination {
  const { to, split, splitBy, handler, answer, redirect, rewrite, timeouts, upgrade } = parts;
  const forward = (name: string): UpstreamDestination => {
    const upstream = upstreams.get(name)!;
    const clocks = timeouts === undefined ? upstream.timeouts : timeouts(upstream.timeouts);
    const retries = parts.retries === undefined ? upstream.retries : parts.retries(upstream.retries);
    const hedge = hedgePlan(parts.hedge ?? upstream.hedge?.afterMs, retries);
    const { on, leadsTo } = upstream.fallback ?? {};
    const next = leadsTo?.kind === "upstream" ? forward(leadsTo.name) : leadsTo;
    const fallback = next && { on: on!, leadsTo: next };
    return { kind: "upstream", upstream, rewrite, timeouts: clocks, retries, hedge, fallback, upgrade };
  };
  if (to !== undefined) return forward(to);
  if (split !== undefined) {
    const branches = split.map(({ to, weight, when }) => ({ weight, when, leadsTo: forward(to) }));
    return { kind: "split", branches, by: splitBy, rewrite };
  }
  if (handler !== undefined) return { kind: "handler", handler };
  if (answer === "readiness") return { kind: "readiness" };
  if (answer !== undefined) return { kind: "answer", answer };
  if (redirect !== undefined) return { kind: "redirect", ...redirect };
  throw new Error("a route that was checked leads nowhere");
}
