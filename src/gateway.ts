// THE WAY: listen, route, the user's own code, upstream, respond, record. The only file that knows the order.
import { roundRobin } from "./balance/round-robin.ts";
import type { Plan, RoutePlan } from "./config/plan.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import { type Answer, Answer as GatewayAnswer, type Exchange, type LastStage } from "./exchange.ts";
import { handleStage } from "./handle/handle.ts";
import { Deadlines } from "./http/deadlines.ts";
import { Fields } from "./http/fields.ts";
import { cidrSet } from "./http/ip.ts";
import { readTarget } from "./http/target.ts";
import { clientAddress } from "./listen/client-address.ts";
import { Listener } from "./listen/listener.ts";
import type { Way } from "./listen/shared.ts";
import { travelWeb } from "./listen/web.ts";
import type { Platform } from "./platform.ts";
import { recorder } from "./record/record.ts";
import { fieldChanges } from "./respond/headers.ts";
import { problemAnswer } from "./respond/problem.ts";
import { compileFixedAnswer } from "./route/fixed-answer.ts";
import { compileRedirect } from "./route/redirect.ts";
import { routeStage } from "./route/route.ts";
import { createUpstream, type Upstream, upstreamStage } from "./upstream/upstream.ts";

/** A gateway that has been made of a plan. It listens to nothing yet. */
export interface Gateway {
  /**
   * Sends a Request of the Web API the whole way: the entry on Cloudflare's runtime, and in tests.
   * @param peer the client's address
   * @param env bindings, and `context` the execution context, for the user's own code
   */
  fetch(request: Request, peer: string, env?: object, context?: unknown): Promise<Response>;
  /** Opens the listener. @throws SocketError (EADDRINUSE, EACCES, …) */
  listen(): { host: string; port: number };
  /** Accepts no more, lets exchanges finish up to the plan's grace, then cuts the rest. */
  drain(): Promise<{ cut: number }>;
  /** Closes everything at once. */
  close(): void;
}

/** A request id from a trusted proxy is kept when it looks like this. */
const REQUEST_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** Makes a gateway of a plan: every stage of every route is folded here, once. */
export function createGateway(plan: Plan, platform: Platform): Gateway {
  const deadlines = new Deadlines(platform);
  // Unique to this process, so that a request which comes back is known, and one from another gateway is not.
  const pseudonym = `${plan.name}-${platform.uuid().slice(0, 8)}`;
  const upstreams = new Map<string, Upstream>();
  for (const upstream of Object.values(plan.upstreams)) {
    const pick = roundRobin(upstream.targets.map((target) => target.weight));
    upstreams.set(upstream.name, createUpstream(upstream, pick, platform, deadlines));
  }
  const findRoute = routeStage(plan.routes);
  const ways = new Map(plan.routes.map((route) => [route, foldRoute(route, upstreams, pseudonym, platform)]));
  const changes = new Map(plan.routes.map((route) => [route, fieldChanges(route.responseFields)]));
  const isTrusted = plan.listen.trustedProxies.length === 0 ? undefined : cidrSet(plan.listen.trustedProxies);
  const record = recorder(plan, platform, platform.terminal);

  const way: Way = {
    travel(x, send) {
      let answer: Answer | Promise<Answer>;
      try {
        identify(x, isTrusted, platform);
        readPath(x);
        if (x.path === "*") answer = new GatewayAnswer(204, undefined, new Fields(), null);
        else {
          findRoute(x);
          answer = ways.get(x.route!)!(x);
        }
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
      if (x.id === "") identify(x, isTrusted, platform);
      return refuse(x, error);
    },
    finish: record,
  };

  const respond = (x: Exchange, answer: Answer): Answer => {
    if (x.route !== undefined) changes.get(x.route)?.(answer.fields);
    answer.fields.set("X-Request-ID", x.id);
    return answer;
  };
  const refuse = (x: Exchange, thrown: unknown): Answer => {
    x.error = toGatewayError(thrown);
    return respond(x, problemAnswer(x.error, x, plan.name));
  };

  let listener: Listener | undefined;
  return {
    fetch: (request, peer, env = {}, context) => travelWeb(way, platform, request, peer, { env, context }),
    listen() {
      listener = new Listener(plan.listen, way, platform, deadlines);
      return listener.address;
    },
    async drain() {
      const drained = (await listener?.drain(plan.graceMs)) ?? { cut: 0 };
      for (const upstream of upstreams.values()) upstream.close();
      return drained;
    },
    close() {
      listener?.cut();
      for (const upstream of upstreams.values()) upstream.close();
    },
  };
}

/** All stages of a route as one. What a route does not use is not there. */
function foldRoute(
  route: RoutePlan,
  upstreams: ReadonlyMap<string, Upstream>,
  pseudonym: string,
  platform: Platform,
): LastStage {
  const { destination } = route;
  let last: LastStage;
  switch (destination.kind) {
    case "handler":
      return handleStage(route, destination.handler, "handler");
    case "answer": {
      const answer = compileFixedAnswer(destination.answer);
      last = () => answer();
      break;
    }
    case "redirect":
      last = compileRedirect(route);
      break;
    case "upstream":
      last = upstreamStage(route, upstreams.get(destination.upstream.name)!, pseudonym, platform);
  }
  return route.use.length === 0 ? last : handleStage(route, last, "stage");
}

/** Who asks, and by which id the exchange is known. */
function identify(x: Exchange, isTrusted: ((address: string) => boolean) | undefined, platform: Platform): void {
  if (isTrusted !== undefined) {
    const { client, trusted } = clientAddress(isTrusted, x.peer, x.fields);
    x.client = client;
    x.trusted = trusted;
    const id = trusted ? x.fields.joined("x-request-id") : undefined;
    if (id !== undefined && REQUEST_ID.test(id)) {
      x.id = id;
      return;
    }
  }
  x.id = platform.uuid();
}

/** The path that is matched, recorded and forwarded. */
function readPath(x: Exchange): void {
  if (x.target === "*") {
    x.path = "*";
    return;
  }
  const target = readTarget(x.target);
  if (typeof target === "string") throw new GatewayError("http_request_error", target, { publicDetail: target });
  x.path = target.path;
  x.query = target.query;
}
