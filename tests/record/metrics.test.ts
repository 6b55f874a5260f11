// The registry: what workers tell adds up whatever becomes of them, what ends leaves its count, and families are bounded.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FAMILIES } from "../../src/record/families.ts";
import { Metrics } from "../../src/record/metrics.ts";

const PLACE = { "http.route": "/*", "sluice.route": "", "http.request.method": "GET", "url.scheme": "http" };

const WORKERS = 3;

/** What may happen to a worker: it counts, it tells, it dies and another takes its number. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("count"), worker: fc.nat(WORKERS - 1), limit: fc.nat(3), by: fc.nat(5) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("observe"),
      worker: fc.nat(WORKERS - 1),
      limit: fc.nat(3),
      by: fc.nat(3000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("tell"), worker: fc.nat(WORKERS - 1), limit: fc.nat(0), by: fc.nat(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("die"), worker: fc.nat(WORKERS - 1), limit: fc.nat(0), by: fc.nat(0) }),
  },
);

/** The first number of each series of a family, by its labels. */
const values = (metrics: Metrics, name: string): Record<string, number[]> =>
  Object.fromEntries(
    metrics
      .collect()
      .filter(({ family }) => family.name === name)
      .flatMap(({ samples }) => samples.map((each) => [(each.labels ?? ["rest"]).join(), [...each.values]])),
  );

test("what workers tell adds up to what they counted, and never goes down, however they come and go", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const total = new Metrics();
      const all = new Metrics();
      const begin = (worker: number): { metrics: Metrics; waiting: number } => {
        const state = { metrics: new Metrics(), waiting: worker + 1 };
        state.metrics.read(FAMILIES.inFlightWaiting, () => [[{ bound: "b" }, state.waiting]]);
        return state;
      };
      const workers = Array.from({ length: WORKERS }, (_, worker) => begin(worker));
      const tell = (worker: number): void => total.merge(worker, workers[worker]!.metrics.changes());
      let before = 0;
      for (const { kind, worker, limit, by } of events) {
        const { metrics } = workers[worker]!;
        const labels = { limit: String(limit), decision: "allowed" };
        for (const each of [metrics, all]) {
          if (kind === "count") each.counter(FAMILIES.limitDecisions, labels).add(by);
          if (kind === "observe") each.histogram(FAMILIES.eventLoopDelay, {}).observe(by / 1000);
        }
        if (kind !== "count" && kind !== "observe") tell(worker);
        if (kind === "die") {
          total.forget(worker);
          workers[worker] = begin(worker);
        }
        const sum = Object.values(values(total, "sluice.limit.decisions")).reduce((a, [b]) => a + b!, 0);
        expect(sum).toBeGreaterThanOrEqual(before);
        before = sum;
      }
      for (const worker of workers.keys()) tell(worker);
      expect(values(total, "sluice.limit.decisions")).toEqual(values(all, "sluice.limit.decisions"));
      const [delays, wanted] = [total, all].map((each) => values(each, "sluice.event_loop.delay")[""]);
      expect(delays?.slice(0, -1)).toEqual(wanted?.slice(0, -1));
      expect(delays?.at(-1) ?? 0).toBeCloseTo(wanted?.at(-1) ?? 0);
      expect(values(total, "sluice.in_flight.waiting")).toEqual({ b: [1 + 2 + 3] });
    }),
    { numRuns: 200 },
  );
});

test("nothing is told twice, and a series that stands still is told once", () => {
  const metrics = new Metrics();
  const counter = metrics.counter(FAMILIES.overloadRefusals, {});
  expect(metrics.changes().map(({ values }) => [...values])).toEqual([[0]]);
  expect(metrics.changes()).toEqual([]);
  counter.add(2);
  expect(metrics.changes().map(({ values }) => [...values])).toEqual([[2]]);
  expect(metrics.changes()).toEqual([]);
});

test("a counter keeps what an ended source has counted, a gauge does not", () => {
  const metrics = new Metrics();
  let count = 3;
  const end = metrics.count(FAMILIES.limitEvictions, {}, () => count);
  const endGauge = metrics.readOne(FAMILIES.connections, () => 7);
  expect(values(metrics, "sluice.limit.evictions")).toEqual({ "": [3] });
  count = 5;
  end();
  end();
  endGauge();
  metrics.count(FAMILIES.limitEvictions, {}, () => 10);
  metrics.readOne(FAMILIES.connections, () => 1);
  expect(values(metrics, "sluice.limit.evictions")).toEqual({ "": [15] });
  expect(values(metrics, "sluice.connections.open")).toEqual({ "": [1] });
});

test("what is too much for a family is one series, and nothing is lost", () => {
  const metrics = new Metrics();
  for (let at = 0; at < 5000; at++) {
    metrics.counter(FAMILIES.observed, { route: `r${at}`, policy: "auth" }).add();
    metrics.histogram(FAMILIES.requestSize, { ...PLACE, "http.route": `/${at}` }).observe(1);
  }
  const told = values(metrics, "sluice.observed.refusals");
  expect(Object.keys(told)).toHaveLength(2001);
  expect(told["rest"]).toEqual([3000]);
  expect(values(metrics, "http.server.request.body.size")["rest"]!.slice(0, 2)).toEqual([3000, 0]);
  const main = new Metrics();
  main.merge(1, metrics.changes());
  expect(values(main, "sluice.observed.refusals")["rest"]).toEqual([3000]);
});

describe("series of targets that are gone", () => {
  const MINUTE = 60_000;
  const EPOCH = 1_700_000_000_000;
  const attempts = (target: string) => ({
    "sluice.upstream": "up",
    "sluice.target": target,
    ...{ "server.address": "", "server.port": "", "http.request.method": "GET" },
    ...{ "http.response.status_code": "", "error.type": "" },
  });

  /** A registry that has counted attempts at these, and knows those in `there`. */
  function registry(targets: readonly string[], there: ReadonlySet<string>): Metrics {
    const metrics = new Metrics();
    metrics.read(FAMILIES.targetUp, () => [...there].map((target) => [{ upstream: "up", target }, 1] as const));
    for (const target of targets) metrics.histogram(FAMILIES.clientDuration, attempts(target)).observe(1);
    return metrics;
  }
  const told = (metrics: Metrics): string[] =>
    metrics
      .collect()
      .flatMap(({ family, samples }) =>
        family.name === FAMILIES.clientDuration.name ? samples.map(({ labels }) => labels?.[1] ?? "rest") : [],
      );

  test("are told for ten minutes more, then no longer; those of targets that are there stay", () => {
    const there = new Set(["a", "b"]);
    const metrics = registry(["a", "b"], there);
    metrics.letGo(0, EPOCH + 0);
    there.delete("b");
    metrics.letGo(MINUTE, EPOCH + MINUTE);
    metrics.letGo(11 * MINUTE - 1, EPOCH + 11 * MINUTE);
    expect(told(metrics)).toEqual(["a", "b"]);
    expect(metrics.departures).toBe(0);
    metrics.letGo(11 * MINUTE, EPOCH + 11 * MINUTE);
    expect(told(metrics)).toEqual(["a"]);
    expect(metrics.departures).toBe(1);
  });

  test("that come back have counted since the last departure, all others since the beginning", () => {
    const there = new Set(["a"]);
    const metrics = registry(["a", "b"], there);
    metrics.letGo(0, EPOCH);
    metrics.letGo(10 * MINUTE, EPOCH + 10 * MINUTE);
    for (const target of ["a", "b"]) metrics.histogram(FAMILIES.clientDuration, attempts(target)).observe(1);
    metrics.counter(FAMILIES.faults, { route: "all", fault: "delay" }).add();
    const since = metrics.collect().flatMap(({ samples }) => samples.map(({ labels, since }) => [labels![1], since]));
    expect(since).toEqual([
      ["a", undefined],
      ["b", EPOCH + 10 * MINUTE],
      ["a", undefined],
      ["delay", undefined],
    ]);
  });

  test("stay where the target comes back in time", () => {
    const there = new Set<string>();
    const metrics = registry(["a"], there);
    metrics.letGo(0, EPOCH + 0);
    there.add("a");
    metrics.letGo(9 * MINUTE, EPOCH + 9 * MINUTE);
    there.clear();
    metrics.letGo(12 * MINUTE, EPOCH + 12 * MINUTE);
    metrics.letGo(21 * MINUTE, EPOCH + 21 * MINUTE);
    expect(told(metrics)).toEqual(["a"]);
  });

  test("make room for others where targets come and go for ever, in a worker and in the main thread", () => {
    const there = new Set<string>();
    const [worker, main] = [registry([], there), new Metrics()];
    for (let at = 0; at < 5000; at++) {
      there.clear();
      there.add(`t${at}`);
      worker.histogram(FAMILIES.clientDuration, attempts(`t${at}`)).observe(1);
      worker.letGo(at * MINUTE, EPOCH + at * MINUTE);
      main.merge(1, worker.changes());
      main.letGo(at * MINUTE, EPOCH + at * MINUTE);
    }
    for (const metrics of [worker, main]) {
      expect(told(metrics).length).toBeLessThan(20);
      expect(told(metrics)).not.toContain("rest");
    }
  });
});

test("the exemplar of a bucket is the last one of whichever worker told it", () => {
  const [one, two, main] = [new Metrics(), new Metrics(), new Metrics()];
  const labels = PLACE;
  const note = (metrics: Metrics, id: string, value: number): void =>
    metrics
      .histogram(FAMILIES.requestSize, labels)
      .observeIn({ traceId: id.repeat(32), spanId: id.repeat(16) }, value, 7);
  note(one, "a", 1);
  note(one, "b", 2);
  note(two, "c", 300);
  main.merge(1, one.changes());
  main.merge(2, two.changes());
  note(two, "d", 301);
  one.histogram(FAMILIES.requestSize, labels).observe(3);
  main.merge(1, one.changes());
  main.merge(2, two.changes());
  const [sample] = main.collect().find(({ family }) => family.name === FAMILIES.requestSize.name)!.samples;
  expect(sample!.exemplars?.map((each) => each?.traceId[0])).toEqual([
    ...["b", "d"],
    ...Array.from({ length: FAMILIES.requestSize.bounds.length - 1 }, () => undefined),
  ]);
  expect([...sample!.values.slice(0, 2)]).toEqual([3, 2]);
});

test("a value is in the first bucket whose bound it does not exceed", () => {
  const metrics = new Metrics();
  const delay = metrics.histogram(FAMILIES.eventLoopDelay, {});
  const { bounds } = FAMILIES.eventLoopDelay;
  for (const value of [0, bounds[0]!, bounds[0]! + 1e-9, bounds.at(-1)!, 99]) delay.observe(value);
  const [first, second, ...rest] = delay.values;
  expect([first, second, rest.at(-3), rest.at(-2)]).toEqual([2, 1, 1, 1]);
});
