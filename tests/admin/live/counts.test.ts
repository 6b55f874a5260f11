// What the registry knows in the form of a tick, and what cannot be told apart any more.
import { expect, test } from "bun:test";
import { Counts } from "../../../src/admin/live/counts.ts";
import { History } from "../../../src/admin/live/history.ts";
import { FAMILIES } from "../../../src/record/families.ts";
import { Metrics } from "../../../src/record/metrics.ts";
import { tickAt } from "../../cli/top/ticks.ts";

/** Series of a family that are told apart. */
const MOST_SERIES = 2000;

function exchangeIn(metrics: Metrics, route: string, status: string, errorType = "", method = "GET"): void {
  const labels = { "http.request.method": method, "http.route": `/${route}`, "sluice.route": route };
  const more = { "http.response.status_code": status, "url.scheme": "http", "error.type": errorType };
  metrics.histogram(FAMILIES.serverDuration, { ...labels, ...more }).observe(0.01);
}

const countsOf = (metrics: Metrics): Counts => new Counts(metrics.collect());

test("series that differ in what is not told are one row", () => {
  const metrics = new Metrics();
  exchangeIn(metrics, "a", "200");
  exchangeIn(metrics, "a", "200", "", "POST");
  exchangeIn(metrics, "a", "503", "503");
  exchangeIn(metrics, "a", "502", "connection_refused");
  exchangeIn(metrics, "a", "", "client_disconnect");
  expect(countsOf(metrics).outcomes()).toEqual([
    { route: "a", status: 200, code: "", count: 2 },
    { route: "a", status: 503, code: "", count: 1 },
    { route: "a", status: 502, code: "connection_refused", count: 1 },
    { route: "a", status: 0, code: "client_disconnect", count: 1 },
  ]);
});

test("more series than are told apart: nobody knows the status of the rest, and nothing of it counts as failed", () => {
  const metrics = new Metrics();
  for (let at = 0; at < MOST_SERIES; at++) exchangeIn(metrics, `route-${at}`, "200");
  const first = tickAt(0, { outcomes: countsOf(metrics).outcomes() });
  for (let at = 0; at < 30; at++) exchangeIn(metrics, `late-${at}`, "200");
  for (let at = 0; at < 10; at++) exchangeIn(metrics, `route-${at}`, "200");
  exchangeIn(metrics, "route-0", "200");
  const outcomes = countsOf(metrics).outcomes();
  expect(outcomes.at(-1)).toEqual({ route: "(others)", code: "", count: 30 });
  const history = new History();
  history.add(first);
  history.add(tickAt(10, { outcomes }));
  expect(history.rates(60_000)).toMatchObject({ total: 2041, perSecond: 4.1, failed: 0, refused: 0 });
  expect(history.failures(60_000)).toEqual([]);
  expect(history.points.at(-1)).toMatchObject({ perSecond: 4.1, failed: 0 });
  expect(history.routes(60_000).at(-1)).toMatchObject({ route: "(others)", total: 30, perSecond: 3, failed: 0 });
});

test("shares are of those whose status is known, rates of failures are what is known of them", () => {
  const history = new History();
  history.add(tickAt(0));
  history.add(
    tickAt(10, {
      outcomes: [
        { route: "a", status: 200, code: "", count: 60 },
        { route: "a", status: 502, code: "connection_refused", count: 30 },
        { route: "a", status: 404, code: "", count: 10 },
        { route: "(others)", code: "", count: 900 },
      ],
    }),
  );
  const rates = { perSecond: 100, failed: 0.3, refused: 0.1, failedPerSecond: 3, refusedPerSecond: 1 };
  expect(history.rates(60_000)).toMatchObject(rates);
  expect(history.points[0]).toMatchObject({ perSecond: 100, failed: 3 });
});

test("decisions and what came of upstreams are told by their names, and what has no name is not told", () => {
  const metrics = new Metrics();
  for (const [limit, decision, count] of [
    ["ten", "allowed", 7],
    ["ten", "refused", 2],
    ["one", "observed", 1],
  ] as const) {
    metrics.counter(FAMILIES.limitDecisions, { limit, decision }).add(count);
  }
  metrics.counter(FAMILIES.inFlightDecisions, { bound: "ten", decision: "refused" }).add(3);
  for (const reason of ["connection_refused", "http_503"]) {
    metrics.counter(FAMILIES.retries, { upstream: "up", reason }).add(2);
  }
  metrics.counter(FAMILIES.ejections, { upstream: "up" }).add(5);
  metrics.counter(FAMILIES.circuitOpened, { upstream: "other" }).add(6);
  const counts = countsOf(metrics);
  expect(counts.decisions()).toEqual([
    { name: "ten", kind: "limit", allowed: 7, refused: 2, observed: 0 },
    { name: "one", kind: "limit", allowed: 0, refused: 0, observed: 1 },
    { name: "ten", kind: "inFlight", allowed: 0, refused: 3, observed: 0 },
  ]);
  expect(
    counts.upstreams([
      { name: "up", targets: [] },
      { name: "other", targets: [] },
    ]),
  ).toEqual([
    { name: "up", targets: [], retries: 4, ejections: 5, openings: 0 },
    { name: "other", targets: [], retries: 0, ejections: 0, openings: 6 },
  ]);
  for (let at = 0; at < MOST_SERIES; at++) {
    metrics.counter(FAMILIES.limitDecisions, { limit: `limit-${at}`, decision: "allowed" }).add();
    metrics.counter(FAMILIES.ejections, { upstream: `upstream-${at}` }).add();
  }
  expect(
    countsOf(metrics)
      .decisions()
      .map(({ name }) => name),
  ).not.toContain("(others)");
});

test("attempts at a target are told by what came of them, and those that nobody can tell apart of no target", () => {
  const metrics = new Metrics();
  const attempt = (target: string, status: string, errorType = ""): void => {
    const labels = { "sluice.upstream": "up", "sluice.target": target, "server.address": "a", "server.port": "80" };
    const more = { "http.request.method": "GET", "http.response.status_code": status, "error.type": errorType };
    metrics.histogram(FAMILIES.clientDuration, { ...labels, ...more }).observe(0.01);
  };
  attempt("http://a", "200");
  attempt("http://a", "503", "503");
  attempt("http://a", "", "connection_refused");
  attempt("http://a", "", "attempt_withdrawn");
  const at = { "sluice.upstream": "up", "sluice.target": "http://a", "server.address": "a", "server.port": "80" };
  metrics.read(FAMILIES.clientConnections, () => [
    [{ ...at, "http.connection.state": "idle" }, 4],
    [{ ...at, "http.connection.state": "active" }, 2],
  ]);
  const targets = [{ url: "http://a", weight: 1, state: "up" as const }];
  const told = { attempts: 4, failures: 2, connections: { active: 2, idle: 4 } };
  expect(countsOf(metrics).upstreams([{ name: "up", targets }])[0]!.targets).toMatchObject([told]);
  for (let at = 0; at < MOST_SERIES + 10; at++) attempt(`http://${at}`, "200");
  expect(countsOf(metrics).upstreams([{ name: "up", targets }])[0]!.targets).toMatchObject([told]);
});
