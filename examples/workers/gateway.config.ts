// A gateway for Cloudflare: the same kind of config as anywhere, with addresses and secrets from bindings.
import { cors } from "hono/cors";
import { defineGateway, durableObject, env } from "sluice";

export default defineGateway({
  upstreams: {
    orders: { targets: [env("ORDERS_URL")], timeouts: { connect: "2s", firstByte: "20s" } },
  },
  limits: { perAddress: { limit: 100, window: "1m", by: "address" } },
  limiting: { store: durableObject("LIMITS") },
  routes: {
    orders: {
      match: "/api/orders/*",
      to: "orders",
      rewrite: { stripPrefix: "/api" },
      limits: "perAddress",
      use: [cors({ origin: "https://shop.example" })],
      headers: { request: { set: { "x-orders-key": env("ORDERS_KEY") } } },
    },
    hello: {
      match: "GET /hello/:name",
      handler: ({ params, client, c }) => c.json({ hello: params.name, from: client }),
    },
  },
});
