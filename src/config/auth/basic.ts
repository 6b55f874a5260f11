// Basic authentication: the options of the scheme, their schema, and that of a consumer's password.
import { readHash } from "../../auth/basic/password-rules.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { Secret } from "../secrets.ts";
import { options, or, then, type Shape } from "../shape.ts";
import { flag, hiddenText } from "../values.ts";
import { type NoClaims, type SchemeCommon, SchemeOptions } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** How Basic authentication is done (RFC 7617). */
export interface BasicOptions extends SchemeCommon {
  /** Whether the upstream sees user and password. Default: `false`. */
  forward?: boolean;
}

/** Basic authentication as it is done. */
export interface BasicPlan extends SchemeCommonPlan {
  readonly kind: "basic";
  readonly forward: boolean;
}

/**
 * Callers show a consumer's name and its password. The consumer keeps the hash: `consumers: { acme: { password:
 * env("ACME_PASSWORD_HASH") } }`. `sluice password` makes one.
 */
export function basic(options: BasicOptions = {}): SchemeOptions<NoClaims> {
  return new SchemeOptions("basic", options);
}

/** Checks the options of `basic()`. The result makes a plan for the scheme's name. */
export function basicShape(gateway: string): Shape<(name: string) => BasicPlan> {
  const shape = options({ ...commonEntries(gateway), forward: or(flag, false) });
  return then(shape, ({ forward, ...common }) => (name) => ({ ...commonPlan(name, common), kind: "basic", forward }));
}

const A_PASSWORD = "the hash of a password, by argon2id or bcrypt";

/** A consumer's password, as its hash. The text is not shown: it may be the password itself. */
export function passwordHash(reader: ConfigReader): Shape<Secret> {
  return hiddenText(A_PASSWORD, reader, ({ text, secret }) => {
    const read = readHash(text);
    if (typeof read !== "string") return secret ?? new Secret(text, "the config");
    return new Problem(A_PASSWORD, { found: false, hint: `${read}. \`sluice password\` makes one.` });
  });
}
