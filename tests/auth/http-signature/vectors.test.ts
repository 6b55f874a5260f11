// The signatures that RFC 9421 prints: made by others, they verify here, and not when a byte is another.
import { expect, test } from "bun:test";
import { parseDictionary, type InnerList } from "structured-headers";
import { signatureBase } from "../../../src/auth/http-signature/signature-base.ts";
import { exchangeOf, type Message, RFC_REQUEST, schemeOf, told } from "./rfc.ts";

const CERTIFICATE =
  ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";

/** Appendix B.3: what the proxy sends to the service. */
const PROXIED: Message = {
  ...RFC_REQUEST,
  authority: "service.internal.example",
  fields: [["Host", "service.internal.example"], ...RFC_REQUEST.fields.slice(1), ["Client-Cert", CERTIFICATE]],
};

/** Appendix B.4. */
const TRANSFORMED: Message = {
  method: "GET",
  target: "/demo?name1=Value1&Name2=value2",
  scheme: "https",
  authority: "example.org",
  fields: [
    ["Host", "example.org"],
    ["Date", "Fri, 15 Jul 2022 14:24:55 GMT"],
    ["Accept", "application/json"],
    ["Accept", "*/*"],
  ],
};

const VECTORS: readonly (readonly [section: string, message: Message, input: string, signature: string])[] = [
  [
    "B.2.1 minimal, rsa-pss-sha512",
    RFC_REQUEST,
    'sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:",
  ],
  [
    "B.2.2 selective, rsa-pss-sha512",
    RFC_REQUEST,
    'sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    "sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:",
  ],
  [
    "B.2.3 full, rsa-pss-sha512",
    RFC_REQUEST,
    'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:",
  ],
  [
    "B.2.5 hmac-sha256",
    RFC_REQUEST,
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
  ],
  [
    "B.2.6 ed25519",
    RFC_REQUEST,
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
  ],
  [
    "B.3 behind a proxy, ecdsa-p256-sha256",
    PROXIED,
    'ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
    "ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:",
  ],
  [
    "B.4 transformed, ed25519",
    TRANSFORMED,
    'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
    "transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:",
  ],
];

/** They cover what the appendix wants to show, not what a gateway must want. */
const ANY = { components: ["@authority"], contentDigest: false };

test.each(VECTORS.slice(1))("%s verifies", async (_, message, input, signature) => {
  expect(told(await schemeOf(ANY).judge(message, input, signature))).toStartWith("rfc/test-");
});

test.each(VECTORS.slice(1))(
  "%s verifies no longer when its message is another",
  async (_, message, input, signature) => {
    const { judge } = schemeOf(ANY);
    const other = { ...message, authority: "other.example" };
    expect(told(await judge(other, input, signature))).toContain("does not verify");
    expect(told(await judge(message, input.replace("1618884473", "1618884474"), signature))).toContain(
      "does not verify",
    );
    const flipped = signature.replace(/:(.)/, (_all, first: string) => `:${first === "A" ? "B" : "A"}`);
    expect(told(await judge(message, input, flipped))).toContain("does not verify");
  },
);

test("B.2.1 covers nothing, so that it is refused, right as it is", async () => {
  const [, message, input, signature] = VECTORS[0]!;
  expect(told(await schemeOf(ANY).judge(message, input, signature))).toContain("does not cover @authority");
});

test("the base of section 2.5 is the one that the RFC prints", () => {
  const input = parseDictionary(
    'sig1=("@method" "@authority" "@path" "content-digest" "content-length" "content-type");created=1618884473;keyid="test-key-rsa-pss"',
  ).get("sig1") as InnerList;
  const origin = { scheme: "https", authority: "example.com" };
  expect(signatureBase(input, exchangeOf(RFC_REQUEST), origin).split("\n")).toEqual([
    '"@method": POST',
    '"@authority": example.com',
    '"@path": /foo',
    '"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
    '"content-length": 18',
    '"content-type": application/json',
    '"@signature-params": ("@method" "@authority" "@path" "content-digest" "content-length" "content-type");created=1618884473;keyid="test-key-rsa-pss"',
  ]);
});
