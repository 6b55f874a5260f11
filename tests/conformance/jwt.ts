// Conformance: tokens that an issuer signed, by a key in the config and by keys that are fetched.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { tokenFrom } from "../support/issuer.ts";
import { get, problemOf } from "../support/messages.ts";
import { issuerKey, token } from "../support/tokens.ts";
import { issuing } from "../cases/jwt-steps.ts";
import type { Promised } from "./kit.ts";

/** Variables that the config takes. */
export const ISSUER_KEYS = { JWT_KEY: issuerKey("ec", "EC P-256").pem };

const ISSUER = "https://login.example.test";
const bearer = (text: string): string => `Authorization: Bearer ${text}`;

/** A token by the key in the config. */
function signed(claims: object = {}, header: object = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const all = { iss: ISSUER, aud: "api", sub: "acme-app", exp, ...claims };
  return token({ alg: "ES256", typ: "at+jwt", ...header }, all, issuerKey("ec", "EC P-256"));
}

/** Promises about tokens that are verified without a question. */
export const SIGNED_TOKENS: readonly Promised[] = [
  {
    name: "a signed token passes, known or not, and its consumer is told",
    async holds({ send, origin }) {
      const good = bearer(signed());
      for (let i = 0; i < 3; i++) expect((await send(get("/signed/good", good))).status).toBe(200);
      expect(origin.requestsTo("/signed/good").map(({ fields }) => fields.one("x-consumer"))).toEqual(
        Array<string>(3).fill("acme"),
      );
    },
  },
  {
    name: "a token that is signed by another, for another, or changed, is refused",
    async holds({ send, origin }) {
      const [head, , signature] = signed().split(".");
      const [, claims] = signed({ sub: "root" }).split(".");
      const bad = [
        signed({ aud: "other" }),
        signed({ iss: "other" }),
        signed({ exp: 1 }),
        signed({}, { alg: "HS256" }),
        signed({}, { crit: ["x"], x: 1 }),
        `${head}.${claims}.${signature}`,
        token({ alg: "ES256" }, { iss: ISSUER, aud: "api", exp: 9_999_999_999 }, issuerKey("other", "EC P-256")),
        token({ alg: "HS256" }, { iss: ISSUER, aud: "api", exp: 9_999_999_999 }, ISSUER_KEYS.JWT_KEY),
      ];
      for (const text of bad) {
        const response = await send(get("/signed/bad", bearer(text)));
        expect([response.status, problemOf(response).code]).toEqual([401, "invalid_credentials"]);
        expect(response.fields.one("www-authenticate")).toStartWith('Bearer realm="conforming", error="invalid_token"');
      }
      expect(origin.requestsTo("/signed/bad")).toHaveLength(0);
    },
  },
  {
    name: "keys are fetched: nobody passes without them, and then who has a token",
    async holds({ send, origin }) {
      const good = bearer(tokenFrom(ISSUER));
      const without = await send(get("/issued/early", good));
      expect([without.status, problemOf(without).code]).toEqual([503, "authentication_unavailable"]);
      expect(Number(without.fields.one("retry-after"))).toBeGreaterThan(0);
      origin.at("/keys", issuing({ keys: ["k1"], state: "serving", delayMs: 0 }));
      await until(async () => (await send(get("/issued/good", good))).status === 200, "the keys", 10_000);
      expect((await send(get("/issued/bad", bearer(tokenFrom("https://other.test"))))).status).toBe(401);
      expect(origin.requestsTo("/issued/early")).toHaveLength(0);
    },
  },
];
