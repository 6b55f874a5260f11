// Targets that are found while the gateway runs, on the executable: DNS that changes and fails, files, functions (GW-26).
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { certificates } from "../support/certificates.ts";
import { until, within } from "../support/deadline.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { type Gateway, gatewayCommand, startGateway } from "../support/executable.ts";
import { get, problemOf, request } from "../support/messages.ts";
import type { ReceivedResponse } from "../support/message-reader.ts";
import { answering, plain } from "../support/origin-exchange.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { type OriginOptions, type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing } from "../support/requirements.ts";

const [ONE, TWO] = ["127.0.0.2", "127.0.0.3"] as const;
const NAME = "orders.test";

let dns: DnsServer;
const gateways: Gateway[] = [];
const origins: RawOrigin[] = [];

beforeAll(async () => {
  dns = await startDnsServer();
});
afterAll(() => dns.stop());
afterEach(async () => {
  try {
    for (const gateway of gateways.splice(0)) await gateway.stop();
  } finally {
    await Promise.all(origins.splice(0).map((origin) => origin.stop()));
    dns.zone.clear();
  }
});

/** An origin at an address of this machine that answers with its address. */
async function originAt(host: string, port = 0, options: Partial<OriginOptions> = {}): Promise<RawOrigin> {
  const origin = await startOrigin({ host, port, behaviour: answering(plain(host)), ...options });
  origins.push(origin);
  return origin;
}

/** Two origins at one port. */
async function twoOrigins(): Promise<readonly [RawOrigin, RawOrigin]> {
  const one = await originAt(ONE);
  return [one, await originAt(TWO, one.port)];
}

async function start(config: string, files?: Readonly<Record<string, string>>): Promise<Gateway> {
  const gateway = await startGateway(config, files === undefined ? {} : { files });
  gateways.push(gateway);
  return gateway;
}

/** A config with the upstream `orders`. Names are asked for at our own server, ten times a second. */
function configOf(targets: string, more = "", upstream = ""): string {
  return `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  ${more}
  upstreams: { orders: { targets: ${targets}, ${upstream} } },
  routes: {
    all: { match: "/*", to: "orders" },
    ready: { match: "/readyz", answer: "readiness" },
    die: { match: "/die", handler: () => process.exit(3) },
  },
});
`;
}

const often = (): string => `resolver: ["${dns.address}"], refresh: { min: "100ms", max: "100ms" }`;
const byName = (port: number, scheme = "http", name = NAME): string =>
  `{ dns: "${scheme}://${name}:${port}", ${often()} }`;

const ask = (gateway: Gateway, raw = get("/it")): Promise<ReceivedResponse> => exchange(gateway.port, raw);

/** Waits until so many answers in a row come from there. */
async function comesFrom(gateway: Gateway, address: string, times = 1): Promise<void> {
  let row = 0;
  await until(
    async () => {
      const { status, body } = await ask(gateway);
      row = status === 200 && body.text === address ? row + 1 : 0;
      return row >= times;
    },
    () => `answers of ${address}; stderr: ${gateway.stderr.text}`,
  );
}

/** Sends POSTs on connections of its own until it is told to stop; gives the answers. */
function load(gateway: Gateway, connections: number): () => Promise<string[]> {
  let over = false;
  const answers: string[] = [];
  const clients = Array.from({ length: connections }, async () => {
    const client = await connect(gateway.port);
    while (!over) {
      await client.send(request("POST", "/post", "x"));
      const { status, body } = await client.receive();
      answers.push(`${status} ${body.text}`);
    }
    client.close();
  });
  return async () => {
    over = true;
    await Promise.all(clients);
    return answers;
  };
}

describe.each([
  ["one worker", ""],
  ["three workers", "workers: 3,"],
])("an upstream by DNS, %s", (_, more) => {
  test("traffic moves with the name, no request is lost or sent twice, and sockets to what is gone are closed", async () => {
    const [one, two] = await twoOrigins();
    dns.say(NAME, ONE);
    const gateway = await start(configOf(byName(one.port), more));
    const stop = load(gateway, 6);
    for (const [address, origin, other] of [
      [TWO, two, one],
      [ONE, one, two],
      [TWO, two, one],
    ] as const) {
      await until(() => other.requests.length > 20, "traffic");
      dns.say(NAME, address);
      await until(() => other.connections.every(({ ending }) => ending !== "open"), "the end of the old connections");
      origin.clear();
      await until(() => origin.requests.length > 20, "traffic at the new address");
      expect(other.connections.every(({ ending }) => ending !== "open")).toBe(true);
    }
    const answers = await stop();
    expect(answers.filter((answer) => answer !== `200 ${ONE}` && answer !== `200 ${TWO}`)).toEqual([]);
    expect(gateway.log.filter((line) => line["sluice.attempts"] !== 1 && line["url.path"] === "/post")).toEqual([]);
  }, 20_000);

  test.each(["SERVFAIL", "REFUSED", "NXDOMAIN", "silence"] as const)(
    "serves on while its name comes to %s, says so once, and finds it again",
    async (failure) => {
      const [one] = await twoOrigins();
      dns.say(NAME, ONE);
      const gateway = await start(configOf(byName(one.port), more));
      await comesFrom(gateway, ONE, 4);
      dns.zone.set(NAME, failure);
      const { length } = dns.asked;
      // Silence is asked again by the system's own clock; all else by ours.
      await until(() => dns.asked.length > length + (failure === "silence" ? 1 : 3), "more questions");
      await comesFrom(gateway, ONE, 10);
      if (failure !== "silence") {
        expect(gateway.stderr.text.match(/The targets stay as they were\./g)).toHaveLength(1);
        expect(gateway.stderr.text).toContain(`sluice: warn: upstreams.orders: the addresses of ${NAME}: `);
      }
      dns.say(NAME, TWO);
      if (failure !== "silence") await comesFrom(gateway, TWO, 4);
    },
    20_000,
  );

  test("that is not known at the start: it listens, answers 503, and serves once it is", async () => {
    const [one] = await twoOrigins();
    const gateway = await start(configOf(byName(one.port), more));
    const refused = await ask(gateway);
    expect([refused.status, problemOf(refused).code]).toEqual([503, "destination_unavailable"]);
    expect(refused.fields.one("retry-after")).toBe("1");
    expect((await ask(gateway, get("/readyz"))).body.text).toBe('{"ready":false,"unready":["upstreams.orders"]}');
    expect(gateway.stderr.text).toContain("It has no targets yet: it answers 503.");
    dns.say(NAME, ONE);
    await comesFrom(gateway, ONE, 6);
    expect((await ask(gateway, get("/readyz"))).body.text).toBe('{"ready":true}');
  });
});

test("a name of which nobody tells is waited for 5 s at the start, no longer", async () => {
  dns.zone.set(NAME, "silence");
  const began = performance.now();
  const gateway = await start(configOf(byName(9)));
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(4900);
  expect(took).toBeLessThan(9000);
  expect((await ask(gateway)).status).toBe(503);
}, 20_000);

test.each([
  ["one worker", ""],
  ["two workers", "workers: 2,"],
])("a signal ends the waiting: it never listens, %s", async (_, more) => {
  dns.zone.set(NAME, "silence");
  const folder = mkdtempSync(join(tmpdir(), "sluice-waits-"));
  writeFileSync(join(folder, "gateway.config.ts"), configOf(byName(9), more));
  const { length } = dns.asked;
  const child = Bun.spawn([...gatewayCommand(), "run"], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  try {
    // Both families, and one of them again: by then it has heard of signals.
    await until(() => dns.asked.length > length + 2, "the questions");
    child.kill("SIGTERM");
    expect(await within(child.exited, "its end")).toBe(0);
    const told = await new Response(child.stderr).text();
    expect(told).toContain("SIGTERM");
    expect(told).not.toContain("listening");
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});

test("a worker that replaces another knows the targets that were found before", async () => {
  const [one] = await twoOrigins();
  dns.say(NAME, ONE);
  const gateway = await start(configOf(byName(one.port), "workers: 2,"));
  await comesFrom(gateway, ONE, 2);
  dns.say(NAME, TWO);
  await comesFrom(gateway, TWO, 6);
  // From here on nobody could find them.
  dns.zone.set(NAME, "SERVFAIL");
  for (let i = 1; i <= 2; i++) {
    await ask(gateway, get("/die")).catch(() => undefined);
    await until(() => gateway.stderr.text.split("serves again").length > i, "the next worker");
  }
  for (let i = 0; i < 20; i++) expect((await ask(gateway)).body.text).toBe(TWO);
});

test("SRV records say ports, shares and priorities", async () => {
  const [one, two, late] = [await originAt(ONE), await originAt(ONE), await originAt(TWO)];
  const SERVICE = "_http._tcp.orders.test";
  dns.say("a.test", ONE);
  dns.say("b.test", TWO);
  dns.zone.set(SERVICE, [
    ["SRV", `10 3 ${one.port} a.test`],
    ["SRV", `10 1 ${two.port} a.test`],
    ["SRV", `20 9 ${late.port} b.test`],
  ]);
  const gateway = await start(configOf(`{ srv: "${SERVICE}", ${often()} }`));
  for (let i = 0; i < 20; i++) expect((await ask(gateway)).status).toBe(200);
  expect([one, two, late].map(({ requests }) => requests.length)).toEqual([15, 5, 0]);
  expect(one.requests[0]!.fields.one("host")).toBe("orders.test");
  dns.zone.set(SERVICE, [["SRV", `20 9 ${late.port} b.test`]]);
  await comesFrom(gateway, TWO, 3);
});

describe("a name of both families", () => {
  test("AAAA where nobody listens, A where somebody does: every request comes through", async () => {
    const four = await originAt(ONE);
    dns.say(NAME, "::1", ONE);
    const gateway = await start(configOf(byName(four.port)));
    for (let i = 0; i < 10; i++) expect((await ask(gateway, request("POST", "/post", "x"))).body.text).toBe(ONE);
  });

  test("both serve; the record tells them apart", async () => {
    const four = await originAt(ONE);
    const six = await originAt("::1", four.port);
    dns.say(NAME, "::1", ONE);
    const gateway = await start(configOf(byName(four.port)));
    for (let i = 0; i < 6; i++) expect((await ask(gateway)).status).toBe(200);
    expect([four, six].map(({ requests }) => requests.length)).toEqual([3, 3]);
    await until(() => gateway.lines.length === 6, "the records");
    const targets = new Set(gateway.log.map((line) => line["sluice.target"]));
    expect(targets).toEqual(new Set([`http://${ONE}:${four.port}`, `http://[::1]:${four.port}`]));
    expect(six.requests[0]!.fields.one("host")).toBe(`${NAME}:${four.port}`);
  });
});

const lack = missing("openssl");
describe.skipIf(lack !== undefined)(`over TLS${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  // The certificate is for up.internal.test; the addresses are in no certificate.
  const rows: [what: string, name: string, tls: string, status: number, sni: string][] = [
    ["the name is sent and verified, not the address", "up.internal.test", "", 200, "up.internal.test"],
    ["another name at the same address is refused", "other.internal.test", "", 502, "other.internal.test"],
    [
      "`serverName` is verified instead",
      "other.internal.test",
      'serverName: "up.internal.test"',
      200,
      "up.internal.test",
    ],
  ];
  test.each(rows)("%s", async (_, name, tls, status, sni) => {
    const { ca, named } = certificates();
    const origin = await originAt(ONE, 0, { tls: named });
    dns.say(name, ONE);
    const upstream = `tls: { ca: ${JSON.stringify(ca.cert)}, ${tls} }`;
    const gateway = await start(configOf(byName(origin.port, "https", name), "", upstream));
    const response = await ask(gateway);
    expect(response.status).toBe(status);
    if (status === 502) expect(problemOf(response).code).toBe("tls_certificate_error");
    // Of a handshake that the gateway breaks off the origin knows no name.
    if (status === 200) expect(origin.handshakes.map((handshake) => handshake.sni)).toEqual([sni]);
    for (const { fields } of origin.requests) expect(fields.one("host")).toBe(`${name}:${origin.port}`);
  });

  test("by SRV the domain of the service is verified, not the host that DNS names", async () => {
    const { ca, named } = certificates();
    const origin = await originAt(ONE, 0, { tls: named });
    dns.say("forged.test", ONE);
    dns.zone.set("_https._tcp.up.internal.test", [["SRV", `0 0 ${origin.port} forged.test`]]);
    const upstream = `tls: { ca: ${JSON.stringify(ca.cert)} }`;
    const targets = `{ srv: "_https._tcp.up.internal.test", scheme: "https", ${often()} }`;
    const gateway = await start(configOf(targets, "", upstream));
    expect((await ask(gateway)).status).toBe(200);
    expect(origin.handshakes[0]!.sni).toBe("up.internal.test");
  });
});

describe.each([
  ["one worker", ""],
  ["two workers", "workers: 2,"],
])("%s", (_, more) => {
  test("a file that changes moves traffic; a broken one changes nothing and is told with its place", async () => {
    const [one, two] = await twoOrigins();
    const gateway = await start(configOf('{ file: "targets.yaml" }', more), { "targets.yaml": `- ${one.url}\n` });
    await comesFrom(gateway, ONE, 4);
    const path = join(gateway.folder, "targets.yaml");
    writeFileSync(path, `- ${two.url}\n`);
    await comesFrom(gateway, TWO, 6);
    writeFileSync(path, `- ${two.url}\n- nowhere\n`);
    await until(() => gateway.stderr.text.includes("targets.yaml:2:3: wanted the URL of a target"), "the message");
    await comesFrom(gateway, TWO, 6);
    expect(gateway.stderr.text.match(/targets\.yaml:2:3/g)).toHaveLength(1);
  });

  test("a function is called in the main thread alone; what it gives moves traffic", async () => {
    const [one, two] = await twoOrigins();
    const from = `async () => {
      if (!Bun.isMainThread) throw new Error("a worker calls it");
      return (await Bun.file("where.txt").text()).trim().split(" ");
    }`;
    const gateway = await start(configOf(`{ from: ${from}, every: "100ms" }`, more), { "where.txt": one.url });
    await comesFrom(gateway, ONE, 4);
    writeFileSync(join(gateway.folder, "where.txt"), two.url);
    await comesFrom(gateway, TWO, 6);
    expect(gateway.stderr.text).not.toContain("a worker calls it");
  });
});

test.each([
  ["one worker", ""],
  ["two workers", "workers: 2,"],
])("a reload that names another service moves all traffic there at once, %s", async (_, more) => {
  const [one] = await twoOrigins();
  dns.say(NAME, ONE);
  dns.say("other.test", TWO);
  const gateway = await start(configOf(byName(one.port), more));
  await comesFrom(gateway, ONE, 4);
  writeFileSync(join(gateway.folder, "gateway.config.ts"), configOf(byName(one.port, "http", "other.test"), more));
  gateway.signal("SIGHUP");
  const answers: string[] = [];
  await until(async () => {
    const { status, body } = await ask(gateway);
    answers.push(`${status} ${body.text}`);
    return answers.slice(-6).filter((answer) => answer === `200 ${TWO}`).length === 6;
  }, "traffic at the other service");
  // First all to one, then all to the other: workers take over one by one, none of them goes back.
  expect(answers.filter((answer) => answer !== `200 ${ONE}` && answer !== `200 ${TWO}`)).toEqual([]);
  dns.say(NAME, "127.0.0.4");
  for (let i = 0; i < 6; i++) expect((await ask(gateway)).body.text).toBe(TWO);
});

test("the example runs as it stands: what is there serves, what cannot be found answers 503", async () => {
  const [one] = await twoOrigins();
  const registry = await originAt(ONE);
  registry.at("/instances/search", answering(plain(JSON.stringify([{ url: one.url, weight: 2 }]))));
  const examples = resolve(import.meta.dir, "../../examples/upstreams");
  const read = (name: string): string => readFileSync(join(examples, name), "utf8");
  const gateway = await startGateway(read("discovery.config.ts").replace("port: 8080", "port: 0"), {
    files: { "discovery.targets.yaml": read("discovery.targets.yaml") },
    env: { ORDERS: `http://localhost:${(await originAt("127.0.0.1")).port}`, REGISTRY: registry.url },
    timeoutMs: 15_000,
  });
  gateways.push(gateway);
  expect((await ask(gateway, get("/orders/1"))).body.text).toBe("127.0.0.1");
  expect((await ask(gateway, get("/search/1"))).body.text).toBe(ONE);
  expect((await ask(gateway, get("/users/1"))).status).toBe(503);
  expect((await ask(gateway, get("/readyz"))).body.text).toBe('{"ready":false,"unready":["upstreams.users"]}');
}, 30_000);
