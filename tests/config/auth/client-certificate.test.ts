// The options of clientCertificate and the names of consumers: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { clientCertificate, type ClientCertificatePlan } from "../../../src/config/auth/client-certificate.ts";
import { jwt } from "../../../src/config/auth/jwt.ts";
import { certificate, isRevocations } from "../../../src/platforms/certificate.ts";
import { certificates } from "../../support/certificates.ts";
import { clientCertificates } from "../../support/client-certificates.ts";
import { missing } from "../../support/requirements.ts";
import { faultLines, HELLO, planOf, type World } from "../support.ts";

const BROKEN = (what: string): string => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
const HEX = "ab".repeat(32);

describe.skipIf(missing("openssl") !== undefined)("the scheme for client certificates", () => {
  const { local, ca } = certificates();
  const { nobodyRevoked } = clientCertificates();
  const world: World = {
    files: {
      ...{ "a.pem": local.cert, "a.key": local.key, "ca.pem": ca.cert, "ca.crl": nobodyRevoked },
      "broken.pem": `${ca.cert}${BROKEN("CERTIFICATE")}`,
      "broken.crl": BROKEN("X509 CRL"),
    },
    certificate,
    isRevocations,
  };
  const asked = { certificates: { cert: "a.pem", key: "a.key" }, clientCert: "request", clientCa: "ca.pem" };
  const withScheme = (options: object, more: object = {}, tls: object = asked): object => ({
    listen: { tls },
    auth: { mtls: clientCertificate(options) },
    routes: { hello: { ...HELLO, auth: "mtls" } },
    ...more,
  });
  const known = (kind: string, ...names: string[]): object =>
    withScheme({ subject: kind }, { consumers: { acme: { subjects: { mtls: names } } } });

  test("nothing must be said", () => {
    expect(planOf(withScheme({}), world).auth.schemes[0] as ClientCertificatePlan).toEqual({
      name: "mtls",
      kind: "client-certificate",
      observe: false,
      realm: "sluice",
      vouches: [],
      subject: "dn",
      ca: undefined,
    });
    expect(planOf(withScheme({}), world).listen.tls!.clients).toMatchObject({ crl: undefined, required: false });
  });

  test("authorities come from files, and so do lists of what they have revoked", () => {
    const plan = planOf(withScheme({ ca: "ca.pem" }, {}, { ...asked, clientCrl: "ca.crl" }), world);
    expect(plan.auth.schemes[0]).toMatchObject({ ca: ca.cert });
    expect(plan.listen.tls!.clients).toMatchObject({ crl: nobodyRevoked });
    expect(plan.listen.tls!.clients!.crlFile).toEndWith("ca.crl");
  });

  test("`clientCert` of identity makes fields the gateway's own", () => {
    const plan = planOf(withScheme({}, { identity: { clientCert: true, consumer: false } }), world);
    expect(plan.auth.identity.owned).toEqual(["client-cert", "client-cert-chain"]);
  });

  test.each<[config: object, path: string, words: string]>([
    [withScheme({ subject: "san" }), "auth.mtls.subject", 'one of "dn", "cn", "dns", "uri", "email", "fingerprint"'],
    [withScheme({ ca: "none.pem" }), "auth.mtls.ca", "No such file can be read."],
    [withScheme({ ca: "a.key" }), "auth.mtls.ca", "It holds a private key and no certificate."],
    [withScheme({ ca: "broken.pem" }), "auth.mtls.ca", "Certificate 2 in it cannot be read."],
    [withScheme({}, {}, { ...asked, clientCa: "broken.pem" }), "listen.tls.clientCa", "Certificate 2 in it cannot"],
    [
      withScheme({}, {}, { ...asked, clientCrl: "broken.crl" }),
      "listen.tls.clientCrl",
      "The list in it cannot be read",
    ],
    [
      withScheme({}, { upstreams: { up: { targets: ["https://a.test"], tls: { ca: BROKEN("CERTIFICATE") } } } }),
      "upstreams.up.tls.ca",
      "The certificate in it cannot be read.",
    ],
    [withScheme({ subjects: [] }), "auth.mtls.subjects", '"subjects" is not an option'],
    [withScheme({}, { listen: {} }), "auth.mtls", "listen.tls.clientCert beside this. Clients show a certificate when"],
    [withScheme({}, {}, { certificates: asked.certificates }), "auth.mtls", "listen.tls.clientCert beside this"],
    [
      { listen: {}, identity: { clientCert: true }, routes: { hello: HELLO } },
      "identity.clientCert",
      "listen.tls.clientCert beside this",
    ],
    [known("dn", "acme"), "consumers.acme.subjects.mtls.0", 'The scheme mtls knows callers by "dn".'],
    [known("dn", "CN=a", "CN=b;O=c"), "consumers.acme.subjects.mtls.1", "a distinguished name such as"],
    [known("dns", "a b"), "consumers.acme.subjects.mtls.0", "a DNS name such as"],
    [known("dns", "::1"), "consumers.acme.subjects.mtls.0", "a DNS name such as"],
    [known("uri", "acme.test/x"), "consumers.acme.subjects.mtls.0", "a URI such as"],
    [known("uri", "spiffe://acme.test/ü"), "consumers.acme.subjects.mtls.0", "a URI such as"],
    [known("email", "acme"), "consumers.acme.subjects.mtls.0", "an e-mail address such as"],
    [known("cn", "a\nb"), "consumers.acme.subjects.mtls.0", "a common name"],
    [known("fingerprint", "ab".repeat(20)), "consumers.acme.subjects.mtls.0", "64 hexadecimal digits"],
    [known("fingerprint", `${"A".repeat(42)}!`), "consumers.acme.subjects.mtls.0", "64 hexadecimal digits"],
    [known("cn", "a", "a"), "consumers.acme.subjects.mtls.1", "It stands there twice."],
    [known("fingerprint", HEX, `sha256:${HEX.toUpperCase()}`), "consumers.acme.subjects.mtls.1", "stands there twice"],
    [withScheme({}, {}, { ...asked, clientCrl: "ca.pem" }), "listen.tls.clientCrl", 'It holds no "X509 CRL" in PEM'],
    [
      withScheme({}, {}, { certificates: asked.certificates, clientCrl: "ca.crl" }),
      "listen.tls.clientCrl",
      "clientCa beside clientCrl",
    ],
  ])("%j", (config, path, words) => {
    const lines = faultLines(config, world);
    expect(lines.find((line) => line.startsWith(`${path}: `))).toContain(words);
  });
});

test("a subject of two consumers is a fault for every kind of scheme", () => {
  const config = {
    auth: { token: jwt({ issuer: "https://id.test", audience: "x" }) },
    consumers: { acme: { subjects: { token: ["s-1"] } }, beta: { subjects: { token: ["s-0", "s-1"] } } },
    routes: { hello: { ...HELLO, auth: "token" } },
  };
  expect(faultLines(config)).toEqual([
    expect.stringMatching(/^consumers\.beta\.subjects\.token\.1: .*"s-1".*acme has it too\.$/),
  ]);
});
