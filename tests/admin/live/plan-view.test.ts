// The config that runs, as operators see it: complete, and without anything that may be a credential.
import { describe, expect, test } from "bun:test";
import { planView } from "../../../src/admin/live/plan-view.ts";
import { apiKey, basic, defineGateway, env, introspection, jwt, redis } from "../../../src/mod.ts";
import { planOf } from "../../config/support.ts";

const HASH = new Bun.CryptoHasher("sha256").update("a-key").digest("hex");
const PASSWORD = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

const plan = planOf(
  defineGateway({
    admin: { token: env("ADMIN") },
    upstreams: {
      up: {
        targets: ["http://127.0.0.1:9001"],
        balance: { sticky: { cookie: "s", secret: env("STICKY") } },
        health: { path: "/healthz?token=in-path", headers: { "X-Check": "check-value" } },
      },
    },
    consumers: { acme: { keys: [`sha256:${HASH}`], password: PASSWORD } },
    auth: {
      key: apiKey(),
      basic: basic(),
      token: jwt({ algorithms: ["HS256"], secret: env("JWT"), issuer: "https://id.test", audience: "up" }),
      ask: introspection({ url: "https://id.test/introspect", clientId: "me", clientSecret: env("CLIENT") }),
    },
    limits: { few: { limit: 3, window: "1m", by: (x: { client: string }) => x.client } },
    limiting: { store: redis("redis://127.0.0.1:6379", { user: "me", password: env("REDIS") }) },
    routes: {
      up: {
        match: "/up",
        to: "up",
        auth: "key",
        limits: "few",
        headers: { request: { set: { Authorization: "set-value" } } },
      },
      fixed: { match: "/fixed", auth: "none", answer: { body: "body-value", headers: { "X-It": "field-value" } } },
    },
  } as never),
  {
    env: {
      ADMIN: "admin-token-of-16-letters",
      STICKY: "sticky-secret-of-more-than-32-letters",
      JWT: "jwt-secret-of-more-than-32-letters-long",
      CLIENT: "introspection-secret",
      REDIS: "redis-password",
    },
  },
);

describe("the plan as it is shown", () => {
  const shown = JSON.stringify(planView(plan));

  test.each([
    ...[
      "admin-token",
      "sticky-secret",
      "jwt-secret",
      "introspection-secret",
      "redis-password",
      "in-path",
      "check-value",
    ],
    ...["set-value", "body-value", "field-value", HASH, PASSWORD],
  ])("does not tell %s", (secret) => {
    expect(shown).not.toContain(secret);
  });

  test.each(["http://127.0.0.1:9001", "/up", '"few"', '"limit":3', "id.test", "(a function)", '"acme"'])(
    "tells %s",
    (text) => {
      expect(shown).toContain(text);
    },
  );
});
