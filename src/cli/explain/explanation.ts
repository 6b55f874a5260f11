// What becomes of a request, and why: plain values, for people and for machines. No credential is among them.
import type { Plan } from "../../config/plan.ts";
import type { GatewayError } from "../../errors.ts";
import { compileRoutes, type Judgement } from "../../route/table.ts";
import { conditionTexts, destinationText, methodsText } from "../route-text.ts";
import { maskingOf } from "./masking.ts";
import { type Left, type PlaceOf, policiesOf, type PolicyView } from "./policies.ts";
import { headOf, type HeadLine } from "./head.ts";
import type { Places } from "../config-places.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Running } from "./running.ts";
import { wayOf, type WayView } from "./way.ts";

/** A match of a route, and what it says of the request. */
export interface MatchView {
  readonly route: string;
  readonly match: string;
  readonly wins: boolean;
  readonly why: string;
  readonly place: string;
}

/** All that `sluice explain` says of a request. */
export interface Explanation {
  readonly request: string;
  /** The client's address, as the gateway sees it. */
  readonly client: string;
  /** What becomes of the request, in one sentence. */
  readonly verdict: string;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly route: string | undefined;
  readonly leadsTo: string | undefined;
  readonly matches: readonly MatchView[];
  readonly policies: readonly PolicyView[];
  readonly way: WayView | undefined;
  /** The request's head, as the upstream sees it. */
  readonly head: readonly HeadLine[];
  /** The gateway that was asked what it knows, and whether it runs this config; undefined where none answered. */
  readonly asked: Pick<Running, "name" | "same"> | undefined;
}

/** Explains a request that has been sent the way. */
export function explanationOf(
  plan: Plan,
  rehearsal: Rehearsal,
  places: Places,
  left: Left,
  running?: Running,
): Explanation {
  const { x, steps, answer, head } = rehearsal;
  const route = plan.routes.find(({ name }) => name === x.route?.name);
  const judged = compileRoutes(plan.routes).judge(x.method, x.authority, x.path, x.query, x.fields);
  const masking = maskingOf(plan);
  const policies = route === undefined ? [] : policiesOf(plan, route, steps, x.error, places.near, left);
  const full = policies.find(({ says, policy }) => says === "refuses" && policy.startsWith("limits."));
  const undecided = policies.find(({ says }) => says === "undecided");
  const code = full !== undefined && x.error === undefined ? "rate_limit_exceeded" : x.error?.code;
  /** Answered before any route is asked. */
  const isBefore = route === undefined && x.error === undefined;
  const reached = head !== undefined && full === undefined;
  return {
    request: `${x.method} ${x.scheme}://${x.authority}${masking.target(x.target)}`,
    client: x.client,
    verdict: verdictOf(),
    status:
      undecided !== undefined
        ? undefined
        : code === "rate_limit_exceeded"
          ? 429
          : head === undefined
            ? answer.status
            : undefined,
    code: undecided === undefined ? code : undefined,
    route: route?.name,
    leadsTo: route && destinationText(route.destination),
    matches: isBefore ? [] : judged.map((each) => matchView(each, x.method, plan, places.near)),
    policies,
    way: route && wayOf(route, rehearsal, places, running),
    head: reached && route !== undefined ? headOf(masking.head(head), plan, route, x, places) : [],
    asked: running && { name: running.name, same: running.same },
  };

  function verdictOf(): string {
    if (route === undefined) return x.error === undefined ? early() : failure(x.error);
    if (undecided !== undefined) return `${undecided.policy} decides: ${undecided.why}`;
    if (full !== undefined && x.error === undefined) return `429 rate_limit_exceeded: ${full.policy}`;
    if (x.error !== undefined) return failure(x.error);
    if (head !== undefined) return `goes to ${x.attempts[0]?.target ?? x.upstream!.name}`;
    if (route.destination.kind === "handler") return "the handler of the route answers";
    return `${answer.status} by the gateway itself`;
  }

  function early(): string {
    const location = answer.fields.get("location");
    return `${answer.status}${location === undefined ? "" : ` to ${masking.target(location)},`} before routes are asked`;
  }
}

function failure({ status, code, message }: GatewayError): string {
  return `${status} ${code}: ${message}`;
}

function matchView({ host, entry, fit }: Judgement, method: string, plan: Plan, placeOf: PlaceOf): MatchView {
  const { route, match } = entry;
  const at = route.matches.indexOf(match);
  const isOwn = !plan.routes.some(({ name }) => name === route.name);
  const hostText = host === "*" ? "" : host;
  return {
    route: route.name,
    match: `${match.methods.length === 0 ? "" : `${match.methods.join("|")} `}${hostText}${match.path}`,
    wins: fit === "wins",
    why: reasonOf(),
    place: isOwn ? "" : placeOf(["routes", route.name, "match", ...(route.matches.length > 1 ? [at] : [])]),
  };

  function reasonOf(): string {
    if (fit === "wins") return "wins";
    if (fit === "host") return `the host is not ${host}`;
    if (fit === "path") return "the path is another";
    if (fit === "method") return `it takes ${methodsText(match)}, not ${method}`;
    if ("unmet" in fit) {
      const one = { headers: fit.isField ? [fit.unmet] : [], query: fit.isField ? [] : [fit.unmet] };
      return `it asks for ${conditionTexts(one)[0]}`;
    }
    return {
      host: "less specific: its host",
      path: "less specific: its path",
      method: "less specific: it takes more methods",
      conditions: "less specific: it has fewer conditions",
      name: "less specific: only its name tells",
    }[fit.lessBy];
  }
}
