// DPoP on the executable: the example, JWTs and opaque tokens that are bound to a key, proofs by Web Crypto and by openssl.
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base64url, type Changes, DpopClient, hashOf } from "../../support/dpop-client.ts";
import type { ReceivedResponse } from "../../support/message-reader.ts";
import { problemOf } from "../../support/messages.ts";
import { answering } from "../../support/origin-exchange.ts";
import { missing, pathOfTool } from "../../support/requirements.ts";
import { ownPath, withGateway } from "../../support/rig.ts";
import { jsonAnswer, TokenEndpoint } from "../../support/token-endpoint.ts";
import { issuerKey, token as signedToken } from "../../support/tokens.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/dpop.config.ts"), "utf8");
const METADATA = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"';
const key = issuerKey("key-1");
const endpoint = new TokenEndpoint("gateway", "s3cret");
const client = await DpopClient.make("ES256");
const thief = await DpopClient.make("ES256");
const env: Record<string, string> = { INTROSPECTION_SECRET: "s3cret" };

/** A JWT of the issuer with this `cnf`. */
function jwtFor(cnf: unknown): string {
  const seconds = Math.floor(Date.now() / 1000);
  return signedToken(
    { alg: "RS256", kid: key.kid, typ: "at+jwt" },
    {
      iss: "https://login.example.com",
      aud: "https://api.example.com/mcp",
      sub: "ada",
      exp: seconds + 600,
      ...(cnf === undefined ? {} : { cnf }),
    },
    key,
  );
}

/** The token of each kind that is bound to the client's key, and the path that wants it. */
const KINDS = [
  ["a JWT", "/mcp", jwtFor({ jkt: client.thumbprint })],
  ["an opaque token", "/calls/1", "opaque-bound"],
] as const;
endpoint.about.set("opaque-bound", { active: true, token_type: "DPoP", cnf: { jkt: client.thumbprint } });
endpoint.about.set("opaque-free", { active: true });
endpoint.about.set("opaque-certificate", {
  active: true,
  cnf: { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" },
});

withGateway(
  "the example of DPoP",
  {
    origins: {
      tools: {},
      login: { behaviour: endpoint.behaviour },
      keys: { behaviour: answering(jsonAnswer({ keys: [key.jwk] })) },
    },
    config({ tools, login, keys }) {
      env["TOOLS"] = tools.url;
      env["INTROSPECTION_URL"] = `${login.url}/introspect`;
      env["JWKS"] = `${keys.url}/jwks.json`;
      return EXAMPLE.replace("port: 8080", "port: 0");
    },
    start: { env },
  },
  (rig) => {
    /** One request. `Host` is not what the proof is for: the example knows its origin. */
    function send(path: string, fields: readonly string[], method = "GET"): Promise<ReceivedResponse> {
      return rig.exchange([`${method} ${path} HTTP/1.1`, "Host: gw.internal:8080", ...fields, "", ""].join("\r\n"));
    }

    const uri = (path: string): string => `https://api.example.com${path}`;
    const proofFor = (path: string, token: string, changes?: Changes, method = "GET"): Promise<string> =>
      client.proof({ method, uri: uri(path), token, at: Date.now() }, changes);

    describe.each(KINDS)("%s that is bound to a key", (_, path, token) => {
      test("passes with a proof, again with another, and both reach the upstream", async () => {
        const before = rig.origins.tools.requestsTo(path).length;
        for (let i = 0; i < 2; i++) {
          const proof = await proofFor(path, token);
          expect((await send(path, [`Authorization: DPoP ${token}`, `DPoP: ${proof}`])).status).toBe(200);
        }
        expect(rig.origins.tools.requestsTo(path).length - before).toBe(2);
      });

      test("is refused with a proof that was shown, though the token is known", async () => {
        const fields = [`Authorization: DPoP ${token}`, `DPoP: ${await proofFor(path, token)}`];
        expect((await send(path, fields)).status).toBe(200);
        const answer = await send(path, fields);
        expect([answer.status, problemOf(answer).code]).toEqual([401, "invalid_credentials"]);
        expect(answer.fields.all("www-authenticate").at(-1)).toContain(
          'DPoP realm="sluice", error="invalid_dpop_proof"',
        );
      });

      const SPOILT: readonly (readonly [what: string, changes: Changes])[] = [
        ["by a thief's key", { header: { jwk: thief.jwk }, signer: thief }],
        ["signed by a thief", { signer: thief }],
        ["for another method", { payload: { htm: "POST" } }],
        ["for another place", { payload: { htu: `http://gw.internal:8080${path}` } }],
        ["for another token", { payload: { ath: hashOf("other") } }],
        ["that is old", { payload: { iat: Math.floor(Date.now() / 1000) - 61 } }],
        ["without id", { payload: { jti: undefined } }],
        ["of another type", { header: { typ: "at+jwt" } }],
      ];
      test.each(SPOILT)("is refused with a proof %s", async (_, changes) => {
        const before = rig.origins.tools.requests.length;
        const proof = await proofFor(path, token, changes);
        const answer = await send(path, [`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
        expect(answer.status).toBe(401);
        expect(answer.fields.all("www-authenticate").at(-1)).toContain('error="invalid_dpop_proof"');
        expect(rig.origins.tools.requests).toHaveLength(before);
      });

      test("is refused without a proof, as a Bearer token, and as one with a proof", async () => {
        const proof = await proofFor(path, token);
        for (const fields of [
          [`Authorization: DPoP ${token}`],
          [`Authorization: Bearer ${token}`],
          [`Authorization: Bearer ${token}`, `DPoP: ${proof}`],
          [`Authorization: DPoP ${token}`, `DPoP: ${proof}`, `DPoP: ${proof}`],
        ]) {
          expect((await send(path, fields)).status, fields.join()).toBeGreaterThanOrEqual(400);
        }
        // None of these has used the proof up.
        expect((await send(path, [`Authorization: DPoP ${token}`, `DPoP: ${proof}`])).status).toBe(200);
      });

      test("passes by HEAD with a proof for HEAD alone", async () => {
        const of = async (method: string): Promise<number> => {
          const fields = [`Authorization: DPoP ${token}`, `DPoP: ${await proofFor(path, token, {}, method)}`];
          return (await send(path, fields, "HEAD")).status;
        };
        expect([await of("GET"), await of("HEAD")]).toEqual([401, 200]);
      });

      test.skipIf(missing("openssl") !== undefined)("passes with a proof that openssl signed", async () => {
        const folder = mkdtempSync(join(tmpdir(), "sluice-dpop-"));
        try {
          const holder = opensslClient(folder);
          const mine = path === "/mcp" ? jwtFor({ jkt: holder.thumbprint }) : "opaque-openssl";
          endpoint.about.set("opaque-openssl", { active: true, cnf: { jkt: holder.thumbprint } });
          const proof = holder.proof(uri(path), mine);
          expect((await send(path, [`Authorization: DPoP ${mine}`, `DPoP: ${proof}`])).status).toBe(200);
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    });

    test("a token that is bound to a certificate never passes", async () => {
      const certificate = { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" };
      const both = { ...certificate, jkt: client.thumbprint };
      for (const [path, token] of [
        ["/mcp", jwtFor(certificate)],
        ["/mcp", jwtFor(both)],
        ["/calls/2", "opaque-certificate"],
      ] as const) {
        const proof = await proofFor(path, token);
        for (const fields of [[`Authorization: Bearer ${token}`], [`Authorization: DPoP ${token}`, `DPoP: ${proof}`]]) {
          expect((await send(path, fields)).status).toBe(401);
        }
      }
    });

    test("a token that is bound to nothing passes where DPoP is accepted, and not where it is required", async () => {
      const path = ownPath("/calls");
      expect((await send(path, ["Authorization: Bearer opaque-free"])).status).toBe(200);
      const answer = await send("/mcp", [`Authorization: Bearer ${jwtFor(undefined)}`]);
      expect(answer.status).toBe(401);
      expect(answer.fields.all("www-authenticate")).toEqual([
        'DPoP realm="sluice", error="invalid_token", error_description="The token is not bound to a key.", ' +
          `algs="ES256 ES384 Ed25519 EdDSA PS256 RS256", ${METADATA}`,
      ]);
    });

    test("who shows nothing is told every way that is open", async () => {
      expect((await send("/mcp", [])).fields.all("www-authenticate")).toEqual([
        `DPoP realm="sluice", algs="ES256 ES384 Ed25519 EdDSA PS256 RS256", ${METADATA}`,
      ]);
      expect((await send("/calls/1", [])).fields.all("www-authenticate")).toEqual([
        'Bearer realm="sluice"',
        'DPoP realm="sluice", algs="ES256 Ed25519"',
      ]);
    });

    test("a proof by an algorithm that the config does not name is refused", async () => {
      const holder = await DpopClient.make("ES384");
      endpoint.about.set("opaque-es384", { active: true, cnf: { jkt: holder.thumbprint } });
      const path = ownPath("/calls");
      const proof = await holder.proof({ uri: uri(path), token: "opaque-es384", at: Date.now() });
      expect((await send(path, ["Authorization: DPoP opaque-es384", `DPoP: ${proof}`])).status).toBe(401);
    });

    test("no proof stands in the log", () => {
      expect(rig.gateway.lines.length).toBeGreaterThan(10);
      expect(rig.gateway.lines.join("\n")).not.toContain("eyJ");
    });
  },
);

/** A holder whose key and signature are openssl's. */
function opensslClient(folder: string): { thumbprint: string; proof(uri: string, token: string): string } {
  const file = join(folder, "key.pem");
  const openssl = (...parts: string[]): Buffer =>
    execFileSync(pathOfTool("openssl"), parts, { stdio: ["ignore", "pipe", "ignore"] });
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
  // The last 64 bytes of the SubjectPublicKeyInfo are the point (RFC 5480 section 2.2).
  const point = openssl("pkey", "-in", file, "-pubout", "-outform", "DER").subarray(-64);
  const [x, y] = [base64url(point.subarray(0, 32)), base64url(point.subarray(32))];
  return {
    thumbprint: hashOf(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`),
    proof(uri, token) {
      const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty: "EC", crv: "P-256", x, y } };
      const payload = {
        jti: "by-openssl",
        htm: "GET",
        htu: uri,
        iat: Math.floor(Date.now() / 1000),
        ath: hashOf(token),
      };
      const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
      const input = join(folder, "input");
      writeFileSync(input, text);
      return `${text}.${base64url(plainSignature(openssl("dgst", "-sha256", "-sign", file, input)))}`;
    },
  };
}

/** The two numbers of an ECDSA signature, each of 32 bytes, out of their DER (RFC 7515 appendix A.3). */
function plainSignature(der: Buffer): Buffer {
  const numbers: Buffer[] = [];
  for (let at = 2; at < der.length;) {
    const length = der[at + 1]!;
    const bytes = der.subarray(at + 2, at + 2 + length);
    numbers.push(Buffer.concat([Buffer.alloc(32), bytes]).subarray(-32));
    at += 2 + length;
  }
  return Buffer.concat(numbers);
}
