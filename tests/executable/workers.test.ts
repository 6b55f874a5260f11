// Several worker threads on one port: what the config promises holds for all of them together.
import { afterEach, describe, expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect, exchange, type RawClient } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { withGateway } from "../support/rig.ts";
import { KEYS, PEM, signed } from "../auth/http-signature/signer.ts";

const started: Gateway[] = [];

/** A gateway that does not outlive its test, whatever becomes of that. */
const start: typeof startGateway = async (...how) => {
  const gateway = await startGateway(...how);
  started.push(gateway);
  return gateway;
};

afterEach(() => {
  for (const gateway of started.splice(0)) if (gateway.alive) gateway.signal("SIGKILL");
});

/** Answers with a name of the thread that loaded the config, or ends it. */
const TELLS = `import { defineGateway } from "sluice";
const thread = crypto.randomUUID();
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 4,
  limits: { all: { limit: 20, window: "60s", by: "route" } },
  routes: {
    thread: { match: "/thread", handler: ({ c }) => c.text(thread) },
    die: { match: "/die", handler: () => process.exit(3) },
    few: { match: "/few", limits: "all", handler: ({ c }) => c.text(thread) },
  },
});
`;

async function connectAll(port: number, count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => connect(port)));
}

/** Sends one request on each connection at once; gives the statuses. */
async function atOnce(clients: readonly RawClient[], raw: string): Promise<number[]> {
  await Promise.all(clients.map((client) => client.send(raw)));
  return Promise.all(clients.map(async (client) => (await client.receive()).status));
}

function closeAll(clients: readonly RawClient[]): void {
  for (const client of clients) client.close();
}

withGateway("four workers", { origins: {}, config: () => TELLS }, (rig) => {
  test("serve one port, each of them", async () => {
    const threads = new Set<string>();
    await until(async () => {
      threads.add((await rig.exchange(get("/thread"))).body.text);
      return threads.size === 4;
    }, "an answer of each thread");
    expect(rig.gateway.stderr.text).toContain("4 workers");
  });

  test("one that ends is replaced, and the limit still holds", async () => {
    const first = await connectAll(rig.gateway.port, 40);
    expect((await atOnce(first, get("/few"))).filter((status) => status === 200)).toHaveLength(20);
    closeAll(first);
    const { stderr } = rig.gateway;
    for (let died = 1; died <= 3; died++) {
      using client = await connect(rig.gateway.port);
      await client.send(get("/die"));
      await client.closed();
      await until(() => stderr.text.split("ended with exit code 3; another one starts").length === died + 1, "its end");
      // The others serve on.
      expect((await exchange(rig.gateway.port, get("/few"))).status).toBe(429);
      await until(() => stderr.text.split("serves again").length === died + 1, "the new one");
    }
    const again = await connectAll(rig.gateway.port, 40);
    expect(new Set(await atOnce(again, get("/few")))).toEqual(new Set([429]));
    closeAll(again);
  }, 30_000);
});

describe("a limit", () => {
  test("of 10 lets 10 of 100 through that come to four workers at once, round after round", async () => {
    const origin = await startOrigin({ behaviour: (x) => x.send(plain("ok")) });
    const rounds = 5;
    const gateway = await start({
      workers: 4,
      upstreams: { u: { targets: [origin.url] } },
      limits: { ten: { limit: 10, window: "60s", by: { header: "x-round" } } },
      routes: { all: { match: "/*", to: "u", limits: "ten" } },
    });
    const clients = await connectAll(gateway.port, 100);
    for (let round = 1; round <= rounds; round++) {
      const statuses = await atOnce(clients, get("/", `X-Round: ${round}`));
      expect(statuses.filter((status) => status === 200)).toHaveLength(10);
      expect(statuses.filter((status) => status === 429)).toHaveLength(90);
      expect(origin.requests).toHaveLength(10 * round);
    }
    closeAll(clients);
    await gateway.stop();
    await origin.stop();
  }, 20_000);

  // What the gateway lets through comes to the upstream some milliseconds later, one sooner than the other; the function
  // `cost` is asked right before the decision, unless the thread loses its core between the two.
  test.each([
    ["the upstream's own", "/upstream", 100],
    ["the deciding threads'", "/handler", 10],
  ] as const)(
    "holds in every span of its window, by %s clock, while 100 connections hammer",
    async (_, path, jitterMs) => {
      const LIMIT = 50;
      const stamps: number[] = [];
      const origin = await startOrigin({
        behaviour: async (x) => {
          stamps.push(Date.now());
          await x.send(plain("ok"));
        },
      });
      const gateway = await start(`import { defineGateway } from "sluice";
const counted = new Map();
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 4,
  log: false,
  upstreams: { u: { targets: ["${origin.url}"] } },
  limits: { fifty: { limit: ${LIMIT}, window: "1s", cost: ({ id }) => { counted.set(id, Date.now()); return 1; } } },
  routes: {
    upstream: { match: "/upstream", to: "u", limits: "fifty" },
    handler: { match: "/handler", limits: "fifty", handler: ({ c, id }) => c.text(String(counted.get(id))) },
  },
});
`);
      const clients = await connectAll(gateway.port, 100);
      const end = performance.now() + 3400;
      let refused = 0;
      await Promise.all(
        clients.map(async (client) => {
          while (performance.now() < end) {
            await client.send(get(path));
            const { status, body } = await client.receive();
            if (status === 429) refused += 1;
            else if (path === "/handler") stamps.push(Number(body.text));
          }
        }),
      );
      closeAll(clients);
      await gateway.stop();
      await origin.stop();
      const within = (from: number): number => stamps.filter((at) => at >= from && at < from + 1000 - jitterMs).length;
      expect(Math.max(...stamps.map(within))).toBeLessThanOrEqual(LIMIT);
      expect(stamps.length).toBeGreaterThanOrEqual(3 * 0.95 * LIMIT);
      expect(stamps.length).toBeLessThanOrEqual(4 * LIMIT);
      expect(refused).toBeGreaterThan(500);
    },
    20_000,
  );
});

test("a nonce is taken once, whichever worker sees it", async () => {
  const gateway = await start(`import { defineGateway, httpSignature } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 4,
  consumers: { c: { signingKeys: [${JSON.stringify(KEYS[0])}] } },
  auth: { signed: httpSignature({ components: ["@method", "@path"] }) },
  routes: { all: { match: "/*", auth: "signed", answer: {} } },
});
`);
  expect(PEM.public).toBe(KEYS[0]!.key as string);
  const clients = await connectAll(gateway.port, 40);
  const parameters = `;created=${Math.floor(Date.now() / 1000)};keyid="ed";nonce="once"`;
  const [input, signature] = signed(
    [
      ['"@method"', "GET"],
      ['"@path"', "/"],
    ],
    parameters,
  );
  const statuses = await atOnce(clients, get("/", `Signature-Input: ${input}`, `Signature: ${signature}`));
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(39);
  closeAll(clients);
  await gateway.stop();
});

test("listen.maxConnections counts the connections of all workers", async () => {
  const gateway = await start({
    listen: { maxConnections: 20 },
    workers: 4,
    routes: { all: { match: "/*", answer: { status: 204 } } },
  });
  const clients: RawClient[] = [];
  for (let i = 0; i < 40; i++) {
    try {
      const client = await connect(gateway.port);
      await client.send(get("/"));
      if ((await client.receive()).status === 204) clients.push(client);
      else client.close();
    } catch {
      // Closed before it was open.
    }
  }
  expect(clients).toHaveLength(20);
  closeAll(clients);
  // Places that are free again are taken.
  const status = (): Promise<number> =>
    exchange(gateway.port, get("/")).then(
      ({ status }) => status,
      () => 0,
    );
  await until(async () => (await status()) === 204, "a place");
  await gateway.stop();
});

test("inFlight bounds what is under way at all workers, those that wait are served in turn, and the dead free their places", async () => {
  let most = 0;
  let underWay = 0;
  const origin = await startOrigin({
    behaviour: async (x) => {
      most = Math.max(most, ++underWay);
      await x.wait(400);
      underWay -= 1;
      await x.send(plain("ok"));
    },
  });
  const gateway = await start(`import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 4,
  upstreams: { u: { targets: ["${origin.url}"] } },
  inFlight: { three: { max: 3, by: () => "all", queue: 5, wait: "5s" } },
  routes: {
    all: { match: "/*", to: "u", inFlight: "three" },
    die: { match: "/die", inFlight: "three", handler: async () => { await Bun.sleep(200); process.exit(3); } },
  },
});
`);
  const clients = await connectAll(gateway.port, 20);
  const statuses = await atOnce(clients, get("/"));
  expect(statuses.filter((status) => status === 200)).toHaveLength(8);
  expect(statuses.filter((status) => status === 429)).toHaveLength(12);
  expect(most).toBe(3);
  const dying = await connectAll(gateway.port, 3);
  await Promise.all(dying.map((client) => client.send(get("/die"))));
  await Promise.all(dying.map((client) => client.closed()));
  // Three at once and five that wait: with one place fewer the eighth is refused.
  await until(
    async () => {
      const after = await connectAll(gateway.port, 8);
      const all = await atOnce(after, get("/")).catch(() => [0]);
      closeAll(after);
      return all.every((status) => status === 200);
    },
    "the places of the dead",
    10_000,
  );
  closeAll(clients);
  await gateway.stop();
  await origin.stop();
}, 20_000);

test("overload.maxInFlight caps what is under way at all workers", async () => {
  const origin = await startOrigin({ behaviour: (x) => x.hang() });
  const gateway = await start({
    workers: 4,
    shutdown: { grace: "50ms" },
    overload: { maxInFlight: 10 },
    upstreams: { u: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u" } },
  });
  const clients = await connectAll(gateway.port, 25);
  for (const client of clients.slice(0, 10)) await client.send(get("/"));
  await until(() => origin.requests.length === 10, "ten at the origin");
  expect(new Set(await atOnce(clients.slice(10), get("/")))).toEqual(new Set([503]));
  closeAll(clients.slice(0, 4));
  await until(async () => {
    using client = await connect(gateway.port);
    await client.send(get("/"));
    await until(() => client.reader.unread > 0 || origin.requests.length === 11, "what becomes of it");
    return origin.requests.length === 11;
  }, "a place that is free again");
  closeAll(clients);
  await gateway.stop();
  await origin.stop();
});

test("10,000 requests leave 10,000 whole lines, each once", async () => {
  const gateway = await start({
    workers: 4,
    log: { format: "json" },
    routes: { all: { match: "/*", answer: { body: "ok" } } },
  });
  const clients = await connectAll(gateway.port, 50);
  await Promise.all(
    clients.map(async (client, number) => {
      for (let i = 0; i < 200; i++) {
        await client.send(get(`/${number}/${i}/${"x".repeat(i)}`));
        await client.receive();
      }
    }),
  );
  closeAll(clients);
  await gateway.stop();
  const seen = gateway.log.map((line) => String(line["url.path"]));
  expect(seen).toHaveLength(10_000);
  expect(new Set(seen).size).toBe(10_000);
  // The lines of one connection, which one worker serves, stay in their order.
  const ofOne = seen.filter((path) => path.startsWith("/7/")).map((path) => Number(path.split("/")[2]));
  expect(ofOne).toEqual(Array.from({ length: 200 }, (_, i) => i));
}, 30_000);
