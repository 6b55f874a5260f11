// The stage that asks who calls: the first scheme of the route that accepts the credentials says it.
import { GatewayError } from "../errors.ts";
import { Answer, type Exchange } from "../exchange.ts";
import type { Scheme, Verdict } from "./scheme.ts";

/** A scheme of a route, and whether it only observes. */
export interface RouteScheme {
  readonly scheme: Scheme;
  readonly observe: boolean;
}

/**
 * Makes the stage. Any one of the schemes suffices; they are asked in the order of the config. When none accepts:
 * - 401 with a challenge of each (RFC 9110 section 15.5.2), or 400 when what came is malformed and nothing else was wrong;
 * - 503 when one could not be asked and none accepted: what cannot be checked is not let in;
 * - what an authenticating service answered (forward-auth), as it is.
 * When all schemes observe, the refusal is noted and the exchange goes on without an identity.
 */
export function authStage(schemes: readonly RouteScheme[]): (x: Exchange) => Answer | void | Promise<Answer | void> {
  const observed = schemes.every(({ observe }) => observe);
  const strip = [...new Set(schemes.flatMap(({ scheme }) => scheme.credentialFields))];
  const end = (x: Exchange, refusals: Refusals): Answer | void => {
    const verdict = refusals.answer ?? refusals.error(schemes);
    if (!observed) {
      if (verdict instanceof Answer) return verdict;
      throw verdict;
    }
    const error = verdict instanceof Answer ? refusals.error(schemes) : verdict;
    x.observations = [...x.observations, { policy: "auth", error }];
  };
  const goOn = async (
    x: Exchange,
    from: number,
    refusals: Refusals,
    pending: Promise<Verdict>,
  ): Promise<Answer | void> => {
    if (accepts(x, refusals.take(from, await pending))) return;
    for (let i = from + 1; i < schemes.length; i++) {
      if (accepts(x, refusals.take(i, await schemes[i]!.scheme.identify(x)))) return;
    }
    return end(x, refusals);
  };
  const accepts = (x: Exchange, identity: Exchange["identity"]): boolean => {
    if (identity === undefined) return false;
    x.identity = identity;
    return true;
  };
  return (x) => {
    x.strip = strip;
    const refusals = new Refusals();
    for (let i = 0; i < schemes.length; i++) {
      const verdict = schemes[i]!.scheme.identify(x);
      if (verdict instanceof Promise) return goOn(x, i, refusals, verdict);
      if (accepts(x, refusals.take(i, verdict))) return;
    }
    return end(x, refusals);
  };
}

/** Why no scheme has accepted so far. */
class Refusals {
  answer: Answer | undefined = undefined;
  readonly #errors = new Map<number, GatewayError>();

  /** Keeps a refusal; an identity is given back. */
  take(scheme: number, verdict: Verdict): Exchange["identity"] {
    if (verdict === undefined) return undefined;
    if (verdict instanceof GatewayError) this.#errors.set(scheme, verdict);
    else if (verdict instanceof Answer) this.answer ??= verdict;
    else return verdict;
    return undefined;
  }

  error(schemes: readonly RouteScheme[]): GatewayError {
    const errors = [...this.#errors.values()];
    const unavailable = errors.find(({ code }) => code === "authentication_unavailable");
    if (unavailable !== undefined) return unavailable;
    const challenges = schemes.flatMap(({ scheme }, i) => scheme.challenge(this.#errors.get(i)) ?? []);
    const fields = challenges.map((challenge): [string, string] => ["WWW-Authenticate", challenge]);
    const first = errors.find(({ code }) => code === "invalid_credentials") ?? errors[0];
    if (first === undefined) {
      return new GatewayError("authentication_required", "no credentials that a scheme of the route knows", { fields });
    }
    const why = schemes.map(({ scheme }, i) => `${scheme.name}: ${this.#errors.get(i)?.message ?? "no credentials"}`);
    const { publicDetail } = first;
    return new GatewayError(first.code, why.join("; "), {
      fields: first.code === "invalid_credentials" ? fields : first.fields,
      ...(publicDetail === undefined ? {} : { publicDetail }),
    });
  }
}
