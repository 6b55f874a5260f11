// The way of a request, and the only file that knows its order: arrive, path, overload, https, preflight, route, guards, the user's code, forward, respond, record.
import { Answer } from "./answer.ts";
import { allowStage } from "./auth/allow.ts";
import { authStage } from "./auth/auth.ts";
import type { Plan, RoutePlan } from "./config/plan.ts";
import { toGatewayError } from "./errors.ts";
import type { Exchange, LastStage, Stage, Way } from "./exchange.ts";
import { forwardStage } from "./forward.ts";
import { handleStage } from "./handle/handle.ts";
import { Fields, plainName } from "./http/fields.ts";
import { cidrSet } from "./http/ip.ts";
import { inOrder } from "./in-order.ts";
import { identify, readPath } from "./listen/arrive.ts";
import { bodySizeStage } from "./limit/body-size.ts";
import { limitFields } from "./limit/fields.ts";
import { inFlightStage } from "./limit/in-flight.ts";
import { limitsStage } from "./limit/shared-limits.ts";
import type { Parts } from "./parts.ts";
import { corsOf, preflight } from "./preflights.ts";
import { accessLog } from "./record/access-log.ts";
import { refusalText } from "./record/refusal-text.ts";
import { addCookies } from "./respond/cookies.ts";
import { isGrpcCall, tellFixedByGrpc } from "./respond/grpc-refusal.ts";
import { fieldChanges } from "./respond/headers.ts";
import { readinessAnswer } from "./respond/readiness.ts";
import { challengeAnswer } from "./respond/acme-challenge.ts";
import { problemAnswer, tellFallback } from "./respond/problem.ts";
import { faultStage } from "./route/faults.ts";
import { compileFixedAnswer } from "./route/fixed-answer.ts";
import { compileRedirect } from "./route/redirect.ts";
import { tellTiming } from "./respond/server-timing.ts";
import { obstaclesIn } from "./obstacles.ts";
import { httpsRedirect } from "./route/to-https.ts";
import { routeStage } from "./route/route.ts";
import { splitStage } from "./route/split.ts";

/** Lays the way of a plan: every stage of every route is folded here, once. */
export function layWay(plan: Plan, parts: Parts): Way {
  const { overload, platform, meter } = parts;
  const { tracing, watch } = parts.telemetry;
  const routes = routeStage(plan.routes);
  const ways = new Map(plan.routes.map((route) => [route, foldRoute(route, parts)]));
  const cors = corsOf(plan.routes);
  const changes = new Map(plan.routes.map((route) => [route, fieldChanges(route.responseFields)]));
  const tellLimits = plan.limits.limits.length === 0 ? undefined : limitFields(plan.limits.fields);
  const isTrusted = plan.listen.trustedProxies.length === 0 ? undefined : cidrSet(plan.listen.trustedProxies);
  const hsts = plan.listen.tls?.hsts;
  const toHttps = httpsRedirect(plan.listen);
  const challenge = plan.listen.tls?.acme && parts.issued && challengeAnswer(parts.issued, platform);
  const record = plan.log === false ? undefined : accessLog(plan.log, parts.logSinks, platform);
  const { serverTiming } = plan;

  const arrive = (x: Exchange): void => {
    meter?.exchanges.began(x);
    identify(x, isTrusted, platform);
    tracing?.begin(x);
    watch?.began(x);
    if (serverTiming) x.marks ??= [];
  };
  const takeRoute = (x: Exchange): Answer | Promise<Answer> => {
    routes.find(x);
    return ways.get(x.route!)!(x);
  };
  const respond = (x: Exchange, answer: Answer): Answer => {
    if (x.route !== undefined) {
      if (isFixed(x, x.route) && isGrpcCall(x)) tellFixedByGrpc(answer);
      cors?.get(x.route)?.mark(x, answer.fields);
      changes.get(x.route)?.(answer.fields);
    }
    if (x.limited.length > 0) {
      const status = answer.standsFor ?? answer.status;
      for (const { limit, giveBack } of x.limited) if (limit.counts?.(status) === false) giveBack?.();
      tellLimits?.(x, answer.fields);
    }
    if (x.cookies.length > 0) addCookies(x.cookies, answer.fields);
    if (x.fallbacks.length > 0) tellFallback(x, answer.fields, plan.name);
    answer.fields.set("X-Request-ID", x.id);
    if (hsts !== undefined && x.scheme === "https" && !answer.fields.has("strict-transport-security")) {
      answer.fields.set("Strict-Transport-Security", hsts);
    }
    if (serverTiming) tellTiming(x, answer.fields, platform.now());
    return answer;
  };
  const refuse = (x: Exchange, thrown: unknown): Answer => {
    x.error = toGatewayError(thrown);
    return respond(x, problemAnswer(x.error, x, plan.name));
  };

  return {
    travel(x, send) {
      let answer: Answer | Promise<Answer>;
      try {
        arrive(x);
        readPath(x);
        overload?.begin(x);
        if (toHttps !== undefined && x.scheme === "http") answer = orElse(challenge?.(x), () => toHttps(x));
        else if (x.path === "*") answer = new Answer(204, undefined, new Fields(), null);
        else answer = (cors && preflight(x, routes, cors)) ?? takeRoute(x);
      } catch (thrown) {
        return send(refuse(x, thrown));
      }
      if (answer instanceof Promise) {
        void answer.then(
          (settled) => send(respond(x, settled)),
          (thrown: unknown) => send(refuse(x, thrown)),
        );
      } else send(respond(x, answer));
    },
    refuse(x, error) {
      if (x.id === "") arrive(x);
      return refuse(x, error);
    },
    finish(x, ending) {
      x.letGo();
      overload?.end(x);
      record?.(x, ending);
      if (platform.verbosity.tells("debug")) {
        const text = refusalText(x, ending);
        if (text !== undefined) platform.notice("debug", text);
      }
      tracing?.ended(x, ending);
      meter?.exchanges.ended(x, ending);
      watch?.ended(x, ending);
    },
  };
}

/** Whether the answer stands in the config: that of the route, or what takes the place of its upstream's. */
function isFixed({ fallbacks, upstream }: Exchange, { destination }: RoutePlan): boolean {
  return destination.kind === "answer" || (fallbacks.length > 0 && fallbacks.at(-1)!.upstream === upstream);
}

/** What is there, now or later; else the other. */
function orElse(
  first: Answer | Promise<Answer | undefined> | undefined,
  other: () => Answer,
): Answer | Promise<Answer> {
  return first instanceof Promise ? first.then((answer) => answer ?? other()) : (first ?? other());
}

/** All stages of a route as one. What a route does not use is not there. */
function foldRoute(route: RoutePlan, parts: Parts): LastStage {
  const last = destinationStage(route, parts);
  // A handler runs in the same Hono app as the middleware before it.
  const alone = route.use.length === 0 || route.destination.kind === "handler";
  return inOrder(guards(route, parts), alone ? last : handleStage(route, last, "stage"));
}

/** The stages that refuse: who calls, and what they may do; and then which upstream of several is taken. */
function guards(
  route: RoutePlan,
  { platform, schemes, limits, inFlight, limitStore, vouching, meter, telemetry: { mark, tracing } }: Parts,
): Stage[] {
  const stages: Stage[] = [];
  if (route.maxBody !== undefined) stages.push(bodySizeStage(route.maxBody));
  const running = route.limits.map(({ name }) => limits.get(name)!);
  // Guessing is limited before anybody looks at a guess; all else counts callers, who are known later. Where nobody asks
  // who calls, all limits are one stage, and one question to a store.
  const asks = route.auth.length > 0 || route.allow !== undefined;
  const early = running.filter(({ plan }) => !asks || plan.by.kind === "address");
  const late = running.filter((limit) => !early.includes(limit));
  if (early.length > 0) stages.push(mark(limitsStage(early, limitStore), "limits"));
  if (route.auth.length > 0) {
    const asked = route.auth.map((name) => schemes.get(name)!);
    stages.push(mark(authStage(asked, meter?.judged), "auth"));
  }
  if (route.allow !== undefined) {
    const allow = allowStage(route.allow, (name, scopes) => schemes.get(name)?.scopeChallenge?.(scopes));
    stages.push(mark(allow, "allow"));
  }
  if (late.length > 0) stages.push(mark(limitsStage(late, limitStore), "limits"));
  const { destination } = route;
  if (destination.kind === "split") stages.push(splitStage(destination, platform));
  if (route.inFlight.length > 0) {
    stages.push(mark(inFlightStage(route.inFlight.map(({ name }) => inFlight.get(name)!)), "in_flight"));
  }
  if (route.faults !== undefined) stages.push(mark(faultStage(route.faults, platform), "faults"));
  // Upstreams never see them; the user's own code must not believe or leak them either.
  if (route.use.length > 0 || destination.kind === "handler") {
    if (tracing !== undefined) stages.push(tracing.show);
    const owned = new Set(vouching?.owned.map(plainName));
    if (owned.size > 0 || route.auth.length > 0) {
      stages.push(({ fields, strip }) => {
        fields.deleteAliases(owned);
        for (const key of strip) fields.delete(key);
      });
    }
  }
  return stages;
}

function destinationStage(route: RoutePlan, parts: Parts): LastStage {
  const { destination } = route;
  switch (destination.kind) {
    case "handler":
      return handleStage(route, destination.handler, "handler");
    case "answer": {
      const answer = compileFixedAnswer(destination.answer);
      return () => answer();
    }
    case "readiness":
      return readinessAnswer(() => obstaclesIn(parts));
    case "key-set":
      return parts.tokens!.keySet;
    case "redirect":
      return compileRedirect(route);
    case "upstream":
    case "split":
      return forwardStage(route, destination, parts);
  }
}
