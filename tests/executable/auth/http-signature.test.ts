// The example config of HTTP message signatures on the executable. Its callers are a shell, openssl and curl.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { get, problemOf, request } from "../../support/messages.ts";
import { missing, pathOfTool } from "../../support/requirements.ts";
import { type Rig, withGateway } from "../../support/rig.ts";

const ROOT = join(import.meta.dir, "../../..");
const EXAMPLE = readFileSync(join(ROOT, "examples/auth/http-signature.config.ts"), "utf8");
const PAGE = readFileSync(join(ROOT, "docs/auth/http-signature.md"), "utf8");
/** What the page tells a caller to run. */
const SCRIPT = /```sh\n([\s\S]*?)```/.exec(PAGE)![1]!;

const folder = mkdtempSync(join(tmpdir(), "sluice-signature-"));
const openssl = (...args: string[]): Buffer =>
  execFileSync(pathOfTool("openssl"), args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
beforeAll(() => {
  if (missing("openssl") !== undefined) return;
  openssl("genpkey", "-algorithm", "ed25519", "-out", "acme.key");
  openssl("pkey", "-in", "acme.key", "-pubout", "-out", "acme.pem");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = "0123456789abcdef0123456789abcdef";

/** Signature-Input and Signature by openssl over these lines of the base. */
function signedBy(key: "acme-2026" | "meter-1", lines: readonly string[], more = ""): string[] {
  const components = lines.map((line) => /^"[^"]*"[^:]*/.exec(line)![0]).join(" ");
  const input = `(${components});created=${Math.floor(Date.now() / 1000)};keyid="${key}"${more}`;
  writeFileSync(join(folder, "base"), [...lines, `"@signature-params": ${input}`].join("\n"));
  const signature =
    key === "acme-2026"
      ? openssl("pkeyutl", "-sign", "-rawin", "-inkey", "acme.key", "-in", "base")
      : openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", `key:${SECRET}`, "-binary", "base");
  return [`Signature-Input: sig=${input}`, `Signature: sig=:${signature.toString("base64")}:`];
}

const uri = (path: string): string => `"@target-uri": http://gw.test${path}`;

withGateway(
  "the example of HTTP message signatures",
  {
    origins: { up: {} },
    config: ({ up }) =>
      EXAMPLE.replace("port: 8080", "port: 0")
        .replace("127.0.0.1:9001", up.authority)
        .replace('"acme.pem"', JSON.stringify(join(folder, "acme.pem"))),
    start: { env: { METER_SECRET: SECRET } },
    needs: ["openssl", "curl"],
  },
  (rig) => {
    test("accepts what openssl signs, with a key pair and with a shared secret", async () => {
      for (const [key, consumer] of [
        ["acme-2026", "acme"],
        ["meter-1", "meter"],
      ] as const) {
        const target = `/readings/${consumer}?from=1`;
        const answer = await rig.exchange(get(target, ...signedBy(key, ['"@method": GET', uri(target)])));
        expect([answer.status, answer.body.text]).toEqual([200, "ok"]);
        const { fields } = await rig.origins.up.requestTo(`/readings/${consumer}`);
        expect(fields.one("x-consumer")).toBe(consumer);
      }
    });

    test("runs with what the page shows", async () => {
      const script = SCRIPT.replaceAll("127.0.0.1:8080", `127.0.0.1:${rig.gateway.port}`);
      const child = Bun.spawn(["sh", "-eu", "-c", script], { cwd: folder, stdout: "pipe", stderr: "pipe" });
      const [output, errors] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect({ output: output.split("\r\n")[0]!, code: await child.exited, errors }).toMatchObject({
        output: "HTTP/1.1 200 OK",
        code: 0,
      });
      const { body, fields } = await rig.origins.up.requestTo("/payments");
      expect(body.content.toString()).toBe('{"amount":5}');
      expect(fields.one("x-consumer")).toBe("acme");
    });

    const digestOf = (content: string): string => `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;
    const upload = (path: string, content: string, sent: string, ...more: string[]): Promise<Answered> => {
      const value = digestOf(content);
      const lines = ['"@method": PUT', uri(path), `"content-digest": ${value}`];
      return rig.exchange(
        request("PUT", path, sent, `Content-Digest: ${value}`, ...signedBy("acme-2026", lines), ...more),
      );
    };
    type Answered = Awaited<ReturnType<Rig<string>["exchange"]>>;

    test("forwards content whole when it fits its digest, and not a byte of it when it does not", async () => {
      const content = "x".repeat(900_000);
      expect((await upload("/readings/fits", content, content)).status).toBe(200);
      expect((await rig.origins.up.requestTo("/readings/fits")).body.bytes).toBe(content.length);
      const refused = await upload("/readings/tampered", content, `${content.slice(1)}y`);
      expect([refused.status, problemOf(refused).code]).toEqual([401, "invalid_credentials"]);
      expect(refused.fields.one("www-authenticate")).toBe('Signature realm="sluice"');
      expect(rig.origins.up.requestsTo("/readings/tampered")).toHaveLength(0);
    });

    test("refuses signed content over the bound with 413, before it is sent", async () => {
      const value = digestOf("whatever");
      const lines = ['"@method": PUT', uri("/readings/large"), `"content-digest": ${value}`];
      const fields = [`Content-Digest: ${value}`, "Content-Length: 2000000", "Expect: 100-continue"];
      using client = await rig.connect();
      await client.send(request("PUT", "/readings/large", "", ...fields, ...signedBy("acme-2026", lines)));
      const refused = await client.receive();
      expect(refused.interim).toEqual([]);
      expect([refused.status, problemOf(refused).code]).toEqual([413, "content_too_large"]);
      expect(rig.origins.up.requestsTo("/readings/large")).toHaveLength(0);
    });

    test("judges chunked content and HEAD alike", async () => {
      const value = digestOf("hello");
      const lines = ['"@method": PUT', uri("/readings/chunked"), `"content-digest": ${value}`];
      const head = (body: string): string =>
        ["PUT /readings/chunked HTTP/1.1", "Host: gw.test", "Transfer-Encoding: chunked", `Content-Digest: ${value}`]
          .concat(signedBy("meter-1", lines), "", body)
          .join("\r\n");
      expect((await rig.exchange(head("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"))).status).toBe(200);
      expect((await rig.origins.up.requestTo("/readings/chunked")).body.content.toString()).toBe("hello");
      expect((await rig.exchange(head("2\r\nhe\r\n3\r\nlla\r\n0\r\n\r\n"))).status).toBe(401);
      const asked = signedBy("acme-2026", ['"@method": HEAD', uri("/readings/head")]);
      const options = { method: "HEAD" } as const;
      expect((await rig.exchange(request("HEAD", "/readings/head", "", ...asked), options)).status).toBe(200);
      expect((await rig.exchange(get("/readings/head", ...asked))).status).toBe(401);
    });

    test("takes a nonce once, and only from who may", async () => {
      const value = digestOf("{}");
      const lines = ['"@method": POST', uri("/payments"), '"content-type": text/plain', `"content-digest": ${value}`];
      const pay = (signed: string[]): Promise<Answered> =>
        rig.exchange(
          request("POST", "/payments", "{}", "Content-Type: text/plain", `Content-Digest: ${value}`, ...signed),
        );
      const signed = signedBy("acme-2026", lines, ';nonce="n-1"');
      expect((await pay(signed)).status).toBe(200);
      expect((await pay(signed)).status).toBe(401);
      expect((await pay(signedBy("acme-2026", lines))).status).toBe(401);
      expect((await pay(signedBy("meter-1", lines, ';nonce="n-1"'))).status).toBe(403);
    });

    test("asks for a signature, and tells a malformed one from a wrong one", async () => {
      const none = await rig.exchange(get("/readings/x"));
      expect([none.status, none.fields.one("www-authenticate")]).toEqual([401, 'Signature realm="sluice"']);
      const garbled = await rig.exchange(get("/readings/x", "Signature-Input: sig=(", "Signature: sig=:AAAA:"));
      expect([garbled.status, problemOf(garbled).code]).toEqual([400, "malformed_credentials"]);
    });
  },
);
