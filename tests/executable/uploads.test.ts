// Request bodies: streamed, framed anew, never pretended to be whole; Expect and trailers (GW-16, GW-17).
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { until } from "../support/deadline.ts";
import { get, problemOf } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const MIB = 1024 * 1024;
const CREATED = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

withGateway(
  "an upload",
  {
    origins: { u1: { keep: 16 * MIB } },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
  },
  (rig) => {
    const head = (path: string, ...fields: string[]): string =>
      [`POST ${path} HTTP/1.1`, "Host: gw.test", ...fields, "", ""].join("\r\n");

    const framings: [framing: string, field: string, wrap: (piece: string) => string, end: string][] = [
      ["sized", "Content-Length: 6", (piece) => piece, ""],
      ["chunked", "Transfer-Encoding: chunked", (piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`, "0\r\n\r\n"],
    ];
    for (const [framing, field, wrap, end] of framings) {
      test(`${framing}: each piece reaches the upstream before the next is sent`, async () => {
        const path = ownPath();
        rig.origins.u1.at(path, CREATED);
        using client = await rig.connect();
        await client.send(head(path, field));
        const seen = await until(() => rig.origins.u1.requestsTo(path)[0], "the head at the upstream");
        let sent = "";
        for (const piece of ["ab", "cd", "ef"]) {
          await client.send(wrap(piece));
          sent += piece;
          await until(() => seen.body.text === sent, `"${sent}" at the upstream`);
        }
        expect(seen.complete && framing === "chunked").toBe(false);
        await client.send(end);
        expect((await client.receive()).status).toBe(201);
        expect(seen.complete).toBe(true);
        expect(seen.fields.all("content-length")).toEqual(framing === "sized" ? ["6"] : []);
      });

      for (const how of ["close", "reset", "finish"] as const) {
        test(`${framing}: cut by the client (${how}) it never looks whole`, async () => {
          const path = ownPath();
          rig.origins.u1.at(path, CREATED);
          using client = await rig.connect();
          await client.send(head(path, field) + wrap("ab"));
          const seen = await until(() => rig.origins.u1.requestsTo(path)[0], "the request");
          await until(() => seen.body.bytes === 2, "the first piece");
          client[how]();
          await until(() => seen.connection.ending !== "open", "the upstream connection to end");
          expect(seen.complete).toBe(false);
        });
      }

      test(`${framing}: 8 MiB arrive byte for byte`, async () => {
        const path = ownPath();
        rig.origins.u1.at(path, CREATED);
        const content = Buffer.alloc(8 * MIB);
        for (let i = 0; i < content.length; i += 4) content.writeUInt32LE((i * 2654435761) >>> 0, i);
        using client = await rig.connect();
        await client.send(head(path, field.replace("6", String(content.length))));
        for (let at = 0; at < content.length; at += 100_003) {
          const piece = content.subarray(at, at + 100_003);
          if (framing === "sized") await client.send(piece);
          else
            await client.send(
              Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]),
            );
        }
        await client.send(end);
        expect((await client.receive()).status).toBe(201);
        const seen = await rig.origins.u1.requestTo(path);
        const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
        expect(digest(seen.body.content)).toBe(digest(content));
        expect(seen.framingFields).toHaveLength(1);
      });

      for (const status of [401, 413]) {
        test(`${framing}: an upstream that answers ${status} without reading is heard, even while the client sends`, async () => {
          const path = ownPath();
          rig.origins.u1.at(path, async (x) => {
            await x.send(plain("no", `HTTP/1.1 ${status} No\r\nConnection: close\r\n`));
            x.finish();
          });
          using client = await rig.connect();
          // It looks for an answer only when it has sent 4 MiB more than the upstream ever took.
          client.pause();
          const total = 4 * MIB;
          await client.send(head(path, field.replace("6", String(total))));
          if (framing === "chunked") await client.send(`${total.toString(16)}\r\n`);
          await client.writer.flood(total, 1000);
          client.resume();
          const response = await client.receive();
          expect([response.status, response.body.text, response.complete]).toEqual([status, "no", true]);
        });
      }
    }

    describe("Expect: 100-continue", () => {
      const expecting = (path: string, ...fields: string[]): string =>
        head(path, "Expect: 100-continue", "Content-Length: 5", ...fields);

      test("an upstream that says 100: the client gets it, sends, and is answered", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          await x.send("HTTP/1.1 100 Continue\r\n\r\n");
          await x.body();
          await x.send(plain("done"));
        });
        using client = await rig.connect();
        await client.send(expecting(path));
        expect((await client.receiveBytes(25, 1000)).toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
        await client.send("hello");
        const response = await client.receive();
        expect([response.status, response.body.text]).toEqual([200, "done"]);
        expect((await rig.origins.u1.requestTo(path)).body.text).toBe("hello");
      });

      test("an upstream that refuses at once: the client sees the refusal", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, async (x) => {
          await x.send(plain("no", "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"));
          x.finish();
        });
        using client = await rig.connect();
        await client.send(expecting(path));
        const response = await client.receive({ timeoutMs: 1500 });
        expect([response.status, response.body.text]).toEqual([401, "no"]);
      });

      test("an upstream that knows no Expect and waits for the body: the client is not left waiting", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, plain("done"));
        using client = await rig.connect();
        await client.send(expecting(path));
        expect((await client.receiveBytes(25, 1500)).toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
        await client.send("hello");
        expect((await client.receive()).body.text).toBe("done");
      });

      test("a client that does not wait is answered all the same, and the connection stays in step", async () => {
        const [path, next] = [ownPath(), ownPath()];
        rig.origins.u1.at(path, plain("done"));
        using client = await rig.connect();
        await client.send(`${expecting(path)}hello${get(next)}`);
        expect((await client.receive()).body.text).toBe("done");
        expect((await client.receive()).status).toBe(200);
      });

      test("a route that nobody has: the refusal comes without a 100", async () => {
        using client = await rig.connect();
        await client.send(`TRACE / HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
        const response = await client.receive({ timeoutMs: 1500 });
        expect([405, 501]).toContain(response.status);
        expect(response.interim).toHaveLength(0);
      });

      test("any other expectation is refused with 417", async () => {
        const path = ownPath();
        using client = await rig.connect();
        await client.send(head(path, "Expect: a-miracle", "Content-Length: 5"));
        const response = await client.receive({ timeoutMs: 1500 });
        expect([response.status, problemOf(response).code]).toEqual([417, "expectation_failed"]);
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
      });

      test("an HTTP/1.0 client gets no 100 (RFC 9110 section 10.1.1)", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, plain("done"));
        using client = await rig.connect();
        await client.send(
          `POST ${path} HTTP/1.0\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
        );
        await client.expectSilence(100);
        await client.send("hello");
        const response = await client.receive();
        expect([response.status, response.interim.length]).toEqual([200, 0]);
      });
    });

    describe("trailers", () => {
      const sent: [what: string, lines: string][] = [
        ["one", "X-Sum: 9\r\n"],
        ["several", "X-Sum: 9\r\nX-Two: 2\r\n"],
        ["one that frames", "Content-Length: 3\r\n"],
        ["one that codes", "Transfer-Encoding: chunked\r\n"],
        ["one that routes", "Host: evil.test\r\n"],
        [
          "one that identifies",
          "X-Forwarded-For: 203.0.113.9\r\nAuthorization: Basic eA==\r\nX-Consumer-Id: admin\r\n",
        ],
      ];
      test.each(sent)(
        "%s: dropped or kept as trailers, never merged, and the connection stays in step",
        async (_, lines) => {
          const [path, next] = [ownPath(), ownPath()];
          rig.origins.u1.at(path, CREATED);
          using client = await rig.connect();
          await client.send(`${head(path, "Transfer-Encoding: chunked")}2\r\nab\r\n0\r\n${lines}\r\n${get(next)}`);
          const response = await client.receive();
          if (response.status === 400) return void expect(rig.origins.u1.requestsTo(next)).toHaveLength(0);
          expect(response.status).toBe(201);
          expect((await client.receive()).status).toBe(200);
          const seen = await rig.origins.u1.requestTo(path);
          expect(seen.body.text).toBe("ab");
          expect(seen.fields.text).not.toMatch(/x-sum|x-two|evil|203\.0|authorization|consumer/i);
          expect(seen.trailers.text).not.toMatch(/content-length|transfer-encoding|host|forwarded|authorization/i);
          expect(seen.framingFields).toHaveLength(1);
        },
      );

      test("a malformed one is refused", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, CREATED);
        using client = await rig.connect();
        await client.send(`${head(path, "Transfer-Encoding: chunked")}0\r\nX Sum: 9\r\n\r\n`);
        const response = await client.receive();
        expect(response.status).toBe(400);
        await client.closed();
        expect(rig.origins.u1.requestsTo(path).filter((seen) => seen.complete)).toHaveLength(0);
      });

      test("more of them than a head may hold are refused", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, CREATED);
        using client = await rig.connect();
        void client.send(
          `${head(path, "Transfer-Encoding: chunked")}0\r\n${`X-T: ${"a".repeat(100)}\r\n`.repeat(2000)}\r\n`,
        );
        const response = await client.receive();
        expect([400, 413, 431]).toContain(response.status);
        await client.closed();
      });
    });
  },
);
