// What a platform's look-up of names promises. In Deno this file runs by itself: one line of JSON a promise.
import { argv, exit } from "node:process";
import type { Names } from "../../src/http/names.ts";
import type { DnsAnswer } from "../support/dns-server.ts";

/** What the server says. All has a TTL of 7 seconds. */
export const ZONE: Readonly<Record<string, DnsAnswer>> = {
  "both.test": [
    ["A", "10.0.0.5"],
    ["A", "10.0.0.6"],
    ["AAAA", "fd00::5"],
  ],
  "_http._tcp.srv.test": [
    ["SRV", "1 5 8080 a.test"],
    ["SRV", "2 0 8081 ."],
  ],
  "failing.test": "SERVFAIL",
  localhost: [["A", "10.0.0.9"]],
};

type Holds = (names: Names, servers: readonly string[], runtime: "bun" | "deno") => Promise<void>;

function same(found: unknown, wanted: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`found ${one}, wanted ${other}`);
}

/** By name. */
export const NAMES_PROMISES: Readonly<Record<string, Holds>> = {
  "the IPv4 addresses of a name come with their TTL": async (names, servers) => {
    const found = await names.addresses("both.test", 4, servers);
    same(
      found.map(({ address, ttlMs }) => [address, ttlMs]),
      [
        ["10.0.0.5", 7000],
        ["10.0.0.6", 7000],
      ],
    );
  },
  "the IPv6 addresses of a name come with their TTL": async (names, servers) => {
    const found = await names.addresses("both.test", 6, servers);
    same(
      found.map(({ address, ttlMs }) => [address, ttlMs]),
      [["fd00::5", 7000]],
    );
  },
  "SRV records come whole; the host that is none is empty": async (names, servers) => {
    const found = await names.services("_http._tcp.srv.test", servers);
    same(found.map(({ priority, weight, port, name }) => [priority, weight, port, name]).toSorted(), [
      [1, 5, 8080, "a.test"],
      [2, 0, 8081, ""],
    ]);
  },
  "a name that is not there has no addresses": async (names, servers) => {
    same(await names.addresses("none.test", 4, servers), []);
  },
  "a name without addresses of a family has none": async (names, servers) => {
    same(await names.addresses("_http._tcp.srv.test", 6, servers), []);
  },
  "a service that is not there has no records": async (names, servers) => {
    same(await names.services("none.test", servers), []);
  },
  "a server that fails is an error, but on Deno, where it looks like a name that is not there": async (
    names,
    servers,
    runtime,
  ) => {
    const outcome = await names.addresses("failing.test", 4, servers).then(
      (found) => found.length,
      () => "error",
    );
    same(outcome, runtime === "deno" ? 0 : "error");
  },
  "nothing is remembered: each question is asked": async (names, servers) => {
    const [first, second] = [await countOf(names, servers), await countOf(names, servers)];
    same(second - first, 1);
  },
  "/etc/hosts comes first where no servers are named": async (names) => {
    const found = await names.addresses("localhost", 4, undefined);
    same(
      found.map(({ address }) => address),
      ["127.0.0.1"],
    );
  },
};

/** The server counts the questions for `counted.test` in its port. */
async function countOf(names: Names, servers: readonly string[]): Promise<number> {
  const [record] = await names.services("counted.test", servers);
  return record!.port;
}

if (argv[1]?.endsWith("names-contract.ts") === true && "Deno" in globalThis) {
  const { names } = await import("../../src/platforms/names.ts");
  for (const [name, holds] of Object.entries(NAMES_PROMISES)) {
    const failure = await holds(names, [argv[2]!], "deno").then(
      () => "",
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
    );
    console.log(JSON.stringify({ name, failure }));
  }
  exit(0);
}
