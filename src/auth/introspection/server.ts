// The authorization server that is asked about tokens, and what the operator is told of how it is.
import type { IntrospectionPlan } from "../../config/auth/introspection.ts";
import type { Identity } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import { retryAfterSeconds } from "../../http/retry-after.ts";
import { claimsReader } from "../claims-schema.ts";
import { frozen } from "../jwt/frozen.ts";
import type { AuthServices } from "../scheme.ts";
import { BackOff } from "./back-off.ts";
import { introspectionEndpoint, NoAnswer, Unwanted } from "./endpoint.ts";
import { type GoodToken, judge } from "./judgement.ts";
import type { Known, Outcome } from "./kept-outcomes.ts";

const NO_FIELDS: Identity["fields"] = Object.freeze([]);

/** Asks about tokens. While the server is down it is left alone, longer and longer. */
export class IntrospectionServer {
  readonly #plan: IntrospectionPlan;
  readonly #services: AuthServices;
  readonly #closing = new AbortController();
  readonly #ask: ReturnType<typeof introspectionEndpoint>;
  readonly #read: ReturnType<typeof claimsReader>;
  readonly #backOff = new BackOff();
  #lastFailure = "";
  #toldUnwanted = false;

  constructor(plan: IntrospectionPlan, services: AuthServices) {
    this.#plan = plan;
    this.#services = services;
    this.#ask = introspectionEndpoint(plan, services.platform, this.#closing.signal);
    this.#read = claimsReader(plan.claims);
  }

  /** Why it cannot be asked now; undefined when it can. */
  get failure(): string | undefined {
    return this.#backOff.down ? `${this.#plan.url} is down: ${this.#lastFailure}` : undefined;
  }

  /** Ends the questions that are under way. */
  close(): void {
    this.#closing.abort();
  }

  /** Asks about a token. Never rejects. */
  async question(token: string): Promise<Outcome> {
    const { platform } = this.#services;
    // The moment of the question counts: what was revoked while the answer was on its way is not in it.
    const askedAt = platform.now();
    const wait = this.#backOff.begin(askedAt);
    if (wait > 0) return this.unavailable(`it is down: ${this.#lastFailure}`, wait);
    let judged;
    try {
      judged = judge(await this.#ask(token), this.#plan, platform.wallClock());
    } catch (thrown) {
      return this.#failed(thrown);
    }
    if (this.#backOff.succeeded()) this.#isBack();
    if (judged instanceof GatewayError) return judged;
    const claims = await this.#read(frozen(judged.claims));
    return claims instanceof GatewayError ? claims : this.#known(judged, claims, askedAt);
  }

  /** What those get of whom nothing can be said now. */
  unavailable(why: string, waitMs = 1000): GatewayError {
    return new GatewayError("authentication_unavailable", `${this.#plan.url}: ${why}`, {
      fields: [["Retry-After", String(retryAfterSeconds(waitMs))]],
    });
  }

  #known(
    { subjects, scopes, confirmation, expiresAt, claims: said }: GoodToken,
    claims: Identity["claims"],
    askedAt: number,
  ): Known {
    const { name, cacheMs } = this.#plan;
    // Many exchanges share it, and the user's own functions see it.
    const identity = Object.freeze({
      scheme: name,
      consumer: this.#services.consumerOf(name, ...subjects),
      subject: subjects[0],
      scopes: Object.freeze(scopes),
      claims: frozen(claims),
      fields: NO_FIELDS,
    });
    return { identity, confirmation, until: askedAt + cacheMs, expiresAt, size: JSON.stringify(said).length };
  }

  #failed(thrown: unknown): GatewayError {
    if (thrown instanceof Unwanted) return this.#unwanted(thrown.message);
    this.#lastFailure = thrown instanceof NoAnswer ? thrown.message : String(thrown);
    if (!this.#closing.signal.aborted && this.#backOff.failed(this.#services.platform.now())) {
      this.#tell("warn", `is down: ${this.#lastFailure}. Tokens that are not known get 503.`);
    }
    return this.unavailable(this.#lastFailure);
  }

  /** Whoever sends such tokens must not be able to have the server count as down for all others. */
  #unwanted(why: string): GatewayError {
    if (this.#backOff.succeeded()) this.#isBack();
    if (!this.#toldUnwanted) {
      this.#toldUnwanted = true;
      this.#tell("warn", `refuses to be asked: ${why}. Such tokens get 503.`);
    }
    return this.unavailable(why);
  }

  #isBack(): void {
    this.#tell("info", "is back.");
  }

  #tell(level: "info" | "warn", what: string): void {
    const { name, url } = this.#plan;
    this.#services.platform.notice(level, `auth.${name}: ${url} ${what}`);
  }
}
