// Quiet and slow clients live as long as the config says, and no longer: head, body and idle connections apart.
import { describe, expect, test } from "bun:test";
import { elapse, until } from "../support/deadline.ts";
import { get, problemOf } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import type { RawClient } from "../support/raw-client.ts";
import { ownPath, withGateway } from "../support/rig.ts";

/** Each clock's setting, and by how much it may be late. */
const CLOCK_MS = 1000;
const LATE_MS = 700;
/** Shorter than the head's time: what has begun to arrive is not idle any more. */
const KEEP_ALIVE_MS = 500;

/** Sends a piece again and again until the gateway has ended its side. */
async function drip(client: RawClient, piece: string, everyMs: number): Promise<void> {
  while (client.ending === "open" && (await client.send(piece))) await elapse(everyMs);
}

withGateway(
  "a slow client",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { timeouts: { head: "1s", body: "1s", keepAlive: "500ms", send: "1s" } },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    const begun = "GET /slow HTTP/1.1\r\nHost: gw.test\r\n";
    const heads: [what: string, begin: string, piece: string][] = [
      ["stops in its request line", "GET /sl", ""],
      ["stops in its fields", `${begun}X-Some: `, ""],
      ["drips its request line", "GET /", "a"],
      ["drips a field", `${begun}X: `, "a"],
      ["drips fields", begun, "X: 1\r\n"],
    ];
    test.concurrent.each(heads)("%s: 408 after the head's time, and close", async (_, begin, piece) => {
      using client = await rig.connect();
      const began = performance.now();
      await client.send(begin);
      const dripping = piece === "" ? undefined : drip(client, piece, 100);
      const response = await client.receive();
      const took = performance.now() - began;
      expect([response.status, problemOf(response).code]).toEqual([408, "request_timeout"]);
      expect(response.fields.one("connection")?.toLowerCase()).toBe("close");
      expect(took).toBeGreaterThan(CLOCK_MS - 50);
      expect(took).toBeLessThan(CLOCK_MS + LATE_MS);
      await client.closed();
      await dripping;
    });

    const silent: [what: string, first: string | undefined][] = [
      ["has never said anything", undefined],
      ["has had its answer", get("/idle")],
    ];
    test.concurrent.each(silent)("a connection that %s is closed without a word after keepAlive", async (_, first) => {
      using client = await rig.connect();
      if (first !== undefined) {
        await client.send(first);
        await client.receive();
      }
      const began = performance.now();
      await client.expectSilence(KEEP_ALIVE_MS + LATE_MS);
      expect(client.ending).toBe("fin");
      expect(client.reader.endedAt - began).toBeGreaterThan(KEEP_ALIVE_MS - 50);
    });

    test.concurrent("a connection that asks now and then is kept", async () => {
      using client = await rig.connect();
      for (let i = 0; i < 4; i++) {
        await client.send(get("/again"));
        expect((await client.receive()).status).toBe(200);
        await elapse(KEEP_ALIVE_MS * 0.6);
      }
    });

    test.concurrent("a head that takes longer than an idle connection may, but not too long, is answered", async () => {
      using client = await rig.connect();
      for (const piece of get("/late").match(/.{1,8}/gs)!) {
        await client.send(piece);
        await elapse(100);
      }
      expect((await client.receive()).status).toBe(200);
    });

    const bodies: [what: string, field: string, piece: string][] = [
      ["a sized body", "Content-Length: 1000", "ab"],
      ["a chunked body", "Transfer-Encoding: chunked", "2\r\nab\r\n"],
      ["half a chunk size", "Transfer-Encoding: chunked", "2"],
    ];
    test.concurrent.each(bodies)("%s that stalls: 408, close, and never a whole request", async (_, field, piece) => {
      const path = ownPath();
      using client = await rig.connect();
      const began = performance.now();
      await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\n${field}\r\n\r\n${piece}`);
      const response = await client.receive();
      expect([response.status, problemOf(response).code]).toEqual([408, "request_timeout"]);
      expect(performance.now() - began).toBeLessThan(CLOCK_MS + LATE_MS);
      await client.closed();
      for (const seen of rig.origins.u1.requestsTo(path)) {
        await until(() => seen.connection.ending !== "open", "the upstream connection to be closed");
        expect(seen.complete).toBe(false);
      }
    });

    test.concurrent("a body that goes on, however slowly, is waited for", async () => {
      const path = ownPath();
      using client = await rig.connect();
      await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 8\r\n\r\n`);
      for (let i = 0; i < 8; i++) {
        await client.send("x");
        await elapse(CLOCK_MS * 0.4);
      }
      expect((await client.receive()).status).toBe(200);
      expect((await rig.origins.u1.requestTo(path)).body.text).toBe("xxxxxxxx");
    });

    test.concurrent(
      "an upstream that reads a body slowly costs the client nothing",
      async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          x.reader.hold();
          await x.wait(CLOCK_MS * 2.5);
          x.reader.release();
          await x.body();
          await x.send(plain("read"));
        });
        using client = await rig.connect();
        const size = 128 * 1024 * 1024;
        await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${size}\r\n\r\n`);
        const sending = client.writer.flood(size, 20_000);
        const response = await client.receive({ timeoutMs: 20_000 });
        expect([response.status, await sending]).toEqual([200, size]);
      },
      25_000,
    );

    test.concurrent(
      "an answer that is late, or quiet in its middle, is waited for",
      async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          await x.wait(CLOCK_MS * 2);
          await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
          await x.chunk("a");
          await x.wait(CLOCK_MS * 2);
          await x.chunk("b");
          await x.send("0\r\n\r\n");
        });
        const response = await rig.exchange(get(path), { timeoutMs: 8000 });
        expect([response.body.text, response.complete]).toEqual(["ab", true]);
      },
      10_000,
    );
  },
);

describe("an upstream's own clocks", () => {
  withGateway(
    "on routes",
    {
      origins: { u1: {} },
      config: ({ u1 }) => ({
        upstreams: { u1: { targets: [u1.url], timeouts: { firstByte: "60s", idle: "60s" } } },
        routes: {
          first: { match: "/first/*", to: "u1", timeouts: { firstByte: "500ms" } },
          idle: { match: "/idle/*", to: "u1", timeouts: { idle: "500ms" } },
        },
      }),
    },
    (rig) => {
      test.concurrent("firstByte begins when the request is sent, and does not bound the rest", async () => {
        const path = ownPath("/first");
        rig.origins.u1.at(path, async (x) => {
          await x.body();
          await x.wait(250);
          await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
          await x.wait(1200);
          await x.chunk("end");
          await x.send("0\r\n\r\n");
        });
        using client = await rig.connect();
        await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\na`);
        await elapse(900);
        await client.send("b");
        const response = await client.receive();
        expect([response.status, response.body.text, response.complete]).toEqual([200, "end", true]);
      });

      test.concurrent("firstByte over: 504, and the upstream connection is closed", async () => {
        const path = ownPath("/first");
        rig.origins.u1.at(path, (x) => x.hang());
        const sent = performance.now();
        const response = await rig.exchange(get(path));
        expect([response.status, problemOf(response).code]).toEqual([504, "http_response_timeout"]);
        expect(performance.now() - sent).toBeLessThan(1200);
        await until(() => rig.origins.u1.requestsTo(path)[0]!.connection.ending !== "open", "the close");
      });

      test.concurrent("idle bounds the gap between two pieces, not the whole", async () => {
        const path = ownPath("/idle");
        rig.origins.u1.at(path, async (x) => {
          await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
          for (let i = 0; i < 5; i++) {
            await x.wait(250);
            await x.chunk(String(i));
          }
          await x.hang();
        });
        const response = await rig.exchange(get(path));
        expect([response.body.text, response.complete]).toEqual(["01234", false]);
      });
    },
  );
});
