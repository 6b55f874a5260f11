// A cap on all that is under way at once: what comes over it is shed before it costs anything.
// ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  overload: { maxInFlight: 5000, exempt: ["/readyz"], retryAfter: "2s" },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
    ready: { match: "GET /readyz", answer: "readiness" },
  },
});
