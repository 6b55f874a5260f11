// Token introspection: the authorization server says what a token is worth, and is asked no more often than need be (RFC 7662).
import { LRUCache } from "lru-cache";
import type { IntrospectionPlan } from "../../config/auth/introspection.ts";
import type { Identity } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import { latin1Bytes } from "../../http/latin1.ts";
import { retryAfterSeconds } from "../../http/retry-after.ts";
import { claimsReader } from "../claims-schema.ts";
import { frozen } from "../jwt/frozen.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { tokenBinding } from "../token-binding.ts";
import { BackOff } from "./back-off.ts";
import { introspectionEndpoint, NoAnswer, Unwanted } from "./endpoint.ts";
import { Flights } from "./flights.ts";
import { judge } from "./judgement.ts";

/** Questions at once, and exchanges that wait for an answer. */
const BOUNDS = { running: 64, waiting: 1024 };
/** Tokens that are kept, good and bad apart: strangers who send bad ones do not displace good ones. */
const MOST_KEPT = 10_000;
/** Characters of all answers that are kept. */
const MOST_CHARACTERS = 2 ** 24;
/** How long a token that is not active is not asked about again, at most. */
const REFUSED_MS = 5_000;

const NO_FIELDS: Identity["fields"] = Object.freeze([]);

/** A token about which the authorization server was asked. */
interface Known {
  readonly identity: Identity;
  readonly confirmation: unknown;
  /** When it is asked about again, in monotonic milliseconds. */
  readonly until: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Characters of the server's answer. */
  readonly size: number;
}

/** What came of a question, or of the attempt to ask it. */
type Outcome = Known | GatewayError;

/** The scheme of a plan with `kind: "introspection"`. */
export function createIntrospection(plan: IntrospectionPlan, services: AuthServices): Scheme {
  const { name, cacheMs, maxLength } = plan;
  const { platform } = services;
  const binding = tokenBinding(plan, services);
  const closing = new AbortController();
  const ask = introspectionEndpoint(plan, platform, closing.signal);
  const read = claimsReader(plan.claims);
  const backOff = new BackOff();
  let lastFailure = "";
  let questions = 0;
  let toldUnwanted = false;
  const good = new LRUCache<string, Known>({
    max: MOST_KEPT,
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ size }) => size,
  });
  const bad = new LRUCache<string, { readonly error: GatewayError; readonly until: number }>({ max: MOST_KEPT });
  // On Cloudflare no request may wait for what another one does: each asks for itself, and none waits for its turn.
  const alone = platform.runtime === "workers";
  const flights = new Flights<Outcome>(alone ? { ...BOUNDS, waiting: BOUNDS.running } : BOUNDS);

  const kept = (hash: string): Outcome | undefined => {
    const now = platform.now();
    const known = good.get(hash);
    if (known !== undefined) {
      if (now < known.until && platform.wallClock() < known.expiresAt) return known;
      good.delete(hash);
    }
    const refused = bad.get(hash);
    if (refused === undefined) return undefined;
    if (now < refused.until) return refused.error;
    bad.delete(hash);
    return undefined;
  };

  const keep = (hash: string, outcome: Outcome): Outcome => {
    if (!(outcome instanceof GatewayError)) {
      if (cacheMs > 0) good.set(hash, outcome);
    } else if (outcome.code === "invalid_credentials") {
      const ms = Math.min(cacheMs, REFUSED_MS);
      if (ms > 0) bad.set(hash, { error: outcome, until: platform.now() + ms });
    }
    return outcome;
  };

  const unavailable = (why: string, waitMs: number): GatewayError => {
    const seconds = retryAfterSeconds(waitMs);
    return new GatewayError("authentication_unavailable", `${plan.url}: ${why}`, {
      fields: [["Retry-After", String(seconds)]],
    });
  };

  const isBack = (): void => platform.notice("info", `auth.${name}: ${plan.url} is back.`);

  // Whoever sends such tokens must not be able to have the server count as down for all others.
  const unwanted = (why: string): GatewayError => {
    if (backOff.succeeded()) isBack();
    if (!toldUnwanted) {
      toldUnwanted = true;
      platform.notice("warn", `auth.${name}: ${plan.url} refuses to be asked: ${why}. Such tokens get 503.`);
    }
    return unavailable(why, 1000);
  };

  const question = async (token: string): Promise<Outcome> => {
    // The moment of the question counts: what was revoked while the answer was on its way is not in it.
    const askedAt = platform.now();
    const wait = backOff.begin(askedAt);
    if (wait > 0) return unavailable(`it is down: ${lastFailure}`, wait);
    let judged;
    try {
      judged = judge(await ask(token), plan, platform.wallClock());
    } catch (thrown) {
      if (thrown instanceof Unwanted) return unwanted(thrown.message);
      lastFailure = thrown instanceof NoAnswer ? thrown.message : String(thrown);
      if (closing.signal.aborted) return unavailable(lastFailure, 1000);
      if (backOff.failed(platform.now())) {
        platform.notice(
          "warn",
          `auth.${name}: ${plan.url} is down: ${lastFailure}. Tokens that are not known get 503.`,
        );
      }
      return unavailable(lastFailure, 1000);
    }
    if (backOff.succeeded()) isBack();
    if (judged instanceof GatewayError) return judged;
    const claims = await read(frozen(judged.claims));
    if (claims instanceof GatewayError) return claims;
    const { subjects, scopes, confirmation, expiresAt } = judged;
    // Many exchanges share it, and the user's own functions see it.
    const identity = Object.freeze({
      scheme: name,
      consumer: services.consumerOf(name, ...subjects),
      subject: subjects[0],
      scopes: Object.freeze(scopes),
      claims: frozen(claims),
      fields: NO_FIELDS,
    });
    return {
      identity,
      confirmation,
      until: askedAt + cacheMs,
      expiresAt,
      size: JSON.stringify(judged.claims).length,
    };
  };

  const outcomeOf = (hash: string, token: string): Outcome | Promise<Outcome> => {
    const known = kept(hash);
    if (known !== undefined) return known;
    const work = (): Promise<Outcome> => question(token).then((outcome) => keep(hash, outcome));
    // Where nothing may be kept, an answer to another's question is too old as well.
    const key = alone || cacheMs === 0 ? `${questions++}` : hash;
    return flights.join(key, work) ?? unavailable("too many wait for its answers", 1000);
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
    unready: () => (backOff.down ? `${plan.url} is down: ${lastFailure}` : undefined),
    close: () => closing.abort(),
  };
}
