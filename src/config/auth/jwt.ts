// JWT access tokens: the options of the scheme, its plan, and its schema.
import { tokenType } from "../../auth/jwt/token.ts";
import type { JwtAlgorithm } from "../../auth/jwt/algorithms.ts";
import { cookieName } from "../caller-by.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { fieldName } from "../field-changes.ts";
import type { Duration, Size, UpstreamTls } from "../options.ts";
import type { Hidden } from "../secrets.ts";
import { chained, either, leaf, list, maybe, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { tlsShape } from "../tls.ts";
import { duration, flag, hiddenText, size, text } from "../values.ts";
import { type ClaimsOf, type ClaimsSchema, claimsSchemaShape } from "./claims-schema.ts";
import {
  algorithmsShape,
  issuerShape,
  jwksShape,
  type JwtKeysPlan,
  type KeySetPlan,
  keysPlan,
  keysProblems,
  keySetShape,
  publicKeyShape,
  secretShape,
} from "./jwt-keys.ts";
import { oauthEntries, oauthPlan, oauthProblems, type OAuthOptions, type OAuthPlan } from "./oauth.ts";
import { type AnyClaims, SchemeOptions } from "./options.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

export type { JwtAlgorithm };

/** The clocks of keys that are fetched. */
export interface KeySetOptions {
  /** For all fetches of one look; then what is known serves on. Default: `"5s"`. */
  timeout?: Duration;
  /** Tokens with an unknown `kid` bring about no more than one look in this time. Default: `"30s"`. */
  cooldown?: Duration;
  /** Between two looks while all is well. Default: `"10m"`. */
  refresh?: Duration;
  /** How long keys are trusted that cannot be fetched anew. Default: `"24h"`. */
  maxAge?: Duration;
}

/** How tokens are verified. The keys come of exactly one place: `jwks`, `publicKey`, `secret`, or else the `issuer`. */
export interface JwtOptions<S extends ClaimsSchema<object> = ClaimsSchema<AnyClaims>> extends OAuthOptions {
  /**
   * The `iss` that tokens must have, as the issuer writes it. Without `jwks`, `publicKey` and `secret` its keys are found
   * by OpenID Connect Discovery, or RFC 8414: it is an `https` URL then (`http` on this machine). `false` takes tokens of
   * any issuer whose key verifies them.
   */
  issuer: string | Hidden | false;
  /** The `aud` that tokens must name, or one of these. `false` takes tokens for anybody. */
  audience: string | Hidden | readonly (string | Hidden)[] | false;
  /** A JWK Set: its `https` URL, or the path of a file relative to the config, which is read again when it changes. */
  jwks?: string | Hidden;
  /** A public key: PEM text (`-----BEGIN PUBLIC KEY-----`), or the path of a file that holds it. */
  publicKey?: string | Hidden;
  /** A secret that the issuer shares, at least as long as the hash. Needs `algorithms`. */
  secret?: Hidden;
  /**
   * The algorithms that tokens may be signed with. Default: what the key itself names; else by its type, RS256 for RSA, the
   * one of its curve for EC and Ed25519. HS256, HS384 and HS512 go with `secret` alone.
   */
  algorithms?: readonly JwtAlgorithm[];
  /**
   * The `typ` that tokens must have, or one of these: `"at+jwt"` takes tokens by RFC 9068 alone. Default: `at+jwt`, `JWT`
   * or none, for many issuers say no more.
   */
  typ?: string | readonly string[];
  /** Whether tokens that are known as ID tokens are taken: they are for the client, not for an API. Default: `false`. */
  idTokens?: boolean;
  /** By how much the issuer's clock may differ, at most `"60s"`. Default: `"30s"`. */
  leeway?: Duration;
  /** Claims that a token must have beside `exp`, and `iss` and `aud` where these are compared. Default: none. */
  requiredClaims?: readonly string[];
  /** Most bytes of a token; longer ones are refused before anything is computed. Default: `"16KiB"`. */
  maxLength?: Size;
  /** The claim with the scopes: a text with blanks between, or a list. Default: `scope`, or else `scp`. */
  scopeClaim?: string;
  /** A schema of valibot, zod or the like (Standard Schema) that the claims must fit. What it gives are the claims. */
  claims?: S;
  /** The field that holds the token: alone in any field but `Authorization`. Default: `"Authorization"`. */
  header?: string;
  /** A cookie that holds the token where the field is not there. Default: none. */
  cookie?: string;
  /** Whether the upstream sees the token. Default: `true`. */
  forward?: boolean;
  /** Clocks of keys that are fetched. */
  keySet?: KeySetOptions;
  /** TLS towards the place of the keys. */
  tls?: UpstreamTls;
}

/** How tokens are verified. */
export interface JwtPlan extends OAuthPlan {
  readonly kind: "jwt";
  readonly issuer: string | undefined;
  /** The audiences that are taken; undefined for any. */
  readonly audiences: readonly string[] | undefined;
  readonly keys: JwtKeysPlan;
  /** The algorithms that are allowed; undefined for those of the keys. */
  readonly algorithms: readonly string[] | undefined;
  /** As `tokenType` writes them, "" for tokens without one. */
  readonly types: readonly string[];
  readonly idTokens: boolean;
  readonly leewaySeconds: number;
  readonly requiredClaims: readonly string[];
  readonly maxLength: number;
  /** The first of them that a token has. */
  readonly scopeClaims: readonly string[];
  readonly claims: ClaimsSchema | undefined;
  /** The field that holds the token, lower case. */
  readonly header: string;
  readonly cookie: string | undefined;
  readonly forward: boolean;
  readonly keySet: KeySetPlan;
}

/**
 * Callers show a JWT that an issuer signed: `jwt({ issuer: "https://login.example.com", audience: "orders" })`.
 * `claims` types what functions of the config see of it.
 */
export function jwt<S extends ClaimsSchema<object> = ClaimsSchema<AnyClaims>>(
  options: JwtOptions<S>,
): SchemeOptions<ClaimsOf<S>> {
  return new SchemeOptions("jwt", options);
}

/** Checks the options of `jwt()`. The result makes a plan for the scheme's name. */
export function jwtShape(gateway: string, reader: ConfigReader): Shape<(name: string) => JwtPlan> {
  const audience = hiddenText(AN_AUDIENCE, reader, ({ text }) => (text === "" ? new Problem(AN_AUDIENCE) : text));
  const shape = options(
    {
      ...commonEntries(gateway),
      ...oauthEntries,
      issuer: issuerShape(reader),
      audience: either((value) => value === false, unset, oneOrMore(audience, AN_AUDIENCE)),
      jwks: maybe(jwksShape(reader)),
      publicKey: maybe(publicKeyShape(reader)),
      secret: maybe(secretShape(reader)),
      algorithms: maybe(algorithmsShape),
      typ: or(oneOrMore(typ, A_TYPE), ["at+jwt", "JWT", ""]),
      idTokens: or(flag, false),
      leeway: or(duration(0, LONGEST_LEEWAY_MS), "30s"),
      requiredClaims: or(list(claim, "a list of claims"), []),
      maxLength: or(maxLength, "16KiB"),
      scopeClaim: maybe(claim),
      claims: maybe(claimsSchemaShape),
      header: or(fieldName, "Authorization"),
      cookie: maybe(cookieName),
      forward: or(flag, true),
      keySet: or(keySetShape, {}),
      tls: or(tlsShape(reader), {}),
    },
    function* (right, written) {
      yield* oauthProblems(right, written["issuer"] === false ? undefined : written["issuer"]);
      yield* keysProblems(right, written);
      if (right.cookie !== undefined && right.forward === false) {
        const hint = "A cookie is not kept from the upstream: only a field is.";
        yield new Problem("a token in a field alone, or one that is forwarded", {
          at: ["forward"],
          found: "false",
          hint,
        });
      }
      if (right.header !== undefined && right.header.toLowerCase() !== "authorization" && right.dpop !== undefined) {
        yield new Problem('"Authorization" beside dpop', { at: ["header"], found: JSON.stringify(right.header) });
      }
    },
  );
  return then(shape, (written) => (name) => ({
    ...commonPlan(name, written),
    ...oauthPlan(written, written.issuer === undefined ? [] : [written.issuer]),
    kind: "jwt",
    issuer: written.issuer,
    audiences: written.audience,
    keys: keysPlan(written),
    algorithms: written.algorithms,
    types: written.typ,
    idTokens: written.idTokens,
    leewaySeconds: written.leeway / 1000,
    requiredClaims: written.requiredClaims,
    maxLength: written.maxLength,
    scopeClaims: written.scopeClaim === undefined ? ["scope", "scp"] : [written.scopeClaim],
    claims: written.claims,
    header: written.header.toLowerCase(),
    cookie: written.cookie,
    forward: written.forward,
    keySet: { ...written.keySet, tls: written.tls },
  }));
}

const AN_AUDIENCE = "the `aud` that tokens must name, or false";
const A_TYPE = 'a typ such as "at+jwt"';
const LONGEST_LEEWAY_MS = 60_000;
const LONGEST_TOKEN = 64 * 1024;

const unset = leaf((): undefined => undefined);

/** The empty text is the default's: tokens without a typ. */
const typ = text(A_TYPE, (written) => (/^[\w.+/-]{0,64}$/.test(written) ? tokenType(written) : new Problem(A_TYPE)));

const claim = text("the name of a claim", (name) => (name === "" ? new Problem("the name of a claim") : name));

const maxLength: Shape<number> = chained(
  size,
  leaf((bytes) => ((bytes as number) <= LONGEST_TOKEN ? (bytes as number) : new Problem("a size of at most 64KiB"))),
);
