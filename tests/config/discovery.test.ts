// Where targets are found: what the options come out as, and each kind of fault at its path.
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { env } from "../../src/mod.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { formatPath, sentenceOf } from "../../src/config/message.ts";
import { faultLines, reader, upstreamOf, withUpstream, type World } from "./support.ts";

const from = (): string[] => ["http://a.test"];
const WORLD: World = { env: { ORDERS: "https://orders.internal" }, files: { "t.yaml": "- https://a.test\n" } };

describe("the plan", () => {
  const lookup = { servers: undefined, families: [4, 6], minMs: 1000, maxMs: 300_000 };
  const rows: [targets: unknown, discovery: unknown][] = [
    [
      { dns: "http://orders.internal:8080" },
      { kind: "dns", name: "orders.internal", secure: false, port: 8080, authority: "orders.internal:8080", ...lookup },
    ],
    [
      {
        dns: env("ORDERS"),
        family: "ipv6",
        refresh: { min: "5s", max: "1m" },
        resolver: ["::1", "[::2]:53", "10.0.0.1:5"],
      },
      {
        kind: "dns",
        name: "orders.internal",
        secure: true,
        port: 443,
        authority: "orders.internal",
        servers: ["[::1]:53", "[::2]:53", "10.0.0.1:5"],
        families: [6],
        minMs: 5000,
        maxMs: 60_000,
      },
    ],
    [
      { srv: "_http._tcp.Orders.internal", scheme: "https" },
      { kind: "srv", service: "_http._tcp.orders.internal", secure: true, domain: "orders.internal", ...lookup },
    ],
    [{ file: "t.yaml" }, { kind: "file", path: "t.yaml" }],
    [{ from }, { kind: "function", find: from, everyMs: 10_000 }],
    [
      { from, every: "1s" },
      { kind: "function", find: from, everyMs: 1000 },
    ],
  ];
  test.each(rows)("of %p", (targets, discovery) => {
    expect(upstreamOf({ targets }, WORLD).discovery).toEqual(discovery as never);
  });

  test("of a file has the targets that it holds now; of all else none yet", () => {
    expect(upstreamOf({ targets: { file: "t.yaml" } }, WORLD).targets.map(({ url }) => url)).toEqual([
      "https://a.test",
    ]);
    for (const targets of [{ dns: "http://a.test" }, { srv: "_http._tcp.a.test" }, { from }]) {
      expect(upstreamOf({ targets }).targets).toEqual([]);
    }
  });

  test("of a list finds nothing later", () => {
    expect(upstreamOf({}).discovery).toBeUndefined();
  });
});

describe("a fault", () => {
  const AT = "upstreams.orders.targets";
  const rows: [targets: unknown, path: string, words: string][] = [
    [{}, AT, "an object with one of `dns`, `srv`, `file`, `from`"],
    [{ url: "http://a.test" }, AT, "a list of targets, or an object with one of"],
    [{ dns: "http://a.test", srv: "_http._tcp.a.test" }, AT, "an object with one of"],
    [{ dns: "a.test" }, `${AT}.dns`, 'It begins with "http://" or "https://".'],
    [{ dns: "http://10.0.0.1" }, `${AT}.dns`, "wanted a URL whose host is a name. An address is a target by itself"],
    [{ dns: "http://[::1]:80" }, `${AT}.dns`, "a URL whose host is a name"],
    [{ dns: "http://a.test/path" }, `${AT}.dns`, "a route's `rewrite` changes paths"],
    [{ dns: "http://a.test", every: "1s" }, `${AT}.every`, '"every" is not an option. Options here: dns, refresh,'],
    [{ dns: "http://a.test", family: "v4" }, `${AT}.family`, 'one of "both", "ipv4", "ipv6"'],
    [{ dns: "http://a.test", resolver: [] }, `${AT}.resolver`, "a list of DNS servers"],
    [{ dns: "http://a.test", resolver: "10.0.0.53" }, `${AT}.resolver`, "a list of DNS servers"],
    [{ dns: "http://a.test", resolver: ["ns.test"] }, `${AT}.resolver.0`, "the address of a DNS server"],
    [{ dns: "http://a.test", resolver: ["1.2.3.4:99999"] }, `${AT}.resolver.0`, "the address of a DNS server"],
    [{ dns: "http://a.test", resolver: ["[::1"] }, `${AT}.resolver.0`, "the address of a DNS server"],
    [{ dns: "http://a.test", refresh: "1s" }, `${AT}.refresh`, "an object of options"],
    [{ dns: "http://a.test", refresh: { min: 5 } }, `${AT}.refresh.min`, 'Give the unit, such as "5s".'],
    [{ dns: "http://a.test", refresh: { min: "1ms" } }, `${AT}.refresh.min`, "a duration of at least 100ms"],
    [{ dns: "http://a.test", refresh: { min: "6m" } }, `${AT}.refresh.min`, "a `min` that is not longer than `max`"],
    [{ srv: "http://a.test" }, `${AT}.srv`, 'the name of a service, such as "_http._tcp.orders.internal"'],
    [{ srv: "10.0.0.1" }, `${AT}.srv`, "the name of a service"],
    [{ srv: "_http._tcp.a.test", scheme: "ws" }, `${AT}.scheme`, 'one of "http", "https"'],
    [{ file: 5 }, `${AT}.file`, "the name of a file of targets"],
    [{ file: "none.yaml" }, `${AT}.file`, "No such file can be read."],
    [{ from: ["http://a.test"] }, `${AT}.from`, "a function that returns a list of targets"],
    [{ from, every: "10ms" }, `${AT}.every`, "a duration of at least 100ms"],
  ];
  test.each(rows.map(([targets, ...rest]) => [inspect(targets), targets, ...rest] as const))(
    "of %s",
    (_, targets, path, words) => {
      const lines = faultLines(withUpstream({ targets }), WORLD);
      expect(lines).toHaveLength(1);
      expect(lines[0]!.split(": ")[0]!).toBe(path);
      expect(lines[0]).toContain(words);
    },
  );

  test.each([
    [{ dns: "http://a.test" }, `${AT}.dns`],
    [{ srv: "_http._tcp.a.test" }, `${AT}.scheme`],
    [{ file: "plain.yaml" }, `${AT}.file`],
  ])("of %p under protocol h2: it is not https", (targets, path) => {
    const files = { "plain.yaml": "- http://a.test\n" };
    const [line, ...rest] = faultLines(withUpstream({ targets, protocol: "h2" }), { files });
    expect(rest).toEqual([]);
    expect(line).toStartWith(`${path}: `);
    expect(line).toContain('HTTP/2 without TLS is "h2c".');
  });

  test.each([
    [{ dns: "https://a.test" }, `${AT}.dns`],
    [{ srv: "_http._tcp.a.test", scheme: "https" }, `${AT}.scheme`],
    [{ file: "secure.yaml" }, `${AT}.file`],
  ])("of %p under protocol h2c: it is https", (targets, path) => {
    const files = { "secure.yaml": "- https://a.test\n" };
    const [line, ...rest] = faultLines(withUpstream({ targets, protocol: "h2c" }), { files });
    expect(rest).toEqual([]);
    expect(line).toStartWith(`${path}: `);
    expect(line).toContain('HTTP/2 over TLS is "h2".');
  });

  test("on Cloudflare there is no h2c", () => {
    const upstream = withUpstream({ targets: ["http://a.test"], protocol: "h2c" });
    const { faults } = resolvePlan(upstream, { ...reader(WORLD), background: false });
    expect(faults.map((fault) => formatPath(fault.path))).toEqual(["upstreams.orders.protocol"]);
  });

  test.each([{ dns: "http://a.test" }, { srv: "_http._tcp.a.test" }, { file: "t.yaml" }, { from }])(
    "on Cloudflare: %p",
    (targets) => {
      const { faults } = resolvePlan(withUpstream({ targets }), { ...reader(WORLD), background: false });
      expect(faults.map((fault) => `${formatPath(fault.path)}: ${sentenceOf(fault)}`)).toEqual([
        `${AT}: an object is not a list of targets. On Cloudflare nothing runs between requests: its runtime looks up names by itself.`,
      ]);
    },
  );
});
