// API keys: the options of the scheme, and their schema.
import { Problem } from "../fault.ts";
import { either, leaf, maybe, options, or, then, type Shape } from "../shape.ts";
import { flag, text } from "../values.ts";
import { fieldName } from "../field-changes.ts";
import { type NoClaims, type SchemeCommon, SchemeOptions } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** Where an API key stands in a request: in the first of these places that has one. */
export interface ApiKeyOptions extends SchemeCommon {
  /** The field that holds it; `false` for none. Default: `"X-API-Key"`. */
  header?: string | false;
  /** Whether it may stand in `Authorization: Bearer <key>`. Default: `false`. */
  bearer?: boolean;
  /**
   * The query parameter that may hold it, such as `"api_key"`. URLs are kept in histories and logs of others: only for
   * clients that cannot set a field. The access log masks it. Default: none.
   */
  query?: string;
  /** Whether the upstream sees the key. Default: `false`. */
  forward?: boolean;
}

/** API keys as they are looked for. */
export interface ApiKeyPlan extends SchemeCommonPlan {
  readonly kind: "api-key";
  /** The field that holds the key, lower case; undefined for none. */
  readonly header: string | undefined;
  readonly bearer: boolean;
  readonly query: string | undefined;
  readonly forward: boolean;
}

/**
 * Callers show an API key. The keys stand with the consumers, as hashes: `consumers: { acme: { keys: [env("ACME_KEY_HASH")] } }`,
 * or in a file beside the config (`keys`). `sluice keys new` makes a key and its hash.
 */
export function apiKey(options: ApiKeyOptions = {}): SchemeOptions<NoClaims> {
  return new SchemeOptions("api-key", options);
}

const A_PARAMETER = "the name of a query parameter";

/** Of characters that need no escape: others find no two readers who agree. */
const parameter = text(A_PARAMETER, (name) => {
  if (/^[\w.~-]{1,64}$/.test(name)) return name;
  return new Problem(A_PARAMETER, { hint: 'It has letters, digits and "_.~-", 64 at most.' });
});

const none = leaf((): undefined => undefined);

/** Checks the options of `apiKey()`. The result makes a plan for the scheme's name. */
export function apiKeyShape(gateway: string): Shape<(name: string) => ApiKeyPlan> {
  const shape = options(
    {
      ...commonEntries(gateway),
      header: or(
        either((value) => value === false, none, fieldName),
        "X-API-Key",
      ),
      bearer: or(flag, false),
      query: maybe(parameter),
      forward: or(flag, false),
    },
    function* ({ header, bearer }, written) {
      if (written["header"] === false && bearer === false && written["query"] === undefined) {
        yield new Problem("a place for the key", { hint: "Set header, bearer or query.", found: false });
      }
      if (header?.toLowerCase() === "authorization") {
        const hint = "`bearer: true` takes keys from `Authorization: Bearer <key>`.";
        yield new Problem("a field of its own", { at: ["header"], hint });
      }
    },
  );
  return then(shape, ({ header, bearer, query, forward, ...common }) => (name) => ({
    ...commonPlan(name, common),
    kind: "api-key",
    header: header?.toLowerCase(),
    bearer,
    query,
    forward,
  }));
}
