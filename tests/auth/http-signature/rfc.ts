// The keys and messages of RFC 9421 appendix B, and what the tests of signatures make of them.
import type { ConsumerPlan } from "../../../src/config/auth/plan.ts";
import {
  httpSignature,
  type HttpSignatureOptions,
  type HttpSignaturePlan,
} from "../../../src/config/auth/http-signature.ts";
import type { SigningKeyOptions } from "../../../src/config/auth/options.ts";
import { env } from "../../../src/config/secrets.ts";
import { Carried } from "../../../src/carried.ts";
import { createHttpSignature } from "../../../src/auth/http-signature/http-signature.ts";
import type { AuthServices, Scheme, Verdict } from "../../../src/auth/scheme.ts";
import { GatewayError } from "../../../src/errors.ts";
import { Exchange } from "../../../src/exchange.ts";
import type { Content } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/fields.ts";
import { HELLO, planOf } from "../../config/support.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";

const pem = (...lines: string[]): string =>
  `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;

/** Appendix B.1, as a config holds them. */
export const RFC_KEYS: readonly SigningKeyOptions[] = [
  {
    id: "test-key-rsa-pss",
    algorithm: "rsa-pss-sha512",
    key: pem(
      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2",
      "+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+",
      "oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq",
      "gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W",
      "Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4",
      "aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI",
      "2wIDAQAB",
    ),
  },
  {
    id: "test-key-ecc-p256",
    algorithm: "ecdsa-p256-sha256",
    key: pem(
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf",
      "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==",
    ),
  },
  {
    id: "test-key-ed25519",
    algorithm: "ed25519",
    key: pem("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="),
  },
  { id: "test-shared-secret", algorithm: "hmac-sha256", key: env("SHARED") },
];

/** The shared secret of appendix B.1.5. */
export const RFC_SECRET = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/** `created` of the signatures in the appendix, in milliseconds. */
export const RFC_TIME = 1_618_884_473_000;

/** A request, and what is known of it. */
export interface Message {
  readonly method: string;
  readonly target: string;
  readonly scheme?: "http" | "https";
  readonly authority: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly content?: Content;
}

const DIGEST = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

/** Appendix B.2: test-request. */
export const RFC_REQUEST: Message = {
  method: "POST",
  target: "/foo?param=Value&Pet=dog",
  scheme: "https",
  authority: "example.com",
  fields: [
    ["Host", "example.com"],
    ["Date", "Tue, 20 Apr 2021 02:07:55 GMT"],
    ["Content-Type", "application/json"],
    ["Content-Digest", DIGEST],
    ["Content-Length", "18"],
  ],
  content: new TextEncoder().encode('{"hello": "world"}'),
};

/** An exchange with a message. */
export function exchangeOf(
  message: Message,
  signed: readonly (readonly [name: string, value: string])[] = [],
): Exchange {
  const { method, target, scheme = "http", authority, fields, content = null } = message;
  const arrival = { method, target, scheme, authority, version: "1.1", content, peer: "192.0.2.1" } as const;
  const x = new Exchange({ ...arrival, fields: Fields.of(...fields, ...signed) }, 0);
  const at = target.indexOf("?");
  x.path = at < 0 ? target : target.slice(0, at);
  x.query = at < 0 ? "" : target.slice(at);
  return x;
}

/** The scheme, and the platform whose clock it goes by. */
export interface Signed {
  readonly scheme: Scheme;
  readonly platform: FakePlatform;
  judge(message: Message, input: string, signature: string): Promise<Verdict>;
}

/** The scheme for the consumer `rfc` with these keys, at the time of the appendix. */
export function schemeOf(
  options: HttpSignatureOptions = {},
  keys: readonly SigningKeyOptions[] = RFC_KEYS,
  secret = `base64:${RFC_SECRET}`,
): Signed {
  const plan = planOf(
    {
      consumers: { rfc: { signingKeys: keys } },
      auth: { signed: httpSignature(options) },
      routes: { hello: { ...HELLO, auth: "signed" } },
    },
    { env: { SHARED: secret } },
  );
  const platform = new FakePlatform();
  platform.clock.epoch = RFC_TIME - platform.clock.time;
  const consumers: readonly ConsumerPlan[] = plan.auth.consumers;
  const services = { platform, keep: new Carried().keep, consumers } as Partial<AuthServices> as AuthServices;
  const scheme = createHttpSignature(plan.auth.schemes[0] as HttpSignaturePlan, services);
  return {
    scheme,
    platform,
    judge: async (message, input, signature) =>
      scheme.identify(
        exchangeOf(message, [
          ["Signature-Input", input],
          ["Signature", signature],
        ]),
      ),
  };
}

/** In a word: the caller, or the code and message of the refusal. */
export function told(verdict: Verdict): string {
  if (verdict === undefined) return "nothing";
  if (verdict instanceof GatewayError) return `${verdict.code}: ${verdict.message}`;
  return "subject" in verdict ? `${verdict.consumer?.name}/${verdict.subject}` : "an answer";
}
