// HTTPS with certificates that the gateway gets and renews itself: from Let's Encrypt, or from an authority of your own.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: {
    port: 443,
    tls: {
      acme: {
        domains: ["api.example.com", "shop.example.com"],
        agreeToTerms: true,
        email: "ops@example.com",
      },
      redirectHttp: { port: 80 },
    },
  },
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});

/** An authority of your own, or one that hands out keys for accounts. */
export const elsewhere = defineGateway({
  listen: {
    port: 443,
    tls: {
      acme: {
        domains: ["api.corp.example"],
        agreeToTerms: true,
        directory: "https://ca.corp.example/acme/directory",
        ca: "certs/corp-ca.pem",
        externalAccount: { kid: "gateway-7", hmacKey: env("ACME_HMAC_KEY") },
        storage: "/var/lib/sluice/acme",
      },
      redirectHttp: { port: 80 },
    },
  },
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/orders/*", to: "orders" } },
});
