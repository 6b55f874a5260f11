// HTTPS with two certificates, by the name that the client asks for. They lie in `certs`, beside this file.
import { defineGateway } from "sluice";

export default defineGateway({
  listen: {
    port: 8443,
    tls: {
      certificates: [
        { cert: "certs/api.pem", key: "certs/api.key" },
        { cert: "certs/shop.pem", key: "certs/shop.key", names: ["shop.example.com", "*.shop.example.com"] },
      ],
      minVersion: "1.3",
      redirectHttp: { port: 80, to: 443 },
      hsts: { maxAge: "365d", includeSubDomains: true },
    },
  },
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});
