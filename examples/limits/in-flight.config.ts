// How many exchanges may be under way at once: of one consumer, and to one upstream.
// ACME_KEY_HASH: the hash of an API key. ORDERS: the service's URL.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  consumers: { acme: { keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey() },

  inFlight: {
    // One consumer has at most 2 at once; the third is answered with 429.
    perConsumer: { max: 2, by: "consumer" },
    // The service does 50 at once. Up to 100 more wait, for 2 seconds at most, and then get 503.
    orders: { max: 50, by: "upstream", queue: 100, wait: "2s" },
  },

  routes: {
    orders: { match: "/orders/*", to: "orders", auth: "key", inFlight: ["perConsumer", "orders"] },
  },
});
