// A broken answer is a clear 502, or, once its head has gone out, visibly broken: never a clean end (case kind bodies).
import { describe, expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";
import { get, problemOf } from "../support/messages.ts";
import { plain, type Behaviour } from "../support/origin-exchange.ts";
import { ownPath, withGateway } from "../support/rig.ts";

/** Sends these bytes, waits a moment, and ends the connection so. */
function then(end: "finish" | "reset", ...pieces: string[]): Behaviour {
  return async (x) => {
    await x.body();
    for (const piece of pieces) {
      await x.send(piece);
      await x.wait(20);
    }
    x[end]();
  };
}

/** Sends these bytes and leaves the connection open. */
function stays(...pieces: string[]): Behaviour {
  return async (x) => {
    for (const piece of pieces) {
      await x.send(piece);
      await x.wait(20);
    }
    await x.hang();
  };
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

withGateway(
  "an upstream's answer",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      upstreams: { u1: { targets: [u1.url], maxHead: "16KiB", timeouts: { firstByte: "2s", idle: "2s" } } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    describe("that breaks before its head is whole", () => {
      const rows: [what: string, behaviour: Behaviour, code: string | RegExp][] = [
        ["FIN at once", then("finish"), "connection_terminated"],
        ["RST at once", then("reset"), "connection_terminated"],
        ["half a status line, FIN", then("finish", "HTTP/1.1 2"), "http_response_incomplete"],
        ["half a status line, RST", then("reset", "HTTP/1.1 2"), /http_response_incomplete|connection_terminated/],
        ["a cut head, FIN", then("finish", `${OK}Content-Le`), "http_response_incomplete"],
        [
          "an interim answer, FIN",
          then("finish", "HTTP/1.1 100 Continue\r\n\r\n"),
          /http_response_incomplete|connection_terminated/,
        ],
        ["garbage", stays("\x16\x03\x01 what is this\r\n\r\n"), "http_protocol_error"],
        ["SSH", stays("SSH-2.0-OpenSSH_9.2\r\n"), "http_protocol_error"],
        ["HTTP/0.9", then("finish", "<html>hello</html>"), /http_protocol_error|http_response_incomplete/],
        ["HTTP/2.0", stays("HTTP/2.0 200 OK\r\n\r\n"), "http_protocol_error"],
        ["two digits of status", stays("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "http_protocol_error"],
        ["status 099", stays("HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"), "http_protocol_error"],
        ["a space before the colon", stays(`${OK}X : 1\r\nContent-Length: 0\r\n\r\n`), "http_protocol_error"],
        ["a line without a colon", stays(`${OK}nonsense\r\nContent-Length: 0\r\n\r\n`), "http_protocol_error"],
        ["a folded line", stays(`${OK}X: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`), "http_protocol_error"],
        ["a NUL in a value", stays(`${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`), "http_protocol_error"],
        ["a bare CR in a value", stays(`${OK}X: a\rb\r\nContent-Length: 0\r\n\r\n`), "http_protocol_error"],
        ["bare LF line ends", stays("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), "http_protocol_error"],
        ["two lengths", stays(`${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`), "http_protocol_error"],
        ["a length that is none", stays(`${OK}Content-Length: 0x2\r\n\r\nab`), "http_protocol_error"],
        ["a negative length", stays(`${OK}Content-Length: -1\r\n\r\n`), "http_protocol_error"],
        ["a length of 30 digits", stays(`${OK}Content-Length: ${"9".repeat(30)}\r\n\r\n`), "http_protocol_error"],
        ["a list of lengths", stays(`${OK}Content-Length: 2, 2\r\n\r\nab`), "http_protocol_error"],
        [
          "length and chunked",
          stays(`${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
          "http_protocol_error",
        ],
        ["an unknown transfer coding", stays(`${OK}Transfer-Encoding: gzip\r\n\r\n`), /http_response_transfer_coding/],
        [
          "gzip, chunked",
          stays(`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
          /http_response_transfer_coding/,
        ],
        [
          "a head over the limit",
          stays(`${OK}X: ${"a".repeat(17 * 1024)}\r\n\r\n`),
          "http_response_header_section_size",
        ],
        [
          "a head that never ends",
          async (x) => void (await x.send(`${OK}X: `), await x.writer.flood(4e6, 500)),
          "http_response_header_section_size",
        ],
        ["20,000 fields", stays(OK + "X: 1\r\n".repeat(20_000)), "http_response_header_section_size"],
        [
          "a 101 nobody asked for",
          stays("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
          /http_upgrade_failed|http_protocol_error/,
        ],
      ];
      test.each(rows)("%s: 502 that says so", async (_, behaviour, code) => {
        const path = ownPath();
        rig.origins.u1.at(path, behaviour);
        const response = await rig.exchange(get(path));
        expect([response.status, response.complete]).toEqual([502, true]);
        const problem = problemOf(response);
        if (typeof code === "string") expect(problem.code).toBe(code);
        else expect(problem.code).toMatch(code);
        expect(response.fields.one("proxy-status")).toContain(`error=${problem.code}`);
        const address = new RegExp(`127\\.0\\.0\\.1|${rig.origins.u1.port}`);
        expect(response.headText + response.body.text).not.toMatch(address);
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(1);
      });
    });

    describe("that breaks off in its body", () => {
      const rows: [what: string, behaviour: Behaviour, begun: string][] = [
        ["a length cut by FIN", then("finish", `${OK}Content-Length: 10\r\n\r\nabc`), "abc"],
        ["a length cut by RST", then("reset", `${OK}Content-Length: 10\r\n\r\nabc`), "abc"],
        ["a length cut before its first byte", then("finish", `${OK}Content-Length: 10\r\n\r\n`), ""],
        ["a chunk cut by FIN", then("finish", `${CHUNKED}a\r\nabc`), "abc"],
        ["a chunk cut by RST", then("reset", `${CHUNKED}a\r\nabc`), "abc"],
        ["a missing last chunk", then("finish", `${CHUNKED}3\r\nabc\r\n`), "abc"],
        ["a missing last CRLF", then("finish", `${CHUNKED}3\r\nabc\r\n0\r\n`), "abc"],
        ["a chunk size that is none", stays(CHUNKED, "3\r\nabc\r\n", "zz\r\n"), "abc"],
        ["no CRLF behind a chunk", stays(CHUNKED, "3\r\nabcX", "X3\r\ndef\r\n0\r\n\r\n"), "abc"],
        ["CR without LF behind a chunk", stays(CHUNKED, "3\r\nabc\r", "X3\r\ndef\r\n0\r\n\r\n"), "abc"],
        ["a chunk size that wraps", stays(CHUNKED, "3\r\nabc\r\n", "10000000000000003\r\nabc\r\n0\r\n\r\n"), "abc"],
        ["a bare LF behind a size", stays(CHUNKED, "3\r\nabc\r\n", "3\ndef\r\n0\r\n\r\n"), "abc"],
        ["a body until close cut by RST", then("reset", `${OK}\r\nabc`), "abc"],
      ];
      const versions: [version: string, ended: (client: RawClient) => Promise<unknown>][] = [
        ["1.1", (client) => client.closed()],
        ["1.0", async (client) => expect(await client.closed()).toBe("reset")],
      ];
      for (const [version, ended] of versions) {
        test.each(rows)(`%s: an HTTP/${version} client sees that it is not whole`, async (_, behaviour, begun) => {
          const path = ownPath();
          rig.origins.u1.at(path, behaviour);
          using client = await rig.connect();
          await client.send(`GET ${path} HTTP/${version}\r\nHost: gw.test\r\n\r\n`);
          const response = await client.receive();
          if (response.status === 502) {
            // Nothing had gone out yet: saying so is better still.
            expect(problemOf(response).code).toMatch(
              /http_response_incomplete|http_protocol_error|connection_terminated/,
            );
            return;
          }
          expect([response.status, response.complete]).toEqual([200, false]);
          expect(begun.startsWith(response.body.text)).toBe(true);
          await ended(client);
        });
      }
    });

    test("interim answers without end do not put off the time for the first byte", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        while ((await x.send("HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n".repeat(100))) && (await x.wait(5)));
      });
      const sent = performance.now();
      const response = await rig.exchange(get(path));
      expect([502, 504]).toContain(response.status);
      expect(performance.now() - sent).toBeLessThan(4000);
      await until(
        () => rig.origins.u1.requestsTo(path)[0]!.connection.ending !== "open",
        "the connection to be closed",
      );
    });

    test("an answer that stalls is cut after the idle time, not before", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, stays(`${OK}Content-Length: 10\r\n\r\nabc`));
      const sent = performance.now();
      const response = await rig.exchange(get(path));
      expect([response.status, response.complete, response.body.text]).toEqual([200, false, "abc"]);
      expect(performance.now() - sent).toBeGreaterThan(1900);
      expect(performance.now() - sent).toBeLessThan(4000);
      expect(rig.origins.u1.requestsTo(path)[0]!.connection.ending).not.toBe("open");
    });

    test("after all of these the gateway serves as before", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, plain("well"));
      expect((await rig.exchange(get(path))).body.text).toBe("well");
    });
  },
);
