// A request sent the whole way of a plan without any traffic: the same stages, and nobody behind them.
import { Answer } from "../../answer.ts";
import { keysOf } from "../../auth/api-key/known-keys.ts";
import { idsOf } from "../../http/ids.ts";
import { RevokedKeys, revokedMemory } from "../../auth/api-key/revoked-keys.ts";
import type { Scheme, Verdict } from "../../auth/scheme.ts";
import type { Plan, RoutePlan } from "../../config/plan.ts";
import type { TargetPlan } from "../../config/upstream/plan.ts";
import { GatewayError, toGatewayError } from "../../errors.ts";
import { type Arrival, Exchange, type Limited, type Stage, type StageName } from "../../exchange.ts";
import { HOP_BY_HOP } from "../../http/fields.ts";
import { Deadlines } from "../../http/deadlines.ts";
import { latin1Bytes, latin1Text } from "../../http/latin1.ts";
import type { RunningLimit } from "../../limit/limit.ts";
import { createParts, type Parts } from "../../parts.ts";
import type { Platform, Socket, SocketHandler } from "../../platform.ts";
import { layWay } from "../../way.ts";
import { type Running, withFound } from "./running.ts";

/** Where lines go of a gateway that serves nobody. */
export const SILENT = { write() {}, writeBatch() {}, flush: () => true, dropped: 0 };

/** What a policy said when it was asked. */
export type Step =
  | { readonly kind: "scheme"; readonly name: string; readonly verdict: Verdict }
  | {
      readonly kind: "limit";
      readonly name: string;
      readonly said: Limited | undefined;
      readonly caller: string | undefined;
    }
  | { readonly kind: "stage"; readonly name: StageName; readonly error: GatewayError | undefined };

/** What a request came to that went the whole way without being sent. */
export interface Rehearsal {
  readonly x: Exchange;
  /** What policies said, in the order in which they were asked. */
  readonly steps: readonly Step[];
  readonly answer: Answer;
  /** The request's head as the target would see it; undefined: it would not come so far. */
  readonly head: string | undefined;
  /** How many targets of its upstream may be picked now. */
  readonly candidates: number;
  /** The targets of an upstream. */
  targetsOf(upstream: string): readonly TargetPlan[];
}

/** A plan, ready to be rehearsed: one request after another. */
export interface Rehearsing {
  /** Sends a request. Functions of the config that decide (`allow.when`, `by`, `cost`) run; middleware and handlers do not. */
  send(arrival: Arrival): Promise<Rehearsal>;
  close(): void;
}

/** Sends one request. @param running the gateway that would take it now */
export async function rehearse(plan: Plan, arrival: Arrival, edge: Platform, running?: Running): Promise<Rehearsal> {
  const rehearsing = openRehearsal(plan, edge, undefined, running);
  try {
    return await rehearsing.send(arrival);
  } finally {
    rehearsing.close();
  }
}

/**
 * @param actors who judges credentials in the place of the plan's schemes, by their names; then none of those is made
 * @param running goes by what this gateway knows
 */
export function openRehearsal(
  written: Plan,
  edge: Platform,
  actors?: ReadonlyMap<string, Scheme>,
  running?: Running,
): Rehearsing {
  const plan = withFound(written, running);
  const offline = withoutTraffic(plan);
  let steps: Step[] = [];
  let heads: string[] = [];
  /** Whoever asks while a scheme judges asks about the caller: nobody answers. */
  const judging = { count: 0 };
  const platform = offlinePlatform(edge, judging, (head) => heads.push(head));
  const made = actors === undefined ? offline : { ...offline, auth: { ...offline.auth, schemes: [], keys: undefined } };
  const parts = createParts(made, {
    platform,
    deadlines: new Deadlines(platform),
    instance: "0",
    metrics: undefined,
    watch: undefined,
    revoked: running && revokedKeys(plan.auth, running.revoked),
    issued: undefined,
    farewells: new Set(),
    isDraining: () => false,
  });
  if (running !== undefined) parts.targets.learn(running.upstreams);
  const acted = actors === undefined ? parts : { ...parts, schemes: actors };
  const way = layWay(
    offline,
    watched(acted, (step) => steps.push(step), judging),
  );
  return {
    async send(arrival) {
      steps = [];
      heads = [];
      const x = new Exchange(arrival, platform.now());
      x.way = way;
      const { promise, resolve } = Promise.withResolvers<Answer>();
      way.travel(x, resolve);
      const answer = await promise;
      answer.discard();
      const candidates = (x.upstream && parts.upstreams.get(x.upstream.name)?.balancer.untried([])) ?? 0;
      const targetsOf = (name: string): readonly TargetPlan[] => plan.upstreams[name]?.targets ?? [];
      const head = heads[0];
      const isHttp1 = x.upstream === undefined || plan.upstreams[x.upstream.name]!.protocol === "http1";
      if (isHttp1 || head === undefined) return { x, steps, answer, head, candidates, targetsOf };
      if (!/^upgrade:/im.test(head)) return { x, steps, answer, head: asHttp2(head), candidates, targetsOf };
      const refusal = new GatewayError("protocol_not_supported", "HTTP/2 to targets has no switch of protocols");
      x.error = refusal;
      const refused = new Answer(refusal.status, undefined, answer.fields, null);
      return { x, steps, answer: refused, head: undefined, candidates, targetsOf };
    },
    close: () => parts.carried.close([]),
  };
}

/** The keys that the gateway that runs takes no more. */
function revokedKeys(auth: Plan["auth"], revoked: Running["revoked"]): RevokedKeys {
  const keys = new RevokedKeys(revokedMemory(false));
  const { table, consumers } = keysOf(auth);
  for (const { id, consumer } of revoked) {
    for (const place of table.placesOf(id)) {
      if (consumers[table.ownerOf(place)]!.name === consumer) keys.put(table.digestOf(place));
    }
  }
  return keys;
}

/** The same decisions, without what asks, reports or runs anything beside them. */
function withoutTraffic(plan: Plan): Plan {
  const upstreams = Object.entries(plan.upstreams).map(([name, upstream]) => [
    name,
    // Every target is one of HTTP/1.1 here; of another protocol the head is told as that would say it.
    { ...upstream, discovery: undefined, health: undefined, protocol: "http1" },
  ]);
  return {
    ...plan,
    upstreams: Object.fromEntries(upstreams) as Plan["upstreams"],
    limits: { ...plan.limits, store: undefined, snapshot: undefined },
    routes: plan.routes.map(quiet),
    overload: undefined,
    admin: undefined,
    otlp: undefined,
    log: false,
  };
}

/** A head that was written for HTTP/1.1, as HTTP/2 says it: names in lower case, and nothing of one connection. */
function asHttp2(head: string): string {
  const [first = "", ...fields] = head.trimEnd().split("\r\n");
  const named = fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()));
  const passing = named.filter((field) => !HOP_BY_HOP.has(field.slice(0, field.indexOf(":"))));
  return [first.replace(/ HTTP\/1\.1$/, " HTTP/2"), ...passing, "", ""].join("\r\n");
}

function quiet(route: RoutePlan): RoutePlan {
  const { destination } = route;
  const answers = destination.kind === "handler" ? ({ kind: "answer", answer: {} } as const) : destination;
  return { ...route, use: [], mirrors: [], faults: undefined, destination: answers };
}

type Noted = (step: Step) => void;

/** The parts, so that what they say is noted. */
function watched(parts: Parts, noted: Noted, judging: { count: number }): Parts {
  return {
    ...parts,
    schemes: new Map([...parts.schemes].map(([name, scheme]) => [name, watchedScheme(scheme, noted, judging)])),
    limits: new Map([...parts.limits].map(([name, limit]) => [name, watchedLimit(limit, noted)])),
    telemetry: { ...parts.telemetry, mark: (stage, name) => watchedStage(stage, name, noted) },
  };
}

function watchedScheme(scheme: Scheme, noted: Noted, judging: { count: number }): Scheme {
  const { name, observe, credentialFields, credentialParameters = [], forwards } = scheme;
  return {
    ...{ name, observe, credentialFields, credentialParameters, forwards },
    challenge: (refusal) => scheme.challenge(refusal),
    ...(scheme.scopeChallenge && { scopeChallenge: (scopes) => scheme.scopeChallenge!(scopes) }),
    async identify(x) {
      judging.count += 1;
      const verdict = await scheme.identify(x);
      judging.count -= 1;
      noted({ kind: "scheme", name, verdict });
      return verdict;
    },
  };
}

function watchedLimit(limit: RunningLimit, noted: Noted): RunningLimit {
  return {
    ...limit,
    take(x) {
      const said = limit.take(x);
      noted({ kind: "limit", name: limit.plan.name, said, caller: limit.callerOf(x) });
      return said;
    },
  };
}

function watchedStage(stage: Stage, name: StageName, noted: Noted): Stage {
  return async (x) => {
    try {
      const answer = await stage(x);
      const observed = x.observations.find(({ policy }) => policy === name)?.error;
      noted({ kind: "stage", name, error: observed });
      return answer;
    } catch (thrown) {
      noted({ kind: "stage", name, error: toGatewayError(thrown) });
      throw thrown;
    }
  };
}

/** An edge behind which there is nobody but targets that answer 204 at once. */
function offlinePlatform(edge: Platform, judging: { readonly count: number }, seen: (head: string) => void): Platform {
  return {
    ...edge,
    shared: undefined,
    names: undefined,
    listen: undefined,
    redis: undefined,
    line: () => undefined,
    notice: () => undefined,
    ids: idsOf(() => "00000000-0000-4000-8000-000000000000"),
    connect(options, handler) {
      queueMicrotask(() => {
        if (judging.count > 0) handler.failed({ code: "OFFLINE", message: "nobody is asked in an explanation" });
        else handler.connected(new AnsweringSocket(options.tls !== undefined, seen));
      });
      return { abort: () => undefined };
    },
    fetch: () => Promise.reject(new TypeError("nobody is asked in an explanation")),
  };
}

/** A connection to a target that takes a head and answers 204. */
class AnsweringSocket implements Socket {
  handler: SocketHandler = { data() {}, drained() {}, ended() {}, closed() {} };
  readonly remoteAddress = "";
  readonly secure: boolean;
  readonly waiting = 0;
  readonly lost = 0;
  readonly #seen: (head: string) => void;
  #text = "";
  #isOver = false;
  #isGone = false;

  constructor(secure: boolean, seen: (head: string) => void) {
    this.secure = secure;
    this.#seen = seen;
  }

  write(bytes: Uint8Array): boolean {
    return this.writeText(latin1Text(bytes, 0, bytes.length));
  }

  writeText(text: string): boolean {
    if (this.#isOver) return true;
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return true;
    this.#isOver = true;
    this.#seen(this.#text.slice(0, end + 4));
    queueMicrotask(() => this.handler.data(latin1Bytes("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")));
    return true;
  }

  look(told: (isQuiet: boolean) => void): void {
    told(true);
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.destroy();
  }

  close(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    queueMicrotask(() => this.handler.closed());
  }
}
