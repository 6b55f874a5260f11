// What a line of the access log costs. Run: bun tests/bench/access-log.bench.ts
import { queryRedactor } from "../../src/record/redact.ts";
import { Fields } from "../../src/http/fields.ts";
import type { Exchange } from "../../src/exchange.ts";
import {
  LOG,
  UPSTREAM,
  WHOLE,
  answer,
  exchange,
  recordingPlatform,
  route,
  logInto,
  logOf,
} from "../record/exchanges.ts";
import { measured } from "./exchanges.ts";

const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
];
const orders = route("orders", "/api/orders/*");
const bytes = new TextEncoder();
const latin1 = new TextDecoder("latin1");

/** Text that, like a real request's, was never seen before by the engine. */
function fresh(text: string): string {
  return latin1.decode(bytes.encode(text));
}

function busyExchange(i: number): Exchange {
  const fields = Fields.of(
    ["Host", fresh("api.example.com:8080")],
    ["User-Agent", fresh(AGENTS[i % AGENTS.length]!)],
    ["Accept", fresh("application/json")],
    ["Accept-Encoding", fresh("gzip, deflate, br")],
    ["Accept-Language", fresh("en-GB,en;q=0.9")],
    ["Authorization", fresh("Bearer abc")],
    ["Cookie", fresh("a=b")],
  );
  const peer = fresh(`192.0.2.${i % 200}`);
  const x = exchange(
    { fields, peer, authority: fresh("api.example.com:8080") },
    fresh(`/api/orders/${i}/items`),
    fresh(`?page=${i}&sort=asc`),
  );
  x.id = crypto.randomUUID();
  x.route = orders;
  x.upstream = UPSTREAM;
  x.attempts = [{ target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 0, status: 200, error: undefined }];
  x.answer = answer(200);
  return x;
}

/** Measures what `make` gives. */
function measuredLine(name: string, make: () => (x: Exchange) => void): void {
  measured(name, make(), busyExchange);
}

function platformInto(sink: (text: string) => void): ReturnType<typeof recordingPlatform> {
  return { ...recordingPlatform(), line: sink, now: () => performance.now(), wallClock: () => Date.now() };
}

/** Takes lines as the executable's output does: joined, and encoded once for each batch. */
function encoding(): (text: string) => void {
  let batch = "";
  return (text) => {
    batch += text + "\n";
    if (batch.length < 65536) return;
    Buffer.from(batch);
    batch = "";
  };
}

measuredLine("a line, made and dropped", () => {
  const log = logInto(
    LOG,
    platformInto(() => {}),
  );
  return (x) => log(x, WHOLE);
});
measuredLine("a line, joined with others and encoded", () => {
  const log = logInto(LOG, platformInto(encoding()));
  return (x) => log(x, WHOLE);
});
measuredLine("the same by JSON.stringify of an object, encoded", () => {
  const sink = encoding();
  const redact = queryRedactor([]);
  return (x) => {
    const last = x.attempts.at(-1);
    sink(
      JSON.stringify({
        time: new Date().toISOString(),
        level: "info",
        msg: "exchange",
        request_id: x.id,
        "http.request.method": x.method,
        "url.path": x.path,
        "url.query": redact(x.query),
        "url.scheme": x.scheme,
        "server.address": x.authority,
        "http.response.status_code": x.answer?.status,
        "client.address": x.client,
        "network.protocol.version": x.version,
        "user_agent.original": x.fields.get("user-agent"),
        "http.request.body.size": 0,
        "http.response.body.size": 2,
        duration: (performance.now() - x.startedAt) / 1000,
        "http.route": x.route?.matches[0]?.path,
        "sluice.route": x.route?.name,
        "sluice.upstream": x.upstream?.name,
        "sluice.attempts": x.attempts.length,
        "sluice.target": last?.target,
      }),
    );
  };
});
measuredLine("a line that leaves a member out", () => {
  const log = logInto({ ...LOG, members: { ...LOG.members, remove: ["url.scheme"] } }, platformInto(encoding()));
  return (x) => log(x, WHOLE);
});
for (const format of ["ecs", "caddy", "combined", "pretty"] as const) {
  measuredLine(`a line of the form ${format}`, () => {
    const log = logInto(logOf(format), platformInto(encoding()));
    return (x) => log(x, WHOLE);
  });
}
