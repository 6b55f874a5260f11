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
    },
  },
  routes: { orders: { match: "/*", to: "orders" } },
});
