// A gateway in a container: probes ask its admin listener, and a headless Service says where the targets are.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  // Beyond 127.0.0.1, for the kubelet asks from outside. /livez and /readyz need no token.
  admin: { port: 9901, host: "0.0.0.0", token: env("ADMIN_TOKEN") },
  upstreams: {
    orders: { targets: { dns: env("ORDERS", { default: "http://orders.shop.svc.cluster.local:8080" }) } },
  },
  routes: { orders: { match: "/orders/*", to: "orders" } },
  shutdown: { drainDelay: "5s", grace: "25s" },
});
