// Certificates by ACME in the config: what is refused, where and with which words, and where they are kept.
import { describe, expect, test } from "bun:test";
import { planView } from "../../src/admin/live/plan-view.ts";
import { planWarnings } from "../../src/config/warnings.ts";
import { env } from "../../src/mod.ts";
import { certificate } from "../../src/platforms/certificate.ts";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";
import { faultLines, planOf, withListen, type World } from "./support.ts";

const HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
const world: World = { env: { HOME: "/h", HMAC, SHORT: "abc" } };
const right = { domains: ["a.test", "B.test"], agreeToTerms: true } as const;
const withAcme = (acme: unknown, tls: object = {}): object =>
  withListen({ port: 443, tls: { redirectHttp: { port: 80 }, ...tls, acme } });

test("what need not be said: Let's Encrypt, no contact, no certificate beside it", () => {
  expect(planOf(withAcme(right), world).listen.tls).toMatchObject({
    certificates: [],
    acme: {
      domains: ["a.test", "b.test"],
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      contact: [],
      externalAccount: undefined,
      storage: "/h/.local/state/sluice/acme",
      ca: undefined,
    },
  });
});

test.each([
  [{ STATE_DIRECTORY: "/var/lib/sluice:/var/lib/more", XDG_STATE_HOME: "/x", HOME: "/h" }, "/var/lib/sluice/acme"],
  [{ XDG_STATE_HOME: "/x", HOME: "/h" }, "/x/sluice/acme"],
  [{ XDG_STATE_HOME: "relative", HOME: "/h" }, "/h/.local/state/sluice/acme"],
  [{ STATE_DIRECTORY: "", HOME: "/h" }, "/h/.local/state/sluice/acme"],
])("with %j certificates are kept in %s", (env, storage) => {
  expect(planOf(withAcme(right), { env }).listen.tls!.acme!.storage).toBe(storage);
});

test("a folder of one's own, contacts, and an external account whose key nobody sees", () => {
  const externalAccount = { kid: "kid-1", hmacKey: env("HMAC") };
  const acme = { ...right, storage: "certs", email: ["a@a.test", "b+c@a.test"], externalAccount };
  const plan = planOf(withAcme(acme), world);
  expect(plan.listen.tls!.acme).toMatchObject({ storage: "certs", contact: ["mailto:a@a.test", "mailto:b+c@a.test"] });
  expect(plan.listen.tls!.acme!.externalAccount!.hmacKey.reveal()).toBe(HMAC);
  const shown = JSON.stringify([plan, planView(plan)]);
  expect(shown).not.toContain(HMAC);
  expect(shown).toContain('"domains":["a.test","b.test"]');
});

test.each<readonly [acme: unknown, path: string, words: string]>([
  [true, "", "an object of options"],
  [{ ...right, domains: [] }, "domains", "a list of host names"],
  [{ ...right, domains: "a.test" }, "domains", "a list of host names"],
  [{ ...right, domains: ["*.a.test"] }, "domains.0", "name the hosts"],
  [{ ...right, domains: ["10.0.0.1"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["::1"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["localhost"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["a.test."] }, "domains.0", "a host name"],
  [{ ...right, domains: ["../a.test"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["https://a.test"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["a_b.test"] }, "domains.0", "a host name"],
  [{ ...right, domains: ["a.test", "A.test"] }, "domains.1", "a host name of its own"],
  [{ ...right, domains: Array.from({ length: 101 }, (_, i) => `a${i}.test`) }, "domains", "at most 100 host names"],
  [{ domains: ["a.test"] }, "agreeToTerms", "terms of service"],
  [{ ...right, agreeToTerms: false }, "agreeToTerms", "terms of service"],
  [{ ...right, directory: "letsencrypt" }, "directory", "the URL of an ACME directory"],
  [{ ...right, directory: "http://ca.test/dir" }, "directory", "over http anybody could be the authority"],
  [{ ...right, directory: "https://u:p@ca.test/dir" }, "directory", "without user and password"],
  [{ ...right, email: "ops" }, "email", "an email address"],
  [{ ...right, email: "mailto:ops@a.test" }, "email", "an email address"],
  [{ ...right, email: "a@a.test,b@a.test" }, "email", "an email address"],
  [{ ...right, externalAccount: { kid: "k" } }, "externalAccount.hmacKey", "a key in base64url"],
  [{ ...right, externalAccount: { kid: "k", hmacKey: HMAC } }, "externalAccount.hmacKey", "env() with the key"],
  [{ ...right, externalAccount: { kid: "k", hmacKey: env("SHORT") } }, "externalAccount.hmacKey", "16 at least"],
  [{ ...right, externalAccount: { kid: "", hmacKey: env("HMAC") } }, "externalAccount.kid", "a key identifier"],
  [{ ...right, storage: "" }, "storage", "the path of a folder"],
  [{ ...right, ca: "no.pem" }, "ca", "No such file can be read."],
  [{ ...right, challenge: "tls-alpn-01" }, "challenge", "has picked the certificate when it looks at ALPN"],
  [{ ...right, challenge: "dns-01" }, "challenge", "cannot write DNS records"],
  [{ ...right, challenge: "http" }, "challenge", '"http-01"'],
  [{ ...right, domain: "a.test" }, "domain", '"domain" is not an option'],
])("%j", (acme, path, words) => {
  const lines = faultLines(withAcme(acme), world);
  const at = path === "" ? "listen.tls.acme: " : `listen.tls.acme.${path}: `;
  expect(lines.find((line) => line.startsWith(at))).toContain(words);
  expect(lines.join("\n")).not.toContain(HMAC);
});

test("nowhere to keep them is a fault, and so is no port that the authority could ask", () => {
  expect(faultLines(withAcme(right), {})).toEqual([expect.stringContaining("write storage")]);
  const lines = faultLines(withAcme(right, { redirectHttp: undefined }), world);
  expect(lines).toEqual([expect.stringContaining("write redirectHttp: { port: 80 }")]);
});

test("a domain that no route has is told, and refused nowhere", () => {
  const match = [{ path: "/", host: "a.test" }];
  const tls = { acme: right, redirectHttp: { port: 80 } };
  const plan = planOf({ listen: { tls }, routes: { a: { match, answer: { body: "a" } } } }, world);
  expect(planWarnings(plan, 0)).toEqual(["listen.tls.acme.domains: no route has the host b.test"]);
});

describe.skipIf(missing("openssl") !== undefined)("beside certificates from files", () => {
  const { named } = certificates();
  const files = { "a.pem": named.cert, "a.key": named.key };
  const own = { cert: "a.pem", key: "a.key" };

  test("it stands, for other names", () => {
    const { tls } = planOf(withAcme(right, { certificates: own }), { ...world, files, certificate }).listen;
    expect([tls!.certificates.length, tls!.acme!.domains.length]).toEqual([1, 2]);
  });

  test.each([
    [own, "up.internal.test"],
    [{ ...own, names: ["x.test"] }, "x.test"],
  ])("a name that %j has is not got as well", (certificates, domain) => {
    const lines = faultLines(withAcme({ ...right, domains: [domain] }, { certificates }), {
      ...world,
      files,
      certificate,
    });
    expect(lines).toEqual([expect.stringContaining("Certificate 1 has the name too")]);
  });
});
