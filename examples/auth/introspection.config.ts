// Access tokens that say nothing themselves: the authorization server is asked what each is worth.
// INTROSPECTION_SECRET: the secret of the client "gateway" at the authorization server.
import { defineGateway, env, introspection } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  consumers: {
    // The client of the authorization server that is one consumer here.
    acme: { groups: ["partner"], subjects: { token: ["acme-app"] } },
  },
  auth: {
    token: introspection({
      url: env("INTROSPECTION_URL", { default: "https://login.example.com/oauth2/introspect" }),
      clientId: "gateway",
      clientSecret: env("INTROSPECTION_SECRET"),
      issuer: "https://login.example.com",
      audience: "https://api.example.com",
      // A token that was revoked passes for ten seconds at most.
      cache: "10s",
      // Published, so that clients find out where tokens come from.
      resource: {
        id: "https://api.example.com",
        scopes: ["orders:read", "orders:write"],
        documentation: "https://example.com/docs",
      },
    }),
  },
  identity: { headers: { "X-User": "username" } },
  routes: {
    read: { match: "GET /orders/*", to: "orders", auth: "token", allow: { scope: "orders:read" } },
    write: { match: "/orders/*", to: "orders", auth: "token", allow: { scope: "orders:write" } },
    health: { match: "/health", auth: "none", answer: { body: "ok" } },
  },
});
