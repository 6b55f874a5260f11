// The access log of the whole gateway: each place gets its lines in its form, over reloads, whatever a function does.
import { describe, expect, test } from "bun:test";
import type { LogOptions, LogRecord } from "../../src/config/log/options.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { prometheusText } from "../../src/record/prometheus.ts";
import { inWorld, inWorldOf, type World } from "../support/fake-world.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";

/** Standard output is one of the places: the world reads there what every exchange came to. */
const withLog = (log: LogOptions): GatewayOptions => ({
  routes: {
    hello: { match: "/hello", answer: { body: "hello" } },
    broken: { match: "/broken", answer: { status: 500 } },
  },
  log,
  admin: {},
});

const linesAt = (world: World, name: string): readonly string[] => world.platform.sinks.get(name) ?? [];
const lost = (world: World, sink: string): number =>
  sumOf(readMetrics(prometheusText(world.metrics.collect(), "prometheus")), "sluice_log_lines_dropped_total", { sink });

test("each place gets a line in its own form", () => {
  const records: LogRecord[] = [];
  const log: LogOptions = {
    to: ["stdout", { file: "/a.log", format: "common" }, { file: "/b.log" }, (record) => records.push(record)],
    format: "caddy",
  };
  inWorld(withLog(log), (world) => {
    world.ask("GET", "/hello");
    expect(JSON.parse(world.platform.lines[0]!)).toMatchObject({ logger: "http.log.access" });
    expect(linesAt(world, "/a.log")).toEqual([expect.stringMatching(/"GET \/hello HTTP\/1.1" 200 5$/)]);
    expect(linesAt(world, "/b.log")).toEqual([world.platform.lines[0]!]);
    expect(records).toMatchObject([
      { "http.response.status_code": 200, "sluice.route": "hello", "url.path": "/hello" },
    ]);
  });
});

test("syslog's head tells severity, time, machine, name and process (RFC 5424)", () => {
  inWorld(withLog({ to: ["stdout", { syslog: "udp://logs.test", facility: "local1", format: "common" }] }), (world) => {
    world.ask("GET", "/hello");
    world.ask("GET", "/broken");
    const [well, failed] = linesAt(world, "udp://logs.test");
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    expect(well).toMatch(new RegExp(String.raw`^<142>1 ${time} gateway\.test sluice 7 - - \S+ - - \[`));
    expect(failed).toMatch(/^<139>1 /);
  });
});

test("to a socket of this machine a line has the head of syslog(3): time here, name and process", () => {
  inWorld(withLog({ to: ["stdout", { syslog: "unix:///dev/log", app: "edge", format: "common" }] }), (world) => {
    world.ask("GET", "/hello");
    world.ask("GET", "/broken");
    const [well, failed] = linesAt(world, "unix:///dev/log");
    const time = new Date(world.platform.wallClock());
    const [, month, day, , clock] = time.toString().split(" ");
    expect(well).toStartWith(`<134>${month} ${String(Number(day)).padStart(2)} ${clock} edge[7]: 127.0.0.1 - - [`);
    expect(failed).toStartWith("<131>");
  });
});

test("places stay open over a reload that does not concern them, and are closed when no plan has them", () => {
  inWorld(withLog({ to: ["stdout", { file: "/a.log" }, { file: "/b.log" }] }), (world) => {
    world.ask("GET", "/hello");
    world.reload(withLog({ to: ["stdout", { file: "/a.log" }, { file: "/c.log" }] }));
    world.ask("GET", "/hello");
    expect(linesAt(world, "/a.log")).toHaveLength(2);
    expect([...world.platform.sinks.keys()].sort()).toEqual(["/a.log", "/c.log"]);
    world.reloadInVain(withLog({ to: { file: "/d.log" } }));
    expect([...world.platform.sinks.keys()].sort()).toEqual(["/a.log", "/c.log"]);
  });
});

describe("a function", () => {
  test("that throws is told once, counted each time, and costs nobody an answer", () => {
    const call = (): never => {
      throw new Error("no room");
    };
    inWorld(withLog({ to: [call, "stdout"] }), (world) => {
      for (let i = 0; i < 3; i++) world.ask("GET", "/hello");
      expect(world.platform.lines).toHaveLength(3);
      expect(lost(world, "function")).toBe(3);
      expect(world.platform.notices.map(({ text }) => text)).toEqual([
        "log.to: the function has failed (Error: no room); that is told once, and counted",
      ]);
      world.platform.notices.length = 0;
    });
  });

  test("is counted apart from another one", () => {
    const fails = (): never => {
      throw new Error("no room");
    };
    inWorld(withLog({ to: [() => undefined, fails, "stdout", fails] }), (world) => {
      for (let i = 0; i < 3; i++) world.ask("GET", "/hello");
      expect(["function", "function 2", "function 3"].map((sink) => lost(world, sink))).toEqual([0, 3, 3]);
      expect(world.platform.notices.map(({ text }) => text)).toEqual([
        "log.to: function 2 has failed (Error: no room); that is told once, and counted",
        "log.to: function 3 has failed (Error: no room); that is told once, and counted",
      ]);
      world.platform.notices.length = 0;
    });
  });

  test("whose promise is rejected likewise", async () => {
    await inWorldOf(withLog({ to: ["stdout", () => Promise.reject(new Error("late"))] }), async (world) => {
      world.ask("GET", "/hello");
      world.ask("GET", "/hello");
      await world.rest();
      expect(lost(world, "function")).toBe(2);
      expect(world.platform.notices).toHaveLength(1);
      world.platform.notices.length = 0;
    });
  });

  test("whose promises never settle gets a bounded number of records; the rest is counted", () => {
    let calls = 0;
    const call = (): Promise<void> => {
      calls++;
      return new Promise(() => undefined);
    };
    inWorld(withLog({ to: ["stdout", call] }), (world) => {
      const client = world.client();
      for (let i = 0; i < 1034; i++) {
        client.request("GET", "/hello", [], "");
        world.settle();
      }
      expect(calls).toBe(1024);
      expect(lost(world, "function")).toBe(10);
      world.platform.notices.length = 0;
    });
  });
});
