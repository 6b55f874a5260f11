// From the plan of a scheme to the scheme that runs.
import type { AuthPlan, ConsumerPlan, SchemePlan } from "../config/auth/plan.ts";
import { createApiKey } from "./api-key/api-key.ts";
import { knownKeys } from "./api-key/known-keys.ts";
import { createBasic } from "./basic/basic.ts";
import { PasswordChecks } from "./basic/password-checks.ts";
import { createClientCertificate } from "./client-certificate/client-certificate.ts";
import { createForwardAuth } from "./forward-auth.ts";
import { createHttpSignature } from "./http-signature/http-signature.ts";
import { createIntrospection } from "./introspection/introspection.ts";
import { createJwt } from "./jwt/jwt.ts";
import type { AuthServices, Scheme } from "./scheme.ts";

/**
 * All schemes of a plan by name. Each is made once, however many routes name it, and goes on while nothing that it is made
 * of has changed.
 * @param ask how a scheme asks its service, by the scheme's name
 */
export function createSchemes(
  plan: AuthPlan,
  { platform, keep, revoked }: Pick<AuthServices, "platform" | "keep" | "revoked">,
  ask: AuthServices["ask"],
): ReadonlyMap<string, Scheme> {
  const { consumers, keys } = plan;
  // The text of the key file says all that is made of it.
  const file = keys && [keys.path, keys.groups, keys.crc];
  const services: AuthServices = {
    platform,
    keep,
    revoked,
    consumers,
    consumerOf: consumersBySubject(consumers),
    keys: () =>
      keep(
        "keys",
        [consumers, file],
        () => knownKeys(plan, platform),
        (part) => part.close(),
      ),
    passwordChecks: () => keep("passwords", consumers, () => new PasswordChecks(platform, consumers)),
    ask,
  };
  const running = (scheme: SchemePlan): Scheme => {
    const create = (): Scheme => createScheme(scheme, services);
    // It asks by a stage of the plan's own, and remembers nothing.
    if (scheme.kind === "forward-auth") return create();
    const madeOf = [scheme, consumers, scheme.kind === "api-key" && file];
    return keep(`auth.${scheme.name}`, madeOf, create, (part) => part.close?.());
  };
  return new Map(plan.schemes.map((scheme) => [scheme.name, running(scheme)]));
}

function createScheme(plan: SchemePlan, services: AuthServices): Scheme {
  switch (plan.kind) {
    case "api-key":
      return createApiKey(plan, services);
    case "basic":
      return createBasic(plan, services);
    case "client-certificate":
      return createClientCertificate(plan, services);
    case "forward-auth":
      return createForwardAuth(plan, services);
    case "http-signature":
      return createHttpSignature(plan, services);
    case "introspection":
      return createIntrospection(plan, services);
    case "jwt":
      return createJwt(plan, services);
  }
}

function consumersBySubject(consumers: readonly ConsumerPlan[]): AuthServices["consumerOf"] {
  const known = new Map<string, Map<string, ConsumerPlan["consumer"]>>();
  for (const { consumer, subjects } of consumers) {
    for (const [scheme, names] of Object.entries(subjects)) {
      const ofScheme = known.get(scheme) ?? new Map<string, ConsumerPlan["consumer"]>();
      known.set(scheme, ofScheme);
      for (const name of names) ofScheme.set(name, consumer);
    }
  }
  return (scheme, ...subjects) => {
    const ofScheme = known.get(scheme);
    if (ofScheme === undefined) return undefined;
    for (const subject of subjects) {
      const consumer = subject === undefined ? undefined : ofScheme.get(subject);
      if (consumer !== undefined) return consumer;
    }
    return undefined;
  };
}
