// Token introspection: the authorization server says what a token is worth, and is asked no more often than need be (RFC 7662).
import type { IntrospectionPlan } from "../../config/auth/introspection.ts";
import { GatewayError } from "../../errors.ts";
import { latin1Bytes } from "../../http/latin1.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { tokenBinding } from "../token-binding.ts";
import { Flights } from "./flights.ts";
import { KeptOutcomes, type Outcome } from "./kept-outcomes.ts";
import { IntrospectionServer } from "./server.ts";

/** Questions at once, and exchanges that wait for an answer. */
const BOUNDS = { running: 64, waiting: 1024 };

/** The scheme of a plan with `kind: "introspection"`. */
export function createIntrospection(plan: IntrospectionPlan, services: AuthServices): Scheme {
  const { name, cacheMs, maxLength } = plan;
  const { platform } = services;
  const binding = tokenBinding(plan, services);
  const server = new IntrospectionServer(plan, services);
  const kept = new KeptOutcomes(cacheMs, platform);
  let questions = 0;
  // On Cloudflare no request may wait for what another one does: each asks for itself, and none waits for its turn.
  const alone = platform.runtime === "workers";
  const flights = new Flights<Outcome>(alone ? { ...BOUNDS, waiting: BOUNDS.running } : BOUNDS);

  const outcomeOf = (hash: string, token: string): Outcome | Promise<Outcome> => {
    const known = kept.get(hash);
    if (known !== undefined) return known;
    const work = (): Promise<Outcome> => server.question(token).then((outcome) => kept.keep(hash, outcome));
    // Where nothing may be kept, an answer to another's question is too old as well.
    const key = alone || cacheMs === 0 ? `${questions++}` : hash;
    return flights.join(key, work) ?? server.unavailable("too many wait for its answers");
  };

  return {
    name,
    observe: plan.observe,
    credentialFields: binding.credentialFields,
    forwards: plan.forward,
    identify(x) {
      const shown = binding.shown(x.fields);
      if (shown === undefined || shown instanceof GatewayError) return shown;
      const { token } = shown;
      if (token.length > maxLength) {
        return new GatewayError("invalid_credentials", `the token has more than ${maxLength} characters`, {
          publicDetail: "The token is too long.",
        });
      }
      const judgeShown = (outcome: Outcome): Verdict | Promise<Verdict> => {
        if (outcome instanceof GatewayError) return outcome;
        const refusal = binding.refusal(x, shown, outcome.confirmation);
        if (refusal instanceof Promise) return refusal.then((settled) => settled ?? outcome.identity);
        return refusal ?? outcome.identity;
      };
      const digest = platform.sha256(latin1Bytes(token));
      const outcome =
        digest instanceof Promise
          ? digest.then((bytes) => outcomeOf(bytes.toBase64(), token))
          : outcomeOf(digest.toBase64(), token);
      return outcome instanceof Promise ? outcome.then(judgeShown) : judgeShown(outcome);
    },
    challenge: (refusal) => binding.challenge(refusal),
    scopeChallenge: (scopes) => binding.scopeChallenge(scopes),
    unready: () => server.failure,
    close: () => server.close(),
  };
}
