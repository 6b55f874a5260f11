// The schema of what upstreams are told of who calls.
import { Problem, type ConfigReader } from "../fault.ts";
import { fieldName, fieldNameProblem } from "../field-changes.ts";
import { chained, either, leaf, list, maybe, named, options, or, then, type Shape } from "../shape.ts";
import { Secret } from "../secrets.ts";
import { pem } from "../tls.ts";
import { duration, flag, text } from "../values.ts";
import type { IdentityPlan, SchemePlan } from "./plan.ts";
import { algorithmOf, signingKeyProblem } from "./signing-key.ts";

/** What is told, without the fields that schemes vouch for. `told` by default only where anybody is known. */
export function identityShape(reader: ConfigReader, told: boolean): Shape<Omit<IdentityPlan, "owned">> {
  const claim = some("the name of a claim");
  const shape = options(
    {
      consumer: or(
        either((value) => value === false, none, vouchedName),
        told ? "X-Consumer" : false,
      ),
      clientCert: or(flag, false),
      headers: or(named(claim, "an object of claims by field name", vouchedProblem), {}),
      token: maybe(tokenShape(reader)),
    },
    function* ({ consumer, headers, token }) {
      const names = [consumer, ...(headers ?? []).map(([name]) => name), token?.header];
      const keys = names.flatMap((name) => name?.toLowerCase() ?? []);
      const twice = keys.find((key, i) => keys.indexOf(key) < i);
      if (twice !== undefined) yield new Problem("a field of its own for each", { hint: `"${twice}" is named twice.` });
    },
  );
  return then(shape, ({ consumer, clientCert, headers, token }) => ({ consumer, clientCert, headers, token }));
}

function tokenShape(reader: ConfigReader): Shape<NonNullable<IdentityPlan["token"]>> {
  const shape = options({
    key: pem("a private key", reader, signingKeyProblem),
    issuer: some("the `iss` of the token"),
    audience: maybe(some("the `aud` of the token")),
    lifetime: or(duration(1000), "1m"),
    header: or(vouchedName, "X-Identity-Token"),
    claims: or(list(claimToCopy, "a list of claims"), []),
  });
  return then(shape, ({ key, lifetime, ...rest }) => ({
    ...rest,
    key: key.secret ?? new Secret(key.text, "identity.token.key"),
    algorithm: algorithmOf(key.text)!,
    lifetimeMs: lifetime,
  }));
}

const none = leaf((): undefined => undefined);

function some(wanted: string): Shape<string> {
  return text(wanted, (written) => (written === "" ? new Problem(wanted) : written));
}

/** Claims that the gateway says itself. */
const OWN_CLAIMS: readonly string[] = ["iss", "aud", "iat", "exp", "nbf", "jti", "sub", "scheme", "groups", "scope"];

const claimToCopy = text("the name of a claim", (name) => {
  if (!OWN_CLAIMS.includes(name)) return name;
  return new Problem("a claim to copy", { hint: "The gateway says this one itself." });
});

/** Fields that the gateway writes on every request, in its own meaning; `X-Forwarded-User` and the like are free to be vouched for. */
const WRITTEN = /^(?:x-request-id|via|expect|forwarded|x-forwarded-(?:for|proto|host)|x-real-ip|te|trailer|cookie)$/;

function vouchedProblem(name: string): Problem | undefined {
  const problem = fieldNameProblem(name);
  if (problem !== undefined) return problem;
  if (!WRITTEN.test(name.toLowerCase())) return undefined;
  return new Problem("a field that has no other meaning", { hint: 'Choose a name such as "X-User".' });
}

const vouchedName: Shape<string> = chained(
  fieldName,
  leaf((name) => vouchedProblem(name as string) ?? (name as string)),
);

/** With the names of all fields that the gateway vouches for. */
export function withOwned(identity: Omit<IdentityPlan, "owned">, schemes: readonly SchemePlan[]): IdentityPlan {
  const { consumer, clientCert, headers, token } = identity;
  const names = [
    ...(consumer === undefined ? [] : [consumer]),
    // What a trusted proxy says of its own client would stand beside what we say of the proxy.
    ...(clientCert ? ["Client-Cert", "Client-Cert-Chain"] : []),
    ...headers.map(([name]) => name),
    ...(token === undefined ? [] : [token.header]),
    ...schemes.flatMap(({ vouches }) => vouches),
  ];
  return { ...identity, owned: [...new Set(names.map((name) => name.toLowerCase()))] };
}
