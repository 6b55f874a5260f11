// Names of the network as the platforms look them up, on Bun and on Deno: one list of promises, a DNS server of our own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { hostsOf, names } from "../../src/platforms/names.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { NAMES_PROMISES, ZONE } from "./names-contract.ts";

const ROOT = resolve(import.meta.dir, "../..");

describe("a name", () => {
  let server: DnsServer;
  const onDeno = new Map<string, string>();

  beforeAll(async () => {
    server = await startDnsServer();
    server.ttl = 7;
    for (const [name, answer] of Object.entries(ZONE)) server.zone.set(name, answer);
    const count = (): number => server.asked.filter((each) => each === "SRV counted.test").length;
    const { zone } = server;
    const get = zone.get.bind(zone);
    zone.get = (name) => (name === "counted.test" ? [["SRV", `0 0 ${count()} a.test`]] : get(name));
    const deno = join(ROOT, "node_modules/.bin/deno");
    const words = ["run", "-A", "--no-check", "tests/platforms/names-contract.ts", server.address];
    const child = Bun.spawn([deno, ...words], { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    for (const line of (await new Response(child.stdout).text()).split("\n")) {
      if (!line.startsWith("{")) continue;
      const { name, failure } = JSON.parse(line) as { name: string; failure: string };
      onDeno.set(name, failure);
    }
    await child.exited;
  }, 60_000);
  afterAll(() => server.stop());

  for (const [name, holds] of Object.entries(NAMES_PROMISES)) {
    test(`on Bun: ${name}`, () => holds(names, [server.address], "bun"));
    test(`on Deno: ${name}`, () => expect(onDeno.get(name) ?? "it did not run").toBe(""));
  }
});

describe("/etc/hosts", () => {
  const TEXT = [
    "# 10.0.0.1 orders",
    "127.0.0.1\tlocalhost",
    "::1 localhost ip6-localhost",
    "10.0.0.5  Orders.Internal orders # ours",
    "10.0.0.6 orders",
    "999.0.0.1 orders",
    "",
  ].join("\r\n");
  const rows: [name: string, family: 4 | 6, addresses: string[]][] = [
    ["localhost", 4, ["127.0.0.1"]],
    ["localhost", 6, ["::1"]],
    ["orders.internal", 4, ["10.0.0.5"]],
    ["ORDERS", 4, ["10.0.0.5", "10.0.0.6"]],
    ["orders", 6, []],
    ["ours", 4, []],
    ["10.0.0.5", 4, []],
    ["", 4, []],
  ];
  test.each(rows)("%p, family %i: %p, without a TTL", (name, family, addresses) => {
    expect(hostsOf(TEXT, name, family)).toEqual(addresses.map((address) => ({ address, ttlMs: undefined })));
  });
});
