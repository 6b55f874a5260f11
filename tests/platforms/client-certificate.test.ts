// What is read out of clients' certificates: names that are there, and none that somebody wrote into another.
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { alternativeNames, clientCertificate } from "../../src/platforms/client-certificate.ts";
import type { ClientCertificateFacts } from "../../src/http/certificates.ts";
import { clientCertificates, PARTNER } from "../support/client-certificates.ts";
import { missing } from "../support/requirements.ts";

describe.skipIf(missing("openssl") !== undefined)("a certificate", () => {
  const all = clientCertificates();
  const factsOf = (pem: string): ClientCertificateFacts => clientCertificate(new X509Certificate(pem).raw)!;

  test("says its names as they stand in it, and from when to when it holds", () => {
    const facts = factsOf(all.partner.cert);
    expect(facts).toMatchObject({
      subject: PARTNER,
      issuer: "CN=clients,O=Sluice tests",
      serial: "01",
      names: [
        ["dns", "Meter-7.acme.test"],
        ["uri", "spiffe://acme.example/billing"],
        ["email", "Ops@ACME.test"],
        ["ip", "10.0.0.7"],
      ],
    });
    expect(facts.notAfter - facts.notBefore).toBe(30 * 24 * 3600 * 1000);
  });

  test.each(["nul", "comma", "quotes", "folder"] as const)(
    "with the name of another inside one of its names (%s) has neither",
    (name) => {
      expect(factsOf(all[name].cert).names).toEqual([]);
    },
  );

  test.each([
    ["twoNames", "CN=acme,CN=stranger"],
    ["oneInTheOther", "CN=stranger\\,CN=acme"],
    ["slashes", "CN=stranger/CN=acme"],
    ["lines", "CN=stranger\\0ACN=acme"],
    ["noSubject", ""],
  ] as const)("whose subject is a riddle (%s) is %j", (name, subject) => {
    expect(factsOf(all[name].cert).subject).toBe(subject);
  });

  test("is issued by whoever signed it, and not by a namesake, nor by who stands higher", () => {
    const { partner, imitated, behind, ca, other, between } = all;
    expect(factsOf(partner.cert).issuedBy(ca.cert)).toBe(true);
    expect(factsOf(partner.cert).issuedBy(other.cert)).toBe(false);
    expect(factsOf(imitated.cert).issuedBy(ca.cert)).toBe(false);
    expect(factsOf(all.namesake.cert).issuedBy(ca.cert)).toBe(false);
    expect(factsOf(all.namesake.cert).issuedBy(other.cert)).toBe(true);
    expect(factsOf(imitated.cert).issuedBy(`${ca.cert}\n${other.cert}`)).toBe(true);
    expect(factsOf(behind.cert).issuedBy(ca.cert)).toBe(false);
    expect(factsOf(behind.cert).issuedBy(between.cert)).toBe(true);
    expect(factsOf(partner.cert).issuedBy("")).toBe(false);
  });

  test("is none when its bytes are cut off or nonsense", () => {
    const { raw } = new X509Certificate(all.partner.cert);
    for (const bytes of [raw.subarray(0, -1), new Uint8Array(0), new Uint8Array(64), raw.subarray(1)]) {
      expect(clientCertificate(bytes)).toBeUndefined();
    }
  });
});

describe("a list of names", () => {
  test.each<[string, ReturnType<typeof alternativeNames>]>([
    ["", []],
    ["DNS:a.test", [["dns", "a.test"]]],
    ["DNS:a.test, email:a@b.test", [["dns", "a.test"], ["email", "a@b.test"]]], // prettier-ignore
    ["othername:<unsupported>, DNS:a.test", [["dns", "a.test"]]],
    ['DirName:"CN=x\\u002c DNS:b.test", DNS:a.test', [["dns", "a.test"]]],
    ['URI:"a\\"\\u002c DNS:b.test"', []],
    ['DNS:"a.test"', [["dns", "a.test"]]],
    ["DNS:", []],
    ["DNS:a b", []],
    ["DNS:ü.test", []],
    ["constructor:a", []],
    ["DNS:a.test,DNS:b.test", undefined],
    ["DNS:a.test, ", [["dns", "a.test"]]],
    ['DNS:"a.test', undefined],
    ['DNS:"a\\x"', undefined],
    ['DNS:a"b"', undefined],
    ["a.test", undefined],
    [", DNS:a.test", undefined],
  ])("%j", (text, names) => {
    expect(alternativeNames(text)).toEqual(names);
  });
});
