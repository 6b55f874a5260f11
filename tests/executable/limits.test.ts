// GW-10: how large a request head may be, and that a client learns it even while it still sends.
import { describe, expect, test } from "bun:test";
import { connect } from "../support/raw-client.ts";
import { get, problemOf } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const KIB = 1024;
const line = (bytes: number): string => `X-Large: ${"a".repeat(bytes)}`;
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`);

withGateway(
  "a request head",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { maxTarget: "16KiB", maxHead: "64KiB" },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    const rows: [what: string, raw: (path: string) => string, status: number, code: string][] = [
      ["a token of 9 KiB", (path) => get(path, `Authorization: Bearer ${"t".repeat(9 * KIB)}`), 200, ""],
      ["a token of 16 KiB", (path) => get(path, `Authorization: Bearer ${"t".repeat(16 * KIB)}`), 200, ""],
      ["a field of 60 KiB", (path) => get(path, line(60 * KIB)), 200, ""],
      ["250 small fields", (path) => get(path, ...many(250)), 200, ""],
      ["a target of 15 KiB", (path) => get(`${path}?${"q".repeat(15 * KIB)}`), 200, ""],
      ["a field of 64 KiB", (path) => get(path, line(64 * KIB)), 431, "header_section_too_large"],
      ["a field of 1 MiB", (path) => get(path, line(1024 * KIB)), 431, "header_section_too_large"],
      ["300 small fields", (path) => get(path, ...many(300)), 431, "header_section_too_large"],
      ["20,000 fields", (path) => get(path, ...many(20_000)), 431, "header_section_too_large"],
      ["a target of 20 KiB", (path) => get(`${path}?${"q".repeat(20 * KIB)}`), 414, "uri_too_long"],
      ["a target of 1 MiB", (path) => get(`${path}?${"q".repeat(1024 * KIB)}`), 414, "uri_too_long"],
    ];
    for (const before of [0, 1]) {
      test.each(rows)(
        `${before === 0 ? "first" : "second"} on its connection, %s: %i`,
        async (_, raw, status, code) => {
          const [warm, path] = [ownPath(), ownPath()];
          using client = await rig.connect();
          if (before === 1) {
            await client.send(get(warm));
            expect((await client.receive()).status).toBe(200);
          }
          void client.send(raw(path));
          const response = await client.receive();
          expect([response.status, response.complete]).toEqual([status, true]);
          if (status === 200) {
            const seen = await rig.origins.u1.requestTo(path);
            expect(seen.headText.length).toBeGreaterThan(raw(path).length - 200);
            return;
          }
          expect(problemOf(response).code).toBe(code);
          expect(response.fields.one("connection")?.toLowerCase()).toBe("close");
          expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
          await client.closed();
        },
      );
    }

    describe("that never ends", () => {
      const endless: [what: string, begin: string, piece: string, status: number][] = [
        ["field", "GET / HTTP/1.1\r\nHost: gw.test\r\nX: ", "a", 431],
        ["list of fields", "GET / HTTP/1.1\r\nHost: gw.test\r\n", "X-Some: a\r\n", 431],
        ["target", "GET /", "a", 414],
      ];
      test.each(endless)("%s: the client can read the answer while it still sends", async (_, begin, piece, status) => {
        using client = await rig.connect();
        // It looks for an answer only when it has sent everything: a reset by then would have thrown the answer away.
        client.pause();
        await client.send(begin);
        // 256 KiB behind the limit: what a client has under way when the gateway refuses.
        const sending = client.writer.flood(
          256 * KIB,
          300,
          Buffer.from(piece.repeat(Math.ceil((16 * KIB) / piece.length))),
        );
        await sending;
        client.resume();
        const response = await client.receive();
        expect([response.status, response.complete]).toEqual([status, true]);
        client.finish();
        await client.closed();
      });

      test("costs no more than its limit, however long the client goes on", async () => {
        using client = await rig.connect();
        await client.send("GET / HTTP/1.1\r\nHost: gw.test\r\nX: ");
        const before = rig.gateway.residentBytes;
        await client.writer.flood(64 * KIB * KIB, 200);
        expect(rig.gateway.residentBytes - before).toBeLessThan(16 * KIB * KIB);
        await client.closed();
      });
    });

    test("a refusal leaves others alone and stands in the log", async () => {
      const address = rig.gateway.port;
      using other = await connect(address);
      await rig.exchange(get("/", line(65 * KIB)));
      await other.send(get(ownPath()));
      expect((await other.receive()).status).toBe(200);
    });
  },
);

withGateway(
  "a request head with limits of its own",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { maxTarget: "1KiB", maxHead: "2KiB" },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    test.each([
      ["a target within", get(`/${"a".repeat(900)}`), 200],
      ["a target over", get(`/${"a".repeat(1100)}`), 414],
      ["a head within", get("/", line(1900)), 200],
      ["a head over", get("/", line(2100)), 431],
    ] as const)("%s: as the config says", async (_, raw, status) => {
      expect((await rig.exchange(raw)).status).toBe(status);
    });
  },
);
