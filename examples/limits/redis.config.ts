// Limits that several gateways hold together: counts in Redis or Valkey.
// REDIS_URL: where it is, such as rediss://gateway:password@redis.internal:6379. ORDERS: the service's URL.
import { defineGateway, env, redis } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  limits: {
    // Asked of Redis, both in one question: in no minute more than 100 of one address, over all gateways.
    perAddress: { limit: 100, window: "1m", by: "address" },
    daily: { limit: 2000, per: "day", timeZone: "Europe/Berlin", by: "address" },
    // Counted in each process by itself: what is over this is not even asked.
    burst: { limit: 50, window: "1s", by: "address", store: "process" },
  },

  limiting: {
    store: redis(env("REDIS_URL", { default: "redis://127.0.0.1:6379" }), { timeout: "100ms", onStoreError: "local" }),
  },

  routes: {
    orders: { match: "/orders/*", to: "orders", limits: ["perAddress", "daily", "burst"] },
  },
});
