// Targets by the addresses of a name: what becomes of records, when is asked again, what failures change.
import { expect, test, describe } from "bun:test";
import type { DnsTargets } from "../../src/mod.ts";
import { Search } from "./rig.ts";

const NAME = "orders.internal";

function search(addresses: readonly string[] | string, more: Partial<DnsTargets> = {}): Search {
  const made = new Search({ dns: `http://${NAME}:8080`, ...more });
  made.platform.names.hosts.set(NAME, addresses);
  return made;
}

describe("records become targets", () => {
  const rows: [what: string, dns: string, addresses: string[], urls: string[], authority: string][] = [
    ["IPv4", `http://${NAME}:8080`, ["10.0.0.5"], ["http://10.0.0.5:8080"], `${NAME}:8080`],
    ["IPv6, in brackets", `http://${NAME}:8080`, ["fd00::5"], ["http://[fd00::5]:8080"], `${NAME}:8080`],
    ["IPv6 in its one spelling", `http://${NAME}`, ["FD00:0:0:0::5"], ["http://[fd00::5]:80"], NAME],
    ["an IPv4-mapped address", `http://${NAME}`, ["::ffff:10.0.0.5"], ["http://10.0.0.5:80"], NAME],
    ["both families", `http://${NAME}`, ["10.0.0.5", "fd00::5"], ["http://10.0.0.5:80", "http://[fd00::5]:80"], NAME],
    ["the same address twice", `http://${NAME}`, ["10.0.0.5", "10.0.0.5"], ["http://10.0.0.5:80"], NAME],
    ["the scheme's own port", `https://${NAME}`, ["10.0.0.5"], ["https://10.0.0.5:443"], NAME],
    [
      "in one order, whatever the answer's",
      `http://${NAME}`,
      ["10.0.0.6", "10.0.0.5"],
      ["http://10.0.0.5:80", "http://10.0.0.6:80"],
      NAME,
    ],
    ["a name in capitals", "http://ORDERS.internal", ["10.0.0.5"], ["http://10.0.0.5:80"], NAME],
  ];
  test.each(rows)("%s", (_, dns, addresses, urls, authority) => {
    const { urls: found, targets } = search(addresses, { dns }).begin();
    expect(found).toEqual(urls);
    for (const target of targets) expect([target.authority, target.name]).toEqual([authority, NAME]);
    for (const target of targets) expect(target.host).not.toContain("[");
  });

  test.each([
    ["both", ["4", "6"]],
    ["ipv4", ["4"]],
    ["ipv6", ["6"]],
  ] as const)("family %s asks for it alone", (family, asked) => {
    const { platform } = search(["10.0.0.5", "fd00::5"], { family }).begin();
    expect(platform.names.asked).toEqual(asked.map((each) => `${each} ${NAME}`));
  });

  test("servers that the config names are asked", () => {
    const { platform } = search(["10.0.0.5"], { family: "ipv4", resolver: ["10.0.0.53", "[fd00::53]:5353"] }).begin();
    expect(platform.names.asked).toEqual([`4 ${NAME} @10.0.0.53:53,[fd00::53]:5353`]);
  });
});

describe("the next question", () => {
  const rows: [ttlMs: number | undefined, refresh: DnsTargets["refresh"], leastMs: number, mostMs: number][] = [
    [10_000, undefined, 9000, 10_000],
    [0, undefined, 1000, 1000],
    [3_600_000, undefined, 270_000, 300_000],
    [undefined, undefined, 27_000, 30_000],
    [10_000, { max: "2s" }, 1800, 2000],
    [10_000, { min: "20s" }, 20_000, 20_000],
    [0, { min: "100ms" }, 100, 100],
  ];
  test.each(rows)("comes, with a TTL of %p ms and refresh %p, after %i to %i ms", (ttlMs, refresh, leastMs, mostMs) => {
    const it = search(["10.0.0.5"], { family: "ipv4", ...(refresh && { refresh }) });
    it.platform.names.ttlMs = ttlMs;
    it.begin();
    it.advance(leastMs - 1);
    expect(it.platform.names.asked).toHaveLength(1);
    it.advance(mostMs - leastMs + 1);
    expect(it.platform.names.asked).toHaveLength(2);
    it.end();
  });

  test("does not come at the same time from all gateways", () => {
    const it = search(["10.0.0.5"], { family: "ipv4" });
    const at = new Set<number>();
    let word = 0;
    it.platform.random = () => Int32Array.of((word += 0x1234_5678) | 0);
    it.begin();
    for (let i = 0; i < 20; i++) {
      const { length } = it.platform.names.asked;
      let waited = 0;
      for (; it.platform.names.asked.length === length; waited++) it.advance(1);
      at.add(waited);
    }
    expect(at.size).toBeGreaterThan(15);
  });
});

describe("what changes", () => {
  test("is handed over and told once; the same answer in another order is neither", () => {
    const it = search(["10.0.0.5", "10.0.0.6"]).begin();
    expect(it.told).toEqual([
      "info: upstreams.orders: 2 targets from now on: new http://10.0.0.5:8080, http://10.0.0.6:8080.",
    ]);
    it.platform.names.hosts.set(NAME, ["10.0.0.6", "10.0.0.5"]);
    it.advance(30_000);
    expect(it.sets).toHaveLength(1);
    it.platform.names.hosts.set(NAME, ["10.0.0.6", "10.0.0.7"]);
    it.advance(10_000);
    expect(it.urls).toEqual(["http://10.0.0.6:8080", "http://10.0.0.7:8080"]);
    expect(it.told).toEqual([
      "info: upstreams.orders: 2 targets from now on: new http://10.0.0.7:8080; gone http://10.0.0.5:8080.",
    ]);
    it.end();
  });

  test("with many addresses is told in one short line", () => {
    const it = search(Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)).begin();
    const [line, ...rest] = it.told;
    expect(rest).toEqual([]);
    expect(line).toMatch(/1000 targets .* and 995 more\.$/);
    expect(line!.length).toBeLessThan(250);
  });
});

test("more than 4096 addresses are too many: the first in order are used, and that is told once", () => {
  const it = search(
    Array.from({ length: 5000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`),
    { family: "ipv4" },
  ).begin();
  expect(it.urls).toHaveLength(4096);
  const { urls } = it;
  it.advance(60_000);
  expect(it.urls).toEqual(urls);
  expect(it.told.filter((line) => line.startsWith("warn"))).toEqual([
    "warn: upstreams.orders: 5000 targets were found: 4096 of them are used.",
  ]);
  it.end();
});

describe("a set is never emptied by", () => {
  const failures: [what: string, answer: string[] | string, told: string][] = [
    ["a server that fails", "queryA ESERVFAIL", "the addresses of orders.internal: queryA ESERVFAIL"],
    ["a name that has no addresses any more", [], "the addresses of orders.internal: there are none"],
  ];
  test.each(failures)("%s: told once, and once more when it is over", (_, answer, told) => {
    const it = search(["10.0.0.5"]).begin();
    expect(it.told).toHaveLength(1);
    it.platform.names.hosts.set(NAME, answer);
    it.advance(120_000);
    expect(it.urls).toEqual(["http://10.0.0.5:8080"]);
    expect(it.told).toEqual([`warn: upstreams.orders: ${told}. The targets stay as they were.`]);
    it.platform.names.hosts.set(NAME, ["10.0.0.5"]);
    it.advance(30_000);
    expect(it.told).toEqual(["info: upstreams.orders: the targets are found again; they are the same."]);
    expect(it.sets).toHaveLength(1);
    it.end();
  });

  test("an answer that does not come: it is waited for 10 s, and what comes later does not count", () => {
    const it = search(["10.0.0.5"], { family: "ipv4" }).begin();
    expect(it.told).toHaveLength(1);
    it.platform.names.holds = true;
    it.advance(10_000);
    expect(it.platform.names.held).toHaveLength(1);
    it.advance(9000);
    expect(it.told).toEqual([]);
    it.advance(1000);
    expect(it.told).toEqual([
      "warn: upstreams.orders: the addresses of orders.internal: no answer within 10 s. The targets stay as they were.",
    ]);
    it.platform.names.holds = false;
    it.platform.names.hosts.set(NAME, ["10.0.0.9"]);
    it.advance(1000);
    expect(it.urls).toEqual(["http://10.0.0.9:8080"]);
    it.platform.names.hosts.set(NAME, ["10.0.0.1"]);
    for (const answer of it.platform.names.held) answer();
    it.settle();
    expect(it.urls).toEqual(["http://10.0.0.9:8080"]);
    it.end();
  });

  test("one family that cannot be asked for: its addresses stay beside the new ones of the other", () => {
    const it = search(["10.0.0.5", "fd00::5"]).begin();
    expect(it.told).toHaveLength(1);
    const { names } = it.platform;
    const asked = names.addresses.bind(names);
    names.hosts.set(NAME, ["10.0.0.6"]);
    names.addresses = (name, family) =>
      family === 6 ? Promise.reject(new Error("queryAaaa ESERVFAIL")) : asked(name, family);
    it.advance(60_000);
    expect(it.urls).toEqual(["http://10.0.0.6:8080", "http://[fd00::5]:8080"]);
    expect(it.told).toEqual([
      "info: upstreams.orders: 2 targets from now on: new http://10.0.0.6:8080; gone http://10.0.0.5:8080.",
      "warn: upstreams.orders: the addresses of orders.internal: queryAaaa ESERVFAIL. What was known of them stays.",
    ]);
    it.end();
  });

  test("failures, which are asked again after 1, 2, 4 … 30 s", () => {
    const it = search("ESERVFAIL", { family: "ipv4" });
    const at: number[] = [];
    const { names, clock } = it.platform;
    names.addresses = () => (at.push(clock.time), Promise.reject(new Error("ESERVFAIL")));
    it.begin();
    it.advance(150_000);
    expect(at.slice(1).map((time, i) => (time - at[i]!) / 1000)).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(it.told).toEqual([
      "error: upstreams.orders: the addresses of orders.internal: ESERVFAIL. It has no targets yet: it answers 503.",
    ]);
    it.end();
  });
});

describe("the first targets", () => {
  test("are waited for until they are known", async () => {
    const it = search(["10.0.0.5"]);
    it.platform.names.holds = true;
    it.begin();
    let first = false;
    void it.discovery.first.then(() => (first = true));
    it.settle();
    expect(first).toBe(false);
    for (const answer of it.platform.names.held) answer();
    it.settle();
    expect(first).toBe(true);
    it.end();
    await it.discovery.first;
  });
  test("are waited for no longer once they could not be found", async () => {
    await search("ESERVFAIL").begin().discovery.first;
  });
  test("never come once it is over: whoever ends the gateway while it waits does not want it to listen", () => {
    const it = search(["10.0.0.5"]);
    it.platform.names.holds = true;
    it.begin().end();
    let first = false;
    void it.discovery.first.then(() => (first = true));
    it.settle();
    expect(first).toBe(false);
  });
});
