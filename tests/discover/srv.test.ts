// Targets by SRV records: hosts, ports, shares and priorities (RFC 2782).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { serviceTargets } from "../../src/discover/srv-source.ts";
import type { ServiceRecord } from "../../src/http/names.ts";
import type { SrvTargets } from "../../src/mod.ts";
import { Search } from "./rig.ts";

const SERVICE = "_http._tcp.orders.internal";

type Row = readonly [name: string, port?: number, weight?: number, priority?: number];

function search(
  rows: readonly Row[],
  hosts: Readonly<Record<string, string[] | string>>,
  more: Partial<SrvTargets> = {},
): Search {
  const made = new Search({ srv: SERVICE, family: "ipv4", ...more });
  made.platform.names.records.set(SERVICE, rows.map(recordOf));
  for (const [name, addresses] of Object.entries(hosts)) made.platform.names.hosts.set(name, addresses);
  return made;
}

function recordOf([name, port = 8080, weight = 0, priority = 0]: Row): ServiceRecord {
  return { name, port, weight, priority };
}

const TWO = { "a.internal": ["10.0.0.1"], "b.internal": ["10.0.0.2"] };

describe("records become targets", () => {
  const rows: [what: string, records: Row[], hosts: Record<string, string[]>, urls: string[]][] = [
    [
      "hosts at their ports",
      [
        ["a.internal", 8001],
        ["b.internal", 8002],
      ],
      TWO,
      ["http://10.0.0.1:8001", "http://10.0.0.2:8002"],
    ],
    [
      "weights are shares",
      [
        ["a.internal", 80, 3],
        ["b.internal", 80, 1],
      ],
      TWO,
      ["http://10.0.0.1:80 ×3", "http://10.0.0.2:80"],
    ],
    [
      "weights of 0 alone are equal",
      [
        ["a.internal", 80],
        ["b.internal", 80],
      ],
      TWO,
      ["http://10.0.0.1:80", "http://10.0.0.2:80"],
    ],
    [
      "a weight of 0 beside others is small, not none",
      [
        ["a.internal", 80, 0],
        ["b.internal", 80, 1],
      ],
      TWO,
      ["http://10.0.0.1:80", "http://10.0.0.2:80 ×100"],
    ],
    [
      "the addresses of a host share its weight",
      [
        ["a.internal", 80, 1],
        ["b.internal", 80, 1],
      ],
      { "a.internal": ["10.0.0.1", "10.0.0.3"], "b.internal": ["10.0.0.2"] },
      ["http://10.0.0.1:80", "http://10.0.0.2:80 ×2", "http://10.0.0.3:80"],
    ],
    [
      "a place that two records name is one target",
      [
        ["a.internal", 80, 1],
        ["b.internal", 80, 1],
      ],
      { "a.internal": ["10.0.0.1"], "b.internal": ["10.0.0.1"] },
      ["http://10.0.0.1:80"],
    ],
    ["a host without addresses is left out", [["a.internal"], ["gone.internal"]], TWO, ["http://10.0.0.1:8080"]],
  ];
  test.each(rows)("%s", (_, records, hosts, urls) => {
    expect(search(records, hosts).begin().urls).toEqual(urls);
  });

  test.each([
    [SERVICE, "orders.internal"],
    ["_api._http._tcp.orders.internal", "orders.internal"],
    ["orders.service.consul", "orders.service.consul"],
  ])("%s: Host and certificate are those of %s, never of a name that DNS gave", (srv, domain) => {
    const it = new Search({ srv, scheme: "https", family: "ipv4" });
    it.platform.names.records.set(srv, [recordOf(["a.internal", 8443])]);
    it.platform.names.hosts.set("a.internal", ["10.0.0.1"]);
    const [target] = it.begin().targets;
    expect(target).toMatchObject({ url: "https://10.0.0.1:8443", name: domain, authority: domain, secure: true });
  });

  test("the priority goes with the target, and decides the order", () => {
    const { targets } = search(
      [
        ["a.internal", 80, 1, 20],
        ["b.internal", 80, 1, 10],
      ],
      TWO,
    ).begin();
    expect(targets.map(({ url, priority }) => [url, priority])).toEqual([
      ["http://10.0.0.2:80", 10],
      ["http://10.0.0.1:80", 20],
    ]);
  });

  test("shares of a priority stand to each other as the weights of their records", () => {
    const record = fc.record({
      weight: fc.integer({ min: 1, max: 65_535 }),
      addresses: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        const targets = serviceTargets(
          records.map(({ weight, addresses }, i) => ({
            port: 80,
            priority: 0,
            weight,
            addresses: Array.from({ length: addresses }, (_, j) => `10.0.${i}.${j}`),
          })),
          { secure: false, domain: "orders.internal" },
        );
        const shareOf = (i: number): number =>
          targets.filter(({ host }) => host.startsWith(`10.0.${i}.`)).reduce((sum, { weight }) => sum + weight, 0);
        const unit = shareOf(0) / records[0]!.weight;
        for (const [i, { weight }] of records.entries()) {
          expect(Math.abs(shareOf(i) / unit / weight - 1)).toBeLessThan(0.05);
        }
      }),
    );
  });
});

describe("what fails", () => {
  const rows: [what: string, records: Row[] | string, hosts: Record<string, string[] | string>, told: string][] = [
    ["no records", [], {}, "there are none"],
    ['a service that decidedly is not there: "."', [["."]], {}, "there are none"],
    ["no host has an address", [["a.internal"]], { "a.internal": [] }, "none has an address"],
    ["no host can be asked for", [["a.internal"]], { "a.internal": "ESERVFAIL" }, "ESERVFAIL"],
    ["a server that fails", "ETIMEOUT", {}, "ETIMEOUT"],
  ];
  test.each(rows)("%s: the targets stay", (_, records, hosts, told) => {
    const it = search([["a.internal"]], TWO).begin();
    expect(it.told).toHaveLength(1);
    const { names } = it.platform;
    names.records.set(SERVICE, typeof records === "string" ? records : records.map(recordOf));
    names.hosts.clear();
    // Nothing is remembered of another host: the failing one has another name.
    for (const [name, addresses] of Object.entries(hosts)) names.hosts.set(name, addresses);
    it.advance(60_000);
    expect(it.urls).toEqual(["http://10.0.0.1:8080"]);
    expect(it.told).toEqual([
      `warn: upstreams.orders: the hosts of ${SERVICE}: ${told}. The targets stay as they were.`,
    ]);
    it.end();
  });

  test("one host cannot be asked for: it keeps its addresses, the others change", () => {
    const it = search([["a.internal"], ["b.internal"]], TWO).begin();
    expect(it.told).toHaveLength(1);
    it.platform.names.hosts.set("a.internal", ["10.0.0.9"]);
    it.platform.names.hosts.set("b.internal", "ESERVFAIL");
    it.advance(30_000);
    expect(it.urls).toEqual(["http://10.0.0.2:8080", "http://10.0.0.9:8080"]);
    expect(it.told[1]).toBe(
      `warn: upstreams.orders: the hosts of ${SERVICE}: ESERVFAIL. What was known of them stays.`,
    );
    it.end();
  });

  test("many hosts are looked up, 16 at once", () => {
    const hosts = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`h${i}.internal`, [`10.0.1.${i}`]]));
    const it = search(
      Object.keys(hosts).map((name) => [name] as const),
      hosts,
    );
    const { names } = it.platform;
    let most = 0;
    let open = 0;
    const asked = names.addresses.bind(names);
    names.addresses = async (name, family) => {
      most = Math.max(most, ++open);
      const answer = await asked(name, family);
      open--;
      return answer;
    };
    expect(it.begin().urls).toHaveLength(100);
    expect(most).toBe(16);
    it.end();
  });

  test.each([
    [10_000, 10_000],
    [600_000, 30_000],
  ])(
    "with addresses of a TTL of %i ms it is asked again after at most %i ms: SRV records tell none",
    (ttlMs, mostMs) => {
      const it = search([["a.internal"]], TWO);
      it.platform.names.ttlMs = ttlMs;
      it.begin();
      const questions = (): number => it.platform.names.asked.filter((each) => each.startsWith("SRV")).length;
      it.advance(mostMs * 0.9 - 1);
      expect(questions()).toBe(1);
      it.advance(mostMs * 0.1 + 1);
      expect(questions()).toBe(2);
      it.end();
    },
  );
});
