// A split through the whole gateway: who goes where, what is recorded, and what the route says holds for each branch.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { BranchOptions } from "../../src/config/shaping/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, type World } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

/** `stable` is a.test, `canary` is b.test. */
function splitting(
  split: readonly BranchOptions[],
  route: object = {},
  more: Partial<GatewayOptions> = {},
): GatewayOptions {
  return {
    upstreams: { stable: { targets: ["http://a.test"] }, canary: { targets: ["http://b.test"] } },
    routes: { it: { match: "/it/*", split, ...route } },
    ...more,
  };
}

const answering = (world: World): void => {
  world.a.answerAll(() => answerText("stable"));
  world.b.answerAll(() => answerText("canary"));
};

test("each branch gets its share, and the record says which one was taken", () => {
  inWorld(
    splitting([
      { to: "stable", weight: 90 },
      { to: "canary", weight: 10 },
    ]),
    (world) => {
      answering(world);
      const client = world.client();
      for (let i = 0; i < 500; i++) {
        client.request("GET", "/it/x");
        world.settle();
      }
      expect(world.a.requests.length + world.b.requests.length).toBe(500);
      expect(Math.abs(world.b.requests.length - 50)).toBeLessThan(20);
      const recorded = world.records.map((record) => (record as { "sluice.upstream"?: string })["sluice.upstream"]);
      expect(recorded.filter((name) => name === "canary")).toHaveLength(world.b.requests.length);
      expect(recorded.filter((name) => name === "stable")).toHaveLength(world.a.requests.length);
    },
  );
});

test("a condition sends to its branch; rewrite, changes of fields and clocks hold there as elsewhere", () => {
  const split: readonly BranchOptions[] = [{ to: "stable" }, { to: "canary", when: { header: { "X-Canary": "yes" } } }];
  const route = {
    rewrite: { stripPrefix: "/it" },
    headers: { request: { set: { "X-By": "gw" } } },
    timeouts: { firstByte: "2s" },
  };
  inWorld(splitting(split, route), (world) => {
    const one = world.ask("GET", "/it/x?y=1");
    const other = world.ask("GET", "/it/x?y=1", ["X-Canary: yes"]);
    for (const target of [world.a, world.b]) {
      expect(target.requests).toHaveLength(1);
      expect(target.requests[0]!.target).toBe("/x?y=1");
      expect(fieldOf(target.requests[0]!, "x-by")).toBe("gw");
    }
    world.advance(2000);
    expect([one.statuses, other.statuses]).toEqual([[504], [504]]);
  });
});

describe("who calls", () => {
  const options = (split: readonly BranchOptions[], more: object = {}): GatewayOptions =>
    splitting(
      split,
      { auth: "key", ...more },
      {
        consumers: { acme: { keys: [hashOf("acme")], groups: ["beta"] }, other: { keys: [hashOf("other")] } },
        auth: { key: apiKey() },
      },
    );
  const key = (name: string): string[] => [`X-API-Key: ${name}`];

  test("decides once it is known, and nobody is sent anywhere before", async () => {
    const split: readonly BranchOptions[] = [{ to: "stable" }, { to: "canary", when: { group: "beta" } }];
    await inWorldOf(options(split), async (world) => {
      answering(world);
      const clients = [world.ask("GET", "/it/1", key("acme")), world.ask("GET", "/it/2", key("other"))];
      const stranger = world.ask("GET", "/it/3", key("stranger"));
      await world.rest();
      expect(clients.map(({ answer }) => answer.body)).toEqual(["canary", "stable"]);
      expect(stranger.statuses).toEqual([401]);
      expect(world.a.requests.length + world.b.requests.length).toBe(2);
    });
  });
});

test("a bound by upstream counts each branch for itself", () => {
  const split: readonly BranchOptions[] = [{ to: "stable" }, { to: "canary", when: { header: { c: "1" } } }];
  inWorld(splitting(split, { inFlight: "one" }, { inFlight: { one: { max: 1, by: "upstream" } } }), (world) => {
    const held = [world.ask("GET", "/it/1"), world.ask("GET", "/it/2", ["c: 1"])];
    expect(world.ask("GET", "/it/3").statuses).toEqual([503]);
    expect(world.ask("GET", "/it/4", ["c: 1"]).statuses).toEqual([503]);
    world.a.last.answer(200, "x");
    world.b.last.answer(200, "x");
    world.settle();
    expect(held.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
  });
});
