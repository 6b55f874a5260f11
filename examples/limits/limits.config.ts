// Limits: sliding windows and quotas, by whom they count, and what answers tell of them.
// ACME_KEY_HASH: the hash of an API key. ORDERS: the service's URL.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  consumers: { acme: { keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey() },

  limits: {
    // In no second more than 20 of one address. An IPv6 address counts by its /64.
    burst: { limit: 20, window: "1s", by: "address" },
    // In no minute more than 100 of one consumer. A POST costs as much as five others.
    perConsumer: { limit: 100, window: "1m", by: "consumer", cost: (x) => (x.method === "POST" ? 5 : 1) },
    // A quota that begins anew on the first of each month, in Berlin.
    monthly: { limit: 50_000, per: "month", timeZone: "Europe/Berlin", by: "consumer" },
    // Only refused credentials count: guessing is bounded, and whoever has a key is not hindered.
    guesses: { limit: 10, window: "1m", by: "address", statuses: [401] },
  },

  routes: {
    orders: {
      match: "/orders/*",
      to: "orders",
      auth: "key",
      limits: ["burst", "guesses", "perConsumer", "monthly"],
    },
  },
});
