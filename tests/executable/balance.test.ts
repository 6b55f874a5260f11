// Who is picked among targets, on the executable, by what each origin got: shares, callers, cookies, slow start (GW-37).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import type { ReceivedResponse } from "../support/message-reader.ts";
import { answering, plain } from "../support/origin-exchange.ts";
import { connect, exchange, type RawClient } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { ownPath, withGateway } from "../support/rig.ts";

/** Sends so many requests, one after another on each of a few connections; gives the bodies of the answers. */
async function bodies(port: number, path: string, count: number, fields: readonly string[] = []): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(port)));
  const answers = await Promise.all(clients.map((client) => ask(client, path, count / clients.length, fields)));
  for (const client of clients) client.close();
  return answers.flat();
}

async function ask(client: RawClient, path: string, count: number, fields: readonly string[] = []): Promise<string[]> {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    await client.send(get(path, ...fields));
    const response = await client.receive();
    expect(response.status).toBe(200);
    texts.push(response.body.text);
  }
  return texts;
}

const count = (texts: readonly string[], text: string): number => texts.filter((one) => one === text).length;

const named = (name: string): { behaviour: ReturnType<typeof answering> } => ({ behaviour: answering(plain(name)) });

withGateway(
  "shares",
  {
    origins: { u1: named("u1"), u2: named("u2"), u3: named("u3") },
    config: ({ u1, u2, u3 }) => {
      const targets = [
        { url: u1.url, weight: 100 },
        { url: u2.url, weight: 1 },
        { url: u3.url, weight: 0 },
      ] as const;
      return {
        upstreams: {
          turns: { targets },
          chance: { targets, balance: "random" },
          busy: { targets, balance: "least-busy" },
          fast: { targets, balance: "fastest" },
          by: { targets, balance: { hash: { header: "X-Who" } } },
          even: { targets: [u1.url, u2.url, u3.url] },
        },
        routes: {
          turns: { match: "/turns/*", to: "turns" },
          chance: { match: "/chance/*", to: "chance" },
          busy: { match: "/busy/*", to: "busy" },
          fast: { match: "/fast/*", to: "fast" },
          by: { match: "/by/*", to: "by" },
          even: { match: "/even/*", to: "even" },
        },
        log: false,
      };
    },
  },
  (rig) => {
    test.each([
      ["turns", 19, 20],
      // Of 2,000 with a chance of 1 in 101: five standard deviations about 20.
      ["chance", 1, 42],
      ["busy", 1, 42],
      // Speed decides, up to about twice the share.
      ["fast", 0, 80],
    ])(
      "of 2,000 requests by %s the lighter of 100 and 1 gets from %d to %d, and weight 0 none",
      async (by, least, most) => {
        const texts = await bodies(rig.gateway.port, ownPath(`/${by}`), 2000);
        expect(count(texts, "u1") + count(texts, "u2")).toBe(2000);
        expect(count(texts, "u2")).toBeGreaterThanOrEqual(least);
        expect(count(texts, "u2")).toBeLessThanOrEqual(most);
      },
    );

    test("of 2,000 callers by hash as well, each with its own", async () => {
      const client = await rig.connect();
      const texts: string[] = [];
      for (let i = 0; i < 2000; i++) texts.push(...(await ask(client, "/by/x", 1, [`X-Who: caller ${i}`])));
      expect(count(texts, "u2")).toBeGreaterThan(1);
      expect(count(texts, "u2")).toBeLessThan(42);
      for (const i of [0, 17, 1234])
        expect(await ask(client, "/by/x", 2, [`X-Who: caller ${i}`])).toEqual([texts[i]!, texts[i]!]);
    });

    test("equal weights take strict turns", async () => {
      const client = await rig.connect();
      const texts = await ask(client, ownPath("/even"), 30);
      expect(texts.slice(0, 3).toSorted()).toEqual(["u1", "u2", "u3"]);
      expect(texts.slice(3)).toEqual(texts.slice(0, 27));
    });
  },
);

describe("balance.config.ts", () => {
  const EXAMPLE = resolve(import.meta.dir, "../../examples/upstreams/balance.config.ts");
  let one: RawOrigin;
  let two: RawOrigin;
  let gateway: Gateway;
  beforeAll(async () => {
    [one, two] = await Promise.all([startOrigin(named("one")), startOrigin(named("two"))]);
    const source = readFileSync(EXAMPLE, "utf8")
      .replace("port: 8080", "port: 0")
      .replace("listen:", "workers: 2,\n  listen:");
    const STICKY_SECRET = "a secret of thirty-two bytes....";
    gateway = await startGateway(source, { env: { ONE: one.url, TWO: two.url, STICKY_SECRET } });
  });
  afterAll(async () => {
    await gateway.stop();
    await Promise.all([one.stop(), two.stop()]);
  });
  const answer = (path: string, ...fields: string[]): Promise<ReceivedResponse> =>
    exchange(gateway.port, get(path, ...fields));

  test("turns: two to one for each to two", async () => {
    const texts = await bodies(gateway.port, "/turns/x", 300);
    expect(Math.abs(count(texts, "one") - 200)).toBeLessThanOrEqual(4);
  });

  test("reports: while one is stuck with a few, the other gets what comes", async () => {
    let release = (): void => {};
    const held = new Promise<void>((done) => (release = done));
    one.at("/reports/stuck", async (x) => {
      await held;
      await x.send(plain("one"));
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(gateway.port)));
    await Promise.all(clients.map((client) => client.send(get("/reports/stuck"))));
    await until(() => one.requestsTo("/reports/stuck").length + two.requestsTo("/reports/stuck").length === 20, "all");
    const stuck = one.requestsTo("/reports/stuck").length;
    expect(stuck).toBeGreaterThan(0);
    // More is under way at one than at two, in each of the workers that have any: it is left alone.
    const texts = await bodies(gateway.port, "/reports/x", 100);
    expect(count(texts, "two")).toBeGreaterThan(70);
    release();
    await Promise.all(clients.map((client) => client.receive()));
    for (const client of clients) client.close();
  });

  test("primary: the first, always", async () => {
    expect(new Set(await bodies(gateway.port, "/primary/x", 40))).toEqual(new Set(["one"]));
  });

  test("tenants: one target each, from every worker", async () => {
    const of = new Map<string, string>();
    for (let i = 0; i < 200; i++) {
      const tenant = `X-Tenant: ${i % 20}`;
      const { body } = await answer("/tenants/x", tenant);
      expect(of.get(tenant) ?? body.text).toBe(body.text);
      of.set(tenant, body.text);
    }
    expect(new Set(of.values()).size).toBe(2);
  });

  test("carts: the cookie leads back from every worker, a forged one nowhere, and one of a target that is gone to another", async () => {
    const first = await answer("/carts/x");
    const line = first.fields.one("set-cookie")!;
    expect(line).toMatch(/^cart_at=[A-Za-z0-9_-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
    const cookie = `Cookie: ${line.split(";")[0]!}`;
    for (let i = 0; i < 30; i++) {
      const again = await answer("/carts/x", cookie);
      expect([again.body.text, again.fields.all("set-cookie")]).toEqual([first.body.text, []]);
    }
    const forged = `${cookie.slice(0, -1)}${cookie.endsWith("A") ? "B" : "A"}`;
    for (let i = 0; i < 10; i++) expect((await answer("/carts/x", forged)).fields.all("set-cookie")).toHaveLength(1);
    const gone = first.body.text === "one" ? one : two;
    await gone.stop();
    const moved = await answer("/carts/x", cookie);
    expect([moved.status, moved.body.text]).toEqual([200, first.body.text === "one" ? "two" : "one"]);
    expect(moved.fields.one("set-cookie")).toMatch(/^cart_at=/);
    expect(moved.fields.one("set-cookie")).not.toContain(cookie.slice(8));
  });
});

test("slow start: a target that joins gets few at first, then more and more, and its share in the end", async () => {
  const [old, fresh] = await Promise.all([startOrigin(named("old")), startOrigin(named("fresh"))]);
  const config = `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: { file: "targets.yaml" }, slowStart: "4s" } },
  routes: { all: { match: "/*", to: "up" } },
  log: false,
});
`;
  const gateway = await startGateway(config, { files: { "targets.yaml": `- ${old.url}\n` } });
  try {
    expect(new Set(await bodies(gateway.port, "/x", 40))).toEqual(new Set(["old"]));
    const client = await connect(gateway.port);
    writeFileSync(join(gateway.folder, "targets.yaml"), `- ${old.url}\n- ${fresh.url}\n`);
    await until(async () => (await ask(client, "/x", 1))[0] === "fresh", "its first request");
    const joined = performance.now();
    /** Requests in each half second since it joined: all, and those it got. */
    const spans = Array.from({ length: 12 }, () => ({ all: 0, got: 0 }));
    for (let at = 0; at < spans.length; at = Math.floor((performance.now() - joined) / 500)) {
      const [text] = await ask(client, "/x", 1);
      spans[at]!.all++;
      if (text === "fresh") spans[at]!.got++;
    }
    client.close();
    // A span in which this machine had no time says nothing.
    const shares = spans.filter(({ all }) => all > 30).map(({ all, got }) => got / all);
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares[0]).toBeLessThan(0.2);
    for (const [i, share] of shares.slice(1).entries()) expect(share).toBeGreaterThan(shares[i]! - 0.1);
    expect(shares.at(-1)).toBeCloseTo(0.5, 1);
  } finally {
    await gateway.stop();
    await Promise.all([old.stop(), fresh.stop()]);
  }
}, 30_000);
