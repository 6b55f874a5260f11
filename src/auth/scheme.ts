// Scheme: one way to say who calls. What every scheme is made of, whatever its kind.
import type { ConsumerPlan } from "../config/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Answer, Exchange, Identity } from "../exchange.ts";
import type { Platform } from "../platform.ts";

/**
 * What a scheme makes of an exchange:
 * - undefined: it carries no credentials of this scheme; another may know it.
 * - an Identity: they are good.
 * - a GatewayError: they are not (`invalid_credentials`, `malformed_credentials`), or it cannot be told now
 *   (`authentication_unavailable`): nothing opens because something failed to load.
 * - an Answer: what the authenticating service says instead, such as a redirect to its login page (forward-auth).
 */
export type Verdict = Identity | GatewayError | Answer | undefined;

/** A scheme as it runs. */
export interface Scheme {
  /** Its name in the config. */
  readonly name: string;
  /** Field names (lower case) that hold its credentials: they do not reach the upstream unless the config says so. */
  readonly credentialFields: readonly string[];
  /** Judges the credentials. Never throws. */
  identify(x: Exchange): Verdict | Promise<Verdict>;
  /**
   * The challenge for `WWW-Authenticate` (RFC 9110 section 11.6.1), such as `Bearer realm="api"`; undefined for none.
   * @param refusal why the credentials that came were refused; undefined when none came
   */
  challenge(refusal: GatewayError | undefined): string | undefined;
  /** Why it cannot decide now, for readiness; undefined when it can. */
  unready?(): string | undefined;
  /** Ends what runs in the background. */
  close?(): void;
}

/** What a scheme is given to work with. */
export interface AuthServices {
  readonly platform: Platform;
  /** The consumers of the config by name. */
  readonly consumers: ReadonlyMap<string, ConsumerPlan>;
}
