// Scheme: one way to say who calls. What every scheme is made of, whatever its kind.
import type { Answer } from "../answer.ts";
import type { Keep } from "../carried.ts";
import type { ConsumerPlan } from "../config/auth/plan.ts";
import type { Identity } from "../config/auth/options.ts";
import type { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Fields } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
import type { KnownKeys } from "./api-key/known-keys.ts";
import type { RevokedKeys } from "./api-key/revoked-keys.ts";
import type { PasswordChecks } from "./basic/password-checks.ts";

/**
 * What a scheme makes of an exchange:
 * - undefined: it carries no credentials of this scheme; another may know it.
 * - an Identity: they are good.
 * - a GatewayError: they are not (`invalid_credentials`, `malformed_credentials`), or it cannot be told now
 *   (`authentication_unavailable`): nothing opens because something failed to load.
 * - an Answer: what the authenticating service says instead, such as a redirect to its login page (forward-auth).
 */
export type Verdict = Identity | GatewayError | Answer | undefined;

/** One way to find out who calls, as it runs; made of a SchemePlan. */
export interface Scheme {
  /** The scheme's name in the config. */
  readonly name: string;
  /** Whether it only records what it would have refused (`mode: "observe"`). */
  readonly observe: boolean;
  /** Lower-case names of the fields in which it looks for credentials. */
  readonly credentialFields: readonly string[];
  /** Names of the query parameters in which it looks for credentials; absent for none. */
  readonly credentialParameters?: readonly string[];
  /** Whether the upstream sees them when this scheme accepted them. */
  readonly forwards: boolean;
  /** Judges the credentials. Never throws or rejects. */
  identify(x: Exchange): Verdict | Promise<Verdict>;
  /**
   * The challenge for `WWW-Authenticate` (RFC 9110 section 11.6.1), such as `Bearer realm="api"`; several where
   * credentials may come in several ways; undefined for none.
   * @param refusal why the credentials that came were refused; undefined when none came
   */
  challenge(refusal: GatewayError | undefined): string | readonly string[] | undefined;
  /** The challenge that goes with `insufficient_scope` (RFC 6750 section 3.1); absent for schemes without scopes. */
  scopeChallenge?(scopes: readonly string[]): string;
  /** Why it cannot decide now, for readiness; undefined when it can. */
  unready?(): string | undefined;
  /** Milliseconds since its keys were fetched; undefined while there are none. Absent where none are fetched. */
  keysAge?(): number | undefined;
  /** Ends what runs in the background. */
  close?(): void;
}

/** What a scheme is given to work with. */
export interface AuthServices {
  readonly platform: Platform;
  /** For what outlives the scheme when its options change: keys, and what was seen before. */
  readonly keep: Keep;
  /** The consumers of the config, in its order. */
  readonly consumers: readonly ConsumerPlan[];
  /** The consumer that a token of this scheme speaks of, by the first of these names that the config knows. */
  consumerOf(scheme: string, ...subjects: readonly (string | undefined)[]): ConsumerPlan["consumer"] | undefined;
  /** The API keys of the config and of the file beside it. Made when first asked for. */
  keys(): KnownKeys;
  /** API keys that are good no more, whatever the config says; absent where nobody can revoke any. */
  readonly revoked?: RevokedKeys | undefined;
  /** Where passwords are checked: one place for all schemes, so that the bounds hold. Made when first asked for. */
  passwordChecks(): PasswordChecks;
  /** The function by which a scheme asks its service (forward-auth). */
  ask(scheme: string): Ask;
}

/**
 * Asks a service about an exchange: GET without content, with these fields of the client's and what the gateway knows of
 * the request. Rejects with a GatewayError when no answer comes in time.
 */
export type Ask = (x: Exchange, fields: Fields) => Promise<Answer>;
