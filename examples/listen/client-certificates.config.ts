// HTTPS for clients that have a certificate of this authority, and for nobody else.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: {
    port: 8443,
    tls: {
      certificates: { cert: "certs/api.pem", key: env("API_KEY_PEM") },
      clientCert: "require",
      clientCa: "certs/partners-ca.pem",
    },
  },
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});
