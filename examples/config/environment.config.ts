// What differs between machines, and what nobody may read, stands outside the config: ORDERS and ORDERS_KEY.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  upstreams: {
    orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] },
  },
  routes: {
    orders: {
      match: "/orders/*",
      to: "orders",
      headers: { request: { set: { "X-API-Key": env("ORDERS_KEY") } } },
    },
  },
});
