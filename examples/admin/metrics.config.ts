// Metrics and health on a listener of their own, which others than this machine may ask with a token.
// ORDERS: the service's URL. ADMIN_TOKEN: 16 or more characters, such as `openssl rand -hex 16` gives.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  admin: {
    port: 9901,
    host: "0.0.0.0",
    names: ["gateway.internal"],
    token: env("ADMIN_TOKEN"),
  },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  limits: { perAddress: { limit: 100, window: "1s" } },
  routes: {
    orders: { match: "/orders/*", to: "orders", limits: "perAddress" },
  },
});
