// Certificate requests as others read them, and certificates as authorities know them.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { certificateId } from "../../src/acme/certificate-id.ts";
import { certificateRequest } from "../../src/acme/csr.ts";
import { decode, encode, oid, TAG, unsigned } from "../../src/acme/der.ts";
import { newKeys, privateKeyPem } from "../../src/acme/keys.ts";
import { fromPem, toPem } from "../../src/acme/pem.ts";
import { certificates } from "../support/certificates.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const lacks = missing("openssl");
const { subtle } = crypto;

function openssl(input: string, ...words: string[]): string {
  const { stdout, stderr } = Bun.spawnSync([pathOfTool("openssl"), ...words], { stdin: Buffer.from(input) });
  return `${stdout.toString()}${stderr.toString()}`;
}

describe.skipIf(lacks !== undefined)(`read by openssl${lacks === undefined ? "" : `: ${lacks}`}`, () => {
  test("a request has the names, no subject, and a signature that is right, however its numbers begin", async () => {
    // Numbers of a signature begin with a bit that is set, or with zeros, every now and then.
    for (let i = 0; i < 20; i++) {
      const request = toPem(
        "CERTIFICATE REQUEST",
        await certificateRequest(["a.test", "b.test"], await newKeys(subtle), subtle),
      );
      const text = openssl(request, "req", "-noout", "-text", "-verify");
      expect(text).toContain("verify OK");
      expect(text).toContain("DNS:a.test, DNS:b.test");
      expect(text).toMatch(/Subject:\s*\n/);
    }
  });

  test("a private key can be read", async () => {
    const text = openssl(await privateKeyPem(subtle, await newKeys(subtle)), "pkey", "-noout", "-text");
    expect(text).toContain("NIST CURVE: P-256");
  });

  test("a certificate without the key identifier of its authority is known to none", () => {
    expect(certificateId(openssl(SELF, "x509"))).toBeUndefined();
    expect(certificateId(certificates().named.cert)).toMatch(/^[\w-]{27}\.[\w-]+$/);
  });
});

/** Of RFC 9773, appendix A. */
const OF_RFC = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

/** The same without its extensions. */
const SELF = withoutExtensions();

function withoutExtensions(): string {
  const [certificate] = decode(fromPem("CERTIFICATE", OF_RFC)!);
  const [info, ...rest] = decode(certificate!.content);
  const fields = decode(info!.content).filter(({ tag }) => tag !== 0xa3);
  const whole = ({ tag, content }: { tag: number; content: Uint8Array }): Uint8Array => encode(tag, content);
  return toPem("CERTIFICATE", encode(TAG.sequence, encode(TAG.sequence, ...fields.map(whole)), ...rest.map(whole)));
}

test("the certificate of RFC 9773 is known by the name that stands there", () => {
  expect(certificateId(OF_RFC)).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
});

test("whatever bytes stand for a certificate, they are known by none, and reading them ends", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // The real one with some bytes changed.
    fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 5 }).map((changes) => {
      const der = fromPem("CERTIFICATE", OF_RFC)!;
      for (const [at, byte] of changes) der[at] = byte;
      return der;
    }),
  );
  fc.assert(
    fc.property(bytes, (der) => {
      expect(certificateId(toPem("CERTIFICATE", der)) ?? "none").toMatch(/^none$|^[\w-]*\.[\w-]*$/);
    }),
  );
});

test.each(["", "no PEM", OF_RFC.replaceAll("MIIB", "MIIC"), OF_RFC.slice(0, 200), OF_RFC.replace("BEGIN", "BEGAN")])(
  "what is no certificate is known by none: %j",
  (text) => {
    expect(certificateId(text)).toBeUndefined();
  },
);

test.each([
  ["0", "020100"],
  ["127", "02017f"],
  ["128", "02020080"],
  ["0000ff", "020200ff"],
  ["000001", "020101"],
])("whole numbers are written as short as can be, and are not negative: %s", (written, hex) => {
  const bytes = written.length === 6 ? Uint8Array.fromHex(written) : Uint8Array.of(Number(written));
  expect(unsigned(bytes).toHex()).toBe(hex);
});

test.each([
  ["1.2.840.10045.4.3.2", "06082a8648ce3d040302"],
  ["2.5.29.17", "0603551d11"],
])("object identifier %s", (dotted, hex) => {
  expect(oid(dotted).toHex()).toBe(hex);
});

test.each([127, 128, 255, 256, 65_535])("a value of %i bytes is read as it was written", (length) => {
  const [value] = decode(encode(TAG.octetString, new Uint8Array(length).fill(7)));
  expect(value).toEqual({ tag: TAG.octetString, content: new Uint8Array(length).fill(7) });
});
