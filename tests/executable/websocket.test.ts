// WebSocket tunnels: after the 101 every byte passes as it is, both ways, at the pace of the slower side (GW-29, GW-31).
import { describe, expect, test } from "bun:test";
import { accept, openWebSocket } from "../cases/websocket-steps.ts";
import { elapse, until } from "../support/deadline.ts";
import { get, problemOf } from "../support/messages.ts";
import { plain, type Behaviour } from "../support/origin-exchange.ts";
import type { RawClient } from "../support/raw-client.ts";
import { ownPath, withGateway } from "../support/rig.ts";
import { acceptOf, frame, FrameEnd, OPCODE, upgradeAnswer, upgradeRequest } from "../support/websocket-frames.ts";

const MIB = 1024 * 1024;

/** Sends every frame back as it came, unmasked. */
const echo: Behaviour = async (x) => {
  const end = await accept(x);
  for (let next = await end.next(30_000); next !== undefined; next = await end.next(30_000)) {
    await end.writer.send(frame(next.opcode, next.payload, { fin: next.fin }), Infinity);
    if (next.opcode === OPCODE.close) x.finish();
  }
  x.finish();
};

withGateway(
  "a WebSocket",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { timeouts: { head: "1s", keepAlive: "1s", body: "1s", send: "60s" } },
      upstreams: { u1: { targets: [u1.url], timeouts: { firstByte: "1s", idle: "1s" }, keepAlive: { idle: "1s" } } },
      routes: {
        all: { match: "/*", to: "u1" },
        none: { match: "/none/*", to: "u1", upgrade: [] },
        own: { match: "/own/*", to: "u1", upgrade: ["x-own"] },
      },
    }),
  },
  (rig) => {
    /** A WebSocket over the gateway to an origin that behaves so. */
    async function open(behaviour: Behaviour): Promise<{ client: RawClient; end: FrameEnd; path: string }> {
      const path = ownPath();
      rig.origins.u1.at(path, behaviour);
      const client = await rig.connect();
      return { client, end: await openWebSocket(client, path), path };
    }

    describe("handshake", () => {
      test("passes what both sides say, and the upgrade with it", async () => {
        const path = ownPath();
        const fields =
          "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSet-Cookie: a=1\r\nX-Own: 1\r\n";
        rig.origins.u1.at(path, async (x) => {
          await accept(x, fields);
          await x.hang();
        });
        using client = await rig.connect();
        const asked =
          "Sec-WebSocket-Protocol: superchat, chat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: https://app.test\r\nCookie: s=1\r\n";
        const key = "dGhlIHNhbXBsZSBub25jZQ==";
        await client.send(upgradeRequest(path, asked, key));
        const response = await client.receive();
        expect([response.status, response.reason]).toEqual([101, "Switching Protocols"]);
        expect(response.fields.one("sec-websocket-accept")).toBe(acceptOf(key));
        expect(response.fields.one("upgrade")?.toLowerCase()).toBe("websocket");
        expect(response.fields.one("connection")?.toLowerCase()).toBe("upgrade");
        for (const line of fields.trimEnd().split("\r\n")) {
          const [name, value] = line.split(": ");
          expect(response.fields.all(name!)).toEqual([value!]);
        }
        const [seen] = rig.origins.u1.requestsTo(path);
        for (const line of asked.trimEnd().split("\r\n")) expect(seen!.fields.text).toContain(`${line}\r\n`);
        expect(seen!.fields.one("sec-websocket-key")).toBe(key);
        expect(seen!.fields.one("upgrade")?.toLowerCase()).toBe("websocket");
        expect(seen!.fields.all("connection").join().toLowerCase()).toContain("upgrade");
        expect(seen!.fields.one("x-forwarded-for")).toBe("127.0.0.1");
      });

      test.each([401, 403, 404, 503])(
        "refused by the upstream with %i: status, fields and body are passed on",
        async (status) => {
          const path = ownPath();
          rig.origins.u1.at(path, plain("no entry", `HTTP/1.1 ${status} No\r\nWWW-Authenticate: Basic\r\n`));
          using client = await rig.connect();
          await client.send(upgradeRequest(path));
          const response = await client.receive();
          expect([response.status, response.body.text, response.fields.one("www-authenticate")]).toEqual([
            status,
            "no entry",
            "Basic",
          ]);
          // The client's connection is an HTTP connection still.
          await client.send(get(ownPath()));
          expect((await client.receive()).status).toBe(200);
        },
      );

      const plainly: [what: string, raw: (path: string) => string, prefix: string][] = [
        ["a route that allows none", (path) => upgradeRequest(path), "/none"],
        ["a route that allows another protocol", (path) => upgradeRequest(path), "/own"],
        ["another protocol", (path) => upgradeRequest(path).replace("websocket", "h2c"), "/t"],
        [
          "an Upgrade that Connection does not name",
          (path) => upgradeRequest(path).replace("Connection: Upgrade\r\n", ""),
          "/t",
        ],
        ["HTTP/1.0", (path) => upgradeRequest(path).replace("HTTP/1.1", "HTTP/1.0"), "/t"],
      ];
      test.each(plainly)("%s: forwarded as a plain request", async (_, raw, prefix) => {
        const path = ownPath(prefix);
        rig.origins.u1.at(path, plain("plain"));
        const response = await rig.exchange(raw(path));
        expect(response.body.text).toBe("plain");
        const seen = await rig.origins.u1.requestTo(path);
        expect([
          seen.fields.all("upgrade"),
          seen.fields.all("connection").join().toLowerCase().includes("upgrade"),
        ]).toEqual([[], false]);
      });

      test("an upstream that switches to a protocol nobody asked for: 502", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          await x.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n");
          await x.hang();
        });
        const response = await rig.exchange(upgradeRequest(path));
        expect([response.status, problemOf(response).code]).toEqual([502, "http_upgrade_failed"]);
      });

      test("an upstream that does not answer in time: 504", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, (x) => x.hang());
        expect((await rig.exchange(upgradeRequest(path))).status).toBe(504);
      });

      test("another protocol that a route allows is tunnelled too", async () => {
        const path = ownPath("/own");
        rig.origins.u1.at(path, async (x) => {
          x.takeOver();
          await x.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x-own\r\nConnection: Upgrade\r\n\r\nhello");
          await x.send(Buffer.concat([Buffer.from("got "), await x.reader.exactly(3)]));
          x.finish();
        });
        using client = await rig.connect();
        await client.send(`GET ${path} HTTP/1.1\r\nHost: gw.test\r\nConnection: upgrade\r\nUpgrade: x-own\r\n\r\n`);
        expect((await client.receive()).status).toBe(101);
        await client.send("abc");
        expect((await client.receiveBytes(12)).toString()).toBe("hellogot abc");
      });
    });

    describe("frames", () => {
      const payloads: [what: string, opcode: number, payload: Buffer][] = [
        ["text", OPCODE.text, Buffer.from("grüße, 世界", "utf8")],
        ["binary", OPCODE.binary, Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
        ["an empty one", OPCODE.text, Buffer.alloc(0)],
        ["126 bytes", OPCODE.binary, Buffer.alloc(126, 1)],
        ["65,536 bytes", OPCODE.binary, Buffer.alloc(65_536, 2)],
        ["4 MiB", OPCODE.binary, Buffer.alloc(4 * MIB, 3)],
        ["a ping", OPCODE.ping, Buffer.from("p")],
        ["a pong nobody asked for", OPCODE.pong, Buffer.from("q")],
        ["text that is not UTF-8", OPCODE.text, Buffer.from([0xff, 0xfe])],
        ["an opcode that means nothing", 0x3, Buffer.from("r")],
        ["close 1000", OPCODE.close, Buffer.from([0x03, 0xe8])],
        ["close 1012 with a reason", OPCODE.close, Buffer.concat([Buffer.from([0x03, 0xf4]), Buffer.from("again")])],
        ["close with a code that must not be sent", OPCODE.close, Buffer.from([0x03, 0xed])],
      ];
      test.each(payloads)("%s passes as it is, both ways", async (_, opcode, payload) => {
        const { client, end } = await open(echo);
        using _client = client;
        await end.send(opcode, payload);
        const back = await end.next();
        expect([back?.opcode, back?.fin, back?.masked]).toEqual([opcode, true, false]);
        expect(Buffer.compare(back!.payload, payload)).toBe(0);
      });

      test("fragments and the pings between them keep their borders", async () => {
        const { client, end } = await open(echo);
        using _client = client;
        const sent = [
          [OPCODE.text, "a", false],
          [OPCODE.ping, "p", true],
          [OPCODE.continuation, "b", false],
          [OPCODE.continuation, "c", true],
        ] as const;
        for (const [opcode, payload, fin] of sent) await end.send(opcode, payload, fin);
        for (const [opcode, payload, fin] of sent) {
          const back = await end.next();
          expect([back?.opcode, back?.payload.toString(), back?.fin]).toEqual([opcode, payload, fin]);
        }
      });

      test("10,000 small ones in a burst: none lost, none out of order", async () => {
        const { client, end } = await open(echo);
        using _client = client;
        const burst = Array.from({ length: 10_000 }, (_, i) => frame(OPCODE.text, String(i), { mask: true }));
        void end.writer.send(Buffer.concat(burst), 20_000);
        for (let i = 0; i < burst.length; i++) {
          const back = await end.next();
          if (back?.payload.toString() !== String(i))
            throw new Error(`frame ${i} came back as ${String(back?.payload)}`);
        }
      }, 30_000);
    });

    describe("early bytes (GW-29)", () => {
      test("the upstream's first frame in the segment of its 101, the client's before it: nothing is lost, 25 times", async () => {
        const runs = Array.from({ length: 25 }, async (_, run) => {
          const path = ownPath();
          rig.origins.u1.at(path, async (x) => {
            x.takeOver();
            await x.wait(run % 5 === 0 ? 500 : run * 4);
            const key = x.request.fields.one("sec-websocket-key")!;
            await x.send(Buffer.concat([Buffer.from(upgradeAnswer(key)), frame(OPCODE.text, "greeting")]));
            const end = new FrameEnd(x, "server");
            for (let i = 0; i < 2; i++) await end.send(OPCODE.text, (await end.next())!.payload);
          });
          using client = await rig.connect();
          const early = [frame(OPCODE.text, "one", { mask: true }), frame(OPCODE.binary, "two", { mask: true })];
          await client.send(Buffer.concat([Buffer.from(upgradeRequest(path)), ...early]));
          expect((await client.receive()).status).toBe(101);
          const end = new FrameEnd(client, "client");
          const seen: string[] = [];
          for (let i = 0; i < 3; i++) seen.push((await end.next())!.payload.toString());
          expect(seen).toEqual(["greeting", "one", "two"]);
        });
        await Promise.all(runs);
      });

      test("what a client sends before the 101 is bounded", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, (x) => x.hang());
        using client = await rig.connect();
        const before = rig.gateway.residentBytes;
        await client.send(upgradeRequest(path));
        void client.writer.flood(64 * MIB, 700);
        await client.receive();
        expect(rig.gateway.residentBytes - before).toBeLessThan(24 * MIB);
      });

      test("what a client sends early to an upstream that refuses is not taken for a request", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => (await x.wait(50)) && (await x.send(plain("no", "HTTP/1.1 403 No\r\n"))));
        rig.origins.u1.clear();
        using client = await rig.connect();
        await client.send(
          upgradeRequest(path) + frame(OPCODE.text, "\r\nGET /smuggled HTTP/1.1\r\n\r\n").toString("latin1"),
        );
        expect((await client.receive()).status).toBe(403);
        await client.closed();
        expect(rig.origins.u1.requests).toHaveLength(1);
      });
    });

    describe("time", () => {
      test("a quiet tunnel outlives every other clock; pings cross it (the short form of an idle hour)", async () => {
        const { client, end } = await open(echo);
        using _client = client;
        await client.expectSilence(3500);
        expect(client.ending).toBe("open");
        await end.send(OPCODE.ping, "still there?");
        expect((await end.next())?.payload.toString()).toBe("still there?");
      }, 10_000);
    });

    describe("backpressure (GW-31)", () => {
      const framesOf = (count: number): Buffer => {
        const piece = Buffer.alloc(MIB);
        piece.writeUInt32BE(count);
        return frame(OPCODE.binary, piece);
      };

      test("a client that does not read stops the upstream; then it gets every frame, in order", async () => {
        const total = 192;
        let sent = 0;
        const { client, end } = await open(async (x) => {
          await accept(x);
          for (sent = 0; sent < total; sent++) if (!(await x.send(framesOf(sent)))) return;
          await x.hang();
        });
        using _client = client;
        client.pause();
        const before = rig.gateway.residentBytes;
        let last = -1;
        await until(
          async () => {
            const still = sent === last && sent > 0;
            last = sent;
            await elapse(300);
            return still;
          },
          "the upstream to stall",
          20_000,
        );
        expect(sent).toBeLessThan(96);
        expect(rig.gateway.residentBytes - before).toBeLessThan(32 * MIB);
        client.resume();
        for (let i = 0; i < total; i++) {
          const next = await end.next();
          if (next?.payload.readUInt32BE() !== i) throw new Error(`frame ${i} is missing`);
        }
      }, 60_000);

      test("an upstream that does not read stops the client", async () => {
        const { client } = await open(async (x) => {
          await accept(x);
          x.reader.hold();
          await x.hang();
        });
        using _client = client;
        const before = rig.gateway.residentBytes;
        expect(await client.writer.flood(256 * MIB, 800)).toBeLessThan(96 * MIB);
        client.reset();
        expect(rig.gateway.residentBytes - before).toBeLessThan(32 * MIB);
      }, 20_000);

      const sizes: [what: string, bytes: number][] = [
        ["fits the kernel's buffers", 2 * MIB],
        ["does not", 24 * MIB],
      ];
      test.each(sizes)(
        "an upstream that closes behind a message that %s: a client that reads it later still gets all of it",
        async (_, bytes) => {
          const { client, end } = await open(async (x) => {
            const server = await accept(x);
            await server.send(OPCODE.binary, Buffer.alloc(bytes, 7));
            await server.sendClose(1000);
            x.finish();
          });
          using _client = client;
          client.pause();
          await elapse(2500);
          client.resume();
          expect((await end.next(10_000))?.payload.length).toBe(bytes);
          expect((await end.next())?.opcode).toBe(OPCODE.close);
        },
        30_000,
      );
    });

    describe("the end", () => {
      const ends: [what: string, act: (client: RawClient) => void][] = [
        ["resets", (client) => client.reset()],
        ["closes", (client) => client.close()],
        ["shuts down its sending side", (client) => client.finish()],
      ];
      test.each(ends)("a client that %s: the upstream learns it at once", async (_, act) => {
        const { client, path } = await open(async (x) => {
          await accept(x);
          await x.hang();
          x.finish();
        });
        const { connection } = rig.origins.u1.requestsTo(path)[0]!;
        const left = performance.now();
        act(client);
        await until(() => connection.ending !== "open", "the upstream to learn it");
        expect(connection.endedAt - left).toBeLessThan(100);
        await until(() => connection.closed, "the upstream connection to be gone");
        client.close();
      });

      for (const how of ["finish", "reset"] as const) {
        test(`an upstream that ends (${how}): the client learns it at once`, async () => {
          let ended = 0;
          const { client } = await open(async (x) => {
            await accept(x);
            await x.wait(50);
            ended = performance.now();
            x[how]();
          });
          await client.closed();
          expect(client.reader.endedAt - ended).toBeLessThan(100);
          client.close();
        });
      }

      test("it stands in the log once, with status 101 and the bytes of both ways", async () => {
        const { client, end, path } = await open(echo);
        await end.send(OPCODE.text, "hello");
        await end.next();
        await end.sendClose(1000);
        await client.closed();
        client.close();
        const linesOf = (): Record<string, unknown>[] => rig.gateway.log.filter((line) => line["url.path"] === path);
        await until(() => linesOf().length > 0, "its line");
        const lines = linesOf();
        expect(lines).toHaveLength(1);
        expect(lines[0]!["http.response.status_code"]).toBe(101);
        expect(lines[0]!["http.request.body.size"]).toBe(frame(1, "hello", { mask: true }).length + 8);
        expect(lines[0]!["http.response.body.size"]).toBe(frame(1, "hello").length + 4);
        expect(lines[0]!["error.type"]).toBeUndefined();
      });
    });
  },
);
