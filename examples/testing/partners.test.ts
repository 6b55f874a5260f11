// The tests of partners.config.ts: `sluice test examples/testing/partners.test.ts`.
import { describe, expect, gateway, keyHash, test } from "sluice/test";
import config from "./partners.config.ts";

const KEY = "known-to-this-test-alone";
const partner = { headers: { "x-api-key": KEY } };
const open = () => gateway(config, { env: { ACME_KEY_HASH: keyHash(KEY) } });

test("a partner reads orders, and the upstream never sees the key", async () => {
  const g = await open();
  g.upstream("orders").reply({ status: 200, body: { id: 7 } });

  const answer = await g.fetch("/api/orders/7", partner);

  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ id: 7 });
  expect(g.upstream("orders").last.path).toBe("/api/orders/7");
  expect(g.upstream("orders").last.headers.has("x-api-key")).toBe(false);
});

test("a stranger reads nothing", async () => {
  const g = await open();
  expect((await g.fetch("/api/orders/7")).status).toBe(401);
  expect(g.upstream("orders").requests).toEqual([]);
});

test("the quota begins anew with the month", async () => {
  const g = await gateway(config, { env: { ACME_KEY_HASH: keyHash(KEY) }, at: "2026-01-30T12:00:00Z" });
  for (let order = 1; order <= 1000; order++) {
    expect((await g.fetch(`/api/orders/${order}`, partner)).status).toBe(200);
  }
  expect((await g.fetch("/api/orders/7", partner)).status).toBe(429);

  g.clock.advance("1d");
  expect((await g.fetch("/api/orders/7", partner)).status).toBe(429);

  g.clock.advance("1d");
  expect((await g.fetch("/api/orders/7", partner)).status).toBe(200);
});

describe("when a target is in trouble", () => {
  test("another one answers", async () => {
    const g = await open();
    g.upstream("orders").target("http://127.0.0.1:9001").refuse();

    const answer = await g.clock.until(g.fetch("/api/orders/7", partner));

    expect(answer.status).toBe(200);
    expect(g.upstream("orders").last.target).toBe("127.0.0.1:9002");
  });

  test("and all hang, the answer is 504", async () => {
    const g = await open();
    g.upstream("orders").hang();
    expect((await g.clock.until(g.fetch("/api/orders/7", partner))).status).toBe(504);
  });
});
