// The schema of what upstreams are told of who calls.
import { Problem, type ConfigReader } from "../fault.ts";
import { fieldName } from "../field-changes.ts";
import { either, leaf, list, maybe, named, options, or, then, type Shape } from "../shape.ts";
import { Secret } from "../secrets.ts";
import { keyProblem, pem } from "../tls.ts";
import { duration, text } from "../values.ts";
import type { IdentityPlan, SchemePlan } from "./plan.ts";

const MINUTE = "1m";

/** What is told, without the fields that schemes vouch for. `told` by default only where anybody is known. */
export function identityShape(reader: ConfigReader, told: boolean): Shape<Omit<IdentityPlan, "owned">> {
  const none = leaf((): undefined => undefined);
  const some = (wanted: string): Shape<string> =>
    text(wanted, (written) => (written === "" ? new Problem(wanted) : written));
  const claim = some("the name of a claim");
  const token = options({
    key: then(
      pem("a private key", reader, keyProblem),
      ({ text, secret }) => secret ?? new Secret(text, "identity.token.key"),
    ),
    issuer: some("the `iss` of the token"),
    audience: maybe(some("the `aud` of the token")),
    lifetime: or(duration(1000), MINUTE),
    header: or(fieldName, "X-Identity-Token"),
    claims: or(list(claim, "a list of claims"), []),
  });
  const shape = options({
    consumer: or(
      either((value) => value === false, none, fieldName),
      told ? "X-Consumer" : false,
    ),
    headers: or(
      named(claim, "an object of claims by field name", (name) => namesField(name)),
      {},
    ),
    token: maybe(token),
  });
  return then(shape, ({ consumer, headers, token }) => ({
    consumer,
    headers,
    token: token && { ...token, lifetimeMs: token.lifetime },
  }));
}

function namesField(name: string): Problem | undefined {
  return /^[\w!#$%&'+^`|~.-]+$/.test(name)
    ? undefined
    : new Problem("a field name", { hint: 'A name has letters, digits and "-".' });
}

/** With the names of all fields that the gateway vouches for. */
export function withOwned(identity: Omit<IdentityPlan, "owned">, schemes: readonly SchemePlan[]): IdentityPlan {
  const { consumer, headers, token } = identity;
  const names = [
    ...(consumer === undefined ? [] : [consumer]),
    ...headers.map(([name]) => name),
    ...(token === undefined ? [] : [token.header]),
    ...schemes.flatMap(({ vouches }) => vouches),
  ];
  return { ...identity, owned: [...new Set(names.map((name) => name.toLowerCase()))] };
}
