// Whether who shows a token may: every member of a DPoP proof spoilt, tokens bound and not, and what a challenge says.
import { describe, expect, test } from "bun:test";
import { Carried } from "../../src/carried.ts";
import { tokenBinding, type TokenBinding } from "../../src/auth/token-binding.ts";
import type { DpopPlan } from "../../src/config/auth/dpop.ts";
import { GatewayError } from "../../src/errors.ts";
import { Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { base64url, type Changes, DpopClient, hashOf } from "../support/dpop-client.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

const URI = "https://api.test/things/7";
const TOKEN = "token-1";
const RESOURCE = {
  id: "https://api.test",
  origin: "https://api.test",
  metadataPath: "/.well-known/oauth-protected-resource",
  metadataUrl: "https://api.test/.well-known/oauth-protected-resource",
  authorizationServers: ["https://login.test"],
  scopes: [],
  name: undefined,
  documentation: undefined,
};
const DPOP: DpopPlan = {
  required: false,
  origins: ["https://api.test"],
  algorithms: ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"],
  maxAgeMs: 60_000,
};

function binding(dpop: DpopPlan | undefined, platform = new FakePlatform()): TokenBinding {
  return tokenBinding(
    { name: "token", observe: false, realm: "api", vouches: [], resource: RESOURCE, dpop },
    { platform, keep: new Carried().keep },
  );
}

/** A request with these fields. */
function call(
  fields: readonly [string, string][],
  is: { method?: string; path?: string; scheme?: "http" | "https"; authority?: string; trusted?: boolean } = {},
): Exchange {
  const x = new Exchange(
    {
      method: is.method ?? "GET",
      target: "/",
      scheme: is.scheme ?? "http",
      authority: is.authority ?? "gw.internal:8080",
      version: "1.1",
      fields: Fields.of(...fields),
      content: null,
      peer: "192.0.2.1",
    },
    0,
  );
  x.path = is.path ?? "/things/7";
  x.trusted = is.trusted ?? false;
  return x;
}

const client = await DpopClient.make();
const other = await DpopClient.make();
const CNF = { jkt: client.thumbprint };

/** What comes of a proof at the fake world's own time. */
async function judged(
  proof: string | undefined,
  { x = {}, dpop = DPOP, platform = new FakePlatform(), cnf = CNF as unknown, on = binding(dpop, platform) } = {} as {
    x?: Parameters<typeof call>[1];
    dpop?: DpopPlan;
    platform?: FakePlatform;
    cnf?: unknown;
    on?: TokenBinding;
  },
): Promise<GatewayError | undefined> {
  const exchange = call(
    [["Authorization", `DPoP ${TOKEN}`], ...(proof === undefined ? [] : ([["DPoP", proof]] as [string, string][]))],
    x,
  );
  const shown = on.shown(exchange.fields);
  if (shown === undefined || shown instanceof GatewayError) throw new Error("no token was shown");
  expect(shown).toEqual({ token: TOKEN, by: "DPoP" });
  return on.refusal(exchange, shown, cnf);
}

const NOW = new FakePlatform().wallClock();
const seconds = Math.floor(NOW / 1000);
const proof = (changes?: Changes, is: { method?: string; uri?: string } = {}): Promise<string> =>
  client.proof({ uri: URI, token: TOKEN, at: NOW, ...is }, changes);

describe("a proof", () => {
  test.each(["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"] as const)("by %s is taken", async (algorithm) => {
    const holder = await DpopClient.make(algorithm);
    const made = await holder.proof({ uri: URI, token: TOKEN, at: NOW });
    expect(await judged(made, { cnf: { jkt: holder.thumbprint } })).toBeUndefined();
  });

  const SPOILT: readonly (readonly [what: string, changes: Changes, why: string])[] = [
    ["with another typ", { header: { typ: "JWT" } }, "typ"],
    ["without typ", { header: { typ: undefined } }, "typ"],
    ["without a key", { header: { jwk: undefined } }, "holds no key"],
    ["with a text for a key", { header: { jwk: "x" } }, "holds no key"],
    ["with another key", { header: { jwk: other.jwk }, signer: other }, "by another key"],
    ["signed by another", { signer: other }, "signature verification failed"],
    ["with its private key in it", { header: { jwk: { ...client.jwk, d: client.privateJwk.d } } }, "public key"],
    ["with a shared secret for a key", { header: { alg: "HS256" } }, "alg"],
    ["without algorithm", { header: { alg: undefined } }, "Algorithm"],
    ["with the algorithm none", { header: { alg: "none" } }, "alg"],
    ["with an algorithm that is not the key's", { header: { alg: "RS256" } }, ""],
    ["with a critical member that nobody knows", { header: { crit: ["x"], x: 1 } }, "x"],
    ["for another method", { payload: { htm: "POST" } }, "htm"],
    ["for the method in small letters", { payload: { htm: "get" } }, "htm"],
    ["without method", { payload: { htm: undefined } }, "htm"],
    ["for another host", { payload: { htu: "https://evil.test/things/7" } }, "htu"],
    ["for the host inside", { payload: { htu: "http://gw.internal:8080/things/7" } }, "htu"],
    ["for another scheme", { payload: { htu: "http://api.test/things/7" } }, "htu"],
    ["for another port", { payload: { htu: "https://api.test:8443/things/7" } }, "htu"],
    ["for another path", { payload: { htu: "https://api.test/things/8" } }, "htu"],
    ["for a path above", { payload: { htu: "https://api.test/things" } }, "htu"],
    ["for a host behind a user", { payload: { htu: "https://api.test@evil.test/things/7" } }, "htu"],
    ["for a user at the host", { payload: { htu: "https://evil@api.test/things/7" } }, "htu"],
    ["for a path without host", { payload: { htu: "/things/7" } }, "htu"],
    ["for a list of URIs", { payload: { htu: [URI] } }, "htu"],
    ["without URI", { payload: { htu: undefined } }, "htu"],
    ["of two minutes ago", { payload: { iat: seconds - 120 } }, "too long ago"],
    ["of exactly a minute ago", { payload: { iat: seconds - 60 } }, "too long ago"],
    ["of the future", { payload: { iat: seconds + 32 } }, "in the future"],
    ["of a time in milliseconds", { payload: { iat: NOW } }, "in the future"],
    ["of a time that is a text", { payload: { iat: String(seconds) } }, "iat"],
    ["without time", { payload: { iat: undefined } }, "iat"],
    ["that has expired", { payload: { exp: seconds - 40 } }, "exp"],
    ["for another token", { payload: { ath: hashOf("token-2") } }, "ath"],
    ["with the token itself in place of its hash", { payload: { ath: TOKEN } }, "ath"],
    [
      "with the hash in hexadecimal",
      { payload: { ath: Buffer.from(hashOf(TOKEN), "base64url").toString("hex") } },
      "ath",
    ],
    ["without hash", { payload: { ath: undefined } }, "ath"],
    ["without id", { payload: { jti: undefined } }, "jti"],
    ["with an empty id", { payload: { jti: "" } }, "jti"],
    ["with a number for an id", { payload: { jti: 7 } }, "jti"],
  ];
  test.each(SPOILT)("%s is refused", async (_, changes, why) => {
    const refusal = await judged(await proof(changes));
    expect(refusal?.code).toBe("invalid_credentials");
    expect(refusal?.message).toStartWith("DPoP: ");
    expect(refusal?.message).toContain(why);
  });

  const ODD: readonly (readonly [what: string, text: string | undefined])[] = [
    ["that is not there", undefined],
    ["that is empty", ""],
    ["that is no JWT", "x"],
    ["of two parts", "e30.e30"],
    ["of five parts", "e30.e30.e30.e30.e30"],
    ["that is nothing but dots", ".."],
    ["whose head is no JSON", `${base64url("{")}.e30.e30`],
    ["whose head is a list", `${base64url("[]")}.e30.e30`],
    ["whose head is null", `${base64url("null")}.e30.e30`],
    ["longer than 8192 characters", `${"a".repeat(8000)}.${"b".repeat(200)}.c`],
  ];
  test.each(ODD)("%s is refused", async (_, text) => {
    expect((await judged(text))?.code).toBe("invalid_credentials");
  });

  test("with a byte of its signature changed is refused, wherever", async () => {
    const made = await proof();
    const at = made.lastIndexOf(".") + 1;
    for (const place of [at, at + 20, at + 60]) {
      const changed = `${made.slice(0, place)}${made[place] === "A" ? "B" : "A"}${made.slice(place + 1)}`;
      expect((await judged(changed))?.code).toBe("invalid_credentials");
    }
    expect(await judged(made)).toBeUndefined();
  });

  test("by an algorithm that the config does not name is refused", async () => {
    const refusal = await judged(await proof(), { dpop: { ...DPOP, algorithms: ["ES384", "RS256"] } });
    expect(refusal?.message).toContain("alg");
  });

  test("that is right but for its length is refused", async () => {
    const refusal = await judged(await proof({ payload: { more: "x".repeat(6200) } }));
    expect(refusal?.message).toContain("8192");
    expect(await judged(await proof({ payload: { more: "x".repeat(5000) } }))).toBeUndefined();
  });

  test("that stands there twice is refused", async () => {
    const x = call([
      ["Authorization", `DPoP ${TOKEN}`],
      ["DPoP", await proof()],
      ["DPoP", await proof()],
    ]);
    const refusal = await binding(DPOP).refusal(x, { token: TOKEN, by: "DPoP" }, CNF);
    expect(refusal?.message).toContain("more than one");
  });

  const SAME_URI: readonly (readonly [path: string, htu: string])[] = [
    ["/things/7", "https://api.test/things/7?with=query#and-fragment"],
    ["/things/7", "https://API.test:443/things/7"],
    ["/things/7", "https://api.test/other/../things/%37"],
    ["/a%2fb", "https://api.test/a%2Fb"],
    ["/~a", "https://api.test/%7ea"],
    ["/\xc3\xa9", "https://api.test/%C3%A9"],
    ["/", "https://api.test"],
    ["//a", "https://api.test//a"],
  ];
  test.each(SAME_URI)("for %s may say %s", async (path, uri) => {
    expect(await judged(await proof({}, { uri }), { x: { path } })).toBeUndefined();
  });

  const OTHER_URI: readonly (readonly [path: string, htu: string])[] = [
    ["/a/b", "https://api.test/a%2Fb"],
    ["/a%2Fb", "https://api.test/a/b"],
    ["/a/", "https://api.test/a"],
    ["//a", "https://api.test/a"],
    ["/A", "https://api.test/a"],
  ];
  test.each(OTHER_URI)("for %s may not say %s", async (path, uri) => {
    expect((await judged(await proof({}, { uri }), { x: { path } }))?.message).toContain("htu");
  });

  test.each(["HEAD", "POST", "PATCH"])("for %s is for this method", async (method) => {
    expect(await judged(await proof({}, { method }), { x: { method } })).toBeUndefined();
    expect((await judged(await proof(), { x: { method } }))?.message).toContain("htm");
  });
});

describe("the URI of a request that is believed", () => {
  const dpop: DpopPlan = { ...DPOP, origins: "request" };

  test("is that of its Host field", async () => {
    const x = { scheme: "https", authority: "api.test" } as const;
    expect(await judged(await proof(), { dpop, x })).toBeUndefined();
    expect((await judged(await proof(), { dpop }))?.message).toContain("htu");
    expect((await judged(await proof(), { dpop, x: { scheme: "https", authority: "" } }))?.message).toContain("htu");
  });

  /** The proof's judgement behind a proxy that says this. */
  async function behind(
    trusted: boolean,
    proto: string,
    host: string,
    is: { scheme?: "http" | "https"; authority?: string } = {},
  ): Promise<GatewayError | undefined> {
    const x = call(
      [
        ["Authorization", `DPoP ${TOKEN}`],
        ["DPoP", await proof()],
        ["X-Forwarded-Proto", proto],
        ["X-Forwarded-Host", host],
      ],
      { trusted, ...is },
    );
    return binding(dpop).refusal(x, { token: TOKEN, by: "DPoP" }, CNF);
  }

  test("is that of a trusted proxy, and of no other", async () => {
    expect(await behind(true, "https", "api.test")).toBeUndefined();
    expect(await behind(true, "HTTPS", "API.test:443")).toBeUndefined();
    expect((await behind(false, "https", "evil.test", { authority: "api.test" }))?.message).toContain("htu");
    expect((await behind(false, "http", "api.test", { scheme: "https" }))?.message).toContain("htu");
  });

  test.each([
    ["https, http", "api.test"],
    ["https", "api.test, evil.test"],
    ["https", "api.test/x"],
    ["https", "evil@api.test"],
    ["wss", "api.test"],
    ["", ""],
  ])("is none when the proxy says %p and %p", async (proto, host) => {
    expect((await behind(true, proto, host))?.message).toContain("htu");
  });
});

describe("a proof that was shown", () => {
  test("is not taken again, while it could be shown and for any other method of writing it", async () => {
    const platform = new FakePlatform();
    const on = binding(DPOP, platform);
    const made = await proof();
    expect(await judged(made, { on })).toBeUndefined();
    for (const ms of [0, 29_000, 30_000]) {
      platform.clock.advance(ms);
      expect((await judged(made, { on }))?.message).toContain("shown before");
    }
    platform.clock.advance(60_000);
    expect((await judged(made, { on }))?.message).toContain("too long ago");
  });

  test("one second before the future's end is remembered until it is too old", async () => {
    const platform = new FakePlatform();
    const on = binding(DPOP, platform);
    const made = await client.proof({ uri: URI, token: TOKEN, at: NOW + 29_000 });
    expect(await judged(made, { on })).toBeUndefined();
    for (let at = 0; at < 88_000; at += 11_000) {
      expect((await judged(made, { on }))?.message).toContain("shown before");
      platform.clock.advance(11_000);
    }
    platform.clock.advance(11_000);
    expect((await judged(made, { on }))?.message).toContain("too long ago");
  });

  test("is taken once of many at the same time", async () => {
    const on = binding(DPOP);
    const made = await proof();
    const all = await Promise.all(Array.from({ length: 20 }, () => judged(made, { on })));
    expect(all.filter((refusal) => refusal === undefined)).toHaveLength(1);
  });

  test("does not use up the id for another client", async () => {
    const on = binding(DPOP);
    const payload = { jti: "the-same" };
    expect(await judged(await proof({ payload }), { on })).toBeUndefined();
    const theirs = await other.proof({ uri: URI, token: TOKEN, at: NOW }, { payload });
    expect(await judged(theirs, { on, cnf: { jkt: other.thumbprint } })).toBeUndefined();
  });

  test("and refused does not use up its id", async () => {
    const on = binding(DPOP);
    const payload = { jti: "once" };
    expect((await judged(await proof({ payload: { ...payload, htm: "PUT" } }), { on }))?.message).toContain("htm");
    expect(await judged(await proof({ payload }), { on })).toBeUndefined();
  });
});

describe("a token", () => {
  const required: DpopPlan = { ...DPOP, required: true };
  const BOUND: readonly (readonly [what: string, cnf: unknown])[] = [
    ["to a key", { jkt: client.thumbprint }],
    ["to a certificate", { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }],
    ["to a key and a certificate", { jkt: client.thumbprint, "x5t#S256": "x" }],
    ["in a way that nobody knows", { kid: "x" }],
    ["to a key and in another way", { jkt: client.thumbprint, jwk: client.jwk }],
    ["to nothing in particular", {}],
    ["to a thumbprint that is no text", { jkt: 7 }],
    ["to a text", "x"],
    ["to null", null],
    ["to a list", [client.thumbprint]],
  ];
  describe.each(BOUND)("bound %s", (_, cnf) => {
    test.each([
      ["without dpop", undefined],
      ["where DPoP is accepted", DPOP],
      ["where DPoP is required", required],
    ])("is no Bearer token %s", async (_, dpop) => {
      const proven = call([["DPoP", await proof()]]);
      const refusal = await binding(dpop).refusal(proven, { token: TOKEN, by: "Bearer" }, cnf);
      expect(refusal?.code).toBe("invalid_credentials");
    });
  });

  test.each(BOUND.slice(1))("bound %s is not taken with a proof either", async (_, cnf) => {
    expect((await judged(await proof(), { cnf }))?.code).toBe("invalid_credentials");
  });

  test("bound to a certificate is refused with the reason", async () => {
    const refusal = await binding(DPOP).refusal(call([]), { token: TOKEN, by: "Bearer" }, { "x5t#S256": "x" });
    expect(refusal?.message).toContain("client certificate");
  });

  test("bound to a certificate is taken over a connection that has shown it, and over no other", async () => {
    const certificate = new TextEncoder().encode("a certificate");
    const hash = new Bun.CryptoHasher("sha256").update(certificate).digest("base64url");
    const over = (der: Uint8Array | undefined): Exchange => {
      const x = call([]);
      x.clientCertificate = der && { der };
      return x;
    };
    const distrusted = call([]);
    distrusted.clientCertificate = { problem: "CERT_HAS_EXPIRED" };
    const bearer = { token: TOKEN, by: "Bearer" } as const;
    const cnf = { "x5t#S256": hash };
    for (const plan of [undefined, DPOP]) {
      expect(await binding(plan).refusal(over(certificate), bearer, cnf)).toBeUndefined();
      expect(await binding(plan).refusal(over(certificate), bearer, cnf)).toBeUndefined();
    }
    const refused = [
      await binding(DPOP).refusal(over(undefined), bearer, cnf),
      await binding(DPOP).refusal(over(new Uint8Array(3)), bearer, cnf),
      await binding(DPOP).refusal(over(certificate), bearer, { "x5t#S256": `${hash}=` }),
      await binding(DPOP).refusal(over(certificate), bearer, { "x5t#S256": 7 }),
      await binding(DPOP).refusal(over(certificate), bearer, { ...cnf, kid: "x" }),
      await binding(DPOP).refusal(over(certificate), { token: TOKEN, by: "DPoP" }, cnf),
      await binding(required).refusal(over(certificate), bearer, cnf),
      await binding(DPOP).refusal(distrusted, bearer, cnf),
    ];
    expect(refused.map((refusal) => refusal?.code)).toEqual(refused.map(() => "invalid_credentials"));
  });

  test("bound to nothing is taken as Bearer unless DPoP is required, and never by DPoP", async () => {
    const shown = { token: TOKEN, by: "Bearer" } as const;
    expect(binding(undefined).refusal(call([]), shown, undefined)).toBeUndefined();
    expect(binding(DPOP).refusal(call([]), shown, undefined)).toBeUndefined();
    expect((await binding(required).refusal(call([]), shown, undefined))?.code).toBe("invalid_credentials");
    const proven = call([["DPoP", await proof()]]);
    expect((await binding(DPOP).refusal(proven, { token: TOKEN, by: "DPoP" }, undefined))?.code).toBe(
      "invalid_credentials",
    );
  });

  test("by DPoP is nothing to a scheme that takes none", () => {
    expect(binding(undefined).shown(Fields.of(["Authorization", `DPoP ${TOKEN}`]))).toBeUndefined();
  });

  test.each([
    [["DPoP "], "DPoP"],
    [["DPoP a b"], "DPoP"],
    [['DPoP "x"'], "DPoP"],
    [["DPoP x", "DPoP y"], "DPoP"],
    [["DPoP x", "Bearer y"], "Bearer"],
    [["Bearer x", "DPoP y"], "Bearer"],
    [["Basic x", "DPoP y"], "DPoP"],
  ])("in the lines %j is malformed", (lines, word) => {
    const shown = binding(DPOP).shown(Fields.of(...lines.map((line): [string, string] => ["Authorization", line])));
    expect(shown).toBeInstanceOf(GatewayError);
    expect((shown as GatewayError).code).toBe("malformed_credentials");
    expect((shown as GatewayError).publicDetail).toContain(word);
  });

  test.each(["dpop x", "DPOP  x", "dPoP   x"])("in %p is shown by DPoP", (line) => {
    expect(binding(DPOP).shown(Fields.of(["authorization", line]))).toEqual({ token: "x", by: "DPoP" });
  });
});

describe("a challenge", () => {
  const METADATA = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource"';
  const ALGS = 'algs="ES256 ES384 Ed25519 EdDSA PS256 RS256"';
  const required: DpopPlan = { ...DPOP, required: true };
  const invalid = new GatewayError("invalid_credentials", "secret reason", { publicDetail: "Why." });

  test("names every way in which a token may be shown, and where more is said", () => {
    expect(binding(undefined).challenge(undefined)).toEqual([`Bearer realm="api", ${METADATA}`]);
    expect(binding(DPOP).challenge(undefined)).toEqual([
      `Bearer realm="api", ${METADATA}`,
      `DPoP realm="api", ${ALGS}, ${METADATA}`,
    ]);
    expect(binding(required).challenge(undefined)).toEqual([`DPoP realm="api", ${ALGS}, ${METADATA}`]);
  });

  test("tells the error, and of a proof only where proofs are spoken of", async () => {
    const error = 'error="invalid_token", error_description="Why."';
    expect(binding(DPOP).challenge(invalid)).toEqual([
      `Bearer realm="api", ${error}, ${METADATA}`,
      `DPoP realm="api", ${error}, ${ALGS}, ${METADATA}`,
    ]);
    const noProof = await judged(undefined);
    expect(binding(DPOP).challenge(noProof)).toEqual([
      `Bearer realm="api", ${METADATA}`,
      `DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is missing or not valid for this request.", ${ALGS}, ${METADATA}`,
    ]);
  });

  test("for scopes names them", () => {
    expect(binding(DPOP).scopeChallenge(["a", "b"])).toBe(
      `Bearer realm="api", error="insufficient_scope", scope="a b", ${METADATA}`,
    );
    expect(binding(required).scopeChallenge(["a"])).toBe(
      `DPoP realm="api", error="insufficient_scope", scope="a", ${ALGS}, ${METADATA}`,
    );
  });
});
