// What a route can change on the way, and what it can answer by itself. SHOP: the address of a service.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  upstreams: {
    shop: { targets: [env("SHOP", { default: "http://127.0.0.1:9001" })] },
  },
  routes: {
    // /api/items/7 goes on as /items/7, and /api as /.
    api: { match: "/api/*", to: "shop", rewrite: { stripPrefix: "/api" } },
    // /v1/users/7/photos/2 goes on as /people/7/photos/2.
    users: { match: "/v1/users/:id/*", to: "shop", rewrite: { replace: "/people/:id/*" } },

    // 308, which keeps method and body; the query goes with it.
    old: { match: "/old/*", redirect: { to: "/api/*" } },
    // Another host; 301 lets clients make a GET of a POST.
    www: { match: { path: "/*", host: "www.example.com" }, redirect: { to: "https://example.com/*", status: 301 } },

    // Text is sent as it is, anything else as JSON.
    robots: { match: "GET /robots.txt", answer: { body: "User-agent: *\nDisallow: /\n" } },
    closed: {
      match: "/checkout/*",
      answer: { status: 503, headers: { "Retry-After": "3600" }, body: { reason: "stocktaking" } },
    },

    // Fields of the request before it goes on, and of the answer before it goes out. Removed first, then set.
    items: {
      match: "/items/*",
      to: "shop",
      headers: {
        request: { set: { "X-Channel": "web" }, remove: ["X-Debug"] },
        response: { set: { "X-Frame-Options": "DENY" }, remove: ["Server", "X-Powered-By"] },
      },
    },

    // A WebSocket needs nothing: its clients may switch to it on every route to a service. This route lets nobody.
    files: { match: "/files/*", to: "shop", upgrade: [] },
  },
});
