// Where the keys of a jwt scheme come from: the schema of these options.
import { ASYMMETRIC, HMAC } from "../../auth/jwt/algorithms.ts";
import { readJwks } from "../../auth/jwt/jwk.ts";
import { isSafeUrl } from "../../http/safe-url.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import type { TlsPlan } from "../plan.ts";
import type { Secret } from "../secrets.ts";
import { either, leaf, list, options, or, then, type Shape } from "../shape.ts";
import { pem } from "../tls.ts";
import { choice, duration, hiddenText } from "../values.ts";
import { publicKeyAlgorithms, publicKeyProblem } from "./public-key.ts";

/** Where a JWT scheme takes its keys from. */
export type JwtKeysPlan =
  | { readonly from: "issuer"; readonly issuer: string }
  | { readonly from: "url"; readonly url: string }
  /** `path` is absolute, `text` what it held when the plan was made. */
  | { readonly from: "file"; readonly path: string; readonly text: string }
  /** `pem` is a SubjectPublicKeyInfo in PEM. */
  | { readonly from: "pem"; readonly pem: string; readonly algorithms: readonly string[] }
  | { readonly from: "secret"; readonly secret: Secret };

/** How keys are fetched; times in milliseconds. */
export interface KeySetPlan {
  readonly timeoutMs: number;
  readonly cooldownMs: number;
  readonly refreshMs: number;
  readonly maxAgeMs: number;
  readonly tls: TlsPlan;
}

const AN_ISSUER = "the `iss` that tokens must have, or false";

/** Checks the option `issuer` of `jwt()`; undefined for `false`. */
export function issuerShape(reader: ConfigReader): Shape<string | undefined> {
  const issuer = hiddenText(AN_ISSUER, reader, ({ text }) => (text === "" ? new Problem(AN_ISSUER) : text));
  return either(
    (value) => value === false,
    leaf((): undefined => undefined),
    issuer,
  );
}

type JwksPlan = Extract<JwtKeysPlan, { from: "url" | "file" }>;

const A_KEY_SET = "the https URL of a JWK Set, or the path of a file";

/** A URL, or a file that is read here once. */
export function jwksShape(reader: ConfigReader): Shape<JwksPlan> {
  return hiddenText(A_KEY_SET, reader, ({ text }): JwksPlan | Problem => {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
      if (isSafeUrl(text)) return { from: "url", url: text };
      const hint =
        "Keys are fetched over https, or over http from this machine alone: anybody could change them on the way.";
      return new Problem(A_KEY_SET, { hint });
    }
    const path = reader.locate?.(text);
    if (path === undefined) return new Problem(A_KEY_SET, { hint: "This runtime has no files." });
    const content = reader.file(text);
    return content === undefined
      ? new Problem(A_KEY_SET, { hint: "No such file can be read." })
      : { from: "file", path, text: content };
  });
}

/** Checks the option `publicKey`: PEM text or a path. The result is the PEM text. */
export function publicKeyShape(reader: ConfigReader): Shape<string> {
  return then(pem("a public key", reader, publicKeyProblem), ({ text }) => text);
}

const A_SECRET = 'env("NAME"): a secret does not stand in the config';

/** Checks the option `secret`: only what `env` returns. */
export function secretShape(reader: ConfigReader): Shape<Secret> {
  return hiddenText(A_SECRET, reader, ({ secret }) => secret ?? new Problem(A_SECRET, { found: "a text" }));
}

/** Checks the option `algorithms`: a list of at least one. */
export const algorithmsShape: Shape<readonly string[]> = list(
  choice(...ASYMMETRIC, ...HMAC),
  "a list of at least one algorithm",
  1,
);

/** Checks the option `keySet`: the clocks of fetched keys. */
export const keySetShape: Shape<Omit<KeySetPlan, "tls">> = then(
  options(
    {
      timeout: or(duration(), "5s"),
      cooldown: or(duration(1000), "30s"),
      refresh: or(duration(1000), "10m"),
      maxAge: or(duration(1000), "24h"),
    },
    function* ({ refresh, maxAge }) {
      if (refresh !== undefined && maxAge !== undefined && maxAge < refresh) {
        yield new Problem("a maxAge of at least refresh", { at: ["maxAge"], found: false });
      }
    },
  ),
  ({ timeout, cooldown, refresh, maxAge }) => ({
    timeoutMs: timeout,
    cooldownMs: cooldown,
    refreshMs: refresh,
    maxAgeMs: maxAge,
  }),
);

interface Keys {
  readonly issuer: string | undefined;
  readonly jwks: JwksPlan | undefined;
  readonly publicKey: string | undefined;
  readonly secret: Secret | undefined;
  readonly algorithms: readonly string[] | undefined;
}

const PLACES = ["jwks", "publicKey", "secret"] as const;
const isHmac = (algorithm: string): boolean => algorithm.startsWith("HS");

/** What is wrong between the options that say where a JWT scheme takes its keys from. */
export function* keysProblems(right: Partial<Keys>, written: Readonly<Record<string, unknown>>): Generator<Problem> {
  const places = PLACES.filter((place) => written[place] !== undefined);
  if (places.length > 1) {
    const hint = "A scheme has its keys of one place. Give each issuer a scheme of its own.";
    yield new Problem("one place of keys", { at: [places[1]!], found: false, hint });
    return;
  }
  if (places.length === 0) yield* discoveryProblems(right.issuer, written["issuer"]);
  yield* algorithmProblems(right, written);
  const fetched = places.length === 0 || (right.jwks?.from === "url" && places[0] === "jwks");
  for (const name of ["keySet", "tls"]) {
    if (fetched || written[name] === undefined || (places[0] === "jwks" && right.jwks === undefined)) continue;
    yield new Problem("nothing here", { at: [name], found: false, hint: "It is for keys that are fetched." });
  }
}

function* discoveryProblems(issuer: string | undefined, written: unknown): Generator<Problem> {
  if (written === false) {
    yield new Problem("a place of keys", {
      found: false,
      hint: "Set one of jwks, publicKey and secret, or the issuer.",
    });
  }
  if (issuer === undefined) return;
  if (isSafeUrl(issuer) && !/[?#]/.test(issuer)) return;
  const hint = "It is an https URL, from which its keys are found; or set jwks, publicKey or secret beside it.";
  yield new Problem("the URL of an issuer", { at: ["issuer"], found: false, hint });
}

function* algorithmProblems(right: Partial<Keys>, written: Readonly<Record<string, unknown>>): Generator<Problem> {
  const { algorithms, publicKey, secret, jwks } = right;
  if (written["secret"] !== undefined) {
    if (written["algorithms"] === undefined) {
      yield new Problem("algorithms beside secret", { found: false, hint: 'Say which, such as ["HS256"].' });
    }
    const wrong = algorithms?.find((algorithm) => !isHmac(algorithm));
    if (wrong !== undefined) {
      const hint = `A secret is for ${HMAC.join(", ")}; the key of ${wrong} is public: publicKey or jwks.`;
      yield new Problem("algorithms of a secret", { at: ["algorithms"], found: JSON.stringify(wrong), hint });
    } else if (algorithms !== undefined && secret !== undefined) {
      const least = Math.max(...algorithms.map((algorithm) => Number(algorithm.slice(2)) / 8));
      if (new TextEncoder().encode(secret.reveal()).length < least) {
        const hint = `It has at least as many bytes as the hash, ${least} (RFC 7518 section 3.2). \`openssl rand -hex ${least}\` makes one.`;
        yield new Problem("a longer secret", { at: ["secret"], found: false, hint });
      }
    }
    return;
  }
  const hmac = algorithms?.find(isHmac);
  if (hmac !== undefined) {
    const hint = "With a public key as its secret anybody could sign. HMAC goes with secret alone.";
    yield new Problem("algorithms of public keys", { at: ["algorithms"], found: JSON.stringify(hmac), hint });
    return;
  }
  if (publicKey !== undefined && publicKeyAlgorithms(publicKey, algorithms).length === 0) {
    const fitting = publicKeyAlgorithms(publicKey, ASYMMETRIC).join(", ");
    yield new Problem("an algorithm of the key", {
      at: ["algorithms"],
      hint: `The key is for ${fitting}.`,
      found: false,
    });
  }
  if (jwks?.from === "file") {
    const read = readJwks(jwks.text, algorithms);
    if (typeof read === "string") yield new Problem("a file with keys", { at: ["jwks"], found: false, hint: read });
  }
}

/** The place of keys, once all is right. */
export function keysPlan({ issuer, jwks, publicKey, secret, algorithms }: Keys): JwtKeysPlan {
  if (jwks !== undefined) return jwks;
  if (publicKey !== undefined) {
    return { from: "pem", pem: publicKey, algorithms: publicKeyAlgorithms(publicKey, algorithms) };
  }
  if (secret !== undefined) return { from: "secret", secret };
  return { from: "issuer", issuer: issuer! };
}
