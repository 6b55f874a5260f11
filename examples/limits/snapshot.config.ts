// Counts that survive a restart: written when the gateway drains, read when it starts.
// ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  limits: { daily: { limit: 1000, per: "day", by: "address" } },

  limiting: { snapshot: "./limits.snapshot" },

  routes: { orders: { match: "/orders/*", to: "orders", limits: "daily" } },
});
