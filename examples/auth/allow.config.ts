// What callers may do: by consumer, group, scope, claim, address, method, and by a function of your own.
// ACME_KEY_HASH, BETA_KEY_HASH: hashes of API keys, as `sluice keys new` prints them. ORDERS: the service's URL.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  consumers: {
    acme: { groups: ["partner", "writer"], keys: [env("ACME_KEY_HASH")] },
    beta: { groups: ["partner"], keys: [env("BETA_KEY_HASH")] },
  },
  auth: { key: apiKey() },

  routes: {
    // Whoever has a good key.
    orders: { match: "GET /orders/*", to: "orders", auth: "key" },

    // All conditions must hold.
    change: { match: "POST|PUT /orders/*", to: "orders", auth: "key", allow: { groups: ["writer"] } },

    // One of several rules suffices: everybody of the group may read, from this machine one may do all.
    reports: {
      match: "/reports/*",
      to: "orders",
      auth: "key",
      allow: {
        any: [
          { groups: ["partner"], methods: ["GET"] },
          { consumers: ["acme"], addresses: ["127.0.0.0/8", "::1"] },
        ],
      },
    },

    // A function decides. It knows the path's parameters and who calls; only `true` lets pass.
    own: {
      match: "/consumers/:name/*",
      to: "orders",
      auth: "key",
      allow: { when: (x) => x.identity?.consumer?.name === x.params.name },
    },

    // A rule to try: it refuses nobody, and the log tells whom it would have refused.
    tried: { match: "/tried/*", to: "orders", auth: "key", allow: { groups: ["writer"], mode: "observe" } },

    // Everybody. It must be said.
    health: { match: "GET /health", to: "orders", auth: "none" },
  },
});
