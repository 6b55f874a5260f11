// Calls from pages of other origins: preflights are answered before anybody is asked who calls.
// ACME_KEY_HASH: the hash of an API key.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  consumers: { acme: { keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey() },

  routes: {
    orders: {
      match: "GET|POST /orders/*",
      to: "orders",
      auth: "key",
      cors: { origins: ["https://app.example", "https://*.preview.example"], headers: ["X-API-Key", "Content-Type"] },
    },
  },
});
