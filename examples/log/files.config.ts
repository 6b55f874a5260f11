// The access log to a file that is rotated, to syslog what has failed or was slow, and a function that counts.
// ORDERS: the service's URL.
import { defineGateway, env, type LogRecord } from "sluice";

const slowest: LogRecord[] = [];

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
    health: { match: "/health", answer: "readiness" },
  },
  log: {
    to: [
      { file: "/var/log/sluice/access.log", rotate: { size: "100MiB", keep: 5 } },
      { syslog: "udp://127.0.0.1:514", facility: "local0", format: "ecs" },
      (record) => {
        slowest.push(record);
        slowest.sort((a, b) => b.duration - a.duration).splice(10);
      },
    ],
    fields: {
      request: ["Referer", "Accept-Language"],
      response: ["Content-Type"],
      set: { "deployment.environment.name": "production" },
      remove: ["user_agent.original"],
    },
    sample: [
      { route: "health", share: 0 },
      { status: "2xx", share: 0.1 },
    ],
  },
});
