// HTTP/2 to services: over TLS (ORDERS: its https URL), and without TLS (PRICES: its http URL).
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    orders: {
      targets: [env("ORDERS", { default: "https://127.0.0.1:9443" })],
      protocol: "h2",
      timeouts: { connect: "2s", firstByte: "30s" },
    },
    // A service of gRPC inside of the cluster.
    prices: { targets: [env("PRICES", { default: "http://127.0.0.1:50051" })], protocol: "h2c" },
  },
  routes: { orders: { match: "/orders/*", to: "orders" }, prices: { match: "/prices.Prices/*", to: "prices" } },
});
