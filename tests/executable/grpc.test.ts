// gRPC through the running executable, from a client and to a server of `@grpc/grpc-js`, both run by node.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { certificates } from "../support/certificates.ts";
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
      // DEADLINE_EXCEEDED, or UNAVAILABLE: the gateway keeps to the same deadline, and may be the first to say so (504).
      expect([4, 14]).toContain(told.hang.code);
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
});
