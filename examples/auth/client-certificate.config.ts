// Callers are known by their certificates: services by their SPIFFE id, partners by their name at another authority.
import { clientCertificate, defineGateway, env } from "sluice";

export default defineGateway({
  listen: {
    port: 8443,
    tls: {
      certificates: { cert: "certs/api.pem", key: env("API_KEY_PEM") },
      // Who shows none is served, too: each route says whom it lets in.
      clientCert: "request",
      clientCa: "certs/clients-ca.pem",
      clientCrl: "certs/clients.crl",
    },
  },
  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001"] },
  },
  consumers: {
    billing: { groups: ["internal"], subjects: { service: ["spiffe://acme.example/billing"] } },
    acme: { groups: ["partner"], subjects: { partner: ["CN=acme,O=Acme\\, Inc.,C=DE"] } },
  },
  auth: {
    service: clientCertificate({ subject: "uri", ca: "certs/services-ca.pem" }),
    partner: clientCertificate({ ca: "certs/partners-ca.pem" }),
  },
  identity: { clientCert: true },
  routes: {
    orders: {
      match: "/orders/*",
      to: "orders",
      auth: ["service", "partner"],
      allow: { groups: ["internal", "partner"] },
    },
    refunds: {
      match: "POST /refunds",
      to: "orders",
      auth: "service",
      allow: { claims: { "san.uri": ["spiffe://acme.example/billing", "spiffe://acme.example/support"] } },
    },
    catalogue: { match: "GET /catalogue/*", to: "orders", auth: "none" },
  },
});
