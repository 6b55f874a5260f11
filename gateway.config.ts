// The example that the README explains. `npm start` runs it with two demo services, `sluice run` without them.
import { cors } from "hono/cors";
import { defineGateway } from "sluice";

export default defineGateway({
  listen: { port: 8080 },

  upstreams: {
    // Two targets take turns. The three clocks of an upstream run apart; none of them bounds a stream.
    orders: {
      targets: ["http://127.0.0.1:9001", "http://127.0.0.1:9002"],
      timeouts: { connect: "1s", firstByte: "10s", idle: "5m" },
    },
    users: { targets: ["http://127.0.0.1:9003"] },
  },

  // The most specific route wins; the order means nothing.
  routes: {
    // "/*" at the end matches the prefix itself and all below it. The upstream sees /orders/…
    orders: {
      match: "/api/orders/*",
      to: "orders",
      rewrite: { stripPrefix: "/api" },
      // Any Hono middleware.
      use: [cors({ origin: "https://shop.example" })],
    },

    // Methods and a path parameter; other methods are answered with 405 and Allow.
    user: { match: "GET|PUT /api/users/:id", to: "users", rewrite: { replace: "/users/:id" } },

    // Callers of the old address are sent on, method and body kept.
    oldUser: { match: "/v1/user/:id", redirect: { to: "/api/users/:id" } },

    // An answer that stands in the config.
    about: { match: "GET /about", answer: { headers: { "content-type": "text/plain" }, body: "Sluice demo\n" } },

    // A function of your own. The compiler knows params.name from the pattern.
    hello: {
      match: "GET /hello/:name",
      handler: ({ params, client, c }) => c.json({ hello: params.name, from: client }),
    },
  },

  shutdown: { grace: "10s" },
});
