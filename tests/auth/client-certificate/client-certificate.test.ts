// Callers by their certificates: who is known by which of its names, and who only looks like somebody.
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { Carried } from "../../../src/carried.ts";
import { createClientCertificate } from "../../../src/auth/client-certificate/client-certificate.ts";
import type { AuthServices, Scheme, Verdict } from "../../../src/auth/scheme.ts";
import type { ClientCertificatePlan } from "../../../src/config/auth/client-certificate.ts";
import type { Identity } from "../../../src/config/auth/options.ts";
import { GatewayError } from "../../../src/errors.ts";
import type { ShownCertificate } from "../../../src/http/certificates.ts";
import { clientCertificate } from "../../../src/platforms/client-certificate.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { clientCertificates, PARTNER } from "../../support/client-certificates.ts";
import { missing } from "../../support/requirements.ts";
import { callOf } from "../callers.ts";

const URI = "spiffe://acme.example/billing";

describe.skipIf(missing("openssl") !== undefined)("a client certificate", () => {
  const all = clientCertificates();
  const shownOf = (name: keyof typeof all): ShownCertificate => ({
    der: new Uint8Array(new X509Certificate((all[name] as { cert: string }).cert).raw),
  });

  /** A scheme that knows the consumer acme by this subject, and beta by others. */
  function scheme(
    plan: Partial<ClientCertificatePlan>,
    subject = PARTNER,
    betas: readonly string[] = [],
  ): { scheme: Scheme; platform: FakePlatform; read: () => number } {
    const platform = new FakePlatform();
    // A moment at which those hold that were made for 30 days.
    platform.clock.epoch = Date.parse(new X509Certificate(all.partner.cert).validFrom) + 60_000;
    let read = 0;
    const lent = Object.assign(platform, {
      clientCertificate: (der: Uint8Array) => {
        read++;
        return clientCertificate(der);
      },
    });
    const none = { keys: [], signingKeys: [], password: undefined };
    const services = {
      platform: lent,
      keep: new Carried().keep,
      consumers: [
        { consumer: { name: "acme", groups: [] }, subjects: { mtls: [subject] }, ...none },
        { consumer: { name: "beta", groups: [] }, subjects: { mtls: betas }, ...none },
      ],
    } as unknown as AuthServices;
    const common = { name: "mtls", observe: false, realm: "api", vouches: [] };
    const made = createClientCertificate(
      { ...common, kind: "client-certificate", subject: "dn", ca: undefined, ...plan },
      services,
    );
    return { scheme: made, platform, read: () => read };
  }

  function verdictOf(of: Scheme, shown: ShownCertificate | undefined): Verdict | Promise<Verdict> {
    const x = callOf(undefined);
    x.clientCertificate = shown;
    return of.identify(x);
  }

  /** The consumer, "nobody" for an identity without one, or why it is refused. */
  function found(of: Scheme, shown: ShownCertificate | undefined): string {
    const verdict = verdictOf(of, shown);
    if (verdict instanceof GatewayError) return verdict.message;
    return verdict === undefined ? "no credentials" : ((verdict as Identity).consumer?.name ?? "nobody");
  }

  const HASH = new Bun.CryptoHasher("sha256").update(new X509Certificate(all.partner.cert).raw);
  const DIGEST = HASH.digest();

  test.each<[ClientCertificatePlan["subject"], string]>([
    ["dn", PARTNER],
    ["dn", "cn=acme, o=Acme\\2c Inc., c=DE"],
    ["cn", "acme"],
    ["dns", "METER-7.acme.test"],
    ["uri", URI],
    ["email", "Ops@acme.TEST"],
    ["fingerprint", DIGEST.toString("hex")],
    ["fingerprint", new X509Certificate(all.partner.cert).fingerprint256],
    ["fingerprint", DIGEST.toString("base64url")],
  ])("is known by its %s %s", (subject, written) => {
    const known = scheme({ subject }, written);
    expect(found(known.scheme, shownOf("partner"))).toBe("acme");
    expect(found(known.scheme, shownOf("stranger"))).not.toBe("acme");
  });

  test("says all that rules may ask for", () => {
    expect(verdictOf(scheme({ subject: "uri" }, URI).scheme, shownOf("partner"))).toMatchObject({
      scheme: "mtls",
      subject: URI,
      scopes: [],
      claims: {
        subject: PARTNER,
        issuer: "CN=clients,O=Sluice tests",
        serial: "01",
        cn: ["acme"],
        san: { dns: ["Meter-7.acme.test"], uri: [URI], email: ["Ops@ACME.test"], ip: ["10.0.0.7"] },
        fingerprint: DIGEST.toString("hex"),
        "x5t#S256": DIGEST.toString("base64url"),
        notAfter: expect.stringMatching(/^20\d\d-.*Z$/),
      },
    });
  });

  test("of a caller whom no consumer names is an identity without a consumer", () => {
    const verdict = verdictOf(scheme({}).scheme, shownOf("stranger"));
    expect(verdict).toMatchObject({ consumer: undefined, subject: "CN=stranger" });
  });

  test.each<[name: keyof typeof all, subject: ClientCertificatePlan["subject"], known: string, outcome: string]>([
    ["twoNames", "cn", "acme", "it has several common names"],
    ["oneInTheOther", "cn", "acme", "nobody"],
    ["slashes", "cn", "acme", "nobody"],
    ["lines", "cn", "acme", "it has no cn that is a name"],
    ["capitals", "cn", "acme", "nobody"],
    ["capitals", "dn", PARTNER, "nobody"],
    ["unicode", "cn", "acme", "nobody"],
    ["noSubject", "cn", "acme", "it has no cn that is a name"],
    ["noSubject", "dn", PARTNER, "it has no dn that is a name"],
    ["long", "dn", PARTNER, "it has no dn that is a name"],
    ["nul", "dns", "meter-7.acme.test", "it has no dns that is a name"],
    ["comma", "dns", "meter-7.acme.test", "it has no dns that is a name"],
    ["comma", "uri", "x:y", "it has no uri that is a name"],
    ["quotes", "dns", "meter-7.acme.test", "it has no dns that is a name"],
    ["folder", "dns", "meter-7.acme.test", "it has no dns that is a name"],
    ["stranger", "dns", "acme.test", "nobody"],
    ["partner", "dns", "acme.test", "nobody"],
  ])("that is a riddle (%s) is not taken for another by its %s %s: %s", (name, subject, known, outcome) => {
    expect(found(scheme({ subject }, known).scheme, shownOf(name))).toEndWith(outcome);
  });

  test("with the names of two consumers is neither's, and with two of one it is that one's", () => {
    const two = ["spiffe://acme.test/else"];
    expect(found(scheme({ subject: "uri" }, URI, two).scheme, shownOf("both"))).toEndWith("it names 2 consumers");
    expect(found(scheme({ subject: "uri" }, "x:y", [URI, ...two]).scheme, shownOf("both"))).toBe("beta");
    expect(found(scheme({ subject: "uri" }, two[0]!).scheme, shownOf("both"))).toBe("acme");
  });

  test("of another authority, or of one below, is refused where `ca` says whose are taken", () => {
    const pinned = scheme({ ca: all.ca.cert });
    expect(found(pinned.scheme, shownOf("partner"))).toBe("acme");
    expect(found(pinned.scheme, shownOf("imitated"))).toContain("none of `ca` has signed it");
    expect(found(pinned.scheme, shownOf("behind"))).toContain("none of `ca` has signed it, but CN=between");
    expect(found(scheme({ ca: all.between.cert }).scheme, shownOf("behind"))).toBe("nobody");
    expect(found(scheme({}).scheme, shownOf("imitated"))).toBe("acme");
  });

  test("that expires while its connection is open is refused from then on", () => {
    const { scheme: known, platform } = scheme({});
    const shown = shownOf("partner");
    const days = (count: number): void => platform.clock.advance(count * 24 * 3_600_000);
    expect(found(known, shown)).toBe("acme");
    days(29);
    expect(found(known, shown)).toBe("acme");
    days(2);
    expect(found(known, shown)).toContain("it has expired on 20");
    expect(found(known, shownOf("partner"))).toContain("it has expired on 20");
  });

  test("that does not hold yet is refused until it does", () => {
    const { scheme: known, platform } = scheme({});
    platform.clock.epoch -= 3_600_000;
    const shown = shownOf("partner");
    expect(found(known, shown)).toContain("it does not hold before 20");
    platform.clock.advance(3_600_000);
    expect(found(known, shown)).toBe("acme");
  });

  test("is read once, however many requests and connections show it, and gives one identity", () => {
    const { scheme: known, read } = scheme({});
    const shown = shownOf("partner");
    const first = verdictOf(known, shown);
    for (let i = 0; i < 5; i++) expect(verdictOf(known, shown)).toBe(first);
    expect(verdictOf(known, shownOf("partner"))).toBe(first);
    expect(read()).toBe(1);
  });

  test("that the listener does not trust, or that cannot be read, is refused, and the client is not told why", () => {
    const { scheme: known } = scheme({});
    const untrusted = verdictOf(known, { problem: "CERT_HAS_EXPIRED" }) as GatewayError;
    expect(untrusted).toMatchObject({
      code: "invalid_credentials",
      message: "the client certificate: the listener does not trust it: CERT_HAS_EXPIRED",
      publicDetail: "The client certificate is not accepted.",
    });
    expect(found(known, { der: new Uint8Array(9) })).toEndWith("it cannot be read");
    expect(known.challenge(untrusted)).toBe('ClientCertificate realm="api"');
  });

  test("that is not there is no credentials at all", () => {
    expect(found(scheme({}).scheme, undefined)).toBe("no credentials");
  });

  test("is judged later where hashes are made later", async () => {
    const { scheme: known, platform } = scheme({});
    const { sha256 } = platform;
    Object.assign(platform, { sha256: async (bytes: Uint8Array) => sha256.call(platform, bytes) });
    expect(await verdictOf(known, shownOf("partner"))).toMatchObject({ consumer: { name: "acme" } });
  });
});

test("a runtime that shows no certificates is not ready", () => {
  const services = { platform: new FakePlatform(), consumers: [] } as unknown as AuthServices;
  const plan = { name: "mtls", observe: false, realm: "api", vouches: [], subject: "dn", ca: undefined } as const;
  const made = createClientCertificate({ ...plan, kind: "client-certificate" }, services);
  expect(made.unready!()).toBe("this runtime shows no client certificates");
});
