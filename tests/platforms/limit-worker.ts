// The worker of limit-object.test.ts: limits that are counted in Durable Objects.
import { defineGateway, durableObject, env } from "../../src/mod.ts";
import { LimitStore, workers } from "../../src/platforms/workers.ts";

export { LimitStore };

const window = "10m";
const by = { header: "x-caller" };

export default workers(
  defineGateway({
    upstreams: { app: { targets: [env("APP")] } },
    limits: {
      wide: { limit: 60, window, by },
      tight: { limit: 3, window, by },
      failures: { limit: 2, window, by, statuses: ["5xx"] },
      short: { limit: 1, window: "1s", by },
      daily: { limit: 2, per: "day", by, cost: 2 },
    },
    limiting: { store: durableObject("LIMITS") },
    routes: {
      wide: { match: "/wide", to: "app", limits: "wide" },
      both: { match: "/both", to: "app", limits: ["wide", "tight"] },
      failures: { match: "/failures", to: "app", limits: "failures" },
      short: { match: "/short", to: "app", limits: "short" },
      daily: { match: "/daily", to: "app", limits: "daily" },
    },
  }),
);
