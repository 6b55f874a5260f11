// Delays and errors made on purpose, for tests of what calls the service. ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },

  routes: {
    orders: {
      match: "/orders/*",
      to: "orders",
      faults: {
        // One request in ten waits first; one in twenty is answered with 503 and goes nowhere.
        delay: { by: "200ms", share: 0.1 },
        abort: { status: 503, share: 0.05 },
        // Nobody else meets them.
        when: { header: { "X-Test": "faults" } },
      },
    },
  },
});
