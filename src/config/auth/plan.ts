// The part of the plan that says who calls and what callers may do.
import type { Secret } from "../secrets.ts";
import type { ApiKeyPlan } from "./api-key.ts";
import type { BasicPlan } from "./basic.ts";
import type { ClientCertificatePlan } from "./client-certificate.ts";
import type { ForwardAuthPlan } from "./forward-auth.ts";
import type { HttpSignaturePlan } from "./http-signature.ts";
import type { IntrospectionPlan } from "./introspection.ts";
import type { JwtPlan } from "./jwt.ts";
import type { AllowExchange, Consumer } from "./options.ts";

/** Who may call: consumers, schemes, and what upstreams learn of callers. */
export interface AuthPlan {
  /** By name, in the order of the config. */
  readonly consumers: readonly ConsumerPlan[];
  readonly keys: KeysPlan | undefined;
  readonly schemes: readonly SchemePlan[];
  readonly identity: IdentityPlan;
}

/** The plan of a scheme, whichever its kind. */
export type SchemePlan =
  ApiKeyPlan | BasicPlan | ClientCertificatePlan | ForwardAuthPlan | HttpSignaturePlan | IntrospectionPlan | JwtPlan;

/** What schemes of every kind have. */
export interface SchemeCommonPlan {
  /** The scheme's name in the config. */
  readonly name: string;
  readonly observe: boolean;
  /** For challenges; holds neither `"` nor `\`. */
  readonly realm: string;
  /** Lower-case names of fields that the scheme itself gives to upstreams. */
  readonly vouches: readonly string[];
}

/** A consumer, and what it proves itself with. */
export interface ConsumerPlan {
  readonly consumer: Consumer;
  readonly keys: readonly KeyPlan[];
  readonly signingKeys: readonly SigningKeyPlan[];
  /** Subjects by the name of the scheme whose tokens speak of them. */
  readonly subjects: Readonly<Record<string, readonly string[]>>;
  /** The hash of its password, of a form that `readHash` takes. */
  readonly password: Secret | undefined;
}

/** One API key of a consumer. */
export interface KeyPlan {
  /** SHA-256 of the key, 64 lower-case hexadecimal digits. */
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** The key's name in records; not secret. */
  readonly id: string;
}

/** A key that a consumer signs its requests with. */
export interface SigningKeyPlan {
  /** `keyid` of its signatures; no other consumer has it. */
  readonly id: string;
  readonly algorithm: "ed25519" | "hmac-sha256" | "ecdsa-p256-sha256" | "rsa-pss-sha512";
  /** A public key as PEM, SubjectPublicKeyInfo; for hmac-sha256 the shared secret, maybe behind `base64:`. */
  readonly key: string | Secret;
}

/** A file of more consumers and keys. */
export interface KeysPlan {
  /** Absolute path. */
  readonly path: string;
  /** Groups that it may name beside those of the config's consumers. */
  readonly groups: readonly string[];
  /** What it said when the plan was made. */
  readonly content: KeyFileContent;
  /** CRC-32 of that text, to know it again. */
  readonly crc: number;
}

/** What a key file says: consumers, and their API keys. */
export interface KeyFileContent {
  /** Those of the config come first, in its order. */
  readonly consumers: readonly Consumer[];
  /** Those of the config and those of the file. */
  readonly keys: KeyColumns;
}

/** API keys in columns, so that a million of them cost little: a key's place is the same in each. */
export interface KeyColumns {
  /** SHA-256 of each key, 32 bytes a key. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** The place of its consumer in the list that goes with it. */
  readonly owners: Uint32Array<ArrayBuffer>;
  /** Milliseconds since the epoch; Infinity for never. */
  readonly expiries: Float64Array<ArrayBuffer>;
  /** Names of keys that have one of their own, by place. */
  readonly ids: ReadonlyMap<number, string>;
}

/** What must hold; undefined members do not matter. */
export interface AllowRulePlan {
  readonly consumers: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly scope: readonly string[] | undefined;
  readonly claims: readonly (readonly [name: string, values: readonly (string | number | boolean)[]])[];
  /** CIDR ranges or addresses, each known to be well-formed. */
  readonly addresses: readonly string[] | undefined;
  /** The methods that pass, upper case; undefined for all. */
  readonly methods: readonly string[] | undefined;
  readonly when: ((x: AllowExchange) => boolean | Promise<boolean>) | undefined;
  readonly except: {
    readonly consumers: readonly string[];
    readonly groups: readonly string[];
    readonly addresses: readonly string[];
  };
}

/** A rule that must hold, and others of which one must, if there are any. */
export interface AllowPlan extends AllowRulePlan {
  readonly any: readonly AllowRulePlan[];
  readonly observe: boolean;
}

/** What the upstream is told of who calls. */
export interface IdentityPlan {
  readonly consumer: string | undefined;
  /** Whether it sees the client's certificate. */
  readonly clientCert: boolean;
  /** The field that is set, and the claim whose value it gets. */
  readonly headers: readonly (readonly [name: string, claim: string])[];
  readonly token: IdentityTokenPlan | undefined;
  /** Lower-case names of all fields that the gateway vouches for: gone from every request before they are set. */
  readonly owned: readonly string[];
}

/** A token that the gateway signs for the upstream. */
export interface IdentityTokenPlan {
  /** The private key: PKCS #8 in PEM. */
  readonly key: Secret;
  /** The one algorithm that the key is for. */
  readonly algorithm: "EdDSA" | "ES256" | "RS256";
  readonly issuer: string;
  readonly audience: string | undefined;
  readonly lifetimeMs: number;
  readonly header: string;
  readonly claims: readonly string[];
}

/** Which origins may call a route, by the Fetch standard's CORS protocol. */
export interface CorsPlan {
  /** `"*"`, origins, and suffixes behind a scheme: `["https://", ".example.com"]`. */
  readonly origins: "*" | readonly (string | readonly [scheme: string, suffix: string])[];
  readonly methods: readonly string[] | undefined;
  readonly headers: readonly string[] | undefined;
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}
