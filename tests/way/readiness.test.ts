// Readiness: 200 while the gateway can do its work, 503 with the names of what stands in the way.
import { expect, test } from "bun:test";
import { jwt } from "../../src/config/auth/jwt.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { createGateway } from "../../src/gateway.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { inWorld, inWorldOf } from "../support/fake-world.ts";

const OPTIONS: GatewayOptions = { routes: { ready: { match: "/readyz", answer: "readiness" } } };

test("a gateway that needs nothing is ready", () => {
  inWorld(OPTIONS, (world) => {
    const { answer } = world.ask("GET", "/readyz");
    expect([answer.status, answer.body]).toEqual([200, '{"ready":true}']);
    expect(fieldOf(answer, "cache-control")).toBe("no-store");
    expect(world.ask("HEAD", "/readyz").answer.status).toBe(200);
  });
});

test("one that does not listen yet is not, for who asks at the admin listener", () => {
  const { plan } = resolvePlan(OPTIONS, { env: () => undefined, file: () => undefined, locate: (path) => path });
  const gateway = createGateway(plan!, new FakePlatform());
  expect(gateway.obstacles().map(({ name }) => name)).toEqual(["listen"]);
  gateway.listen();
  expect(gateway.obstacles()).toEqual([]);
  gateway.close();
});

test("one whose keys cannot be had is not, and says which scheme it is, not why", async () => {
  const auth = { token: jwt({ issuer: "https://id.test", audience: "a" }) };
  const routes: GatewayOptions["routes"] = {
    ready: { match: "/readyz", auth: "none", answer: "readiness" },
    x: { match: "/x", auth: "token", answer: {} },
  };
  await inWorldOf({ auth, routes }, async (world) => {
    await world.rest();
    const { answer } = world.ask("GET", "/readyz");
    expect([answer.status, answer.body]).toEqual([503, '{"ready":false,"unready":["auth.token"]}']);
    expect(fieldOf(answer, "retry-after")).toBe("1");
    world.platform.notices.length = 0;
  });
});

test("one that drains is not while it accepts on, and each answer is the last on its connection", () => {
  inWorld({ ...OPTIONS, shutdown: { drainDelay: "5s" } }, (world) => {
    const kept = world.client();
    void world.gateway.drain();
    for (const client of [kept, world.client()]) {
      client.request("GET", "/readyz");
      world.settle();
      expect([client.answer.status, client.answer.body]).toEqual([503, '{"ready":false,"unready":["draining"]}']);
      expect([fieldOf(client.answer, "connection"), client.ending]).toEqual(["close", "fin"]);
    }
    world.advance(5000);
  });
});

test("one that drains is not: what is asked on a connection that is open still hears of it", () => {
  inWorld({ ...OPTIONS, shutdown: { drainDelay: "0s" } }, (world) => {
    const client = world.client();
    client.send("GET /readyz HTTP/1.1\r\nHost: gw.test\r\n");
    world.settle();
    void world.gateway.drain();
    client.send("\r\n");
    world.settle();
    expect([client.answer.status, client.answer.body]).toEqual([503, '{"ready":false,"unready":["draining"]}']);
  });
});
