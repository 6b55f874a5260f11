// Conformance: who calls, what they may do, and what upstreams are told of it.
import { expect } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import type { Promised } from "./kit.ts";

const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

/** Variables that the config takes. */
export const CREDENTIALS = {
  ACME_KEY_HASH: hashOf("acme-key"),
  BETA_KEY_HASH: hashOf("beta-key"),
  // Of a form that every runtime can check.
  BETA_PASSWORD_HASH: Bun.password.hashSync("beta: pässword", { algorithm: "bcrypt", cost: 10 }),
  SIGNING_KEY: generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
};

const ACME = "X-API-Key: acme-key";
const BETA = "X-API-Key: beta-key";
const PAGE = "Origin: https://app.example.test";

/** Promises about callers. */
export const CALLERS: readonly Promised[] = [
  {
    name: "without credentials, and with wrong ones, a guarded route answers 401 with a challenge",
    async holds({ send, origin }) {
      for (const [line, code] of [
        ["X-A: b", "authentication_required"],
        ["X-API-Key: guessed", "invalid_credentials"],
      ] as const) {
        const response = await send(get("/key/refused", line));
        expect(response.status).toBe(401);
        expect(problemOf(response).code).toBe(code);
        expect(response.fields.one("www-authenticate")).toBe('ApiKey realm="conforming"');
      }
      expect(origin.requestsTo("/key/refused")).toHaveLength(0);
    },
  },
  {
    name: "the upstream is told the consumer and never sees the key, nor what a client says of itself",
    async holds({ send, origin }) {
      const response = await send(get("/key/told", ACME, "X-Consumer: root", "x_consumer: root"));
      expect(response.status).toBe(200);
      const { fields } = await origin.requestTo("/key/told");
      expect(fields.one("x-consumer")).toBe("acme");
      expect(fields.one("x-api-key")).toBeUndefined();
      expect(fields.one("x_consumer")).toBeUndefined();
    },
  },
  {
    name: "a key is taken from the field, as a Bearer token and from the query, and taken out of each",
    async holds({ send, origin }) {
      for (const [i, [query, line]] of (
        [
          ["?a=1", ACME],
          ["?a=1", "Authorization: Bearer acme-key"],
          ["?partner_key=acme-key&a=1", "X-A: b"],
        ] as const
      ).entries()) {
        expect((await send(get(`/anywhere/${i}${query}`, line))).status).toBe(200);
        const { target, headText } = await origin.requestTo(`/anywhere/${i}`);
        expect(target).toBe(`/anywhere/${i}?a=1`);
        expect(headText).not.toContain("acme-key");
      }
      expect((await send(get("/anywhere/x?partner_key=a&partner_key=b"))).status).toBe(400);
    },
  },
  {
    name: "a name and a password are checked by bcrypt",
    async holds({ send, origin }) {
      const pair = (password: string): string =>
        `Authorization: Basic ${new TextEncoder().encode(`beta:${password}`).toBase64()}`;
      expect((await send(get("/login/right", pair("beta: pässword")))).status).toBe(200);
      expect((await origin.requestTo("/login/right")).fields.one("x-consumer")).toBe("beta");
      const refused = await send(get("/login/wrong", pair("beta: password")));
      expect(refused.status).toBe(401);
      expect(refused.fields.one("www-authenticate")).toBe('Basic realm="conforming", charset="UTF-8"');
    },
  },
  {
    name: "the upstream verifies the gateway's token with the key set that the gateway publishes",
    async holds({ send, origin }) {
      await send(get("/key/token", ACME, "X-Identity-Token: forged"));
      const { fields } = await origin.requestTo("/key/token");
      const keys = JSON.parse((await send(get("/.well-known/jwks.json"))).body.text) as never;
      const { payload } = await jwtVerify(fields.one("x-identity-token")!, createLocalJWKSet(keys), {
        issuer: "https://gateway.example.test",
        audience: "origin",
      });
      expect(payload.sub).toBe("acme");
    },
  },
  {
    name: "who is not of the group is answered 403, and the log says which condition",
    async holds({ send, log }) {
      const response = await send(get("/partners/a", BETA));
      expect(response.status).toBe(403);
      expect(problemOf(response).code).toBe("access_denied");
      const id = response.fields.one("x-request-id");
      const line = await until(() => log().find((each) => each["request_id"] === id), "the line of the log");
      expect(line).toMatchObject({
        "sluice.consumer": "beta",
        "sluice.error.detail": "allow.groups: consumer beta is in none of partner",
      });
      expect((await send(get("/partners/a", ACME))).status).toBe(200);
    },
  },
  {
    name: "a scheme that observes lets pass, and the log says what it would have refused",
    async holds({ send, log }) {
      const response = await send(get("/watched/a", "X-API-Key: guessed"));
      expect(response.status).toBe(200);
      const id = response.fields.one("x-request-id");
      const line = await until(() => log().find((each) => each["request_id"] === id), "the line of the log");
      expect(line["sluice.observed"]).toMatchObject([{ policy: "auth", "error.type": "invalid_credentials" }]);
    },
  },
  {
    name: "a handler is told who calls",
    async holds({ send }) {
      expect((await send(get("/called", BETA))).body.text).toBe("beta");
      expect((await send(get("/called"))).status).toBe(401);
    },
  },
  {
    name: "HEAD passes the same policies as GET",
    async holds({ send }) {
      expect((await send(request("HEAD", "/key/head"))).status).toBe(401);
      expect((await send(request("HEAD", "/key/head", "", ACME))).status).toBe(200);
    },
  },
  {
    name: "a preflight is answered before auth, and refusals carry the fields of CORS",
    async holds({ send, origin }) {
      const asked = await send(request("OPTIONS", "/crossed/a", "", PAGE, "Access-Control-Request-Method: PUT"));
      expect(asked.status).toBe(204);
      expect(asked.fields.one("access-control-allow-origin")).toBe("https://app.example.test");
      expect(asked.fields.one("access-control-allow-methods")).toBe("GET, HEAD, PUT");
      const refused = await send(get("/crossed/a", PAGE));
      expect(refused.status).toBe(401);
      expect(refused.fields.one("access-control-allow-origin")).toBe("https://app.example.test");
      expect(origin.requestsTo("/crossed/a")).toHaveLength(0);
    },
  },
];
