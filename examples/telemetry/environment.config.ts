// Traces and metrics as OTEL_* variables say: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, ….
// ORDERS: the service's URL.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  tracing: "env",
  otlp: "env",
  upstreams: { orders: { targets: [env("ORDERS", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    orders: { match: "/orders/*", to: "orders" },
  },
});
