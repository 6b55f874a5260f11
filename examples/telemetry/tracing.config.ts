// Traces: one of a hundred, and all that fail, with metrics, to a collector that wants a token.
// ORDERS: the service's URL. COLLECTOR: the collector's. COLLECTOR_TOKEN: such as "Bearer 0123".
import { defineGateway, env } from "sluice";

export default defineGateway({
  name: "edge",
  listen: { host: "127.0.0.1", port: 8080, trustedProxies: ["10.0.0.0/8"] },
  tracing: { sample: 0.01, errors: true, trust: "proxies" },
  otlp: {
    endpoint: env("COLLECTOR", { default: "http://localhost:4318" }),
    headers: { authorization: env("COLLECTOR_TOKEN") },
    compression: "gzip",
    metrics: { interval: "30s" },
    resource: { "deployment.environment.name": "production" },
  },
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
  },
});
