// What the members of a line are called, in each of the forms that have names.

/** Members of Sluice's own, in every form. Where a form has a place of its own for one, it is not there twice. */
const OWN = [
  ...["http.route", "sluice.route", "sluice.auth.scheme", "sluice.consumer", "sluice.upstream", "sluice.target"],
  ...["sluice.attempts", "sluice.upstream_duration", "sluice.upstream_status", "sluice.attempted", "sluice.limits"],
  ...["sluice.observed", "sluice.limit_store", "sluice.fallbacks", "sluice.faults"],
  ...["error.type", "sluice.error.fault", "sluice.error.detail"],
] as const;

/** By form. */
export const MEMBERS: Readonly<Record<"json" | "ecs" | "caddy", readonly string[]>> = {
  json: [
    ...[
      "time",
      "level",
      "msg",
      "request_id",
      "trace_id",
      "span_id",
      "trace_flags",
      "http.request.method",
      "url.path",
      "url.query",
      "url.scheme",
    ],
    ...["server.address", "network.protocol.version", "http.response.status_code", "client.address"],
    ...["network.peer.address", "user_agent.original", "http.request.body.size", "http.response.body.size", "duration"],
    ...OWN,
  ],
  ecs: [
    ...["@timestamp", "log.level", "message", "ecs.version", "event.kind", "event.category", "event.dataset"],
    ...[
      "event.outcome",
      "event.duration",
      "http.request.id",
      "trace.id",
      "span.id",
      "http.request.method",
      "http.version",
    ],
    ...["http.request.body.bytes", "http.response.body.bytes", "http.response.status_code", "url.path", "url.query"],
    ...["url.scheme", "url.domain", "client.ip", "source.ip", "user_agent.original", ...OWN],
  ],
  caddy: [
    ...["level", "ts", "logger", "msg", "request", "bytes_read", "user_id", "duration", "size", "status"],
    ...["resp_headers", "request_id", "traceID", "spanID", ...OWN],
  ],
};
