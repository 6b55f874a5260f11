// What the upstream is told of who calls: fields, and a token that the gateway signs.
// ACME_KEY_HASH: the hash of an API key. SIGNING_KEY: a private key, from `openssl genpkey -algorithm ed25519`.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  consumers: { acme: { groups: ["partner"], keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey() },

  identity: {
    // The name of the consumer.
    consumer: "X-Consumer",
    // Signed for a minute, once for each caller. The key that verifies it is at /.well-known/jwks.json.
    token: { key: env("SIGNING_KEY"), issuer: "https://gateway.example", lifetime: "1m" },
  },

  routes: {
    orders: { match: "/orders/*", to: "orders", auth: "key" },
    // What a client sends as X-Consumer or X-Identity-Token is gone here too.
    open: { match: "/open/*", to: "orders", auth: "none" },
  },
});
