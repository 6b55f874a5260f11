// TLS of the listener: what is refused, where and with which words; and client certificates of upstreams beside it.
import { describe, expect, test } from "bun:test";
import { certificate } from "../../src/platforms/certificate.ts";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";
import { env } from "../../src/mod.ts";
import { planWarnings } from "../../src/config/warnings.ts";
import { faultLines, planOf, withListen, withUpstream, type World } from "./support.ts";

const ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";

describe.skipIf(missing("openssl") !== undefined)("TLS of the listener", () => {
  const { local, named, ca } = certificates();
  const world: World = {
    files: { "a.pem": local.cert, "a.key": local.key, "b.pem": named.cert, "b.key": named.key, "x.key": ENCRYPTED },
    certificate,
    env: { KEY: local.key, OTHER_KEY: named.key },
  };
  const own = { cert: "a.pem", key: "a.key" };
  const withTls = (tls: unknown): object => withListen({ port: 9000, tls });

  test("a certificate and its key, by path, as text and as a secret", () => {
    for (const one of [own, { cert: local.cert, key: local.key }, { cert: "a.pem", key: env("KEY") }]) {
      const { tls } = planOf(withTls({ certificates: one }), world).listen;
      expect(tls!.certificates[0]!.key.reveal()).toBe(local.key);
      expect(tls).toMatchObject({ minVersion: "1.2", clients: undefined });
      expect(JSON.stringify(tls)).not.toContain("PRIVATE KEY");
    }
  });

  test.each<readonly [tls: object, path: string, words: string]>([
    [{}, "certificates", "a certificate, or a list of them"],
    [{ certificates: [] }, "certificates", "a certificate, or a list of them"],
    [{ certificates: { cert: "a.pem" } }, "certificates.key", "a private key"],
    [{ certificates: { cert: "a.pem", key: "b.key" } }, "certificates.key", '"b.key" is not the private key of cert.'],
    [
      { certificates: { cert: "a.pem", key: env("OTHER_KEY") } },
      "certificates.key",
      "[redacted] is not the private key",
    ],
    [{ certificates: { cert: "a.pem", key: "x.key" } }, "certificates.key", "The key is encrypted"],
    [{ certificates: { cert: "a.key", key: "a.key" } }, "certificates.cert", "It holds a private key and no cert"],
    [{ certificates: { cert: "no.pem", key: "a.key" } }, "certificates.cert", "No such file can be read."],
    [{ certificates: [own, { ...own, key: "b.key" }] }, "certificates.1.key", "It belongs to another certificate."],
    [{ certificates: { ...own, names: ["a b"] } }, "certificates.names.0", "a host name"],
    [{ certificates: { ...own, names: ["10.0.0.1"] } }, "certificates.names.0", "a host name"],
    [{ certificates: { ...own, names: ["*.*.test"] } }, "certificates.names.0", "a host name"],
    [
      { certificates: [1, 2].map(() => ({ ...own, names: ["A.test"] })) },
      "certificates.1.names.0",
      "Certificate 1 has",
    ],
    [{ certificates: own, minVersion: "1.1" }, "minVersion", 'one of "1.2", "1.3"'],
    [{ certificates: own, clientCert: "require" }, "clientCert", "clientCa beside clientCert"],
    [{ certificates: own, clientCa: ca.cert }, "clientCa", "Authorities alone ask nobody"],
    [{ certificates: own, hsts: { maxAge: "11y" } }, "hsts.maxAge", "a duration"],
    [{ certificates: own, hsts: { maxAge: "3651d" } }, "hsts.maxAge", "a duration of at most 3650d"],
    [{ certificates: own, hsts: true }, "hsts", "an object of options"],
    [{ certificates: own, redirectHttp: 80 }, "redirectHttp", "an object of options"],
    [{ certificates: own, redirectHttp: { port: 0 } }, "redirectHttp.port", "a whole number from 1 to 65535"],
    [{ certificates: own, redirectHttp: { port: 9000 } }, "redirectHttp.port", "another port than the listener's"],
    [{ certificates: own, certs: 1 }, "certs", '"certs" is not an option'],
    [own, "cert", '"cert" is not an option. Options here: certificates,'],
  ])("%j", (tls, path, words) => {
    const lines = faultLines(withTls(tls), world);
    const line = lines.find((each) => each.startsWith(`listen.tls.${path}: `));
    expect(line).toContain(words);
    expect(lines.join("\n")).not.toContain("PRIVATE KEY");
  });

  test("a certificate that no client takes now, and a name that no route has, are told and refused nowhere", () => {
    const tls = { certificates: { ...own, names: ["api.test", "*.shop.test", "no.test"] } };
    const match = [{ path: "/", host: ["api.test", "eu.shop.test"] }];
    const plan = planOf({ listen: { tls }, routes: { hello: { match, answer: { body: "hello" } } } }, world);
    const year = 366 * 24 * 3600 * 1000;
    const at = "listen.tls.certificates.0";
    expect(planWarnings(plan, Date.now())).toEqual([`${at}.names: no route has the host no.test`]);
    expect(planWarnings(plan, Date.now() + year)[0]).toStartWith(`${at}: the certificate has expired on 20`);
    expect(planWarnings(plan, Date.now() - year)[0]).toStartWith(`${at}: the certificate holds from 20`);
    const open = planOf(withTls(tls), world);
    expect(planWarnings(open, Date.now())).toEqual([]);
  });

  test("hsts is the value of its field", () => {
    const hstsOf = (hsts: object): string | undefined =>
      planOf(withTls({ certificates: own, hsts }), world).listen.tls!.hsts;
    expect(hstsOf({})).toBe("max-age=15552000");
    expect(hstsOf({ maxAge: "730d", includeSubDomains: true })).toBe("max-age=63072000; includeSubDomains");
    expect(hstsOf({ maxAge: "0s" })).toBe("max-age=0");
  });

  test("a client key of an upstream that is not its certificate's is refused, too", () => {
    const lines = faultLines(withUpstream({ tls: { cert: "a.pem", key: "b.key" } }), world);
    expect(lines).toEqual([
      'upstreams.orders.tls.key: "b.key" is not the private key of cert. It belongs to another certificate.',
    ]);
  });
});
