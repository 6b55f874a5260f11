// How a target is picked: in turn, by load, by speed, by caller, by cookie.
// ONE, TWO: URLs of the instances of a service. STICKY_SECRET: at least 32 bytes, the same for all gateways.
import { defineGateway, env } from "sluice";

const one = env("ONE", { default: "http://127.0.0.1:9001" });
const two = env("TWO", { default: "http://127.0.0.1:9002" });

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },

  upstreams: {
    // In turn, two to `one` for each to `two`.
    turns: { targets: [{ url: one, weight: 2 }, two] },
    // Whoever has less under way. A target that joins or comes back gets its whole share after 10 seconds.
    reports: { targets: [one, two], balance: "least-busy", slowStart: "10s" },
    // Whoever has lately answered sooner.
    search: { targets: [one, two], balance: "fastest" },
    // `one` alone, and `two` while it may not be picked.
    primary: { targets: [one, two], balance: "first" },
    // Each tenant has its target, whose caches know it.
    tenants: { targets: [one, two], balance: { hash: { header: "X-Tenant" } } },
    // Each browser has its target, which keeps its session in memory.
    carts: {
      targets: [one, two],
      balance: { sticky: { cookie: "cart_at", secret: env("STICKY_SECRET"), balance: "least-busy" } },
    },
  },

  routes: {
    turns: { match: "/turns/*", to: "turns" },
    reports: { match: "/reports/*", to: "reports" },
    search: { match: "/search/*", to: "search" },
    primary: { match: "/primary/*", to: "primary" },
    tenants: { match: "/tenants/*", to: "tenants" },
    carts: { match: "/carts/*", to: "carts" },
  },
});
