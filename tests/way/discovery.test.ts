// Targets that change while the gateway runs: traffic moves, no request is lost, sockets to what is gone are retired (GW-26).
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, FakeTarget } from "../../src/platforms/fake/peers.ts";
import { FAMILIES } from "../../src/record/families.ts";
import { toUpstream, World } from "../support/fake-world.ts";

/** How long until a name that has changed is looked up again at the latest: the TTL of the fake names. */
const TTL_MS = 10_000;
const NAME = "orders.internal";

/** A world whose upstream is found by DNS, and targets at addresses of which none is known yet. */
class DnsWorld extends World {
  readonly at: Readonly<Record<string, FakeTarget>>;

  constructor(
    addresses: readonly string[],
    upstream: Partial<UpstreamOptions> = {},
    more: Partial<GatewayOptions> = {},
  ) {
    const routes: GatewayOptions["routes"] = {
      all: { match: "/*", to: "up" },
      ready: { match: "/readyz", answer: "readiness" },
    };
    super(
      toUpstream(
        { targets: { dns: `http://${NAME}:8080` }, keepAlive: { idle: "1h", maxAge: "1h" }, ...upstream },
        { routes, ...more },
      ),
    );
    this.at = Object.fromEntries(
      addresses.map((address) => [address, new FakeTarget(this.platform.network, `${address}:8080`)]),
    );
    for (const [address, target] of Object.entries(this.at)) target.answerAll(() => answerText(address));
    this.settle();
  }

  /** From now on the name has these addresses; waits until the gateway must know. */
  say(...addresses: string[]): void {
    this.platform.names.hosts.set(NAME, addresses);
    this.advance(TTL_MS);
  }

  /** Who answers so many requests, in order. */
  served(count: number): string[] {
    return Array.from({ length: count }, () => this.ask("GET", "/it").answer.body).toSorted();
  }

  override close(): void {
    this.platform.notices.length = 0;
    super.close();
  }
}

const [ONE, TWO, THREE] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

describe("an upstream by DNS", () => {
  test("answers 503 until its name is known, is not ready so long, and then is", () => {
    const world = new DnsWorld([ONE]);
    const { answer } = world.ask("GET", "/it");
    expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([503, "1"]);
    expect(world.ask("GET", "/readyz").answer.body).toBe('{"ready":false,"unready":["upstreams.up"]}');
    world.say(ONE);
    expect(world.served(1)).toEqual([ONE]);
    expect(world.ask("GET", "/readyz").answer.body).toBe('{"ready":true}');
    world.close();
  });

  test("is called by its name, and recorded by its address", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    world.ask("GET", "/it");
    expect(fieldOf(world.at[ONE]!.requests[0]!, "host")).toBe(`${NAME}:8080`);
    expect(world.record["sluice.target"]).toBe(`http://${ONE}:8080`);
    world.close();
  });

  test("of a target that is gone metrics tell ten minutes more; one that comes back is counted from nothing", () => {
    const world = new DnsWorld([ONE, TWO], {}, { admin: {} });
    const counted = (): Record<string, number> => {
      const attempts = world.metrics.collect().find(({ family }) => family === FAMILIES.clientDuration)!;
      const address = FAMILIES.clientDuration.labels.indexOf("server.address");
      return Object.fromEntries(
        attempts.samples.map(({ labels, values }) => [
          labels![address],
          values.slice(0, -1).reduce((sum, count) => sum + count),
        ]),
      );
    };
    world.say(ONE);
    world.served(3);
    world.say(TWO);
    world.served(2);
    world.advance(600_000);
    expect(counted()).toEqual({ [ONE]: 3, [TWO]: 2 });
    world.advance(120_000);
    expect(counted()).toEqual({ [TWO]: 2 });
    world.say(ONE);
    world.served(1);
    expect(counted()).toEqual({ [ONE]: 1, [TWO]: 2 });
    world.close();
  });

  test("moves with its name: the new address gets all, idle connections to the old one are closed", () => {
    const world = new DnsWorld([ONE, TWO]);
    world.say(ONE);
    expect(world.served(3)).toEqual([ONE, ONE, ONE]);
    expect(world.at[ONE]!.open).toHaveLength(1);
    world.say(TWO);
    expect(world.at[ONE]!.connections.map(({ ending }) => ending)).not.toContain("open");
    expect(world.served(3)).toEqual([TWO, TWO, TWO]);
    world.close();
  });

  test("lets a request finish at an address that is gone, and closes its connection then", () => {
    const world = new DnsWorld([ONE, TWO]);
    world.say(ONE);
    world.at[ONE]!.onConnection = undefined;
    const client = world.ask("GET", "/it");
    world.say(TWO);
    const { last } = world.at[ONE]!;
    expect(last.ending).toBe("open");
    last.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwh");
    world.advance(60_000);
    last.send("le");
    world.settle();
    expect(client.answer).toMatchObject({ status: 200, body: "whle" });
    expect(last.ending).not.toBe("open");
    world.close();
  });

  test("keeps the connections to addresses that stay", () => {
    const world = new DnsWorld([ONE, TWO, THREE]);
    world.say(ONE, TWO);
    world.served(4);
    world.say(TWO, THREE);
    expect(world.served(4)).toEqual([TWO, TWO, THREE, THREE]);
    expect(world.at[TWO]!.connections).toHaveLength(1);
    world.close();
  });

  test("serves on while its name cannot be looked up", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    world.platform.names.hosts.set(NAME, "ESERVFAIL");
    for (let i = 0; i < 20; i++) {
      world.advance(60_000);
      expect(world.served(1)).toEqual([ONE]);
    }
    expect(world.at[ONE]!.connections).toHaveLength(1);
    world.close();
  });

  test("asks for its name no more once the gateway lets go", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    const { asked } = world.platform.names;
    world.close();
    const { length } = asked;
    world.advance(3_600_000);
    expect(asked).toHaveLength(length);
  });
});

describe("with IPv6 (GW-26)", () => {
  const SIX = "fd00::1";
  // What happens to a connection to the IPv6 address. Whatever it is, the request goes to the other address.
  test.each(["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "hang"])(
    "%s at the IPv6 address: any method goes to the IPv4 address",
    (reception) => {
      const world = new DnsWorld([ONE, SIX]);
      world.say(ONE, SIX);
      world.at[SIX]!.reception = reception;
      for (const method of ["GET", "POST", "GET", "POST"]) {
        const client = world.ask(method, "/it");
        if (reception === "hang") world.advance(5000);
        expect(client.answer.body).toBe(ONE);
      }
      world.close();
    },
  );

  test("the address stands in brackets in the record, and the name in Host", () => {
    const world = new DnsWorld([SIX]);
    world.say(SIX);
    expect(world.served(1)).toEqual([SIX]);
    expect(world.record["sluice.target"]).toBe(`http://[${SIX}]:8080`);
    expect(fieldOf(world.at[SIX]!.requests[0]!, "host")).toBe(`${NAME}:8080`);
    world.close();
  });
});

describe("an upstream by a function", () => {
  /** Asked each second. */
  function changing(first: readonly { url: string; weight?: number }[]): {
    world: DnsWorld;
    give: (next: typeof first) => void;
  } {
    let now = first;
    const world = new DnsWorld([ONE, TWO], { targets: { from: () => now, every: "1s" } });
    return {
      world,
      give(next) {
        now = next;
        world.advance(1000);
      },
    };
  }
  const url = (address: string): string => `http://${address}:8080`;

  test("a target whose weight changes keeps its connections", () => {
    const { world, give } = changing([{ url: url(ONE) }, { url: url(TWO) }]);
    expect(world.served(4)).toEqual([ONE, ONE, TWO, TWO]);
    give([{ url: url(ONE), weight: 3 }, { url: url(TWO) }]);
    expect(world.served(8)).toEqual([...Array<string>(6).fill(ONE), TWO, TWO]);
    expect(world.at[ONE]!.connections).toHaveLength(1);
    expect(world.at[TWO]!.connections).toHaveLength(1);
    world.close();
  });

  test("a target of weight 0 gets nothing new, and keeps its connections for when it comes back", () => {
    const { world, give } = changing([{ url: url(ONE) }, { url: url(TWO) }]);
    world.served(2);
    give([{ url: url(ONE), weight: 0 }, { url: url(TWO) }]);
    expect(world.served(3)).toEqual([TWO, TWO, TWO]);
    expect(world.at[ONE]!.open).toHaveLength(1);
    give([{ url: url(ONE) }, { url: url(TWO) }]);
    expect(world.served(2)).toEqual([ONE, TWO]);
    expect(world.at[ONE]!.connections).toHaveLength(1);
    world.close();
  });
});

test("SRV priorities: those of the lowest are picked, the next only when they are gone", () => {
  const SERVICE = "_http._tcp.orders.internal";
  const world = new DnsWorld([ONE, TWO], { targets: { srv: SERVICE, family: "ipv4" } });
  const { names } = world.platform;
  names.hosts.set("a.internal", [ONE]);
  names.hosts.set("b.internal", [TWO]);
  const [first, second] = [
    { name: "a.internal", port: 8080, priority: 10, weight: 1 },
    { name: "b.internal", port: 8080, priority: 20, weight: 1 },
  ] as const;
  names.records.set(SERVICE, [second, first]);
  world.advance(TTL_MS);
  expect(world.served(4)).toEqual([ONE, ONE, ONE, ONE]);
  names.records.set(SERVICE, [second]);
  world.advance(TTL_MS);
  expect(world.served(2)).toEqual([TWO, TWO]);
  world.close();
});

test("SRV priorities: the next is picked while all of the lowest are ejected", () => {
  const SERVICE = "_http._tcp.orders.internal";
  const world = new DnsWorld([ONE, TWO], { targets: { srv: SERVICE, family: "ipv4" } });
  const { names } = world.platform;
  names.hosts.set("a.internal", [ONE]);
  names.hosts.set("b.internal", [TWO]);
  names.records.set(SERVICE, [
    { name: "a.internal", port: 8080, priority: 10, weight: 1 },
    { name: "b.internal", port: 8080, priority: 20, weight: 1 },
  ]);
  world.advance(TTL_MS);
  expect(world.served(2)).toEqual([ONE, ONE]);
  world.at[ONE]!.reception = "ECONNREFUSED";
  for (const connection of world.at[ONE]!.open) connection.reset();
  world.settle();
  for (let i = 0; i < 10; i++) world.ask("GET", "/it");
  expect(world.served(3)).toEqual([TWO, TWO, TWO]);
  world.close();
});

describe("another config takes over", () => {
  const found = (upstream: Partial<UpstreamOptions> = {}): GatewayOptions =>
    toUpstream({ targets: { dns: `http://${NAME}:8080` }, keepAlive: { idle: "1h", maxAge: "1h" }, ...upstream });

  test("a search that it does not concern goes on: nothing is asked, connections are kept", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    world.served(1);
    const { length } = world.platform.names.asked;
    world.reload({ ...found(), shutdown: { grace: "1s" } });
    expect(world.served(1)).toEqual([ONE]);
    expect(world.platform.names.asked).toHaveLength(length);
    expect(world.at[ONE]!.connections).toHaveLength(1);
    world.close();
  });

  test("an upstream that is another one has the targets of the search that goes on at once", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    const { length } = world.platform.names.asked;
    world.platform.names.holds = true;
    world.reload(found({ timeouts: { idle: "1m" } }));
    expect(world.served(1)).toEqual([ONE]);
    expect(world.platform.names.asked).toHaveLength(length);
    world.platform.names.holds = false;
    world.close();
  });

  test("a search that is another one is waited for before it takes over; the old one ends", async () => {
    const world = new DnsWorld([ONE, TWO]);
    world.say(ONE);
    world.platform.names.hosts.set("other.internal", [TWO]);
    const prepared = world.prepare(found({ targets: { dns: "http://other.internal:8080" } }));
    world.settle();
    await prepared.ready;
    prepared.take();
    expect(world.served(2)).toEqual([TWO, TWO]);
    const asked = (): number => world.platform.names.asked.filter((each) => each.includes(NAME)).length;
    const before = asked();
    world.advance(60_000);
    expect(asked()).toBe(before);
    world.close();
  });

  test("one that never runs leaves no search", () => {
    const world = new DnsWorld([ONE]);
    world.say(ONE);
    world.prepare(found({ targets: { dns: "http://other.internal:8080" } })).drop();
    world.settle();
    const asked = (): number => world.platform.names.asked.filter((each) => each.includes("other")).length;
    const before = asked();
    world.advance(60_000);
    expect(asked()).toBe(before);
    expect(world.served(1)).toEqual([ONE]);
    world.close();
  });
});
