// Tokens that are good, and all the ways to be bad: nothing but what the issuer signed for this API passes (case GW-43).
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { GatewayError } from "../../../src/errors.ts";
import { base64url, issuerKey, signature, token, unsigned } from "../../support/tokens.ts";
import { ISSUER, JwtRig, outcome, refusal, withFile } from "./rig.ts";

const K1 = issuerKey("k1");
const OTHER = issuerKey("other");
const KINDS = [
  ["RS256", "RSA"],
  ["RS384", "RSA"],
  ["RS512", "RSA"],
  ["PS256", "RSA"],
  ["PS384", "RSA"],
  ["PS512", "RSA"],
  ["ES256", "EC P-256"],
  ["ES384", "EC P-384"],
  ["ES512", "EC P-521"],
  ["EdDSA", "OKP Ed25519"],
  ["Ed25519", "OKP Ed25519"],
] as const;

describe("a good token", () => {
  test.each(KINDS)("by %s", async (alg, kind) => {
    const key = issuerKey(`k-${kind}`, kind);
    const rig = withFile({ algorithms: [alg] }, [key.jwk]);
    const good = token({ alg, kid: key.kid }, rig.claims(), key);
    expect(refusal(await rig.judge(good))).toMatchObject({ scheme: "token", subject: "u", claims: { aud: "svc" } });
    const pem = new JwtRig({ publicKey: key.pem, algorithms: [alg] });
    expect(outcome(await pem.judge(good))).toBe("accepted u");
    const other = token({ alg, kid: key.kid }, rig.claims(), issuerKey("other", kind));
    expect(outcome(await rig.judge(other))).toBe("the signature of the token does not fit");
    expect(outcome(await pem.judge(other))).toBe("the signature of the token does not fit");
  });

  test.each(["HS256", "HS384", "HS512"] as const)("by %s and a secret", async (alg) => {
    const { env } = await import("../../../src/config/secrets.ts");
    const secret = "s".repeat(64);
    const rig = new JwtRig({ secret: env("S"), algorithms: [alg] }, { env: { S: secret } });
    expect(outcome(await rig.judge(token({ alg }, rig.claims(), secret)))).toBe("accepted u");
    expect(outcome(await rig.judge(token({ alg }, rig.claims(), `${secret}s`)))).toContain("signature");
    for (const other of ["HS256", "HS384", "HS512"].filter((name) => name !== alg)) {
      expect(outcome(await rig.judge(token({ alg: other }, rig.claims(), secret)))).toBe(`no key for alg "${other}"`);
    }
  });

  const GOOD: readonly (readonly [name: string, claims: object, header: object])[] = [
    ["of a list of audiences", { aud: ["x", "svc"] }, {}],
    ["with typ JWT", {}, { typ: "JWT" }],
    ["with typ at+jwt", {}, { typ: "at+jwt" }],
    ["with typ application/at+JWT", {}, { typ: "application/at+JWT" }],
    ["without kid", {}, { kid: undefined }],
    ["that expired within the leeway", { exp: -29 }, {}],
    ["that begins within the leeway", { nbf: 30 }, {}],
    ["with jku, x5u and jwk, which nobody follows", {}, { jku: "http://evil.test", x5u: "http://evil.test", jwk: {} }],
    ["with names that every object has", { __proto__: null, constructor: "x", toString: "y" }, {}],
  ];
  test.each(GOOD)("%s", async (_, claims, header) => {
    const rig = withFile();
    const times = Object.entries(claims).map(([name, value]) => [
      name,
      name === "exp" || name === "nbf" ? rig.seconds + (value as number) : value,
    ]);
    expect(outcome(await rig.judge(rig.good(Object.fromEntries(times) as object, header)))).toBe("accepted u");
  });

  test("whose claims name one thing twice says what stands last (RFC 7519 section 4)", async () => {
    const rig = withFile();
    const claims = JSON.stringify(rig.claims({ sub: "first" })).replace(/\}$/, ',"sub":"last"}');
    expect(outcome(await rig.judge(token({ alg: "RS256", kid: "k1" }, claims, K1)))).toBe("accepted last");
    const header = '{"alg":"none","alg":"RS256","kid":"x","kid":"k1"}';
    expect(outcome(await rig.judge(token(header, rig.claims(), K1, "RS256")))).toBe("accepted u");
    const reversed = '{"alg":"RS256","alg":"none","kid":"k1"}';
    expect(outcome(await rig.judge(token(reversed, rig.claims(), K1, "RS256")))).toBe(
      `no key for alg "none" and kid "k1"`,
    );
  });
});

describe("the token does not choose its algorithm or its key:", () => {
  const der = K1.publicKey.export({ type: "spki", format: "der" });
  const SECRETS: readonly (readonly [name: string, secret: string | Uint8Array])[] = [
    ["its PEM", K1.pem],
    ["its PEM without the last newline", K1.pem.trimEnd()],
    ["its PEM with CRLF", K1.pem.replaceAll("\n", "\r\n")],
    ["its DER", der],
    ["its DER in base64", der.toString("base64")],
    ["its JWK", JSON.stringify(K1.jwk)],
    ["its key set", JSON.stringify({ keys: [K1.jwk] })],
    ["its modulus as text", String(K1.jwk["n"])],
    ["its modulus", Buffer.from(String(K1.jwk["n"]), "base64url")],
    ["its kid", "k1"],
    ["nothing", ""],
  ];
  for (const alg of ["HS256", "HS384", "HS512"]) {
    test.each(SECRETS)(`${alg} with %s as the secret`, async (_, secret) => {
      for (const rig of [withFile(), new JwtRig({ publicKey: K1.pem })]) {
        for (const kid of ["k1", undefined]) {
          const verdict = await rig.judge(token({ alg, kid }, rig.claims(), secret));
          expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials" });
          expect(outcome(verdict)).toStartWith(`no key for alg "${alg}"`);
        }
      }
    });
  }

  test.each([
    "none",
    "None",
    "nOnE",
    "NONE",
    "",
    " RS256",
    "rs256",
    "RS256 ",
    "A128KW",
    "RSA-OAEP",
    "constructor",
    "__proto__",
  ])("alg %j", async (alg) => {
    const rig = withFile();
    const [, , right] = rig.good().split(".");
    for (const ending of ["", right!, base64url("x")]) {
      const verdict = await rig.judge(unsigned({ alg, kid: "k1" }, rig.claims(), ending));
      expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials" });
    }
  });

  test("PS256 by a key that is for RS256, and RS512 too", async () => {
    const rig = withFile();
    for (const alg of ["PS256", "RS512", "RS384", "PS512"]) {
      expect(outcome(await rig.judge(token({ alg, kid: "k1" }, rig.claims(), K1)))).toBe(
        `no key for alg "${alg}" and kid "k1"`,
      );
    }
    const named = withFile({}, [{ ...K1.jwk, alg: "PS256" }]);
    expect(outcome(await named.judge(token({ alg: "PS256", kid: "k1" }, rig.claims(), K1)))).toBe("accepted u");
    expect(outcome(await named.judge(token({ alg: "RS256", kid: "k1" }, rig.claims(), K1)))).toContain("no key for");
  });

  test.each([
    ["the embedded jwk of another key", { jwk: OTHER.jwk }],
    ["the kid of another key", { kid: "other" }],
    ["jku", { jku: "https://evil.test/jwks" }],
    ["x5u", { x5u: "https://evil.test/cert" }],
    ["x5c", { x5c: ["MIIB"] }],
  ])("%s does not make the other key trusted", async (_, header) => {
    const rig = withFile();
    const verdict = await rig.judge(token({ alg: "RS256", kid: "k1", ...header }, rig.claims(), OTHER));
    expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials" });
  });

  test.each(
    [
      "../../dev/null",
      "/dev/null",
      "k1' OR '1'='1",
      "k1\u0000",
      "k1 ",
      "K1",
      "ключ",
      "__proto__",
      "constructor",
      "https://evil.test/k1",
      "",
      ["k1"],
      { k1: 1 },
      1,
      true,
      null,
      "k".repeat(1025),
    ].map((kid) => [kid] as const),
  )("kid %j", async (kid) => {
    const rig = withFile();
    const verdict = await rig.judge(token({ alg: "RS256", kid }, rig.claims(), K1));
    expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials" });
    expect(outcome(verdict)).toMatch(/^[ -~]{1,200}$/);
  });
});

describe("a token is refused", () => {
  const HEADERS: readonly (readonly [name: string, header: object | string])[] = [
    ["without alg", { kid: "k1" }],
    ["with an alg that is a list", { alg: ["RS256"], kid: "k1" }],
    ["with crit", { alg: "RS256", kid: "k1", crit: ["x-unknown"], "x-unknown": 1 }],
    ["with an empty crit", { alg: "RS256", kid: "k1", crit: [] }],
    ["with crit of what it says already", { alg: "RS256", kid: "k1", crit: ["exp"], exp: 1 }],
    ["with b64", { alg: "RS256", kid: "k1", b64: false, crit: ["b64"] }],
    ["with b64 that is true", { alg: "RS256", kid: "k1", b64: true }],
    ["with zip", { alg: "RS256", kid: "k1", zip: "DEF" }],
    ["with enc", { alg: "RS256", kid: "k1", enc: "A256GCM" }],
    ["with a header that is a list", "[]"],
    ["with a header that is null", "null"],
    ["with a header that is no JSON", "{alg:RS256}"],
    ["with a header that is no UTF-8", "\xff"],
    ["with a header behind a byte order mark", `\ufeff{"alg":"RS256","kid":"k1"}`],
    ["with the typ of a DPoP proof", { alg: "RS256", kid: "k1", typ: "dpop+jwt" }],
    ["with the typ of a logout token", { alg: "RS256", kid: "k1", typ: "logout+jwt" }],
    ["with the typ of an event", { alg: "RS256", kid: "k1", typ: "secevent+jwt" }],
    ["with a typ that is a list", { alg: "RS256", kid: "k1", typ: ["JWT"] }],
    ["with a typ that only looks right", { alg: "RS256", kid: "k1", typ: "application/application/jwt" }],
  ];
  test.each(HEADERS)("%s", async (_, header) => {
    const rig = withFile();
    const verdict = await rig.judge(token(header, rig.claims(), K1, "RS256"));
    expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials" });
  });

  const CLAIMS: readonly (readonly [name: string, claims: Record<string, unknown>, message: RegExp])[] = [
    ["that has expired", { exp: -30 }, /^the token has expired at 2026-/],
    ["that expired long ago", { exp: -1e9 }, /^the token has expired/],
    ["without exp", { exp: undefined }, /no exp that is a time/],
    ["whose exp is a text", { exp: "9999999999" }, /no exp that is a time/],
    ["whose exp is null", { exp: null }, /no exp that is a time/],
    ["whose exp is a list", { exp: [9999999999] }, /no exp that is a time/],
    ["that is not good yet", { nbf: 31 }, /"nbf"/],
    ["whose nbf is a text", { nbf: "0" }, /"nbf"/],
    ["whose iat is a text", { iat: "now" }, /"iat"/],
    ["of another issuer", { iss: "https://evil.test" }, /issuer/],
    ["of an issuer with a slash more", { iss: `${ISSUER}/` }, /issuer/],
    ["whose issuer is a list", { iss: [ISSUER] }, /issuer/],
    ["without iss", { iss: undefined }, /issuer/],
    ["for another audience", { aud: "svc2" }, /"aud"/],
    ["for other audiences", { aud: ["svc2", "sv", "SVC"] }, /"aud"/],
    ["for no audience", { aud: [] }, /"aud"/],
    ["without aud", { aud: undefined }, /"aud"/],
    ["whose aud is an object", { aud: { svc: true } }, /"aud"/],
    ["whose aud is a list in a list", { aud: [["svc"]] }, /"aud"/],
    ["with a hash of an access token", { at_hash: "x" }, /ID token/],
    ["with a hash of a code", { c_hash: "x" }, /ID token/],
    ["whose claim typ is ID", { typ: "ID" }, /ID token/],
    ["whose claim typ is Refresh", { typ: "Refresh" }, /ID token/],
    ["whose token_use is id", { token_use: "id" }, /ID token/],
    ["with a nonce and no scope", { nonce: "x" }, /ID token/],
    ["with events", { events: {} }, /ID token/],
  ];
  test.each(CLAIMS)("%s", async (_, claims, message) => {
    const rig = withFile();
    for (const name of ["exp", "nbf"]) {
      if (typeof claims[name] === "number") claims = { ...claims, [name]: rig.seconds + claims[name] };
    }
    const verdict = await rig.judge(rig.good(claims));
    expect(refusal(verdict)).toMatchObject({ code: "invalid_credentials", message: expect.stringMatching(message) });
  });

  test("whose claims are no object", async () => {
    const rig = withFile();
    for (const claims of ["[]", "null", "1", '"x"', "{", "", "\xff{}"]) {
      expect(refusal(await rig.judge(token({ alg: "RS256", kid: "k1" }, claims, K1)))).toMatchObject({
        code: "invalid_credentials",
      });
    }
  });

  test("in any form but the one that the issuer wrote", async () => {
    const rig = withFile();
    const good = rig.good();
    expect(outcome(await rig.judge(good))).toBe("accepted u");
    const [header, claims, ending] = good.split(".") as [string, string, string];
    const forms = [
      "",
      ".",
      "..",
      "a.b.c",
      `${header}.${claims}`,
      `${header}.${claims}.`,
      `.${claims}.${ending}`,
      `${header}..${ending}`,
      `${good}.`,
      `.${good}`,
      `${good}..`,
      `${good}.x.y`,
      `${good}=`,
      `${good}==`,
      `${header}=.${claims}.${ending}`,
      `${good}\n`,
      `${good} `,
      `${header}.${claims}.${ending.slice(0, -1)}`,
      `${header}.${claims}.${ending}A`,
      `${header}.${claims}.${ending.replaceAll("-", "+").replaceAll("_", "/")}~`,
      JSON.stringify({ payload: claims, protected: header, signature: ending }),
    ];
    for (const form of forms) {
      const verdict = await rig.judge(form);
      expect(verdict, form).toBeInstanceOf(GatewayError);
      expect(["invalid_credentials", "malformed_credentials"], form).toContain((verdict as GatewayError).code);
    }
  });

  test("when the last character of its signature has another spelling of the same bytes", async () => {
    const rig = withFile();
    const good = rig.good();
    // 256 bytes leave four bits of the last character unused.
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(good.at(-1)!);
    expect(last % 16).toBe(0);
    for (let bits = 1; bits < 16; bits++) {
      const other = good.slice(0, -1) + alphabet[last + bits]!;
      expect(Buffer.from(other.split(".")[2]!, "base64url")).toEqual(Buffer.from(good.split(".")[2]!, "base64url"));
      expect(outcome(await rig.judge(other))).toContain("base64url");
    }
  });

  test("when it is longer than it may be, before its signature is looked at", () => {
    const rig = withFile({ maxLength: "2KiB" });
    const long = rig.good({ x: "x".repeat(2048) });
    const verdict = rig.judgeNow(long);
    expect(verdict).not.toBeInstanceOf(Promise);
    expect(outcome(verdict as GatewayError)).toBe("the token is longer than 2048 bytes");
    expect(refusal(withFile().judgeNow("a".repeat(16 * 1024 + 1)) as GatewayError)).toMatchObject({
      message: "the token is longer than 16384 bytes",
    });
  });

  test("by the default of 16 KiB only above it", async () => {
    const rig = withFile();
    const good = rig.good({ x: "x".repeat(11_000) });
    expect(good.length).toBeGreaterThan(15_000);
    expect(outcome(await rig.judge(good))).toBe("accepted u");
  });
});

test("a mutated token never passes", async () => {
  const kinds = [
    ["RS256", K1],
    ["EdDSA", issuerKey("ed", "OKP Ed25519")],
    ["ES256", issuerKey("ec", "EC P-256")],
  ] as const;
  const rig = withFile(
    {},
    kinds.map(([, key]) => key.jwk),
  );
  const tokens = kinds.map(([alg, key]) =>
    token({ alg, kid: key.kid, typ: "at+jwt" }, rig.claims({ scope: "a b" }), key),
  );
  for (const good of tokens) expect(outcome(await rig.judge(good))).toBe("accepted u");
  const characters = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~");
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.oneof(
    fc.record({ kind: fc.constant("replace"), place, by: characters }),
    fc.record({ kind: fc.constant("insert"), place, by: characters }),
    fc.record({ kind: fc.constant("remove"), place, by: characters }),
    fc.record({ kind: fc.constant("swap"), place, by: characters }),
  );
  const changed = (text: string, { kind, place, by }: { kind: string; place: number; by: string }): string => {
    const at = Math.floor(place * text.length);
    const before = text.slice(0, at);
    if (kind === "replace") return before + by + text.slice(at + 1);
    if (kind === "insert") return before + by + text.slice(at);
    if (kind === "remove") return before + text.slice(at + 1);
    return before + (text[at + 1] ?? "") + text[at]! + text.slice(at + 2);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...tokens),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (good, changes) => {
        const mutated = changes.reduce(changed, good);
        if (tokens.includes(mutated)) return;
        expect(await rig.judge(mutated)).toBeInstanceOf(GatewayError);
      },
    ),
    { numRuns: 1500 },
  );
});

test("parts of two good tokens do not make a third", async () => {
  const rig = withFile();
  const [one, two] = [rig.good({ sub: "a" }), rig.good({ sub: "b" }, { typ: "JWT" })].map((text) => text.split("."));
  const mixes = [
    [one![0], two![1], one![2]],
    [one![0], two![1], two![2]],
    [two![0], one![1], one![2]],
  ];
  for (const mix of mixes) expect(outcome(await rig.judge(mix.join(".")))).toContain("signature");
});

test("a signature in DER is none (RFC 7518 section 3.4)", async () => {
  const { sign } = await import("node:crypto");
  const key = issuerKey("ec", "EC P-256");
  const rig = withFile({}, [key.jwk]);
  const good = token({ alg: "ES256", kid: "ec" }, rig.claims(), key);
  const input = good.split(".").slice(0, 2).join(".");
  const der = sign("sha256", Buffer.from(input), key.privateKey);
  expect(outcome(await rig.judge(`${input}.${base64url(der)}`))).toContain("signature");
  expect(outcome(await rig.judge(`${input}.${base64url(Buffer.alloc(64))}`))).toContain("signature");
  expect(outcome(await rig.judge(`${input}.${base64url(signature("ES256", input, key))}`))).toBe("accepted u");
});
