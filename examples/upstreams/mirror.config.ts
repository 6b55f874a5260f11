// A new version sees what the old one gets, and nobody waits for it. STABLE, NEXT: the services' URLs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    stable: { targets: [env("STABLE", { default: "http://127.0.0.1:9001" })] },
    next: { targets: [env("NEXT", { default: "http://127.0.0.1:9002" })] },
  },

  routes: {
    shop: {
      match: "/*",
      to: "stable",
      // One request in ten is copied, with up to 256 KiB of content; at most 32 copies are under way at once.
      mirror: { to: "next", share: 0.1, maxBody: "256KiB", maxInFlight: 32 },
    },
  },
});
