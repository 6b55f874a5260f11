// API keys: the options of the scheme, and their schema.
import { options, or, then, type Shape } from "../shape.ts";
import { flag } from "../values.ts";
import { fieldName } from "../field-changes.ts";
import { type NoClaims, type SchemeCommon, SchemeOptions } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** Where an API key stands in a request. */
export interface ApiKeyOptions extends SchemeCommon {
  /** The field that holds it. Default: `"X-API-Key"`. */
  header?: string;
  /** Whether the upstream sees the key. Default: `false`. */
  forward?: boolean;
}

/** API keys as they are looked for. */
export interface ApiKeyPlan extends SchemeCommonPlan {
  readonly kind: "api-key";
  /** Lower case. */
  readonly header: string;
  readonly forward: boolean;
}

/**
 * Callers show an API key. The keys stand with the consumers, as hashes: `consumers: { acme: { keys: [env("ACME_KEY_HASH")] } }`.
 * `sluice keys new` makes a key and its hash.
 */
export function apiKey(options: ApiKeyOptions = {}): SchemeOptions<NoClaims> {
  return new SchemeOptions("api-key", options);
}

/** The schema of the options. */
export function apiKeyShape(gateway: string): Shape<(name: string) => ApiKeyPlan> {
  const shape = options({
    ...commonEntries(gateway),
    header: or(fieldName, "X-API-Key"),
    forward: or(flag, false),
  });
  return then(shape, ({ header, forward, ...common }) => (name) => ({
    ...commonPlan(name, common),
    kind: "api-key",
    header: header.toLowerCase(),
    forward,
  }));
}
