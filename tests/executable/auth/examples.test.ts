// The examples of who may call, as they stand, on the executable: one caller passes, another is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Gateway, startGateway } from "../../support/executable.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import { exchange } from "../../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../../support/raw-origin.ts";

const EXAMPLES = resolve(import.meta.dir, "../../../examples/auth");
const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
const ACME = "X-API-Key: acme-key";
const BETA = "X-API-Key: beta-key";
const ENVIRONMENT = {
  ACME_KEY_HASH: hashOf("acme-key"),
  BETA_KEY_HASH: hashOf("beta-key"),
  SIGNING_KEY: generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
};

/** What a request is answered with: the status, and the code if the gateway refuses. */
type Outcome = readonly [raw: string, status: number, code?: string];

const OUTCOMES: Readonly<Record<string, readonly Outcome[]>> = {
  "allow.config.ts": [
    [get("/orders/1", BETA), 200],
    [get("/orders/1"), 401, "authentication_required"],
    [request("PUT", "/orders/1", "x", ACME), 200],
    [request("PUT", "/orders/1", "x", BETA), 403, "access_denied"],
    [get("/reports/1", BETA), 200],
    [request("DELETE", "/reports/1", "", BETA), 403, "access_denied"],
    [request("DELETE", "/reports/1", "", ACME), 200],
    [get("/consumers/beta/x", BETA), 200],
    [get("/consumers/acme/x", BETA), 403, "access_denied"],
    [get("/tried/1", BETA), 200],
    [get("/health"), 200],
  ],
  "identity.config.ts": [
    [get("/orders/1", ACME), 200],
    [get("/orders/1", "X-Consumer: acme"), 401, "authentication_required"],
    [get("/open/1", "X-Consumer: acme"), 200],
    [get("/.well-known/jwks.json"), 200],
  ],
  "cors.config.ts": [
    [request("OPTIONS", "/orders/1", "", "Origin: https://app.example", "Access-Control-Request-Method: POST"), 204],
    [
      request("OPTIONS", "/orders/1", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST"),
      403,
      "origin_not_allowed",
    ],
    [get("/orders/1", "Origin: https://x.preview.example"), 401, "authentication_required"],
    [get("/orders/1", "Origin: https://x.preview.example", ACME), 200],
  ],
};

describe.each(Object.entries(OUTCOMES))("%s", (file, outcomes) => {
  let origin: RawOrigin;
  let gateway: Gateway;

  beforeAll(async () => {
    origin = await startOrigin();
    const source = readFileSync(join(EXAMPLES, file), "utf8").replace("port: 8080", "port: 0");
    gateway = await startGateway(source, { env: { ...ENVIRONMENT, ORDERS: origin.url } });
  });
  afterAll(async () => {
    await gateway.stop();
    await origin.stop();
  });

  test.each(outcomes.map((outcome) => [outcome[0].split("\r\n\r\n")[0]!.replaceAll("\r\n", " | "), outcome] as const))(
    "%s",
    async (_, [raw, status, code]) => {
      const response = await exchange(gateway.port, raw);
      expect(response.status).toBe(status);
      if (code !== undefined) expect(problemOf(response).code).toBe(code);
    },
  );
});

test("every example is run by a test", () => {
  const tests = readdirSync(import.meta.dir).map((name) => readFileSync(join(import.meta.dir, name), "utf8"));
  const forgotten = readdirSync(EXAMPLES).filter((name) => !tests.some((text) => text.includes(name)));
  expect(forgotten).toEqual([]);
});
