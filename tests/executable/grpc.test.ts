// gRPC through the running executable, from a client and to a server of `@grpc/grpc-js`, both run by node.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until, within } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { missing } from "../support/requirements.ts";

const lack = missing("openssl");
const PEERS = join(import.meta.dir, "../support/grpc-peers.mjs");

/** What the clients told of their calls. */
interface Told {
  readonly unary: unknown;
  readonly down: unknown;
  readonly up: string;
  readonly both: unknown;
  readonly fail: unknown;
  readonly hang: { readonly code: number };
  readonly many: number;
}

describe.skipIf(lack !== undefined)(`gRPC${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  const server = Bun.spawn(["node", PEERS, "serve"], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  let said = "";
  let gateway: Gateway;
  let plain: Gateway;
  const reading = (async () => {
    for await (const piece of server.stdout) said += Buffer.from(piece).toString();
  })();

  beforeAll(async () => {
    await until(() => said.includes("\n"), "the server of gRPC");
    const port = Number(said);
    const { local } = certificates();
    const config = {
      upstreams: { up: { targets: [`http://127.0.0.1:${port}`], protocol: "h2c" as const } },
      routes: { all: { match: "/*", to: "up" } },
    };
    const tls = { certificates: { cert: "shown.pem", key: "shown.key" } };
    gateway = await startGateway({ listen: { tls }, ...config } as never, {
      files: { "shown.pem": local.cert, "shown.key": local.key },
    });
    plain = await startGateway({ listen: { http2: { h2c: true } }, ...config } as never);
  });
  afterAll(async () => {
    server.kill();
    await reading;
    await Promise.all([gateway?.stop(), plain?.stop()]);
  });

  const calls = async (port: number, ...ca: string[]): Promise<Told> => {
    const child = Bun.spawn(["node", PEERS, "call", `127.0.0.1:${port}`, ...ca], { stdout: "pipe", stderr: "inherit" });
    return JSON.parse(await within(new Response(child.stdout).text(), "the calls", 40_000)) as Told;
  };

  const ask = async (port: number, ...words: string[]): Promise<[number, string, string][]> => {
    const child = Bun.spawn(["node", PEERS, "ask", `127.0.0.1:${port}`, ...words], {
      stdout: "pipe",
      stderr: "inherit",
    });
    return JSON.parse(await within(new Response(child.stdout).text(), "the calls", 30_000)) as never;
  };

  test.each(["over TLS", "without TLS"])(
    "%s: calls of every kind come to what the server says, trailers and statuses among it",
    async (how) => {
      const asked = how === "over TLS" ? gateway : plain;
      const told = await calls(asked.port, ...(how === "over TLS" ? [certificates().ca.cert] : []));
      expect(told).toMatchObject({
        unary: { answer: "hello world", code: 0, trailer: ["behind"] },
        down: { pieces: ["0", "1", "2", "3", "4"], code: 0 },
        up: "4000000",
        both: { pieces: ["echo 0", "echo 1", "echo 2"], code: 0 },
        fail: { answer: "not here", code: 5 },
        many: 200,
      });
      // Whoever says so first: the client, or the gateway that keeps to the same deadline.
      expect(told.hang.code).toBe(4);
    },
  );

  test("a call whose time is over is taken back at the server", async () => {
    const before = said.length;
    await until(() => {
      void server.stdin.write("\n");
      void server.stdin.flush();
      return said.slice(before).includes("late");
    }, "the server to learn that nobody waits");
  });

  test("calls that the gateway fails by itself have a code of gRPC and its words, and are recorded as failures", async () => {
    const dead = closedPort();
    const target = `http://127.0.0.1:${Number(said.split("\n")[0])}`;
    const refusing = await startGateway(`import { apiKey, defineGateway } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0, http2: { h2c: true } },
  auth: { keys: apiKey() },
  limits: { one: { limit: 1, window: "1h", by: "route" } },
  upstreams: {
    up: { targets: ["${target}"], protocol: "h2c" },
    down: { targets: ["http://127.0.0.1:${dead}"], protocol: "h2c" },
  },
  routes: {
    test: { match: "/test.Test/*", auth: "none", to: "up" },
    down: { match: "/test.Down/*", auth: "none", to: "down" },
    keyed: { match: "/test.Keyed/*", auth: "keys", to: "up" },
    few: { match: "/test.Few/*", auth: "none", limits: ["one"], to: "up" },
    closed: { match: "/test.Closed/*", auth: "none", answer: { status: 503, body: "zurück um 10 %" } },
  },
});
`);
    try {
      const asked = [
        ["none.None/Unary", 12, "route_not_found: No route", "", 404, "route_not_found"],
        ["none.None/Up", 12, "route_not_found: No route", "", 404, "route_not_found"],
        [
          "test.Down/Unary",
          14,
          "connection_refused: Connection refused by the upstream",
          "",
          502,
          "connection_refused",
        ],
        ["test.Keyed/Unary", 16, "authentication_required: Credentials are required", "ApiKey", 401],
        ["test.Keyed/Unary?wrong", 16, "invalid_credentials: The credentials are not accepted", "ApiKey", 401],
      ] as const;
      const words = asked.map(([word]) => word);
      const told = await ask(refusing.port, ...words, "test.Few/Unary", "test.Few/Unary", "test.Closed/Unary");
      for (const [i, [word, code, details, field]] of asked.entries()) {
        expect(told[i]!.slice(0, 2), word).toEqual([code, details]);
        expect(told[i]![2], word).toStartWith(field);
      }
      // The server knows no such service: that is its own to say, and passes.
      expect(told[5]![1]).not.toContain("rate_limit");
      expect(told[6]).toEqual([8, "rate_limit_exceeded: Too many requests", expect.stringMatching(/^\d+$/)]);
      expect(told[7]!.slice(0, 2)).toEqual([14, "zurück um 10 %"]);
      await until(() => refusing.log.length === 8, "the records");
      expect(refusing.log.map((line) => line["http.response.status_code"])).toEqual([
        ...[404, 404, 502, 401, 401],
        ...[200, 429, 503],
      ]);
    } finally {
      await refusing.stop();
    }
  });
});
