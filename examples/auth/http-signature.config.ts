// Callers sign their requests (RFC 9421): a partner with its own key pair, a device with a shared secret.
import { defineGateway, env, httpSignature } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    payments: { targets: ["http://127.0.0.1:9001"] },
  },
  consumers: {
    acme: {
      groups: ["partner"],
      // `openssl genpkey -algorithm ed25519 -out acme.key && openssl pkey -in acme.key -pubout -out acme.pem`
      signingKeys: [{ id: "acme-2026", algorithm: "ed25519", key: "acme.pem" }],
    },
    // At least 32 bytes: `openssl rand -base64 32` behind `base64:`.
    meter: { signingKeys: [{ id: "meter-1", algorithm: "hmac-sha256", key: env("METER_SECRET") }] },
  },
  auth: {
    // Method, target and content are covered; a signature is good for 5 minutes.
    signed: httpSignature(),
    // Each signature once, for a minute, and with the type of the content.
    once: httpSignature({
      components: ["@method", "@target-uri", "content-type"],
      nonce: "required",
      maxAge: "1m",
    }),
  },
  routes: {
    readings: { match: "/readings/*", to: "payments", auth: "signed" },
    payments: { match: "POST /payments", to: "payments", auth: "once", allow: { groups: ["partner"] } },
  },
});
