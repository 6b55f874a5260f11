// Who calls and what they may do, through the whole gateway: which policy refuses, and what reaches the target.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { inWorld, inWorldOf } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: {
    acme: { groups: ["partner"], keys: [hashOf("acme-key"), { hash: hashOf("old-key"), expires: "2020-01-31" }] },
    beta: { keys: [hashOf("beta-key")] },
  },
  auth: { key: apiKey(), shadow: apiKey({ header: "X-Shadow-Key", mode: "observe" }) },
  routes: {
    orders: { match: "/orders/*", to: "up", auth: "key" },
    partners: { match: "/partners/*", to: "up", auth: "key", allow: { groups: ["partner"] } },
    tried: { match: "/tried/*", to: "up", auth: "shadow", allow: { methods: ["GET"], mode: "observe" } },
    open: { match: "/open/*", to: "up", auth: "none" },
    own: {
      match: "/own/:id",
      auth: "key",
      handler: (x) => x.c.text(`${x.identity?.consumer?.name} ${x.params["id"]}`),
    },
  },
};

describe("a route with a scheme", () => {
  const REFUSED = [
    ["without credentials", [], "authentication_required"],
    ["with a key that nobody has", ["X-API-Key: nobody"], "invalid_credentials"],
    ["with a key that has expired", ["X-API-Key: old-key"], "invalid_credentials"],
    ["with an empty key", ["X-API-Key: "], "authentication_required"],
    ["with the hash in place of the key", [`X-API-Key: ${hashOf("acme-key")}`], "invalid_credentials"],
  ] as const;
  test.each(REFUSED)("refuses a request %s, and its target hears nothing", (_, fields, code) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/orders/1", fields);
      expect(client.answer.status).toBe(401);
      expect(fieldOf(client.answer, "www-authenticate")).toBe('ApiKey realm="sluice"');
      expect(world.record["error.type"]).toBe(code);
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("lets a consumer in, tells the upstream its name, and keeps the key to itself", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/orders/1", [
        "X-API-Key: acme-key",
        "X-Consumer: root",
        "X_Consumer: root",
        "X-A: b",
      ]);
      const { request } = world.a.last;
      expect(fieldOf(request, "x-consumer")).toBe("acme");
      expect(fieldOf(request, "x_consumer")).toBeUndefined();
      expect(fieldOf(request, "x-api-key")).toBeUndefined();
      expect(fieldOf(request, "x-a")).toBe("b");
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
      expect(world.record).toMatchObject({ "sluice.auth.scheme": "key", "sluice.consumer": "acme" });
    });
  });
});

describe("a rule", () => {
  test("refuses who is not of it, with the rule's name for the operator alone", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/partners/1", ["X-API-Key: beta-key"]);
      expect(client.statuses).toEqual([403]);
      expect(client.answer.body).not.toContain("partner");
      expect(world.record).toMatchObject({
        "error.type": "access_denied",
        "sluice.error.detail": "allow.groups: consumer beta is in none of partner",
        "sluice.consumer": "beta",
      });
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("lets pass whom it names", () => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", "/partners/1", ["X-API-Key: acme-key"]);
      world.a.last.answer(200);
      expect(world.a.requests).toHaveLength(1);
    });
  });
});

test("policies that observe refuse nobody, and tell what they would have done", () => {
  inWorld(OPTIONS, (world) => {
    const client = world.ask("PUT", "/tried/1", ["X-Shadow-Key: nobody", "Content-Length: 0"]);
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
    expect(world.record).toMatchObject({
      "sluice.observed": [
        { policy: "auth", "error.type": "invalid_credentials", detail: "shadow: no consumer has this API key" },
        { policy: "allow", "error.type": "access_denied", detail: "allow.methods: PUT is none of GET, HEAD" },
      ],
    });
  });
});

test("what the gateway vouches for is gone from requests of open routes too", () => {
  inWorld(OPTIONS, (world) => {
    world.ask("GET", "/open/1", ["X-Consumer: root", "x.consumer: root", "X-API-Key: acme-key"]);
    const { request } = world.a.last;
    expect(fieldOf(request, "x-consumer")).toBeUndefined();
    expect(fieldOf(request, "x.consumer")).toBeUndefined();
    world.a.last.answer(200);
  });
});

test("a handler is told who calls", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    const client = world.ask("GET", "/own/7", ["X-API-Key: acme-key"]);
    await world.rest();
    expect(client.answer.body).toBe("acme 7");
  });
});
