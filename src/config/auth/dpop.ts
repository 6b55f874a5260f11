// DPoP: the options of schemes whose tokens may be bound to a key of the caller (RFC 9449), and their schema.
import type { Duration } from "../options.ts";
import { Problem } from "../fault.ts";
import { either, isPlainObject, list, maybe, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { choice, duration, text } from "../values.ts";

/** Algorithms of proofs: asymmetric ones alone (RFC 9449 section 4.2). */
export type DpopAlgorithm = (typeof ALGORITHMS)[number];

/** How tokens that are bound to a key are taken. */
export interface DpopOptions {
  /**
   * `"required"`: every token must be bound to a key, and its holder must prove that it has the key. `"accepted"`: tokens
   * that are bound to none are taken as Bearer tokens too. Default: `"required"`.
   */
  mode?: "required" | "accepted";
  /**
   * The origins under which clients know the gateway, such as `"https://api.example.com"`: the `htu` of a proof must begin
   * with one. `"request"` believes what each request says: its Host field, or the `X-Forwarded-Proto` and
   * `X-Forwarded-Host` of a trusted proxy. Default: the origin of `resource`; without one it must be said.
   */
  origin?: "request" | (string & {}) | readonly string[];
  /** Which algorithms a proof may be signed with. Default: all of them. */
  algorithms?: readonly DpopAlgorithm[];
  /** How old a proof may be. Default: `"1m"`, at most `"5m"`. */
  maxAge?: Duration;
}

/** How tokens that are bound to a key are taken. */
export interface DpopPlan {
  readonly required: boolean;
  /** Origins as the URL standard writes them; `"request"` for what each request says. */
  readonly origins: readonly string[] | "request";
  readonly algorithms: readonly string[];
  readonly maxAgeMs: number;
}

/** What stands in the config, before it is known which origin the resource has. */
export type WrittenDpop = Omit<DpopPlan, "origins"> & { readonly origins: DpopPlan["origins"] | undefined };

const ALGORITHMS = ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"] as const;
const LONGEST_AGE_MS = 300_000;

const AN_ORIGIN = 'an origin such as "https://api.example.com"';

const origin = text(AN_ORIGIN, (written) => {
  if (written === "request") return new Problem(AN_ORIGIN, { hint: '"request" stands alone, without a list.' });
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return new Problem(AN_ORIGIN);
  if (url.href === `${url.origin}/`) return url.origin;
  return new Problem(AN_ORIGIN, { hint: `An origin has no path and no user: "${url.origin}".` });
});

const full = then(
  options({
    mode: or(choice("required", "accepted"), "required"),
    origin: maybe(
      either(
        (value) => value === "request",
        choice("request"),
        oneOrMore(origin, `"request", ${AN_ORIGIN}, or a list of these`),
      ),
    ),
    algorithms: or(list(choice(...ALGORITHMS), "a list of at least one algorithm", 1), ALGORITHMS),
    maxAge: or(duration(1000, LONGEST_AGE_MS), "1m"),
  }),
  ({ mode, origin, algorithms, maxAge }): WrittenDpop => ({
    required: mode === "required",
    origins: origin,
    algorithms: [...new Set(algorithms)],
    maxAgeMs: maxAge,
  }),
);

const short = then(choice("required", "accepted"), (mode): WrittenDpop => ({
  required: mode === "required",
  origins: undefined,
  algorithms: ALGORITHMS,
  maxAgeMs: 60_000,
}));

/** `"required"`, `"accepted"`, or an object of options. */
export const dpopShape: Shape<WrittenDpop> = either(isPlainObject, full, short);
