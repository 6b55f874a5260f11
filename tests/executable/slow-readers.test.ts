// GW-23: who reads slowly slows the other side; nothing is piled up in between. SLUICE_FULL_SIZE=1 runs 1 GiB.
import { describe, expect, test } from "bun:test";
import { elapse, until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const MIB = 1024 * 1024;
const SIZE = (process.env["SLUICE_FULL_SIZE"] === undefined ? 256 : 1024) * MIB;
const AT_ONCE = 10;
/** Kernel buffers of two connections: Linux lets a receive buffer grow to 32 MiB each. */
const IN_FLIGHT = 96 * MIB;
/** What the gateway's own memory may grow by, for all of them together. */
const GROWTH = 48 * MIB;
const TIMEOUT_MS = 120_000;

/** Waits until none of these counters grows any more. */
async function stalled(counters: () => number[]): Promise<number[]> {
  let before: number[] = [];
  let still = 0;
  await until(
    async () => {
      const now = counters();
      still = now.every((count, i) => count === before[i]) ? still + 1 : 0;
      before = now;
      await elapse(50);
      return still >= 6;
    },
    "both sides to stand still",
    30_000,
  );
  return before;
}

withGateway(
  "slow readers",
  {
    origins: { u1: { keep: 0 } },
    config: ({ u1 }) => ({
      listen: { timeouts: { send: "60s", body: "60s" } },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    const large = (framing: "length" | "chunked") => (path: string, taken: number[], index: number) =>
      rig.origins.u1.at(path, async (x) => {
        const chunked = framing === "chunked";
        await x.send(
          `HTTP/1.1 200 OK\r\n${chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${SIZE}`}\r\n\r\n`,
        );
        const piece = Buffer.alloc(256 * 1024, "a");
        for (let sent = 0; sent < SIZE; sent += piece.length) {
          if (!(await (chunked ? x.chunk(piece) : x.send(piece)))) return;
          taken[index] = sent + piece.length;
        }
        if (chunked) await x.send("0\r\n\r\n");
      });

    for (const framing of ["length", "chunked"] as const) {
      test(
        `clients that stall stop the upstream, ${AT_ONCE} at once; one that goes on gets every byte (${framing})`,
        async () => {
          const taken: number[] = Array.from({ length: AT_ONCE }, () => 0);
          const clients = await Promise.all(
            taken.map(async (_, index) => {
              const path = ownPath();
              large(framing)(path, taken, index);
              const client = await rig.connect();
              await client.send(get(path));
              return client;
            }),
          );
          await Promise.all(clients.map((client) => client.reader.exactly(1000)));
          for (const client of clients) client.pause();
          const before = rig.gateway.residentBytes;
          const counts = await stalled(() => taken);
          expect(Math.max(...counts)).toBeLessThan(IN_FLIGHT);
          expect(rig.gateway.residentBytes - before).toBeLessThan(GROWTH);
          for (const client of clients.slice(1)) client.reset();
          const [client] = clients;
          client!.resume();
          let rest = 0;
          client!.reader.deadline = performance.now() + 60_000;
          const total = SIZE + (framing === "chunked" ? SIZE / 4096 : 0);
          while (rest < SIZE - 1000 - 64 * 1024 && rest < total) {
            const piece = await client!.reader.some();
            if (piece === undefined) break;
            rest += piece.length;
          }
          expect(rest).toBeGreaterThanOrEqual(SIZE - 1000 - 64 * 1024);
          expect(rig.gateway.residentBytes - before).toBeLessThan(GROWTH);
          client!.close();
          await until(() => rig.origins.u1.open <= 1, "the upstream connections to be closed");
        },
        TIMEOUT_MS,
      );
    }

    test(
      `an upstream that does not read stops its clients, ${AT_ONCE} at once`,
      async () => {
        const clients = await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            const path = ownPath();
            rig.origins.u1.at(path, async (x) => {
              x.reader.hold();
              await x.hang();
            });
            const client = await rig.connect();
            await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${SIZE}\r\n\r\n`);
            return client;
          }),
        );
        const before = rig.gateway.residentBytes;
        const floods = clients.map((client) => client.writer.flood(SIZE, 1500));
        const sent = await Promise.all(floods);
        expect(Math.max(...sent)).toBeLessThan(IN_FLIGHT);
        expect(rig.gateway.residentBytes - before).toBeLessThan(GROWTH);
        for (const client of clients) client.reset();
        await until(() => rig.origins.u1.open <= 1, "the upstream connections to be closed");
      },
      TIMEOUT_MS,
    );
  },
);

withGateway(
  "a client that takes nothing",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { timeouts: { send: "1s" } },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    const flood = (path: string): void =>
      rig.origins.u1.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const piece = Buffer.alloc(64 * 1024, "a");
        while (await x.chunk(piece));
      });

    describe("for the time of listen.timeouts.send", () => {
      test("is dropped, and its upstream request with it", async () => {
        const path = ownPath();
        flood(path);
        using client = await rig.connect();
        await client.send(get(path));
        await client.receiveBytes(1000);
        client.pause();
        const stopped = performance.now();
        const connection = rig.origins.u1.requestsTo(path)[0]!.connection;
        await until(() => connection.ending !== "open", "the upstream connection to be closed");
        expect(connection.endedAt - stopped).toBeGreaterThan(900);
        expect(connection.endedAt - stopped).toBeLessThan(4000);
      });

      test("is not dropped while it takes a little now and then", async () => {
        const path = ownPath();
        flood(path);
        using client = await rig.connect();
        await client.send(get(path));
        client.pause();
        for (let i = 0; i < 8; i++) {
          await elapse(300);
          client.resume();
          await client.receiveBytes(4 * MIB);
          client.pause();
        }
        expect(rig.origins.u1.requestsTo(path)[0]!.connection.ending).toBe("open");
      });
    });
  },
);

withGateway(
  "a client that reads seconds after its answer was written",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
  },
  (rig) => {
    const manners: [what: string, raw: (path: string) => string, chunked: boolean][] = [
      ["Connection: close", (path) => get(path, "Connection: close"), false],
      ["Connection: close, chunked", (path) => get(path, "Connection: close"), true],
      ["HTTP/1.0", (path) => `GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`, false],
      ["HTTP/1.0, until close", (path) => `GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`, true],
      ["keep-alive", (path) => get(path), false],
    ];
    // 2 MiB lie in the kernel's buffers by then: a reset would throw them away.
    test.concurrent.each(manners)(
      "gets all of it: %s",
      async (_, raw, chunked) => {
        const path = ownPath();
        const size = 2 * MIB;
        rig.origins.u1.at(path, async (x) => {
          await x.send(
            `HTTP/1.1 200 OK\r\n${chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`}\r\n\r\n`,
          );
          await (chunked ? x.chunk(Buffer.alloc(size, "a")) : x.send(Buffer.alloc(size, "a")));
          if (chunked) await x.send("0\r\n\r\n");
        });
        using client = await rig.connect();
        await client.send(raw(path));
        client.pause();
        await elapse(4500);
        client.resume();
        const response = await client.receive();
        expect([response.status, response.body.bytes, response.complete]).toEqual([200, size, true]);
      },
      15_000,
    );
  },
);
