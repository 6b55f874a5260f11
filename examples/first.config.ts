import { defineGateway } from "sluice";

export default defineGateway({
  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001", "http://127.0.0.1:9002"], health: { path: "/healthz" } },
  },
  limits: { perAddress: { limit: 100, window: "1m" } },
  routes: {
    orders: { match: "/api/orders/*", to: "orders", rewrite: { stripPrefix: "/api" }, limits: "perAddress" },
    hello: { match: "GET /hello/:name", handler: ({ params, c }) => c.json({ hello: params.name }) },
  },
});
