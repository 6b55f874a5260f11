// How much content a request may have: a bound for all routes, another for one, none for uploads.
// ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  maxBody: "1MiB",
  routes: {
    orders: { match: "/orders/*", to: "orders" },
    notes: { match: "/notes/*", to: "orders", maxBody: "16KiB" },
    uploads: { match: "PUT /uploads/*", to: "orders", maxBody: false },
  },
});
