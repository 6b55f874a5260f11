// Targets that cannot serve get nothing. ORDERS_A, ORDERS_B: where the service runs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    orders: {
      targets: [
        env("ORDERS_A", { default: "http://127.0.0.1:9001" }),
        env("ORDERS_B", { default: "http://127.0.0.1:9002" }),
      ],
      // Each target is asked every 3 seconds; three answers in a row that are not 2xx, and it is down.
      health: { path: "/healthz", fall: 3, rise: 2 },
      // Three failures in a row, and a target gets nothing for 10 seconds, then for 20, and so on up to two minutes.
      ejection: { failures: 3, time: "10s", maxTime: "2m", maxShare: 0.5 },
      // Half of at least 20 attempts within 10 seconds failed, or four in five took over 2 seconds: nothing for 5 seconds.
      breaker: { errors: 0.5, slow: { over: "2s", share: 0.8 }, minimum: 20, window: "10s", open: "5s", probes: 3 },
    },
  },
  routes: { orders: { match: "/*", to: "orders" } },
});
