// The stage that decides whether who calls may do this: every condition of the route's rule must hold.
import type { Identity } from "../config/auth/options.ts";
import type { AllowPlan, AllowRulePlan } from "../config/auth/plan.ts";
import { GatewayError, namedMessageOf } from "../errors.ts";
import { type Exchange, policyView, type Stage } from "../exchange.ts";
import { cidrSet } from "../http/ip.ts";
import { claimFits, claimOf } from "./claims.ts";

/** Why a rule does not hold; undefined when it does. */
type Refusal = GatewayError | undefined;
type Condition = (x: Exchange) => Refusal | Promise<Refusal>;

/**
 * Makes the stage. The first condition that does not hold is told to the operator by its name in the config
 * (`allow.any[1].groups`); the client learns `access_denied`, or `insufficient_scope` with the scopes that are wanted
 * (RFC 6750 section 3.1). A function that throws or rejects gives `authorization_unavailable`.
 * @param challenge the `WWW-Authenticate` for missing scopes, by the scheme that accepted the credentials
 */
export function allowStage(
  plan: AllowPlan,
  challenge: (scheme: string, scopes: readonly string[]) => string | undefined,
): Stage {
  const first = conditions(plan, "allow", challenge);
  const others = plan.any.map((rule, i) => conditions(rule, `allow.any[${i}]`, challenge));
  if (others.length > 0) first.push((x) => anyOf(others, x));
  const end = (x: Exchange, refusal: Refusal): void => {
    if (refusal === undefined) return;
    if (!plan.observe) throw refusal;
    x.observe("allow", refusal);
  };
  return (x) => {
    const refusal = allOf(first, x, 0);
    return refusal instanceof Promise ? refusal.then((settled) => end(x, settled)) : end(x, refusal);
  };
}

/** The first refusal of conditions that must all hold. */
function allOf(conditions: readonly Condition[], x: Exchange, from: number): Refusal | Promise<Refusal> {
  for (let i = from; i < conditions.length; i++) {
    const refusal = conditions[i]!(x);
    if (refusal instanceof Promise) return refusal.then((settled) => settled ?? allOf(conditions, x, i + 1));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Undefined once one rule holds. Else what could not be decided, or one refusal that names them all. */
async function anyOf(rules: readonly (readonly Condition[])[], x: Exchange): Promise<Refusal> {
  const refusals: GatewayError[] = [];
  for (const rule of rules) {
    const refusal = await allOf(rule, x, 0);
    if (refusal === undefined) return undefined;
    refusals.push(refusal);
  }
  const undecided = refusals.find(({ code }) => code === "authorization_unavailable");
  if (undecided !== undefined) return undecided;
  // A scope that would open one of the rules is the only thing a client can do something about.
  const shown = refusals.find(({ code }) => code === "insufficient_scope") ?? refusals[0]!;
  const message = refusals.map((refusal) => refusal.message).join("; ");
  return new GatewayError(shown.code, message, { fields: shown.fields });
}

function conditions(
  rule: AllowRulePlan,
  at: string,
  challenge: (scheme: string, scopes: readonly string[]) => string | undefined,
): Condition[] {
  const { consumers, groups, scope, claims, addresses, methods, when, except } = rule;
  const found: Condition[] = [];
  const add = (option: string, why: (x: Exchange) => string | undefined): void => {
    found.push((x) => {
      const reason = why(x);
      return reason === undefined ? undefined : new GatewayError("access_denied", `${at}.${option}: ${reason}`);
    });
  };
  if (methods !== undefined) {
    add("methods", (x) => (methods.includes(x.method) ? undefined : `${x.method} is none of ${methods.join(", ")}`));
  }
  if (except.addresses.length > 0) {
    const isExcept = cidrSet(except.addresses);
    add("except.addresses", (x) => (isExcept(x.client) ? `${x.client} is one of them` : undefined));
  }
  if (addresses !== undefined) {
    const isAllowed = cidrSet(addresses);
    add("addresses", (x) => (isAllowed(x.client) ? undefined : `${x.client} is in none of them`));
  }
  if (except.consumers.length > 0) {
    add("except.consumers", ({ identity }) => {
      const name = identity?.consumer?.name;
      return name !== undefined && except.consumers.includes(name) ? `the consumer is ${name}` : undefined;
    });
  }
  if (except.groups.length > 0) {
    add("except.groups", ({ identity }) => {
      const group = identity?.consumer?.groups.find((name) => except.groups.includes(name));
      return group === undefined ? undefined : `${callerOf(identity)} is in ${group}`;
    });
  }
  if (consumers !== undefined) {
    add("consumers", ({ identity }) => {
      const name = identity?.consumer?.name;
      return name !== undefined && consumers.includes(name) ? undefined : `${callerOf(identity)} is none of them`;
    });
  }
  if (groups !== undefined) {
    add("groups", ({ identity }) =>
      identity?.consumer?.groups.some((group) => groups.includes(group)) === true
        ? undefined
        : `${callerOf(identity)} is in none of ${groups.join(", ")}`,
    );
  }
  for (const [name, values] of claims) {
    add(`claims.${name}`, ({ identity }) => {
      if (identity === undefined) return "nobody is known to call";
      const claim = claimOf(identity.claims, name);
      if (claimFits(claim, values)) return undefined;
      return claim === undefined ? "the token has no such claim" : "the token has another value";
    });
  }
  if (scope !== undefined) {
    found.push(({ identity }) => {
      const missing = scope.filter((name) => identity?.scopes.includes(name) !== true);
      if (missing.length === 0) return undefined;
      const shown = identity === undefined ? undefined : challenge(identity.scheme, scope);
      return new GatewayError("insufficient_scope", `${at}.scope: ${callerOf(identity)} lacks ${missing.join(" ")}`, {
        fields: shown === undefined ? [] : [["WWW-Authenticate", shown]],
      });
    });
  }
  if (when !== undefined) found.push(byFunction(when, at));
  return found;
}

function callerOf(identity: Identity | undefined): string {
  if (identity === undefined) return "an unknown caller";
  if (identity.consumer !== undefined) return `consumer ${identity.consumer.name}`;
  return identity.subject === undefined ? "a caller without a name" : `subject ${identity.subject}`;
}

function byFunction(when: NonNullable<AllowRulePlan["when"]>, at: string): Condition {
  const judge = (allowed: unknown): Refusal =>
    allowed === true ? undefined : new GatewayError("access_denied", `${at}.when: it did not return true`);
  const failed = (cause: unknown): GatewayError => {
    const reason = namedMessageOf(cause);
    return new GatewayError("authorization_unavailable", `${at}.when: it failed with ${reason}`, { cause });
  };
  return (x) => {
    try {
      const allowed: unknown = when(policyView(x));
      return allowed instanceof Promise ? allowed.then(judge, failed) : judge(allowed);
    } catch (thrown) {
      return failed(thrown);
    }
  };
}
