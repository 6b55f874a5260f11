// TLS towards services. ORDERS, BANK: their https URLs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  upstreams: {
    // A service whose certificate an authority of one's own has signed.
    orders: {
      targets: [env("ORDERS", { default: "https://127.0.0.1:9443" })],
      tls: { ca: "certs/internal-ca.pem", serverName: "orders.internal" },
      keepAlive: { idle: "4s", maxIdle: 256, maxAge: "5m" },
      connections: { max: 4096, wait: "5s", maxWaiting: 1024 },
      maxHead: "64KiB",
    },
    // One that wants to see a certificate, and another name in Host.
    bank: {
      targets: [env("BANK", { default: "https://127.0.0.1:9444" })],
      tls: { ca: "certs/internal-ca.pem", cert: "certs/gateway.pem", key: env("GATEWAY_KEY") },
      host: "api.bank.example",
    },
  },
  routes: { orders: { match: "/orders/*", to: "orders" }, bank: { match: "/bank/*", to: "bank" } },
});
