// The admin listener on a Unix socket: for who may be the gateway's user on this machine, and nobody else.
// ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  admin: {
    socket: "/run/sluice/admin.sock",
    revokedKeys: "/var/lib/sluice/revoked-keys",
  },
  logLevel: "warn",
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
  },
});
