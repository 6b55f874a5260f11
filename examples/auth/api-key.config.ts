// Callers with an API key: in a field, as a Bearer token, or, for clients that can set no field, in the query.
// `sluice keys new --consumer=shop` makes a key and its hash. SHOP_KEY_HASH: a hash. ORDERS: the service's URL.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  consumers: {
    shop: {
      groups: ["internal"],
      keys: [
        env("SHOP_KEY_HASH"),
        // Another key of the same consumer; this one has expired. Let the old and the new one overlap when you change keys.
        {
          hash: "sha256:f72e86eaf865cb3e071e2c753ee1572b161ec214c692a91db586807af891dc92",
          expires: "2020-01-31",
          id: "old",
        },
      ],
    },
  },
  // Keys that come and go while the gateway runs.
  keys: { file: "api-key.keys.yaml", groups: ["partner"] },

  auth: {
    key: apiKey(),
    any: apiKey({ header: "X-API-Key", bearer: true, query: "api_key" }),
  },

  routes: {
    orders: { match: "/orders/*", to: "orders", auth: "key" },
    internal: { match: "/internal/*", to: "orders", auth: "key", allow: { groups: ["internal"] } },
    feed: { match: "GET /feed", to: "orders", auth: "any" },
    health: { match: "GET /health", answer: { body: "ok" }, auth: "none" },
  },
});
