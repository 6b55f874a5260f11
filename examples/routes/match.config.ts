// What a route can ask for. SHOP, PARTNERS: addresses of two services.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  upstreams: {
    shop: { targets: [env("SHOP", { default: "http://127.0.0.1:9001" })] },
    partners: { targets: [env("PARTNERS", { default: "http://127.0.0.1:9002" })] },
  },
  routes: {
    // The prefix itself and all below it: /orders, /orders/ and /orders/7/items, but not /orders-old.
    orders: { match: "/orders/*", to: "shop" },
    // One segment, whatever it is.
    order: { match: "/orders/:id", to: "shop" },
    // This one path.
    newOrder: { match: "/orders/new", to: "shop" },
    // Methods stand before the path.
    save: { match: "PUT|PATCH /orders/:id", to: "shop" },
    // Several ways to match: any one of them.
    alive: { match: ["GET /healthz", "GET /livez"], answer: { body: "ok\n" } },
    // Conditions beside the path, all of which must hold.
    partner: {
      match: {
        path: "/orders/:id",
        method: ["GET", "DELETE"],
        host: ["partner.example.com", "*.partners.example.com"],
        headers: { "X-Version": "2", "X-Partner": true },
        query: { preview: true },
      },
      to: "partners",
    },
    // Everything else.
    rest: { match: "/*", answer: { status: 404, body: { error: "nothing is here" } } },
  },
});
