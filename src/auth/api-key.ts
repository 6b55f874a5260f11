// API keys: found by the hash of what the client shows, never compared with anything stored in clear.
import type { ApiKeyPlan } from "../config/auth/api-key.ts";
import type { Identity } from "../config/auth/options.ts";
import { GatewayError } from "../errors.ts";
import { latin1Bytes } from "../http/latin1.ts";
import type { AuthServices, Scheme, Verdict } from "./scheme.ts";

/** Makes the scheme. */
export function createApiKey(plan: ApiKeyPlan, { platform, consumers }: AuthServices): Scheme {
  const { name, header, realm } = plan;
  const identities = new Map<string, { readonly identity: Identity; readonly expiresAt: number | undefined }>();
  for (const { consumer, keys } of consumers) {
    for (const { hash, id, expiresAt } of keys) {
      const identity = { scheme: name, consumer, subject: id, scopes: [], claims: {}, fields: [] };
      identities.set(hash, { identity, expiresAt });
    }
  }
  const judge = (digest: Uint8Array): Verdict => {
    const found = identities.get(digest.toHex());
    if (found === undefined) return new GatewayError("invalid_credentials", "no consumer has this API key");
    if (found.expiresAt !== undefined && platform.wallClock() >= found.expiresAt) {
      return new GatewayError("invalid_credentials", `the API key ${found.identity.subject} has expired`);
    }
    return found.identity;
  };
  return {
    name,
    observe: plan.observe,
    credentialFields: [header],
    forwards: plan.forward,
    identify(x) {
      const key = x.fields.get(header);
      if (key === undefined || key === "") return undefined;
      const digest = platform.sha256(latin1Bytes(key));
      return digest instanceof Promise ? digest.then(judge) : judge(digest);
    },
    challenge: () => `ApiKey realm="${realm}"`,
  };
}
