// Who a logged caller is by a plan: the log tells a name and a scheme, never the credentials.
import type { Consumer, Identity } from "../../config/auth/options.ts";
import type { SchemePlan } from "../../config/auth/plan.ts";
import type { Plan } from "../../config/plan.ts";
import { canonical } from "./canonical.ts";
import type { LoggedRequest } from "./logged-request.ts";

/** Somebody who is known, or why the log does not tell whether a plan would know who calls. */
export type Caller = { readonly scheme: string; readonly identity: Identity } | { readonly doubt: string };

/** Who a logged caller is by a plan, or why that cannot be known. */
export type CallerOf = (request: Pick<LoggedRequest, "authScheme" | "consumer">) => Caller;

/**
 * Callers by a plan.
 * @param before the plan that wrote the log: what it says of a scheme or a consumer must still hold for one to be known
 */
export function callersOf(plan: Plan, before: Plan): CallerOf {
  const known = new Map<string, Caller>();
  return ({ authScheme, consumer }) => {
    const name = JSON.stringify([authScheme, consumer]);
    const caller = known.get(name) ?? callerOf(plan, before, authScheme, consumer);
    if (known.size < MOST_KNOWN) known.set(name, caller);
    return caller;
  };
}

const MOST_KNOWN = 10_000;

function callerOf(plan: Plan, before: Plan, authScheme: string | undefined, consumer: string | undefined): Caller {
  if (authScheme === undefined) return { doubt: "the log tells of no credentials" };
  const scheme = schemeOf(plan, authScheme);
  if (scheme === undefined) return { doubt: `it was known by ${authScheme}, which is no scheme here` };
  const earlier = schemeOf(before, authScheme);
  if (earlier !== undefined && canonical(earlier) !== canonical(scheme))
    return { doubt: `auth.${authScheme} is another` };
  const about = { scheme: authScheme, subject: undefined, scopes: [], claims: {}, fields: [] };
  if (consumer === undefined) return { scheme: authScheme, identity: { ...about, consumer: undefined } };
  const found = consumersOf(plan).find(({ name }) => name === consumer);
  if (found === undefined) return { doubt: `there is no consumer ${consumer}` };
  const now = credentialsOf(plan, consumer);
  const gone = [...credentialsOf(before, consumer)].some((each) => !now.has(each));
  if (gone) return { doubt: `consumer ${consumer} lacks credentials that it had` };
  return { scheme: authScheme, identity: { ...about, consumer: found } };
}

function schemeOf({ auth }: Plan, name: string): SchemePlan | undefined {
  return auth.schemes.find((scheme) => scheme.name === name);
}

/** Those of the config, and of the key file. */
function consumersOf({ auth }: Plan): readonly Consumer[] {
  return auth.keys?.content.consumers ?? auth.consumers.map(({ consumer }) => consumer);
}

/** All that a consumer can prove itself with, as texts. */
function credentialsOf({ auth }: Plan, consumer: string): Set<string> {
  const plan = auth.consumers.find((each) => each.consumer.name === consumer);
  const { keys = [], signingKeys = [], subjects = {}, password } = plan ?? {};
  return new Set([
    ...keys.map(({ hash }) => `key ${hash}`),
    ...keysInFile(auth.keys, consumer).map((hash) => `key ${hash}`),
    ...signingKeys.map((key) => `signing key ${canonical(key)}`),
    ...Object.entries(subjects).flatMap(([scheme, names]) => names.map((name) => `subject ${scheme} ${name}`)),
    ...(password === undefined ? [] : [`password ${password.reveal()}`]),
  ]);
}

function keysInFile(keys: Plan["auth"]["keys"], consumer: string): string[] {
  if (keys === undefined) return [];
  const { consumers, keys: columns } = keys.content;
  const owner = consumers.findIndex(({ name }) => name === consumer);
  const found: string[] = [];
  for (const [at, each] of columns.owners.entries()) {
    if (each === owner) found.push(Buffer.from(columns.digests.subarray(at * 32, at * 32 + 32)).toString("hex"));
  }
  return found;
}
