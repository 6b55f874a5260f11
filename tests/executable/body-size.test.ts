// maxBody: what is announced is refused at once, what is not announced is counted, and nothing over it ever looks whole.
import { describe, expect, test } from "bun:test";
import { accept, openWebSocket } from "../cases/websocket-steps.ts";
import { until } from "../support/deadline.ts";
import { problemOf, request } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";
import { frame, OPCODE } from "../support/websocket-frames.ts";

withGateway(
  "content",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { apiKey, defineGateway } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  maxBody: "10B",
  upstreams: { u1: { targets: ["${u1.url}"] } },
  auth: { key: apiKey() },
  routes: {
    few: { match: "/few/*", to: "u1", auth: "none" },
    more: { match: "/more/*", to: "u1", auth: "none", maxBody: "1MiB" },
    all: { match: "/all/*", to: "u1", auth: "none", maxBody: false },
    keyed: { match: "/keyed/*", to: "u1", auth: "key" },
    own: { match: "/own", auth: "none", handler: async ({ request }) => new Response(await request.text()) },
    used: { match: "/used/*", to: "u1", auth: "none", use: [(_, next) => next()] },
  },
});
`,
  },
  (rig) => {
    const head = (path: string, ...fields: string[]): string =>
      [`POST ${path} HTTP/1.1`, "Host: gw.test", ...fields, "", ""].join("\r\n");
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    const CHUNKED = "Transfer-Encoding: chunked";

    test.each(["/few", "/used"])(
      "at %s of the very bound passes, sized and chunked, trailers not counted",
      async (below) => {
        const path = ownPath(below);
        expect((await rig.exchange(request("POST", path, "0123456789"))).status).toBe(200);
        const chunked = `${head(path, CHUNKED)}${chunk("01234")}${chunk("56789")}0\r\nX-Sum: ${"9".repeat(100)}\r\n\r\n`;
        expect((await rig.exchange(chunked)).status).toBe(200);
        const bodies = rig.origins.u1.requestsTo(path).map(({ body, complete }) => [body.text, complete]);
        expect(bodies).toEqual([
          ["0123456789", true],
          ["0123456789", true],
        ]);
      },
    );

    test.each(["/few", "/keyed", "/used", "/own"])(
      "at %s that announces one byte more is refused before anything is forwarded",
      async (below) => {
        const path = below === "/own" ? below : ownPath(below);
        const response = await rig.exchange(request("POST", path, "0123456789a"));
        expect(response.status).toBe(413);
        expect(problemOf(response)).toMatchObject({
          code: "content_too_large",
          detail: "At most 10 bytes of content are taken here.",
        });
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
      },
    );

    test("that waits to be told to go on is refused instead", async () => {
      using client = await rig.connect();
      await client.send(head(ownPath("/few"), "Content-Length: 11", "Expect: 100-continue"));
      const response = await client.receive();
      expect([response.status, response.headText.includes("100 Continue")]).toEqual([413, false]);
    });

    test.each(["/few", "/used"])(
      "at %s that grows over the bound breaks off at the origin, and the client that still sends reads 413",
      async (below) => {
        const path = ownPath(below);
        rig.origins.u1.at(path, async (x) => {
          await x.body().catch(() => undefined);
        });
        using client = await rig.connect();
        await client.send(head(path, CHUNKED) + chunk("01234"));
        const seen = await until(() => rig.origins.u1.requestsTo(path)[0], "the request");
        await until(() => seen.body.bytes === 5, "the first piece");
        for (let i = 0; i < 20; i++) await client.send(chunk("x".repeat(1000)));
        const response = await client.receive();
        expect([response.status, problemOf(response).code]).toEqual([413, "content_too_large"]);
        expect(response.fields.one("connection")?.toLowerCase()).toBe("close");
        await until(() => seen.connection.ending !== "open", "the upstream connection to end");
        expect([seen.complete, seen.body.bytes]).toEqual([false, 5]);
      },
    );

    test("of an HTTP/1.0 client is bounded by what it announces", async () => {
      const [path, over] = [ownPath("/few"), ownPath("/few")];
      const old = (to: string, content: string): string =>
        `POST ${to} HTTP/1.0\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
      expect((await rig.exchange(old(path, "0123456789"))).status).toBe(200);
      expect((await rig.exchange(old(over, "0123456789a"))).status).toBe(413);
      expect(rig.origins.u1.requestsTo(over)).toHaveLength(0);
    });

    test("is what stands in the chunks: their sizes, extensions and trailers do not count", async () => {
      const path = ownPath("/few");
      const ones = [..."0123456789"].map((byte) => `0000001;why="${"x".repeat(200)}"\r\n${byte}\r\n`).join("");
      const response = await rig.exchange(`${head(path, CHUNKED)}${ones}0;last\r\nX-Sum: ${"9".repeat(500)}\r\n\r\n`);
      expect(response.status).toBe(200);
      expect((await rig.origins.u1.requestTo(path)).body.text).toBe("0123456789");
      const over = await rig.exchange(`${head(ownPath("/few"), CHUNKED)}${ones}1\r\na\r\n0\r\n\r\n`);
      expect(over.status).toBe(413);
    });

    test("that has come whole and is refused leaves its connection in step", async () => {
      using client = await rig.connect();
      const next = ownPath("/few");
      await client.send(request("POST", ownPath("/few"), "0123456789a") + request("POST", next, "0123456789"));
      expect((await client.receive()).status).toBe(413);
      expect((await client.receive()).status).toBe(200);
      expect((await rig.origins.u1.requestTo(next)).body.text).toBe("0123456789");
    });

    test.each([
      ["announced", (path: string, bytes: number) => head(path, `Content-Length: ${bytes}`)],
      ["chunked", (path: string, bytes: number) => `${head(path, CHUNKED)}${bytes.toString(16)}\r\n`],
    ] as const)("%s: a client that reads only when it has sent 4 MiB reads 413", async (_, begin) => {
      const total = 4 * 1024 * 1024;
      using client = await rig.connect();
      client.pause();
      await client.send(begin(ownPath("/few"), total));
      await client.writer.flood(total, 1000);
      client.resume();
      const response = await client.receive();
      expect([response.status, problemOf(response).code, response.complete]).toEqual([413, "content_too_large", true]);
    });

    test("of a WebSocket is not counted", async () => {
      const path = ownPath("/few");
      rig.origins.u1.at(path, async (x) => {
        const end = await accept(x);
        const { payload } = (await end.next())!;
        await end.writer.send(frame(OPCODE.text, payload));
        x.finish();
      });
      using client = await rig.connect();
      const end = await openWebSocket(client, path);
      await end.writer.send(frame(OPCODE.text, Buffer.alloc(5000, "x"), { mask: true }));
      expect((await end.next())!.payload).toHaveLength(5000);
    });

    test("that a handler reads is bounded too", async () => {
      const response = await rig.exchange(`${head("/own", CHUNKED)}${chunk("0123456789a")}0\r\n\r\n`);
      expect([response.status, problemOf(response).code]).toEqual([413, "content_too_large"]);
    });

    describe("by the route's own word", () => {
      test("may be more", async () => {
        expect((await rig.exchange(request("POST", ownPath("/more"), "x".repeat(1024 * 1024)))).status).toBe(200);
        expect((await rig.exchange(request("POST", ownPath("/more"), "x".repeat(1024 * 1024 + 1)))).status).toBe(413);
      });

      test("may have no bound", async () => {
        expect((await rig.exchange(request("POST", ownPath("/all"), "x".repeat(2 * 1024 * 1024)))).status).toBe(200);
      });
    });
  },
);
