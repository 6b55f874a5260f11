// Exchange: one request's passage and all that is known about it. Stage: a step on the way.
import type { Answer } from "./answer.ts";
import type { ErrorCode, GatewayError } from "./errors.ts";
import type { Content } from "./http/body.ts";
import { type Fields, fieldKey } from "./http/fields.ts";
import type { SpanContext } from "./http/trace-context.ts";
import type { ShownCertificate } from "./http/certificates.ts";
import type { AllowExchange, Identity } from "./config/auth/options.ts";
import type { LimitPlan } from "./config/limit/plan.ts";
import type { MatchPlan, RoutePlan } from "./config/plan.ts";
import type { UpstreamPlan } from "./config/upstream/plan.ts";
import { Left } from "./left.ts";

/** What the listener knows when a request head has arrived. */
export interface Arrival {
  readonly method: string;
  /** The target as the client sent it in origin form, byte for byte (latin1): "/path?query". */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** The authority the request names, lower case, port included if it was: "api.example.com:8080". */
  readonly authority: string;
  readonly version: "1.0" | "1.1" | "2" | "3";
  /** As the client sent them, hop-by-hop fields included. */
  readonly fields: Fields;
  readonly content: Content;
  /** The address of the connection's other end, without port. */
  readonly peer: string;
}

/** How an exchange ended, told once, when the last byte has gone or the way has broken off. */
export interface Ending {
  /** Undefined when the answer went out whole. */
  readonly error: GatewayError | undefined;
  /** Content bytes received from the client. */
  readonly bytesIn: number;
  /** Content bytes sent to the client. */
  readonly bytesOut: number;
}

/** The way an exchange takes, as the listener sees it. */
export interface Way {
  /** Sends an exchange its way. `send` is called exactly once, perhaps before this returns. Never throws. */
  travel(x: Exchange, send: (answer: Answer) => void): void;
  /** The answer to what cannot travel. */
  refuse(x: Exchange, error: GatewayError): Answer;
  /** The exchange is over. Called exactly once. */
  finish(x: Exchange, ending: Ending): void;
}

/**
 * Why another attempt was made: what came of the one before, as `retries.on` has it, `status` for any status; `stale`: it
 * met a connection that was dying; `hedge`: it was slow.
 */
export type AttemptReason = "connect" | "reset" | "timeout" | "status" | "stale" | "hedge";

/** One try at one target. */
export interface AttemptRecord {
  /** The target as the config writes it. */
  readonly target: string;
  /** When the attempt began, in monotonic milliseconds. */
  readonly startedAt: number;
  /** Absent for the first attempt of an exchange. */
  readonly reason?: AttemptReason | undefined;
  /** When it had a connection, and the request began to go out; 0 before, and where nobody wants to know (`marks`). */
  readonly sentAt?: number;
  /** When the head of an answer had come, or the attempt had failed; 0 before. */
  settledAt: number;
  /** Status of the answer; 0 when there is none. */
  status: number;
  error: GatewayError | undefined;
}

/** An upstream that had no answer, so that its fallback was used. */
export interface FallbackRecord {
  readonly upstream: UpstreamPlan;
  /** The failure, or the status of an answer that was not taken. */
  readonly reason: ErrorCode | number;
  /** Those at its targets, where another upstream was asked; else they are the exchange's own. */
  readonly attempts: readonly AttemptRecord[];
}

/** What a limit said of an exchange. */
export interface Limited {
  readonly limit: LimitPlan;
  /** Whether it let the exchange pass. What a limit in observe mode says bars nobody. */
  readonly allowed: boolean;
  /** Units that the limit has left for the caller. */
  readonly remaining: number;
  /** Milliseconds until there are more. */
  readonly resetMs: number;
  /** Gives back what was counted, when the answer is one that does not count. */
  readonly giveBack: (() => void) | undefined;
}

/** Where an exchange stands in its trace. */
export interface Trace {
  /** Id of the trace, "-", and the 14 digits with which the ids of all spans of the exchange begin: see spanContext. */
  readonly stem: string;
  /** Trace flags, as in SpanContext. */
  readonly flags: number;
  /** The span of whoever asks; "" where the trace begins. */
  readonly parentId: string;
  /** `tracestate` as upstreams see it, or "". */
  readonly state: string;
  /** Whether upstreams see the client's `baggage`. */
  readonly passesBaggage: boolean;
  /** What the client said, where that is not continued. */
  readonly link: SpanContext | undefined;
  /** Whether it is that of a request beside the exchange, whose attempts are no spans. */
  readonly isAside: boolean;
}

/** When a stage had the exchange, in monotonic milliseconds. */
export interface Mark {
  readonly stage: StageName;
  readonly beganAt: number;
  /** When the stage has let go of the exchange; 0 before. */
  endedAt: number;
}

/** Stages whose duration is noted in `Exchange.marks`. */
export type StageName = "auth" | "allow" | "limits" | "in_flight" | "faults" | "mirror";

/** What a policy in observe mode would have refused. */
export interface Observation {
  /** The option of the route that holds the policy: "auth", "allow". */
  readonly policy: string;
  readonly error: GatewayError;
}

/** One request's passage. Stages read and write the typed fields; nothing else is shared between them. */
export class Exchange {
  readonly method: string;
  /** The request target in origin form, as it came. */
  readonly target: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly version: "1.0" | "1.1" | "2" | "3";
  readonly fields: Fields;
  content: Content;
  readonly peer: string;
  /** Monotonic milliseconds at arrival. */
  readonly startedAt: number;
  /** The path as it is matched, recorded and forwarded: raw, dot segments resolved. */
  path = "/";
  /** The query as it came, with its "?"; "" without one. */
  query = "";
  /** The client's address: the peer, or what a trusted proxy said. */
  client: string;
  /** Whether the peer is one of `listen.trustedProxies`. */
  trusted = false;
  id = "";
  /** The way that it has begun: it keeps to it, whatever is loaded meanwhile. */
  way: Way | undefined = undefined;
  /** Whether it counts among those under way. */
  isCounted = false;
  route: RoutePlan | undefined = undefined;
  /** The one of the route's matches that fitted. */
  match: MatchPlan | undefined = undefined;
  /** Path parameters, percent-decoded. */
  params: Readonly<Record<string, string>> = NO_PARAMS;
  upstream: UpstreamPlan | undefined = undefined;
  /** Path and query for the upstream, when a rewrite changed them. */
  forwardTarget: string | undefined = undefined;
  /** Who calls. Set once a scheme of the route has accepted the credentials. */
  identity: Identity | undefined = undefined;
  /** The token that the gateway signed for the upstream, to tell who calls. */
  identityToken: string | undefined = undefined;
  /** Lower-case names of fields that hold credentials and must not reach the upstream. */
  strip: readonly string[] = NO_NAMES;
  /** Set-Cookie lines that the authenticating service has for the client. */
  cookies: readonly string[] = NO_NAMES;
  /** What policies in observe mode would have refused. */
  observations: readonly Observation[] = NO_OBSERVATIONS;
  /** Limits that were asked about the exchange. */
  limited: readonly Limited[] = NO_LIMITED;
  /** Gives back what it holds; undefined once it has ended. See `hold`. */
  #held: readonly (() => void)[] | undefined = NO_HELD;
  /** "local": the store that gateways share could not be asked, and this process decided by counts of its own. */
  limitStore: "local" | undefined = undefined;
  /** Faults that were made on purpose. */
  faults: readonly ("delay" | "abort")[] = NO_FAULTS;
  /** Of the upstream that was asked last. */
  attempts: AttemptRecord[] = NO_ATTEMPTS;
  /** Fallbacks that were used, in order. */
  fallbacks: readonly FallbackRecord[] = NO_FALLBACKS;
  answer: Answer | undefined = undefined;
  /** What the client of the connection has shown in its handshake. */
  clientCertificate: ShownCertificate | undefined = undefined;
  /** Undefined where nobody asks for traces. */
  trace: Trace | undefined = undefined;
  /** When stages had it; undefined where nobody wants to know. */
  marks: Mark[] | undefined = undefined;
  /** The failure the gateway answered with, if it did. */
  error: GatewayError | undefined = undefined;
  /** What the runtime hands to the user's own code: bindings and execution context on Cloudflare, nothing elsewhere. */
  bindings: Bindings = NO_BINDINGS;
  /** Set by the way once the client can no longer be answered; aborts what runs for it. */
  readonly left: Left = new Left();

  constructor(arrival: Arrival, startedAt: number) {
    this.method = arrival.method;
    this.target = arrival.target;
    this.scheme = arrival.scheme;
    this.authority = arrival.authority;
    this.version = arrival.version;
    this.fields = arrival.fields;
    this.content = arrival.content;
    this.peer = arrival.peer;
    this.client = arrival.peer;
    this.startedAt = startedAt;
  }

  /** Calls `giveBack` once, when the exchange has ended; at once if it has. */
  hold(giveBack: () => void): void {
    if (this.#held === undefined) giveBack();
    else this.#held = [...this.#held, giveBack];
  }

  /** A policy in observe mode would have refused. @param policy the option of the route that holds it: "auth", "allow" */
  observe(policy: string, error: GatewayError): void {
    this.observations = [...this.observations, { policy, error }];
  }

  /** Cloudflare ends what nobody waits for once the client has its answer, unless it is told to wait. */
  outlive(work: Promise<void>): void {
    const context = this.bindings.context as { waitUntil?: (promise: Promise<void>) => void } | undefined;
    try {
      context?.waitUntil?.(work);
    } catch {
      // The exchange is over by now: the work comes as far as the runtime lets it.
    }
  }

  /** The exchange has ended, in whatever way: what it holds is given back. */
  letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const giveBack of held ?? NO_HELD) giveBack();
  }
}

/** What a runtime hands to the user's own code. */
export interface Bindings {
  readonly env: object;
  readonly context: unknown;
}

const NO_BINDINGS: Bindings = Object.freeze({ env: Object.freeze({}), context: undefined });
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});
const NO_NAMES: readonly string[] = Object.freeze([]);
const NO_OBSERVATIONS: readonly Observation[] = Object.freeze([]);
const NO_LIMITED: readonly Limited[] = Object.freeze([]);
const NO_HELD: readonly (() => void)[] = Object.freeze([]);
const NO_FAULTS: Exchange["faults"] = Object.freeze([]);
const NO_FALLBACKS: readonly FallbackRecord[] = Object.freeze([]);
const NO_ATTEMPTS: AttemptRecord[] = Object.freeze([]) as unknown as AttemptRecord[];

/** A step on the way: an Answer ends the way, nothing goes on, a throw is a GatewayError. */
export type Stage = (x: Exchange) => Answer | void | Promise<Answer | void>;

/** The last stage of a route: it always answers, or throws a GatewayError. */
export type LastStage = (x: Exchange) => Answer | Promise<Answer>;

/** What a function of a policy is told of an exchange. */
export function policyView(x: Exchange): AllowExchange {
  const { identity, method, path, params, client, id, fields } = x;
  return { identity, method, path, params, client, id, header: (name) => fields.get(fieldKey(name)) };
}
