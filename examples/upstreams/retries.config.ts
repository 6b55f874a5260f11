// Requests that fail are sent again where that is harmless, slow ones beside, and all of it within one deadline.
// ORDERS_A, ORDERS_B: where the service runs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    orders: {
      targets: [
        env("ORDERS_A", { default: "http://127.0.0.1:9001" }),
        env("ORDERS_B", { default: "http://127.0.0.1:9002" }),
      ],
      // At most three attempts, of which none takes over 2 seconds, and no more retries than a fifth of the requests.
      retries: {
        attempts: 3,
        on: ["connect", "reset", "timeout", 502, 503, 504],
        perTry: "2s",
        budget: { share: 0.2 },
      },
      // What has no answer after 300 ms is sent to another target too; the first answer counts.
      hedge: { after: "300ms" },
      // All attempts together take no longer than 5 seconds, or less if the client says so; the service is told what is left.
      timeouts: { connect: "1s", firstByte: "3s", whole: "5s", header: "X-Request-Timeout" },
    },
  },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
    // The service knows a payment again by its Idempotency-Key.
    payments: { match: "POST /payments", to: "orders", retries: { idempotencyKey: true } },
    // Nobody waits twice for a report.
    reports: {
      match: "/reports/*",
      to: "orders",
      retries: false,
      hedge: false,
      timeouts: { firstByte: "2m", whole: "10m" },
    },
  },
});
