// All that is counted, in one table: docs/metrics.md explains each row, and a test holds both together.
import { counter, gauge, histogram } from "./family.ts";

/** Of durations: what OpenTelemetry advises for HTTP (semantic conventions 1.44, metrics). */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Of content: from 256 B to 1 GiB, each four times the one before. */
const BYTES = Array.from({ length: 12 }, (_, power) => 256 * 4 ** power);
/** Of what should take no time. */
const DELAYS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const ROUTE = ["http.route", "sluice.route"] as const;
const KIND = ["http.request.method", "url.scheme"] as const;
const TARGET = ["sluice.upstream", "sluice.target"] as const;
const ADDRESS = ["server.address", "server.port"] as const;

/**
 * The families. Labels hold what the config names, methods that are known or `_OTHER`, statuses, and words of the
 * gateway's own: never a path, a Host, a key, an address or a caller. Those of OpenTelemetry have its names, and labels
 * with dots; the gateway's own have short ones.
 */
export const FAMILIES = {
  serverDuration: histogram(
    "http.server.request.duration",
    "s",
    "Time from a request's head to the last byte of its answer",
    SECONDS,
    ["http.request.method", ...ROUTE, "http.response.status_code", "url.scheme", "error.type"],
  ),
  serverActive: gauge("http.server.active_requests", "Requests under way", KIND, { unit: "{request}" }),
  requestSize: histogram("http.server.request.body.size", "By", "Content received from clients", BYTES, [
    ...ROUTE,
    ...KIND,
  ]),
  responseSize: histogram("http.server.response.body.size", "By", "Content sent to clients", BYTES, [
    ...ROUTE,
    ...KIND,
  ]),

  clientDuration: histogram(
    "http.client.request.duration",
    "s",
    "Time of an attempt at a target, to the head of its answer or to its failure",
    SECONDS,
    [...TARGET, ...ADDRESS, "http.request.method", "http.response.status_code", "error.type"],
  ),
  clientConnections: gauge(
    "http.client.open_connections",
    "Connections to targets, idle or in use",
    ["http.connection.state", ...TARGET, ...ADDRESS],
    { unit: "{connection}" },
  ),
  retries: counter("sluice.upstream.retries", "Attempts after the first one, by why they were made", [
    "upstream",
    "reason",
  ]),
  retryRefusals: counter("sluice.upstream.retry_refusals", "Retries and hedges for which the budget had nothing left", [
    "upstream",
  ]),
  targetUp: gauge(
    "sluice.upstream.up",
    "1 for a target that may be picked, 0 for one that may not",
    ["upstream", "target"],
    {
      across: "same",
    },
  ),
  fallbacks: counter("sluice.upstream.fallbacks", "Exchanges of which an upstream's fallback was used", [
    "upstream",
    "reason",
  ]),
  discoveryFailures: counter("sluice.discovery.failures", "Searches for an upstream's targets that came to nothing", [
    "upstream",
  ]),
  ejections: counter("sluice.upstream.ejections", "Targets that were taken out because attempts at them failed", [
    "upstream",
  ]),
  circuitOpen: gauge(
    "sluice.upstream.circuit_open",
    "1 while the breaker lets nothing but probes through, 0 while it is closed",
    ["upstream"],
    { across: "same" },
  ),
  circuitOpened: counter("sluice.upstream.circuit_openings", "How often the breaker has opened", ["upstream"]),
  mirrorCopies: counter("sluice.mirror.copies", "What became of copies for mirrors", ["route", "upstream", "outcome"]),
  faults: counter("sluice.faults.injected", "Faults that were made on purpose", ["route", "fault"]),

  connections: gauge("sluice.connections.open", "Connections of clients that are open"),
  connectionsRefused: counter("sluice.connections.refused", "Connections closed because too many were open"),

  certificateEnds: gauge(
    "sluice.tls.cert_not_after_timestamp",
    "When a certificate that the listener shows ends, since the epoch",
    ["name"],
    { unit: "s", across: "same" },
  ),
  acmeOrders: counter("sluice.acme.orders", "Certificates that were asked for by ACME, by what came of it", ["result"]),
  acmeNext: gauge(
    "sluice.acme.next_timestamp",
    "When a host name of ACME is seen to next, since the epoch: renewed, asked about, or tried again",
    ["domain"],
    { unit: "s" },
  ),

  authDecisions: counter("sluice.auth.decisions", "What schemes said of the credentials they were shown", [
    "scheme",
    "outcome",
  ]),
  keysAge: gauge("sluice.auth.keys.age", "Time since a scheme's keys were fetched from their issuer", ["scheme"], {
    unit: "s",
    across: "same",
  }),
  observed: counter("sluice.observed.refusals", "What policies in observe mode would have refused", [
    "route",
    "policy",
  ]),

  limitDecisions: counter("sluice.limit.decisions", "Exchanges that limits have counted", ["limit", "decision"]),
  limitStoreErrors: counter("sluice.limit.store_errors", "Exchanges of which the store of counts could not decide", [
    "outcome",
  ]),
  limitEntries: gauge("sluice.limit.entries", "Callers that the table of limits holds"),
  limitCapacity: gauge("sluice.limit.capacity", "Callers that the table of limits can hold"),
  limitEvictions: counter("sluice.limit.evictions", "Callers that made place in the table although they still counted"),
  inFlightDecisions: counter("sluice.in_flight.decisions", "Exchanges that asked for a place of inFlight", [
    "bound",
    "decision",
  ]),
  inFlightWaiting: gauge("sluice.in_flight.waiting", "Exchanges that wait for a place of inFlight", ["bound"]),
  overloadRefusals: counter("sluice.overload.refusals", "Exchanges shed over overload.maxInFlight"),

  reloads: counter("sluice.config.reloads", "Reloads of the config, by what came of them", ["result"]),
  loadedAt: gauge(
    "sluice.config.last_reload_success_timestamp",
    "When the config that runs was loaded, since the epoch",
    [],
    { unit: "s" },
  ),
  lastReload: gauge(
    "sluice.config.last_reload_successful",
    "1 while the config that runs is the one that was loaded last, 0 after a reload that failed",
  ),
  configInfo: gauge("sluice.config_info", "Always 1; which config runs, by the SHA-256 of its files", ["hash"]),

  otlpExports: counter("sluice.otlp.exports", "Spans, and pushes of metrics, by what became of them", [
    "signal",
    "outcome",
  ]),
  logLinesDropped: counter("sluice.log.lines_dropped", "Lines of the access log that were lost", ["sink"]),

  buildInfo: gauge("sluice.build_info", "Always 1; what runs", ["version", "revision", "runtime"]),
  workers: gauge("sluice.workers", "Threads that serve"),
  workerCpu: counter("sluice.worker.cpu", "Processor time of a thread, user and system", ["worker"], "s"),
  workerHeap: gauge("sluice.worker.heap", "JavaScript's heap of a thread", ["worker"], { unit: "By" }),
  eventLoopDelay: histogram("sluice.event_loop.delay", "s", "How late a timer was, twice a second", DELAYS),
  cpu: counter("process.cpu", "Processor time of the process, user and system", [], "s"),
  residentMemory: gauge("process.resident_memory", "Resident memory of the process", [], { unit: "By" }),
  startTime: gauge("process.start_time", "When the process began, since the epoch", [], { unit: "s" }),
  openFiles: gauge("process.open_fds", "File descriptors that are open", [], { unit: "{file_descriptor}" }),
  mostFiles: gauge("process.max_fds", "File descriptors that may be open"),
} as const;
