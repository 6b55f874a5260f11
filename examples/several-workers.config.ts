// A gateway that uses all cores, with a limit that holds for all of them together.
import { defineGateway } from "sluice";

export default defineGateway({
  // One thread a core, all on the same port.
  workers: "auto",
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  limits: { perAddress: { limit: 100, window: "1s" } },
  routes: { orders: { match: "/orders/*", to: "orders", limits: "perAddress" } },
});
