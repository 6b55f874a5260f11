// A new version gets a share of the requests, and those who ask for it. STABLE, CANARY: the services' URLs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    stable: { targets: [env("STABLE", { default: "http://127.0.0.1:9001" })] },
    canary: { targets: [env("CANARY", { default: "http://127.0.0.1:9002" })] },
  },

  routes: {
    shop: {
      match: "/*",
      split: [
        { to: "stable", weight: 95 },
        // Five in a hundred, and whoever sends this cookie or has been given it.
        { to: "canary", weight: 5, when: { cookie: { canary: "always" } } },
      ],
      // A session stays where it is. Without the cookie each request is shared for itself.
      splitBy: { cookie: "session" },
    },
  },
});
