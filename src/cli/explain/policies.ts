// What each policy of a route said of a request.
import { Answer } from "../../answer.ts";
import type { SchemePlan } from "../../config/auth/plan.ts";
import type { ConfigPath } from "../../config/fault.ts";
import type { Plan, RoutePlan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import { formatDuration } from "../../http/duration.ts";
import type { Step } from "./rehearsal.ts";

/** Where in the config something stands: "gateway.config.ts:12:5". */
export type PlaceOf = (path: ConfigPath) => string;

/** What a policy says. `undecided`: that would take asking somebody; `idle`: the way ends before it. */
export interface PolicyView {
  /** "auth.key", "limits.perConsumer", "allow". */
  readonly policy: string;
  readonly says: "passes" | "accepts" | "nothing" | "refuses" | "would refuse" | "undecided" | "idle";
  readonly why: string;
  readonly place: string;
}

/** What a running gateway has left of a limit for a caller; undefined where none was asked. */
export type Left = (limit: string, caller: string) => number | undefined;

/** In the order in which they are asked; those that are not asked behind. */
export function policiesOf(
  plan: Plan,
  route: RoutePlan,
  steps: readonly Step[],
  error: GatewayError | undefined,
  placeOf: PlaceOf,
  left: Left,
): PolicyView[] {
  const views: PolicyView[] = [];
  const add = (policy: string, path: ConfigPath, says: PolicyView["says"], why: string): void => {
    if (!views.some((view) => view.policy === policy)) views.push({ policy, says, why, place: placeOf(path) });
  };
  if (route.maxBody !== undefined) {
    const refuses = error?.code === "content_too_large";
    add("maxBody", ["routes", route.name, "maxBody"], refuses ? "refuses" : "passes", `at most ${route.maxBody} bytes`);
  }
  for (const step of steps) {
    if (step.kind === "scheme") {
      const scheme = plan.auth.schemes.find(({ name }) => name === step.name)!;
      add(`auth.${step.name}`, ["auth", step.name], ...schemeSays(scheme, step.verdict));
    } else if (step.kind === "limit") add(`limits.${step.name}`, ["limits", step.name], ...limitSays(plan, step, left));
    else if (step.name === "allow") {
      const { error } = step;
      const says = error === undefined ? "passes" : route.allow!.observe ? "would refuse" : "refuses";
      add(
        "allow",
        ["routes", route.name, "allow"],
        says,
        error === undefined ? "every condition holds" : `${error.status} ${error.code}: ${error.message}`,
      );
    } else if (step.name === "in_flight") {
      for (const { name, max } of route.inFlight) {
        add(
          `inFlight.${name}`,
          ["inFlight", name],
          "passes",
          `at most ${max} at once; those under way now are not known here`,
        );
      }
    }
  }
  const idle = "the way ends before it is asked";
  for (const name of route.auth) add(`auth.${name}`, ["auth", name], "idle", idle);
  if (route.allow !== undefined) add("allow", ["routes", route.name, "allow"], "idle", idle);
  for (const { name } of route.limits) add(`limits.${name}`, ["limits", name], "idle", idle);
  for (const { name } of route.inFlight) add(`inFlight.${name}`, ["inFlight", name], "idle", idle);
  if (route.use.length > 0) {
    const says = error === undefined ? "passes" : "idle";
    const why = error === undefined ? `${route.use.length} middleware of the config: not run here` : idle;
    add("use", ["routes", route.name, "use"], says, why);
  }
  return views;
}

type Said = readonly [says: PolicyView["says"], why: string];

function schemeSays(scheme: SchemePlan, verdict: Extract<Step, { kind: "scheme" }>["verdict"]): Said {
  if (verdict === undefined) return ["nothing", "no credentials of this scheme"];
  if (verdict instanceof GatewayError) {
    if (verdict.code === "authentication_unavailable") return ["undecided", `${whomItAsks(scheme)}: not here`];
    return [scheme.observe ? "would refuse" : "refuses", `${verdict.code}: ${verdict.message}`];
  }
  if (verdict instanceof Answer) return ["undecided", whomItAsks(scheme)];
  const { consumer, subject, scopes } = verdict;
  const who = [
    ...(consumer === undefined ? [] : [`consumer ${consumer.name}`]),
    ...(subject === undefined ? [] : [`subject ${subject}`]),
    ...(scopes.length === 0 ? [] : [`scopes ${scopes.join(" ")}`]),
  ];
  return ["accepts", who.join(", ") || "the credentials are good"];
}

/** Whom a scheme asks that cannot judge alone. */
function whomItAsks(scheme: SchemePlan): string {
  switch (scheme.kind) {
    case "introspection":
      return `it would ask ${scheme.url} about the token`;
    case "forward-auth":
      return `it would show the head to ${scheme.upstream.targets[0]?.url ?? scheme.upstream.name}${scheme.path}`;
    case "jwt": {
      const { keys } = scheme;
      const place = keys.from === "url" ? keys.url : keys.from === "issuer" ? `the issuer ${keys.issuer}` : "its keys";
      return `it would fetch keys from ${place}`;
    }
    default:
      return "it cannot decide now";
  }
}

function limitSays({ limits }: Plan, { name, said, caller }: Extract<Step, { kind: "limit" }>, left: Left): Said {
  const { limit, span, by, observe, shared } = limits.limits.find((each) => each.name === name)!;
  if (said === undefined || caller === undefined) return ["passes", "it does not count this request"];
  const each = by.kind === "function" ? "what a function says" : by.kind;
  const rule = `${limit} ${"windowMs" in span ? `in ${formatDuration(span.windowMs)}` : `a ${span.per}`} by ${each}`;
  const now = left(name, caller);
  if (now === undefined) {
    const where = shared && limits.store !== undefined ? "; counted in a store, which is not asked here" : "";
    return said.allowed
      ? ["passes", `${rule}${where}`]
      : [observe ? "would refuse" : "refuses", `${rule}: the request costs more`];
  }
  const cost = limit - said.remaining;
  const says = now >= cost ? "passes" : observe ? "would refuse" : "refuses";
  return [says, `${rule}; ${now} left now`];
}
