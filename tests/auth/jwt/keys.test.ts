// Keys of an issuer over time: who waits for a fetch, what brings one about, and what happens while the issuer is down (case GW-44).
import { afterEach, describe, expect, test } from "bun:test";
import type { ClaimsSchema } from "../../../src/config/auth/claims-schema.ts";
import type { JwtOptions } from "../../../src/config/auth/jwt.ts";
import type { Verdict } from "../../../src/auth/scheme.ts";
import { GatewayError } from "../../../src/errors.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { issuerKey, token } from "../../support/tokens.ts";
import { ISSUER, JWKS, JwtRig, keySet, outcome } from "./rig.ts";

const K1 = issuerKey("k1");
const K2 = issuerKey("k2");

type Answer = { status?: number; body: string } | "hang" | "refuse";

/** An issuer that counts who asks; its answers come when the test says so. */
class Issuer {
  readonly asked: string[] = [];
  readonly answers = new Map<string, Answer>();
  readonly platform = new FakePlatform();
  /** Whether signals of fetches that hang were aborted. */
  aborted = 0;

  constructor() {
    this.serve(K1.jwk);
    this.platform.fetch = (request) => {
      this.asked.push(request.url);
      const answer = this.answers.get(request.url) ?? { status: 404, body: "" };
      if (answer === "refuse") return Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
      if (answer !== "hang") return Promise.resolve(new Response(answer.body, { status: answer.status ?? 200 }));
      return new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => {
          this.aborted++;
          reject(new Error("aborted"));
        });
      });
    };
  }

  serve(...keys: readonly object[]): void {
    this.answers.set(JWKS, { body: keySet(...keys) });
  }

  fail(answer: Answer): void {
    this.answers.set(JWKS, answer);
  }
}

const rigs: JwtRig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) {
    rig.close();
    expect(rig.platform.clock.timers).toBe(0);
  }
});

function rigOf(issuer: Issuer, options: Partial<JwtOptions<ClaimsSchema<object>>> = {}): JwtRig {
  const rig = new JwtRig({ jwks: JWKS, ...options }, { platform: issuer.platform });
  rigs.push(rig);
  return rig;
}

/** Waits for what threads of the runtime do, until a condition holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (const began = performance.now(); !holds();) {
    if (performance.now() - began > 5000) throw new Error(`waited in vain for ${what}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const ready = (rig: JwtRig): Promise<void> => until("keys", () => rig.scheme.unready!() === undefined);
const k1 = (rig: JwtRig, more: object = {}): string => token({ alg: "RS256", kid: "k1" }, rig.claims(more), K1);
const k2 = (rig: JwtRig): string => token({ alg: "RS256", kid: "k2" }, rig.claims(), K2);
const stranger = (rig: JwtRig, kid: string): string =>
  token({ alg: "RS256", kid }, rig.claims(), issuerKey("stranger"));
const retryAfter = (verdict: Verdict): string | undefined =>
  verdict instanceof GatewayError ? verdict.fields.find(([name]) => name === "Retry-After")?.[1] : undefined;
const code = (verdict: Verdict): string => (verdict instanceof GatewayError ? verdict.code : outcome(verdict));

describe("when the gateway starts", () => {
  test("keys are fetched before anybody asks", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    expect(issuer.asked).toEqual([JWKS]);
    expect(rig.scheme.unready!()).toContain("they have not been fetched yet");
    expect(rig.scheme.keysAge!()).toBeUndefined();
    await ready(rig);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(rig.scheme.keysAge!()).toBe(0);
    expect(issuer.asked).toEqual([JWKS]);
    expect(rig.platform.notices).toEqual([]);
  });

  test("fifty requests wait for the one fetch", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    const verdicts = await Promise.all(Array.from({ length: 50 }, (_, i) => rig.judge(k1(rig, { sub: `u${i}` }))));
    expect(verdicts.map(outcome)).toEqual(verdicts.map((_, i) => `accepted u${i}`));
    expect(issuer.asked).toHaveLength(1);
  });

  test("without the issuer there is 503, at once after the first fetch, until it is back", async () => {
    const issuer = new Issuer();
    issuer.fail("refuse");
    const rig = rigOf(issuer);
    const first = await rig.judge(k1(rig));
    expect(code(first)).toBe("authentication_unavailable");
    expect((first as GatewayError).message).toContain("ECONNREFUSED");
    expect(retryAfter(first)).toBe("1");
    expect(rig.scheme.unready!()).toContain("ECONNREFUSED");
    const again = await rig.judge(k1(rig));
    expect(code(again)).toBe("authentication_unavailable");
    expect(issuer.asked).toHaveLength(1);
    expect(rig.platform.notices.map(({ level }) => level)).toEqual(["error"]);
    issuer.serve(K1.jwk);
    rig.platform.clock.advance(1_000);
    expect(issuer.asked).toHaveLength(2);
    await ready(rig);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(rig.platform.notices.map(({ level, text }) => [level, text.includes("are here again")])).toEqual([
      ["error", false],
      ["info", true],
    ]);
  });

  test("an issuer that hangs is given up after its time, and no request waits for the next try", async () => {
    const issuer = new Issuer();
    issuer.fail("hang");
    const rig = rigOf(issuer);
    const waiting = rig.judge(k1(rig));
    rig.platform.clock.advance(5_000);
    expect(code(await waiting)).toBe("authentication_unavailable");
    expect(issuer.aborted).toBe(1);
    rig.platform.clock.advance(1_000);
    expect(issuer.asked).toHaveLength(2);
    expect(code(await rig.judge(k1(rig)))).toBe("authentication_unavailable");
  });

  test("tries follow one another in growing intervals, at most half a minute apart", async () => {
    const issuer = new Issuer();
    issuer.fail({ status: 500, body: "" });
    const rig = rigOf(issuer);
    const at: number[] = [];
    const begin = rig.platform.now();
    for (let second = 0; second < 150; second++) {
      await rig.judge(k1(rig));
      const before = issuer.asked.length;
      rig.platform.clock.advance(1_000);
      if (issuer.asked.length > before) at.push((rig.platform.now() - begin) / 1000);
    }
    expect(at).toEqual([1, 3, 7, 15, 31, 61, 91, 121]);
    expect(rig.platform.notices).toHaveLength(1);
  });
});

describe("an unknown kid", () => {
  test("finds the key that the issuer has begun to use, without a restart", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    issuer.serve(K1.jwk, K2.jwk);
    rig.platform.clock.advance(30_000);
    expect(outcome(await rig.judge(k2(rig)))).toBe("accepted u");
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(issuer.asked).toHaveLength(2);
  });

  test("brings about one fetch in the cooldown, whoever sends how many", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    for (let i = 0; i < 20; i++) expect(code(await rig.judge(stranger(rig, `x${i}`)))).toBe("invalid_credentials");
    expect(issuer.asked).toHaveLength(1);
    rig.platform.clock.advance(30_000);
    const verdicts = await Promise.all(Array.from({ length: 200 }, (_, i) => rig.judge(stranger(rig, `y${i}`))));
    expect(new Set(verdicts.map(code))).toEqual(new Set(["invalid_credentials"]));
    expect(issuer.asked).toHaveLength(2);
    rig.platform.clock.advance(29_999);
    await rig.judge(stranger(rig, "z"));
    expect(issuer.asked).toHaveLength(2);
    rig.platform.clock.advance(1);
    await rig.judge(stranger(rig, "z"));
    expect(issuer.asked).toHaveLength(3);
  });

  test("waits alone: known keys do not", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    rig.platform.clock.advance(30_000);
    issuer.fail("hang");
    let settled = false;
    const waiting = rig.judge(stranger(rig, "x")).then((verdict) => {
      settled = true;
      return verdict;
    });
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(settled).toBe(false);
    rig.platform.clock.advance(5_000);
    expect(code(await waiting)).toBe("invalid_credentials");
    expect(rig.platform.notices.map(({ level }) => level)).toEqual(["warn"]);
  });

  test("does not make a token of another issuer worth a fetch", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    rig.platform.clock.advance(30_000);
    const foreign = token({ alg: "RS256", kid: "f" }, rig.claims({ iss: "https://other.test" }), issuerKey("f"));
    expect(rig.judgeNow(foreign)).toBeInstanceOf(GatewayError);
    const expired = token({ alg: "RS256", kid: "f" }, rig.claims({ exp: 1 }), issuerKey("f"));
    expect(rig.judgeNow(expired)).toBeInstanceOf(GatewayError);
    expect(issuer.asked).toHaveLength(1);
  });

  test("of a token without kid: a new key is looked for when no old one fits", async () => {
    const issuer = new Issuer();
    const { kid: _1, ...one } = K1.jwk;
    const { kid: _2, ...two } = K2.jwk;
    issuer.serve(one);
    const rig = rigOf(issuer);
    await ready(rig);
    issuer.serve(one, two);
    rig.platform.clock.advance(30_000);
    expect(outcome(await rig.judge(token({ alg: "RS256" }, rig.claims(), K2)))).toBe("accepted u");
    expect(issuer.asked).toHaveLength(2);
    expect(code(await rig.judge(token({ alg: "RS256" }, rig.claims(), issuerKey("x"))))).toBe("invalid_credentials");
    expect(issuer.asked).toHaveLength(2);
  });
});

describe("while the issuer is down", () => {
  test.each<[string, Answer]>([
    ["refuses", "refuse"],
    ["answers 500", { status: 500, body: "" }],
    ["answers 404", { status: 404, body: keySet(K2.jwk) }],
    ["redirects", { status: 302, body: "" }],
    ["answers with no JSON", { body: "<html>" }],
    ["answers with a list", { body: "[]" }],
    ["answers with no keys", { body: '{"keys":[]}' }],
    ["answers with keys that are for encryption", { body: keySet({ ...K2.jwk, use: "enc" }) }],
    ["answers with a secret", { body: keySet({ kty: "oct", k: "c2VjcmV0", kid: "k2", alg: "HS256" }) }],
    ["answers with 600 KB", { body: `${" ".repeat(600_000)}${keySet(K2.jwk)}` }],
    ["hangs", "hang"],
  ])("the known keys serve on: it %s", async (_, answer) => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    issuer.fail(answer);
    rig.platform.clock.advance(600_000);
    rig.platform.clock.advance(5_000);
    await until("a notice", () => rig.platform.notices.length > 0);
    expect(issuer.asked.length).toBeGreaterThan(1);
    expect(rig.platform.notices[0]!).toMatchObject({ level: "warn" });
    expect(rig.platform.notices[0]!.text).toMatch(
      /^auth\.token: the keys of https:\/\/iss\.test\/jwks cannot be fetched anew: /,
    );
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(rig.scheme.unready!()).toBeUndefined();
    expect(rig.scheme.keysAge!()).toBe(605_000);
    expect(rig.platform.notices).toHaveLength(1);
  });

  test("keys are trusted for a day, and no longer", async () => {
    const issuer = new Issuer();
    const rig = rigOf(issuer);
    await ready(rig);
    issuer.fail("refuse");
    rig.platform.clock.advance(24 * 3_600_000);
    const good = k1(rig);
    expect(outcome(await rig.judge(good))).toBe("accepted u");
    rig.platform.clock.advance(1);
    const verdict = await rig.judge(k1(rig, { sub: "v" }));
    expect(code(verdict)).toBe("authentication_unavailable");
    rig.platform.clock.advance(30_000);
    // What was verified by them is not known any more either.
    expect(code(await rig.judge(good))).toBe("authentication_unavailable");
    expect(rig.platform.notices.map(({ level }) => level)).toEqual(["warn", "error"]);
    issuer.serve(K1.jwk);
    rig.platform.clock.advance(30_000);
    await ready(rig);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(rig.platform.notices.map(({ level }) => level)).toEqual(["warn", "error", "info"]);
  });
});

test("keys are fetched anew every ten minutes, and a key that is gone is trusted no more", async () => {
  const issuer = new Issuer();
  const rig = rigOf(issuer);
  await ready(rig);
  const good = k1(rig, { exp: rig.seconds + 3600 });
  expect(outcome(await rig.judge(good))).toBe("accepted u");
  rig.platform.clock.advance(599_999);
  expect(outcome(await rig.judge(good))).toBe("accepted u");
  expect(rig.judgeNow(good)).not.toBeInstanceOf(Promise);
  issuer.serve(K2.jwk);
  rig.platform.clock.advance(1);
  await until("the new key", () => rig.judgeNow(good) instanceof Promise);
  expect(code(await rig.judge(good))).toBe("invalid_credentials");
  expect(outcome(await rig.judge(k2(rig)))).toBe("accepted u");
  expect(issuer.asked).toHaveLength(2);
});

describe("two keys with one kid", () => {
  test("of two types are told apart by the algorithm", async () => {
    const issuer = new Issuer();
    const ec = issuerKey("k1", "EC P-256");
    issuer.serve(K1.jwk, ec.jwk);
    const rig = rigOf(issuer);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(outcome(await rig.judge(token({ alg: "ES256", kid: "k1" }, rig.claims(), ec)))).toBe("accepted u");
  });

  test("of one type are both tried", async () => {
    const issuer = new Issuer();
    issuer.serve({ ...K2.jwk, kid: "k1" }, K1.jwk);
    const rig = rigOf(issuer);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    expect(outcome(await rig.judge(token({ alg: "RS256", kid: "k1" }, rig.claims(), K2)))).toBe("accepted u");
    expect(code(await rig.judge(token({ alg: "RS256", kid: "k1" }, rig.claims(), issuerKey("x"))))).toBe(
      "invalid_credentials",
    );
  });
});

describe("the issuer's metadata", () => {
  const OIDC = `${ISSUER}/.well-known/openid-configuration`;
  const OAUTH = `${ISSUER}/.well-known/oauth-authorization-server`;
  const metadata = (more: object = {}): Answer => ({
    body: JSON.stringify({ issuer: ISSUER, jwks_uri: JWKS, ...more }),
  });
  const discovering = (issuer: Issuer, iss = ISSUER): JwtRig => {
    const rig = new JwtRig({ issuer: iss }, { platform: issuer.platform });
    rigs.push(rig);
    return rig;
  };

  test("says where its keys are, once", async () => {
    const issuer = new Issuer();
    issuer.answers.set(OIDC, metadata());
    const rig = discovering(issuer);
    expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
    rig.platform.clock.advance(600_000);
    expect(issuer.asked).toEqual([OIDC, JWKS, JWKS]);
    await ready(rig);
  });

  test("is found in the way of RFC 8414 too, behind the host", async () => {
    const issuer = new Issuer();
    const iss = `${ISSUER}/tenants/a`;
    const place = `${OAUTH}/tenants/a`;
    issuer.answers.set(place, { body: JSON.stringify({ issuer: iss, jwks_uri: JWKS }) });
    const rig = discovering(issuer, iss);
    expect(outcome(await rig.judge(k1(rig, { iss })))).toBe("accepted u");
    expect(issuer.asked).toEqual([`${iss}/.well-known/openid-configuration`, place, JWKS]);
  });

  test("of an issuer with a slash at its end is asked for without two", async () => {
    const issuer = new Issuer();
    issuer.answers.set(OIDC, metadata({ issuer: `${ISSUER}/` }));
    const rig = discovering(issuer, `${ISSUER}/`);
    expect(outcome(await rig.judge(k1(rig, { iss: `${ISSUER}/` })))).toBe("accepted u");
  });

  test.each([
    ["another issuer", metadata({ issuer: "https://evil.test" }), "not"],
    ["an issuer with a slash more", metadata({ issuer: `${ISSUER}/` }), "not"],
    ["no issuer", metadata({ issuer: undefined }), "not"],
    ["keys over http", metadata({ jwks_uri: "http://iss.test/jwks" }), "jwks_uri"],
    ["keys on this machine", metadata({ jwks_uri: "http://127.0.0.1/jwks" }), "jwks_uri"],
    ["keys in a file", metadata({ jwks_uri: "file:///etc/passwd" }), "jwks_uri"],
    ["no keys", metadata({ jwks_uri: undefined }), "jwks_uri"],
    ["nothing", { body: "null" } as Answer, "not"],
    ["no JSON", { body: "<html>" } as Answer, "JSON"],
  ])("that names %s is not believed", async (_, answer, word) => {
    const issuer = new Issuer();
    issuer.answers.set(OIDC, answer);
    issuer.answers.set(OAUTH, metadata());
    const rig = discovering(issuer);
    const verdict = await rig.judge(k1(rig));
    expect(code(verdict)).toBe("authentication_unavailable");
    expect((verdict as GatewayError).message).toContain(word);
    expect(issuer.asked).toEqual([OIDC]);
  });

  test("is not looked for in the other place while the first fails otherwise than by 404", async () => {
    const issuer = new Issuer();
    issuer.answers.set(OIDC, { status: 500, body: "" });
    issuer.answers.set(OAUTH, metadata());
    const rig = discovering(issuer);
    expect(code(await rig.judge(k1(rig)))).toBe("authentication_unavailable");
    expect(issuer.asked).toEqual([OIDC]);
  });

  test("is asked for anew when the keys are not where it said", async () => {
    const issuer = new Issuer();
    issuer.answers.set(OIDC, metadata());
    const rig = discovering(issuer);
    await ready(rig);
    issuer.fail({ status: 404, body: "" });
    issuer.answers.set(OIDC, metadata({ jwks_uri: "https://iss.test/new" }));
    issuer.answers.set("https://iss.test/new", { body: keySet(K2.jwk) });
    rig.platform.clock.advance(600_000);
    await until("a notice", () => rig.platform.notices.length > 0);
    rig.platform.clock.advance(1_000);
    await until("the new place", () => rig.platform.notices.length > 1);
    expect(outcome(await rig.judge(k2(rig)))).toBe("accepted u");
  });
});

test("a scheme that is closed fetches nothing more", async () => {
  const issuer = new Issuer();
  issuer.fail("hang");
  const rig = rigOf(issuer);
  rig.close();
  expect(issuer.aborted).toBe(1);
  await Promise.resolve();
  rig.platform.clock.advance(3_600_000);
  expect(issuer.asked).toHaveLength(1);
  expect(rig.platform.notices).toEqual([]);
});

test("on Cloudflare nothing runs outside of a request, and no request waits for another's fetch", async () => {
  const issuer = new Issuer();
  Object.assign(issuer.platform, { runtime: "workers" });
  const rig = rigOf(issuer);
  expect(issuer.asked).toEqual([]);
  expect(rig.platform.clock.timers).toBe(0);
  const verdicts = await Promise.all([rig.judge(k1(rig)), rig.judge(k1(rig))]);
  expect(verdicts.map(outcome)).toEqual(["accepted u", "accepted u"]);
  expect(issuer.asked).toHaveLength(2);
  expect(outcome(await rig.judge(k1(rig, { sub: "v" })))).toBe("accepted v");
  expect(issuer.asked).toHaveLength(2);
  rig.platform.clock.advance(600_000);
  issuer.fail("refuse");
  expect(outcome(await rig.judge(k1(rig)))).toBe("accepted u");
  expect(issuer.asked).toHaveLength(3);
});
