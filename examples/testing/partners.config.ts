// A gateway with a key, a quota and retries, and its tests in partners.test.ts.
import { apiKey, defineGateway, env } from "sluice";

export default defineGateway({
  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001", "http://127.0.0.1:9002"], retries: {} },
  },
  consumers: { acme: { keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey({ header: "x-api-key" }) },
  limits: { monthly: { limit: 1000, per: "month", by: "consumer" } },
  reload: { gate: "tests" },
  routes: {
    orders: { match: "/api/orders/*", to: "orders", auth: "key", limits: ["monthly"] },
  },
});
