// What a platform's connection to Redis promises. In Deno this file runs by itself: one line of JSON a promise.
import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";
import type { ClientTls, Platform, RedisConnection, RedisOptions } from "../../src/platform.ts";
import { until, within } from "../support/deadline.ts";

/** Servers that the promises are held against. */
export interface RedisKit {
  /** Plain and empty. */
  readonly port: number;
  /** With TLS, and the user `gateway` with the password `p:/@%word`. */
  readonly tlsPort: number;
  /** Nobody listens. */
  readonly closedPort: number;
  /** Accepts and never answers. */
  readonly silentPort: number;
  readonly ca: string;
  readonly otherCa: string;
}

type Redis = NonNullable<Platform["redis"]>;

/** A connection and what its owner was told. */
class Link {
  connected = 0;
  readonly closings: string[] = [];
  early = false;
  readonly connection: RedisConnection;

  constructor(redis: Redis, options: Partial<RedisOptions> & { port: number }) {
    let returned = false;
    const base = { host: "127.0.0.1", tls: undefined, user: undefined, password: undefined, database: 0 };
    this.connection = redis(
      { ...base, ...options },
      {
        connected: () => {
          this.connected++;
          this.early ||= !returned;
        },
        closed: (reason) => {
          this.closings.push(reason);
          this.early ||= !returned;
        },
      },
    );
    returned = true;
  }

  send(command: string, ...args: string[]): Promise<unknown> {
    return this.connection.send(command, args);
  }

  async up(): Promise<this> {
    await until(
      () => this.connected > 0,
      () => `a connection; ${this.closings.join()}`,
    );
    return this;
  }
}

function same(found: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${left} is not ${right}`);
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  within(
    promise.then(
      () => "no error",
      (error: unknown) => (error instanceof Error ? error.message : typeof error),
    ),
    "a rejection",
  );

const tls = (ca: string): ClientTls => ({ serverName: "127.0.0.1", ca, cert: undefined, key: undefined, verify: true });
const WHO = { user: "gateway", password: "p:/@%word" };

/** The promises by name. */
export const REDIS_PROMISES: Readonly<Record<string, (redis: Redis, kit: RedisKit) => Promise<void>>> = {
  "numbers are numbers, exact up to 2^53; texts texts; arrays arrays": async (redis, { port }) => {
    const link = await new Link(redis, { port }).up();
    same(await link.send("EVAL", "return {1700000000123456, 'a', {0}}", "0"), [1700000000123456, "a", [0]]);
    same(link.early, false);
    link.connection.close();
  },
  "commands go out at once and are answered in order": async (redis, { port }) => {
    const link = await new Link(redis, { port }).up();
    const replies = Array.from({ length: 500 }, () => link.send("INCR", "order"));
    const numbers = (await Promise.all(replies)) as number[];
    same(
      numbers.every((each, i) => each === numbers[0]! + i),
      true,
    );
    link.connection.close();
  },
  "an error has Redis's own words, and the connection goes on": async (redis, { port }) => {
    const link = await new Link(redis, { port }).up();
    const text = await failure(link.send("EVALSHA", "f".repeat(40), "0"));
    same(text.startsWith("NOSCRIPT"), true);
    same(await link.send("PING"), "PONG");
    link.connection.close();
  },
  "nobody there: closed is told once, and nothing is tried again": async (redis, { closedPort }) => {
    const link = new Link(redis, { port: closedPort });
    await until(() => link.closings.length > 0, "closed");
    await new Promise((resolve) => setTimeout(resolve, 150));
    same([link.connected, link.closings.length, link.early], [0, 1, false]);
  },
  "a server that never answers: close ends the attempt, and closed is not told": async (redis, { silentPort }) => {
    const link = new Link(redis, { port: silentPort });
    await new Promise((resolve) => setTimeout(resolve, 50));
    link.connection.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    same([link.connected, link.closings.length], [0, 0]);
  },
  "a connection that breaks: what waits is rejected, and closed is told once": async (redis, { port }) => {
    const link = await new Link(redis, { port }).up();
    const id = String(await link.send("CLIENT", "ID"));
    const waits = failure(link.send("BLPOP", "nothing", "0"));
    const other = await new Link(redis, { port }).up();
    await other.send("CLIENT", "KILL", "ID", id);
    same((await waits) === "no error", false);
    await until(() => link.closings.length > 0, "closed");
    same(link.closings.length, 1);
    same((await failure(link.send("PING"))) === "no error", false);
    other.connection.close();
  },
  "close rejects what waits, and closed is not told": async (redis, { port }) => {
    const link = await new Link(redis, { port }).up();
    const waits = failure(link.send("BLPOP", "nothing", "0"));
    link.connection.close();
    same((await waits) === "no error", false);
    same(link.closings, []);
  },
  "TLS, a user with a password that no URL can hold as it is, and a database": async (redis, kit) => {
    const link = await new Link(redis, { port: kit.tlsPort, tls: tls(kit.ca), ...WHO, database: 3 }).up();
    same(/ db=3 /.test(String(await link.send("CLIENT", "INFO"))), true);
    link.connection.close();
  },
  "a certificate of a stranger is not taken": async (redis, kit) => {
    const link = new Link(redis, { port: kit.tlsPort, tls: tls(kit.otherCa), ...WHO });
    await until(() => link.closings.length > 0, "closed");
    same(link.connected, 0);
  },
  "a certificate for another name is not taken": async (redis, kit) => {
    const link = new Link(redis, { port: kit.tlsPort, tls: { ...tls(kit.ca), serverName: "other.test" }, ...WHO });
    await until(() => link.closings.length > 0, "closed");
    same(link.connected, 0);
  },
  "a wrong password: closed is told, never connected": async (redis, kit) => {
    const link = new Link(redis, { port: kit.tlsPort, tls: tls(kit.ca), user: "gateway", password: "wrong" });
    await until(() => link.closings.length > 0, "closed");
    same([link.connected, link.closings.join().includes("wrong")], [0, false]);
  },
};

if ("Deno" in globalThis && import.meta.main) {
  const { denoPlatform } = await import("../../src/platforms/deno.ts");
  const kit = JSON.parse(readFileSync(argv[2]!, "utf8")) as RedisKit;
  const { redis } = denoPlatform();
  for (const [name, holds] of Object.entries(REDIS_PROMISES)) {
    const text = await holds(redis!, kit).then(
      () => "",
      (error: unknown) => String(error),
    );
    console.log(JSON.stringify({ name, failure: text }));
  }
  exit(0);
}
