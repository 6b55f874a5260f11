// HTTP/2 over TLS, with more requests of a connection at a time, and without TLS for the load balancer beside it.
import { defineGateway } from "sluice";

export default defineGateway({
  listen: {
    port: 8443,
    tls: { certificates: { cert: "certs/api.pem", key: "certs/api.key" }, redirectHttp: { port: 8080 } },
    http2: { maxStreams: 256, h2c: true },
  },
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});
