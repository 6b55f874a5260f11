// Connections: kept and closed as both sides say, requests on one in their order, many at once.
import { describe, expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, request } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import type { RawClient } from "../support/raw-client.ts";
import { ownPath, withGateway } from "../support/rig.ts";

withGateway(
  "a client's connection",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
  },
  (rig) => {
    test("is kept for many requests, and so is the upstream's", async () => {
      rig.origins.u1.clear();
      using client = await rig.connect();
      for (let i = 0; i < 100; i++) {
        await client.send(request(i % 2 === 0 ? "GET" : "POST", "/keep", i % 2 === 0 ? "" : "body"));
        const response = await client.receive();
        expect([response.status, response.ending]).toEqual([200, "open"]);
      }
      expect(rig.origins.u1.requests).toHaveLength(100);
      expect(rig.origins.u1.connections.length).toBeLessThanOrEqual(1);
    });

    const closing: [what: string, raw: string][] = [
      ["HTTP/1.1 with Connection: close", get("/c", "Connection: close")],
      ["in any spelling, in a list", get("/c", "connection: x, CLOSE")],
      ["HTTP/1.0", "GET /c HTTP/1.0\r\nHost: gw.test\r\n\r\n"],
      ["HTTP/1.0 without Host", "GET /c HTTP/1.0\r\n\r\n"],
      ["a refused request with a body unread", `TRACE / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\n`],
    ];
    test.each(closing)("%s: the answer says close, and FIN follows", async (_, raw) => {
      using client = await rig.connect();
      await client.send(raw);
      const response = await client.receive();
      expect([response.status === 0, response.complete]).toEqual([false, true]);
      if (!raw.includes("HTTP/1.0")) expect(response.fields.one("connection")?.toLowerCase()).toBe("close");
      expect(await client.closed()).toBe("fin");
    });

    test("HTTP/1.0 with keep-alive is kept when the answer has a length", async () => {
      using client = await rig.connect();
      for (let i = 0; i < 2; i++) {
        await client.send("GET /k HTTP/1.0\r\nHost: gw.test\r\nConnection: keep-alive\r\n\r\n");
        const response = await client.receive();
        expect([response.status, response.body.text]).toEqual([200, "ok"]);
        if (response.fields.one("connection")?.toLowerCase() !== "keep-alive") return void (await client.closed());
      }
    });

    test("requests sent at once are answered in their order, whatever each takes", async () => {
      const delays = [120, 0, 60, 0, 30, 0];
      const paths = delays.map((delay, index) => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          await x.body();
          await x.wait(delay);
          await x.send(plain(`answer ${index}`));
        });
        return path;
      });
      using client = await rig.connect();
      await client.send(
        paths.map((path, i) => request(i % 2 === 0 ? "GET" : "POST", path, i % 2 === 0 ? "" : "abc")).join(""),
      );
      for (const index of delays.keys()) expect((await client.receive()).body.text).toBe(`answer ${index}`);
    });

    test("a request may come byte by byte, and two may share a segment", async () => {
      const paths = [ownPath(), ownPath()];
      const raw = paths.map((path) => request("POST", path, "abc")).join("");
      using client = await rig.connect();
      for (const byte of raw) await client.send(byte);
      for (const path of paths) {
        expect((await client.receive()).status).toBe(200);
        expect((await rig.origins.u1.requestTo(path)).body.text).toBe("abc");
      }
    });

    test("empty lines before a request are skipped (RFC 9112 section 2.2)", async () => {
      using client = await rig.connect();
      await client.send(`\r\n${get("/a")}`);
      expect((await client.receive()).status).toBe(200);
      await client.send(`\r\n\r\n${get("/b")}`);
      expect((await client.receive()).status).toBe(200);
    });

    test("Connection: close ends the pipeline: what follows is not answered and not forwarded", async () => {
      const behind = ownPath();
      using client = await rig.connect();
      await client.send(get("/c", "Connection: close") + get(behind));
      const responses = await client.receiveAll({ timeoutMs: 1000 });
      expect(responses).toHaveLength(1);
      expect(rig.origins.u1.requestsTo(behind)).toHaveLength(0);
    });

    test("one that was half sent and given up costs nothing", async () => {
      using client = await rig.connect();
      await client.send("GET /half HTTP/1.1\r\nHo");
      client.finish();
      expect((await client.receiveAll({ timeoutMs: 2000 })).map((response) => response.status)).toEqual([]);
    });

    test("an upstream that closes after each answer does not close the client's", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await x.send(plain("once", "HTTP/1.1 200 OK\r\nConnection: close\r\n"));
        x.finish();
      });
      rig.origins.u1.clear();
      using client = await rig.connect();
      for (let i = 0; i < 3; i++) {
        await client.send(get(path));
        const response = await client.receive();
        expect([response.body.text, response.fields.all("connection").join().includes("close")]).toEqual([
          "once",
          false,
        ]);
      }
      expect(new Set(rig.origins.u1.requestsTo(path).map((seen) => seen.connection))).toHaveProperty("size", 3);
    });

    test("an upstream that hides its close is not trusted again: POST after POST succeeds", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await x.body();
        await x.send(plain("once"));
        x.finish();
      });
      using client = await rig.connect();
      for (let i = 0; i < 10; i++) {
        await client.send(request("POST", path, "abc"));
        expect((await client.receive()).status).toBe(200);
        await until(() => rig.origins.u1.requestsTo(path).at(-1)!.connection.ending !== "open", "the close");
      }
      expect(rig.origins.u1.requestsTo(path)).toHaveLength(10);
    });
  },
);

withGateway(
  "many clients",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      upstreams: {
        u1: { targets: [u1.url] },
        few: { targets: [u1.url], connections: { max: 2, wait: "500ms", maxWaiting: 3 } },
      },
      routes: { all: { match: "/*", to: "u1" }, few: { match: "/few/*", to: "few" } },
    }),
  },
  (rig) => {
    test("400 requests are held at once, and all are answered", async () => {
      const path = ownPath();
      let release = (): void => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      rig.origins.u1.at(path, async (x) => {
        await released;
        await x.send(plain("held"));
      });
      const clients: RawClient[] = [];
      for (let i = 0; i < 400; i++) clients.push(await rig.connect());
      await Promise.all(clients.map((client) => client.send(get(path))));
      await until(() => rig.origins.u1.requestsTo(path).length === 400, "400 requests at the upstream", 10_000);
      release();
      const responses = await Promise.all(clients.map((client) => client.receive({ timeoutMs: 10_000 })));
      expect(responses.every((response) => response.body.text === "held")).toBe(true);
      for (const client of clients) client.close();
    }, 30_000);

    test("over the bound of an upstream's connections some wait, and the rest are refused with 503 at once", async () => {
      const path = ownPath("/few");
      rig.origins.u1.at(path, (x) => x.hang());
      const clients: RawClient[] = [];
      for (let i = 0; i < 8; i++) clients.push(await rig.connect());
      const sent = performance.now();
      for (const client of clients) await client.send(get(path));
      // Two are held, three wait for half a second, three find no place to wait.
      const refused = await Promise.all(clients.slice(5).map((client) => client.receive()));
      expect(performance.now() - sent).toBeLessThan(400);
      const waited = await Promise.all(clients.slice(2, 5).map((client) => client.receive()));
      expect(performance.now() - sent).toBeGreaterThan(450);
      for (const response of [...refused, ...waited]) {
        expect(response.status).toBe(503);
        expect(response.fields.one("retry-after")).toMatch(/^[1-9]\d*$/);
      }
      expect(rig.origins.u1.requestsTo(path)).toHaveLength(2);
      for (const client of clients) client.close();
    });

    describe("server-sent events", () => {
      test("each event is passed on at once, to many readers", async () => {
        const path = ownPath();
        const sentAt: number[] = [];
        rig.origins.u1.at(path, async (x) => {
          await x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
          for (let i = 0; i < 20; i++) {
            sentAt[i] ??= performance.now();
            await x.chunk(`data: ${String(i).padStart(2, "0")}\n\n`);
            await x.wait(25);
          }
          await x.send("0\r\n\r\n");
        });
        const responses = await Promise.all(Array.from({ length: 5 }, () => rig.exchange(get(path))));
        for (const response of responses) {
          expect(response.complete).toBe(true);
          const lags = sentAt.map((at, i) => response.body.arrivalOf(`data: ${String(i).padStart(2, "0")}\n\n`)! - at);
          expect(Math.max(...lags)).toBeLessThan(100);
        }
      });
    });
  },
);

withGateway(
  "more connections than listen.maxConnections",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { maxConnections: 3 },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    test("are not served, those within are, and a place that falls free is taken", async () => {
      const within = await Promise.all([rig.connect(), rig.connect(), rig.connect()]);
      for (const client of within) {
        await client.send(get("/in"));
        expect((await client.receive()).status).toBe(200);
      }
      // The reset may come before connecting is over.
      const over = await rig.connect().catch(() => undefined);
      await over?.send(get("/over"));
      await over?.expectSilence(300);
      expect(rig.origins.u1.requestsTo("/over")).toHaveLength(0);
      await until(
        () => rig.gateway.stderr.text.includes("the most that listen.maxConnections allows"),
        "the word of it",
      );
      over?.close();
      within[0]!.close();
      await until(async () => {
        const client = await rig.connect().catch(() => undefined);
        if (client === undefined) return false;
        await client.send(get("/later"));
        const [response] = await client.receiveAll({ timeoutMs: 300 });
        client.close();
        return response?.status === 200;
      }, "a place to fall free");
      await within[1]!.send(get("/in"));
      expect((await within[1]!.receive()).status).toBe(200);
    });
  },
);
