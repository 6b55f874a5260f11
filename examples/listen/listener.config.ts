// A listener with what it waits for and what it takes, behind a load balancer in 10.0.0.0/8. SHOP: the address of a service.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: {
    port: 8080,
    // IPv6 and IPv4.
    host: "::",
    trustedProxies: ["10.0.0.0/8", "fd00::/8"],
    timeouts: { head: "10s", keepAlive: "75s", body: "30s", send: "60s" },
    maxTarget: "16KiB",
    maxHead: "64KiB",
    maxConnections: 16384,
    halfClose: "ask",
  },
  upstreams: { shop: { targets: [env("SHOP", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    who: { match: "/who", handler: ({ client }) => new Response(client) },
    shop: { match: "/*", to: "shop" },
  },
});
