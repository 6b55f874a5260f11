// What a user writes about who calls, and about what callers may do.
import type { Hidden } from "../secrets.ts";
import type { Duration } from "../options.ts";

/** Verified claims of a token, of which nothing is known but that they are JSON. */
export type AnyClaims = Readonly<Record<string, unknown>>;

/** What schemes verify that have no claims. */
export type NoClaims = Readonly<Record<string, never>>;

/** Who calls, as routes, limits and functions of the config know them. */
export interface Consumer {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Who calls, as a scheme of the route established it. Nothing of it comes from a field that was not verified. */
export interface Identity<Scheme extends string = string, Claims = AnyClaims> {
  /** Name of the scheme in the config. */
  readonly scheme: Scheme;
  /** The consumer that the credentials belong to; undefined when they belong to none that the config knows. */
  readonly consumer: Consumer | undefined;
  /** The caller's name where the credentials come from: `sub` of a token, user of Basic, id of a key. */
  readonly subject: string | undefined;
  readonly scopes: readonly string[];
  /** Empty for schemes without claims. */
  readonly claims: Claims;
  /** Fields that the authenticating service gave for the upstream (forward-auth). A character is one byte of the wire. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** One way to say who calls. Made by a function of its kind: `apiKey(…)`, `jwt(…)`. */
export class SchemeOptions<Claims = AnyClaims> {
  /** Which kind: "api-key", "jwt". */
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The type of the claims it verifies. Types only: never set. */
  declare readonly claims: Claims;

  constructor(kind: string, options: object) {
    this.kind = kind;
    this.options = { ...options };
  }
}

/** What schemes of every kind may have. */
export interface SchemeCommon {
  /**
   * `"observe"` judges, logs and counts, and refuses nobody: a route all of whose schemes observe lets every exchange
   * pass. Default: `"enforce"`.
   */
  mode?: "enforce" | "observe";
  /** The `realm` of the challenge that goes with 401. Default: the gateway's name. */
  realm?: string;
}

/** The stored form of an API key: `"sha256:"` and 64 hexadecimal digits. `sluice keys new` prints it beside the key. */
export type KeyHash = `sha256:${string}`;

/** One API key of a consumer, by its hash. */
export interface KeyOptions {
  /** `sha256:` and the 64 hexadecimal digits of the key's SHA-256, or `env("NAME")`; never the key itself. */
  hash: KeyHash | Hidden;
  /** When it ceases to be good: an RFC 3339 date or time, such as `"2027-01-31"`. Default: never. */
  expires?: string;
  /** The consumer's own name for it, for logs. Default: the first 8 digits of the hash. */
  id?: string;
}

/** A key that a consumer signs its requests with (RFC 9421). */
export interface SigningKeyOptions {
  /** `keyid` of its signatures. No two keys of a config have the same. */
  id: string;
  /** The one algorithm it is for. */
  algorithm: "ed25519" | "hmac-sha256" | "ecdsa-p256-sha256" | "rsa-pss-sha512";
  /**
   * A public key: PEM text, or the path of a PEM file. For `hmac-sha256` the shared secret, from `env()`: at least 32 bytes
   * of text, or of base64 behind `base64:`.
   */
  key: string | Hidden;
}

/** A caller with a name: its groups, its credentials, and its names in tokens and certificates. */
export interface ConsumerOptions<S extends string = string, G extends string = string> {
  /** Groups it belongs to, for `allow`. */
  groups?: readonly G[];
  /** API keys, for schemes made by `apiKey`. Several may be good at once, so that one can follow the other. */
  keys?: readonly (KeyHash | Hidden | KeyOptions)[];
  /** Keys it signs its requests with, for schemes made by `httpSignature`. */
  signingKeys?: readonly SigningKeyOptions[];
  /**
   * Names under which the credentials of a scheme speak of it: `{ token: ["client-7"], mtls: ["CN=acme,O=Acme"] }`. Compared
   * with `sub` and `client_id` of tokens, and with what `subject` of a `clientCertificate` says.
   */
  subjects?: { readonly [K in S]?: readonly string[] };
  /** The hash of its password, for schemes made by `basic`; its name is the user's. */
  password?: string | Hidden;
}

/** API keys that stand in a file beside the config and may change while the gateway runs. */
export interface KeysOptions<G extends string = string> {
  /** Path of a YAML file, relative to the config. It is read again when it changes; a broken one changes nothing. */
  file: string;
  /** Groups that the file may name beside those of the config. */
  groups?: readonly G[];
}

/** A value that a claim must have: this one, or one of these. A claim that is a list must hold it. */
export type ClaimCondition = string | number | boolean | readonly (string | number | boolean)[];

/** What a function in `allow` is told. */
export interface AllowExchange<Params = Readonly<Record<string, string>>, I = Identity> {
  /** Undefined on a route without schemes, or when they only observe. */
  readonly identity: I | undefined;
  readonly method: string;
  readonly path: string;
  readonly params: Params;
  /** The client's IP address, or the one that a trusted proxy names. */
  readonly client: string;
  readonly id: string;
  /** The first value of a request field. */
  header(name: string): string | undefined;
}

/** Who and what may pass. All conditions that are set must hold. */
export interface AllowRule<C extends string = string, G extends string = string, X = AllowExchange> {
  /** The consumer is one of these. */
  consumers?: readonly C[];
  /** The consumer is in one of these groups. */
  groups?: readonly G[];
  /** The token has this scope, or all of these. */
  scope?: string | readonly string[];
  /** Claims by name; `"realm_access.roles"` looks into an object. */
  claims?: Readonly<Record<string, ClaimCondition>>;
  /** The client's address is one of these, or in one of these ranges. */
  addresses?: readonly string[];
  /** The method is one of these. `GET` takes HEAD too. */
  methods?: readonly string[];
  /** Whatever else: only `true` lets pass. One that throws or rejects is answered with 503. */
  when?: (x: X) => boolean | Promise<boolean>;
  /** Nobody of these passes, whatever else holds. */
  except?: { consumers?: readonly C[]; groups?: readonly G[]; addresses?: readonly string[] };
}

/** One rule, or several of which one suffices. */
export interface AllowOptions<
  C extends string = string,
  G extends string = string,
  X = AllowExchange,
> extends AllowRule<C, G, X> {
  /** Rules of which one must hold, beside the conditions of this object itself. */
  any?: readonly AllowRule<C, G, X>[];
  /** `"observe"` logs what it would have refused, and lets pass. Default: `"enforce"`. */
  mode?: "enforce" | "observe";
}

/** What the upstream is told of who calls. Whatever a client sends under these names is gone first, on every route. */
export interface IdentityOptions {
  /** The field with the consumer's name. Default: `"X-Consumer"`; `false` for none. */
  consumer?: string | false;
  /**
   * `Client-Cert` with the certificate that the client has shown, and the listener trusts (RFC 9440), on every route.
   * Default: `false`.
   */
  clientCert?: boolean;
  /** Fields with claims of the token: `{ "X-User": "sub" }`. Texts, numbers and flags as they are, lists joined by commas. */
  headers?: Readonly<Record<string, string>>;
  /** A short-lived token that the gateway signs, so that the upstream can verify who vouches. */
  token?: IdentityTokenOptions;
}

/** A token for the upstream. Its public key is published at `/.well-known/jwks.json`. */
export interface IdentityTokenOptions {
  /** PEM (PKCS #8) of a private key: ed25519, EC P-256, or RSA of at least 2048 bits. Text, path, or a secret. */
  key: string | Hidden;
  /** `iss` of the token. */
  issuer: string;
  /** `aud` of the token. Default: the upstream's name. */
  audience?: string;
  /** How long a token is good. It is signed once for a caller and used for half of that. Default: `"1m"`. */
  lifetime?: Duration;
  /** The field. Default: `"X-Identity-Token"`. */
  header?: string;
  /** Claims of the caller's token to copy. Default: none. */
  claims?: readonly string[];
}

/** Which pages of other origins may call, in browsers (the Fetch standard's CORS protocol). */
export interface CorsOptions {
  /** `"https://app.example.com"`, `"https://*.example.com"` for every name below, or `"*"` for all. */
  origins: readonly string[];
  /** Methods a preflight is told. Default: those that routes take at the path. */
  methods?: readonly string[];
  /** Request fields that scripts may set. Default: whichever the preflight asks for. */
  headers?: readonly string[];
  /** Answer fields that scripts may read. Default: `["X-Request-ID"]`. */
  expose?: readonly string[];
  /** Whether cookies and Authorization may go along. Not with `"*"`. Default: `false`. */
  credentials?: boolean;
  /** How long a browser may keep what a preflight was told. Default: `"10m"`. */
  maxAge?: Duration;
}
