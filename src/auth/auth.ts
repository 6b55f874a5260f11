// The stage that asks who calls: the first scheme of the route that accepts the credentials says it.
import { Answer } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { withoutParameters } from "../http/query.ts";
import type { Scheme, Verdict } from "./scheme.ts";

/**
 * Makes the stage. Any one of the schemes suffices; they are asked in the order of the config. When none accepts:
 * - 503 when one could not be asked: what cannot be checked is not let in;
 * - what an authenticating service answered (forward-auth), as it is;
 * - 401 with a challenge of each (RFC 9110 section 15.5.2), or 400 when what came is malformed and nothing else was wrong.
 * When all schemes observe, the refusal is noted and the exchange goes on without an identity; one that accepts while
 * others enforce counts as accepting.
 * @param judged is told of every verdict
 */
export function authStage(schemes: readonly Scheme[], judged?: (scheme: string, verdict: Verdict) => void): Stage {
  const observed = schemes.every(({ observe }) => observe);
  const all = fieldsOf(schemes);
  const strips = schemes.map((scheme) =>
    scheme.forwards ? all.filter((key) => !scheme.credentialFields.includes(key)) : all,
  );
  // Fields that every scheme would forward pass when nobody was accepted: an observing route changes nothing.
  const unaccepted = all.filter((key) =>
    schemes.some((scheme) => !scheme.forwards && scheme.credentialFields.includes(key)),
  );
  const parameters = parameterStrips(schemes);
  const end = (x: Exchange, refusals: Refusals): Answer | void => {
    const verdict = refusals.verdict(schemes);
    if (verdict !== refusals.answer || observed) refusals.letGo();
    if (!observed) {
      if (verdict instanceof Answer) return verdict;
      throw verdict;
    }
    x.strip = unaccepted;
    stripParameters(x, parameters.unaccepted);
    const error = verdict instanceof Answer ? refusedByService(verdict) : verdict;
    x.observe("auth", error);
  };
  /** Whether the verdict is an identity, with which the exchange goes on. */
  const accepts = (x: Exchange, i: number, refusals: Refusals, verdict: Verdict): boolean => {
    judged?.(schemes[i]!.name, verdict);
    if (verdict === undefined) return false;
    if (verdict instanceof GatewayError || verdict instanceof Answer) {
      refusals.add(i, verdict);
      return false;
    }
    refusals.letGo();
    x.identity = verdict;
    x.strip = strips[i]!;
    stripParameters(x, parameters.accepted[i]!);
    return true;
  };
  const goOn = async (
    x: Exchange,
    from: number,
    refusals: Refusals,
    pending: Promise<Verdict>,
  ): Promise<Answer | void> => {
    if (accepts(x, from, refusals, await pending)) return;
    for (let i = from + 1; i < schemes.length; i++) {
      if (accepts(x, i, refusals, await schemes[i]!.identify(x))) return;
    }
    return end(x, refusals);
  };
  return (x) => {
    const refusals = new Refusals();
    for (let i = 0; i < schemes.length; i++) {
      const verdict = schemes[i]!.identify(x);
      if (verdict instanceof Promise) return goOn(x, i, refusals, verdict);
      if (accepts(x, i, refusals, verdict)) return;
    }
    return end(x, refusals);
  };
}

function fieldsOf(schemes: readonly Scheme[]): readonly string[] {
  return [...new Set(schemes.flatMap((scheme) => scheme.credentialFields))];
}

/** Query parameters to take out: by the scheme that accepted, and when none did. As for fields. */
function parameterStrips(schemes: readonly Scheme[]): {
  readonly accepted: readonly (readonly string[])[];
  readonly unaccepted: readonly string[];
} {
  const of = ({ credentialParameters = [] }: Scheme): readonly string[] => credentialParameters;
  const all = [...new Set(schemes.flatMap(of))];
  return {
    accepted: schemes.map((scheme) => (scheme.forwards ? all.filter((name) => !of(scheme).includes(name)) : all)),
    unaccepted: all.filter((name) => schemes.some((scheme) => !scheme.forwards && of(scheme).includes(name))),
  };
}

/** Takes credentials out of the query, for the upstream and for the user's own code. */
function stripParameters(x: Exchange, names: readonly string[]): void {
  if (names.length === 0 || x.query === "") return;
  const query = withoutParameters(x.query, names);
  if (x.forwardTarget !== undefined) x.forwardTarget = x.forwardTarget.slice(0, -x.query.length) + query;
  x.query = query;
}

function refusedByService(answer: Answer): GatewayError {
  return new GatewayError("invalid_credentials", `the authenticating service answered ${answer.status}`);
}

/** Why no scheme has accepted so far. */
class Refusals {
  /** What the first service said instead of accepting. */
  answer: Answer | undefined = undefined;
  readonly #errors = new Map<number, GatewayError>();

  add(scheme: number, refusal: GatewayError | Answer): void {
    if (refusal instanceof GatewayError) this.#errors.set(scheme, refusal);
    else if (this.answer === undefined) this.answer = refusal;
    else refusal.discard();
  }

  /** The client gets something else. */
  letGo(): void {
    if (this.answer !== undefined) this.answer.discard();
  }

  /** The one refusal that the client gets for those of all schemes. */
  verdict(schemes: readonly Scheme[]): GatewayError | Answer {
    const errors = [...this.#errors.values()];
    const unavailable = errors.find(({ code }) => code === "authentication_unavailable");
    if (unavailable !== undefined) return unavailable;
    if (this.answer !== undefined) return this.answer;
    const challenges = schemes.flatMap((scheme, i) => scheme.challenge(this.#errors.get(i)) ?? []);
    const fields = challenges.map((challenge): [string, string] => ["WWW-Authenticate", challenge]);
    const first = errors.find(({ code }) => code === "invalid_credentials") ?? errors[0];
    if (first === undefined) {
      return new GatewayError("authentication_required", "no credentials that a scheme of the route knows", { fields });
    }
    const why = schemes.map((scheme, i) => `${scheme.name}: ${this.#errors.get(i)?.message ?? "no credentials"}`);
    const { publicDetail } = first;
    // Other credentials would mend it, unless it is something else than credentials that is wrong: content, say.
    const mendable = first.code === "invalid_credentials" || first.code === "malformed_credentials";
    return new GatewayError(first.code, why.join("; "), {
      fields: mendable ? [...fields, ...first.fields] : first.fields,
      ...(publicDetail === undefined ? {} : { publicDetail }),
    });
  }
}
