// Parts of a route in few words, as tables and explanations show them.
import type { AllowPlan, AllowRulePlan } from "../config/auth/plan.ts";
import type { Destination, MatchPlan, RoutePlan } from "../config/plan.ts";
import { REDACTED } from "../config/secrets.ts";
import { CREDENTIAL_FIELDS, CREDENTIAL_PARAMETERS } from "../record/redact.ts";

/** The methods of a match: "GET, POST"; "any". */
export function methodsText({ methods }: Pick<MatchPlan, "methods">): string {
  return methods.length === 0 ? "any" : methods.join(", ");
}

/** Conditions as texts: `x-version: 2`, `?debug`. What may be a credential is masked. */
export function conditionTexts({ headers, query }: Pick<MatchPlan, "headers" | "query">): string[] {
  return [
    ...headers.map(([name, value]) => (value === true ? name : `${name}: ${shown(value, CREDENTIAL_FIELDS, name)}`)),
    ...query.map(([name, value]) => `?${name}${value === true ? "" : `=${shown(value, CREDENTIAL_PARAMETERS, name)}`}`),
  ];
}

function shown(value: string, secret: readonly string[], name: string): string {
  return secret.includes(name.toLowerCase()) ? REDACTED : value;
}

/** Where a route leads, in a few words. */
export function destinationText(destination: Destination): string {
  switch (destination.kind) {
    case "upstream":
      return destination.upstream.name;
    case "split":
      return destination.branches.map(({ weight, leadsTo }) => `${weight} ${leadsTo.upstream.name}`).join(", ");
    case "redirect":
      return `redirect ${destination.status} ${destination.to}`;
    case "answer":
      return `answer ${destination.answer.status ?? 200}`;
    case "handler":
      return "handler";
    case "readiness":
      return "readiness";
    case "key-set":
      return "key set";
  }
}

/** Which schemes of a route suffice. */
export function authText({ auth }: Pick<RoutePlan, "auth">): string {
  return auth.length === 0 ? "" : auth.join(" or ");
}

/** What callers must be for a route. */
export function allowText(allow: AllowPlan | undefined): string {
  if (allow === undefined) return "";
  const any = allow.any.length === 0 ? [] : [allow.any.map((rule) => `(${ruleTexts(rule).join(", ")})`).join(" or ")];
  return [...ruleTexts(allow), ...any, ...(allow.observe ? ["observed"] : [])].join(", ");
}

function ruleTexts({ consumers, groups, scope, claims, addresses, methods, when, except }: AllowRulePlan): string[] {
  const listed = (name: string, list: readonly string[] | undefined): string[] =>
    list === undefined || list.length === 0 ? [] : [`${name} ${list.join("|")}`];
  return [
    ...listed("methods", methods),
    ...listed("addresses", addresses),
    ...listed("consumers", consumers),
    ...listed("groups", groups),
    ...listed("scope", scope),
    ...listed(
      "claims",
      claims.map(([name]) => name),
    ),
    ...listed("except", [...except.addresses, ...except.consumers, ...except.groups]),
    ...(when === undefined ? [] : ["when (a function)"]),
  ];
}

/** What else a route does with an exchange, in few words. */
export function extraTexts(route: RoutePlan): string[] {
  const { maxBody, cors, faults, mirrors, use, destination, requestFields, responseFields, log } = route;
  const rewrite = destination.kind === "upstream" || destination.kind === "split" ? destination.rewrite : undefined;
  return [
    ...(rewrite?.kind === "strip-prefix" ? [`strip ${rewrite.prefix}`] : []),
    ...(rewrite?.kind === "replace" ? [`as ${rewrite.template}`] : []),
    ...(maxBody === undefined ? [] : [`body up to ${maxBody}`]),
    ...(cors === undefined ? [] : ["cors"]),
    ...(use.length === 0 ? [] : [`${use.length} middleware`]),
    ...mirrors.map(({ upstream }) => `mirror ${upstream.name}`),
    ...(faults === undefined ? [] : ["faults"]),
    ...(requestFields === undefined && responseFields === undefined ? [] : ["headers"]),
    ...(log ? [] : ["no log"]),
  ];
}
