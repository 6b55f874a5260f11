// HTTP/2 to a service, over TLS. ORDERS: its https URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    orders: {
      targets: [env("ORDERS", { default: "https://127.0.0.1:9443" })],
      protocol: "h2",
      // Attempts go by the runtime's fetch, which opens and keeps its connections itself.
      timeouts: { connect: "2s", firstByte: "30s" },
    },
  },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});
