// What a plan makes of a logged request: the stages that serve judge it, without any traffic.
import type { Scheme } from "../../auth/scheme.ts";
import type { AllowPlan, AllowRulePlan } from "../../config/auth/plan.ts";
import type { Destination, Plan, RoutePlan } from "../../config/plan.ts";
import { forwards } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import type { Arrival, Exchange } from "../../exchange.ts";
import { headLimits } from "../../listen/listener.ts";
import type { Platform } from "../../platform.ts";
import { whenHolds } from "../../route/when.ts";
import { openRehearsal, type Rehearsal } from "../explain/rehearsal.ts";
import { arrivalOnWire } from "../explain/request.ts";
import { allowText, authText, destinationText } from "../route-text.ts";
import type { Caller, CallerOf } from "./caller.ts";
import { canonical } from "./canonical.ts";
import type { LoggedRequest } from "./logged-request.ts";
import type { Variant } from "./variants.ts";

/** One thing that a plan says of a request. */
export interface Says {
  /** What is shown to people. */
  readonly text: string;
  /** All that the text stands for: two that are the same are no difference. Never shown. */
  readonly key: string;
}

/** Aspects in which two plans may differ about a request, in the order in which they are shown. */
export const ASPECTS = ["route", "verdict", "leadsTo", "path"] as const;

/** One of {@link ASPECTS}. */
export type Aspect = (typeof ASPECTS)[number];

/** All that a plan says of a request. */
export interface Outcome extends Readonly<Record<Aspect, Says>> {
  /** The pattern that fitted; undefined where none did. */
  readonly pattern: string | undefined;
  /** Name of the upstream, where the log and the plan tell which. */
  readonly upstream: string | undefined;
  /** Why the verdict cannot be told for certain. */
  readonly doubt: string | undefined;
}

/** A plan that judges logged requests without sending them. */
export interface Judge {
  judge(request: LoggedRequest, variant: Variant): Promise<Outcome>;
  close(): void;
}

/** A plan brought to life to judge requests; close it at the end. */
export function judgeOf(plan: Plan, callerOf: CallerOf, edge: Platform): Judge {
  const routes = new Map(plan.routes.map((route) => [route.name, route]));
  const limits = headLimits(plan.listen);
  let caller: Caller = { doubt: "" };
  const schemes = new Map(plan.auth.schemes.map(({ name, observe }) => [name, actor(name, observe, () => caller)]));
  const rehearsing = openRehearsal(withoutUnknown(plan), edge, schemes);
  const branchOf = branches(plan);
  return {
    async judge(request, variant) {
      caller = callerOf(request);
      const arrival = arrive(request, variant);
      if (arrival instanceof GatewayError) return refusedAtOnce(arrival);
      const rehearsal = await rehearsing.send(arrival);
      const { x } = rehearsal;
      const route = x.route && routes.get(x.route.name);
      return route === undefined ? withoutRoute(rehearsal) : outcomeOf(route, rehearsal, request);
    },
    close: () => rehearsing.close(),
  };

  function arrive(request: LoggedRequest, { fields, target }: Variant): Arrival | GatewayError {
    const { method, authority, client, scheme = plan.listen.tls === undefined ? "http" : "https" } = request;
    const given = [...request.fields].filter(([name]) => !fields.some(([other]) => other === name) && name !== "host");
    const lines = given.flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
    const asked = { method, target, authority, content: undefined, secure: scheme === "https", from: client };
    return arrivalOnWire({ ...asked, fields: [...lines, ...fields] }, limits);
  }

  function outcomeOf(route: RoutePlan, { x, answer, head }: Rehearsal, request: LoggedRequest): Outcome {
    const name = { text: route.name, key: route.name };
    const common = {
      route: name,
      pattern: x.match?.path ?? route.matches[0]?.path,
      upstream: undefined,
      doubt: undefined,
    };
    if (x.method === "OPTIONS" && x.fields.has("access-control-request-method") && x.match === undefined) {
      return {
        ...common,
        verdict: { text: "preflight answered", key: canonical(route.cors) },
        leadsTo: NONE,
        path: NONE,
      };
    }
    if (route.maxBody !== undefined && request.bytesIn > route.maxBody) {
      return { ...common, verdict: same("413 content_too_large"), leadsTo: NONE, path: NONE };
    }
    const doubt = doubtOf(route, plan, caller);
    const refused = doubt === undefined && x.error !== undefined;
    const { destination } = route;
    const branch = refused || !forwards(destination) ? undefined : branchOf(route, x, doubt === undefined);
    return {
      ...common,
      doubt,
      upstream: branch,
      verdict: doubt === undefined ? verdictOf(route, x) : asks(route, plan),
      leadsTo: refused ? NONE : leadsTo(destination, branch, answer.fields.get("location")),
      path: refused ? NONE : pathOf(destination, x, head),
    };
  }
}

const NONE: Says = { text: "", key: "" };
const same = (text: string): Says => ({ text, key: text });

function refusedAtOnce({ status, code }: GatewayError): Outcome {
  return { ...NOWHERE, verdict: same(`${status} ${code}`) };
}

const NOWHERE: Omit<Outcome, "verdict"> = {
  ...{ route: same("none"), leadsTo: NONE, path: NONE },
  ...{ pattern: undefined, upstream: undefined, doubt: undefined },
};

/** What is answered without a route: errors, and the way from the plain port to https. */
function withoutRoute({ x, answer }: Rehearsal): Outcome {
  const code = x.error === undefined ? "" : ` ${x.error.code}`;
  const location = answer.fields.get("location");
  return {
    ...NOWHERE,
    verdict: same(`${answer.status}${code}`),
    leadsTo: location === undefined ? NONE : same("https"),
  };
}

/** Why nobody can tell whether the route would let the caller in; undefined where it can be told. */
function doubtOf(route: RoutePlan, plan: Plan, caller: Caller): string | undefined {
  const observes = (name: string): boolean => plan.auth.schemes.find((each) => each.name === name)?.observe === true;
  if (route.auth.length === 0 || route.auth.every(observes)) return undefined;
  if ("doubt" in caller) return caller.doubt;
  return route.auth.includes(caller.scheme)
    ? undefined
    : `it was known by ${caller.scheme}, which the route does not ask`;
}

/** What the route asks for, where it cannot be told what comes of that. */
function asks(route: RoutePlan, plan: Plan): Says {
  const schemes = plan.auth.schemes.filter(({ name }) => route.auth.includes(name));
  return { text: `asks for ${authText(route)}`, key: canonical([route.auth, schemes]) };
}

function verdictOf(route: RoutePlan, x: Exchange): Says {
  if (x.error !== undefined) {
    const { status, code, message } = x.error;
    const [, condition] = /^(allow[\w.[\]]*): /.exec(message) ?? [];
    return same(`${status} ${code}${condition === undefined ? "" : ` (${condition})`}`);
  }
  const who = x.identity === undefined ? "" : ` as ${x.identity.consumer?.name ?? `a caller of ${x.identity.scheme}`}`;
  const observed = x.observations.map(({ policy, error }) => `; ${policy} would refuse: ${error.code}`).join("");
  const passes = `passes${who}${observed}`;
  if (route.allow === undefined || !isUnknown(route.allow)) return same(passes);
  return { text: `${passes}, if allowed by ${allowText(route.allow)}`, key: `${passes} ${canonical(route.allow)}` };
}

/** Whether a rule asks for what no log has. */
function isUnknown(allow: AllowPlan): boolean {
  return [allow, ...allow.any].some(
    (rule) => rule.claims.length > 0 || rule.scope !== undefined || rule.when !== undefined,
  );
}

function leadsTo(destination: Destination, branch: string | undefined, location = ""): Says {
  if (branch !== undefined) return same(branch);
  const text = destinationText(destination);
  if (destination.kind !== "split") return { text, key: `${canonical(destination)} ${location}` };
  const branches = destination.branches.map(({ leadsTo, ...branch }) => [leadsTo.upstream.name, branch]);
  return { text, key: canonical([branches, destination.by]) };
}

/** How the path changes, and what comes of it. */
function pathOf(destination: Destination, x: Exchange, head: string | undefined): Says {
  if (!forwards(destination)) return NONE;
  const { rewrite } = destination;
  // "GET /path HTTP/1.1"
  const target =
    head === undefined
      ? (x.forwardTarget ?? x.path + x.query)
      : head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/"));
  if (rewrite === undefined) return { text: "as it came", key: target };
  return { text: rewrite.kind === "replace" ? `as ${rewrite.template}` : `without ${rewrite.prefix}`, key: target };
}

/** Which upstream of a route it is, where that can be told: not where a share is drawn by lot. */
function branches(plan: Plan): (route: RoutePlan, x: Exchange, isCallerKnown: boolean) => string | undefined {
  const meant = new Map(
    plan.routes.map(({ name, destination }) => [
      name,
      destination.kind === "split"
        ? destination.branches.flatMap(({ when }) => (when === undefined ? [] : [whenHolds(when)]))
        : [],
    ]),
  );
  return ({ name, destination }, x, isCallerKnown) => {
    if (destination.kind === "upstream") return destination.upstream.name;
    if (destination.kind !== "split" || !isCallerKnown || x.upstream === undefined) return undefined;
    const sharing = destination.branches.filter(({ weight }) => weight > 0);
    const { by } = destination;
    const isTold = by?.kind === "address" || by?.kind === "consumer" || (by?.kind === "header" && x.fields.has(by.key));
    const isMeant = meant.get(name)!.some((holds) => holds(x));
    return isTold || isMeant || sharing.length === 1 ? x.upstream.name : undefined;
  };
}

/** Accepts the caller that the log names. */
function actor(name: string, observe: boolean, caller: () => Caller): Scheme {
  return {
    ...{ name, observe, credentialFields: [], forwards: false, challenge: () => undefined },
    identify() {
      const now = caller();
      return "identity" in now && now.scheme === name ? now.identity : undefined;
    },
  };
}

/** The plan without what a log does not tell, and without what counts. */
function withoutUnknown(plan: Plan): Plan {
  const { auth, listen } = plan;
  return {
    ...plan,
    // The log tells the client's own address.
    listen: { ...listen, trustedProxies: [] },
    auth: { ...auth, identity: { ...auth.identity, token: undefined } },
    inFlight: [],
    limits: { ...plan.limits, limits: [] },
    tracing: undefined,
    routes: plan.routes.map((route) => ({
      ...route,
      limits: [],
      inFlight: [],
      maxBody: undefined,
      allow: route.allow && {
        ...toldPart(route.allow),
        any: route.allow.any.map(toldPart),
        observe: route.allow.observe,
      },
      destination: route.destination.kind === "key-set" ? { kind: "answer", answer: {} } : route.destination,
    })),
  };
}

function toldPart(rule: AllowRulePlan): AllowRulePlan {
  return { ...rule, claims: [], scope: undefined, when: undefined };
}
