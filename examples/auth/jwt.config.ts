// Tokens that an issuer signed. What their callers may do comes of scopes, consumers, and claims whose type is known.
import { defineGateway, env, jwt } from "sluice";
import * as v from "valibot";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS")] } },
  consumers: {
    // Tokens speak of acme by `sub`, or by `client_id`. No users sign in through client-7: their tokens would name it too.
    acme: { groups: ["partner"], subjects: { token: ["client-7"] } },
  },
  auth: {
    // Its keys are found by OpenID Connect Discovery, and followed when they change.
    token: jwt({
      issuer: env("ISSUER"),
      audience: "https://api.example.com",
      // Tokens that do not fit are refused; in functions `claims` has this type.
      claims: v.looseObject({
        sub: v.string(),
        tenant: v.optional(v.string(), "public"),
        level: v.optional(v.number(), 0),
      }),
    }),
    // A partner that shares a secret with you.
    partner: jwt({
      issuer: "https://partner.example",
      audience: "https://api.example.com",
      secret: env("PARTNER_SECRET"),
      algorithms: ["HS256"],
    }),
  },
  identity: { headers: { "X-User": "sub" } },
  routes: {
    read: { match: "GET /orders/*", to: "orders", auth: ["token", "partner"], allow: { scope: "orders:read" } },
    write: {
      match: "POST /orders/*",
      to: "orders",
      auth: "token",
      allow: { scope: "orders:write", groups: ["partner"] },
    },
    tenants: {
      match: "/tenants/:tenant/*",
      to: "orders",
      auth: "token",
      allow: {
        when: (x) =>
          x.identity?.scheme === "token" &&
          x.identity.claims.tenant === x.params.tenant &&
          x.identity.claims.level >= 2,
      },
    },
    me: {
      match: "/me",
      auth: "token",
      handler: (x) => x.c.json({ tenant: x.identity?.scheme === "token" && x.identity.claims.tenant }),
    },
  },
});
