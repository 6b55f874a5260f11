// Response heads: status line, framing, and what belongs to one hop is taken out of the fields.
import { describe, expect, test } from "bun:test";
import { CHUNKED, type HeadLimits, type Malformed, UNTIL_CLOSE } from "../../src/http/message.ts";
import { type ResponseHead, readResponseHead } from "../../src/http/response-head.ts";
import { bytesOf, LIMITS, linesOf, outcomeOf } from "./wire.ts";

const read = (
  text: string,
  method = "GET",
  limits: HeadLimits = LIMITS,
): ResponseHead | undefined | Malformed["kind"] => outcomeOf(() => readResponseHead(bytesOf(text), 0, limits, method));
const accepted = (text: string, method = "GET"): ResponseHead => {
  const head = read(text, method);
  if (typeof head !== "object") throw new Error(`${JSON.stringify(text)}: ${head ?? "incomplete"}`);
  return head;
};
const ok = (lines: string, version = "1.1", status = "200 OK"): string => `HTTP/${version} ${status}\r\n${lines}\r\n`;

describe("the status line (RFC 9112 section 4)", () => {
  test.each([
    ["HTTP/1.1 200 OK", 200, "OK", true],
    ["HTTP/1.0 200 OK", 200, "OK", false],
    ["HTTP/1.1 200 ", 200, "", true],
    ["HTTP/1.1 200", 200, "", true],
    ["HTTP/1.1 404 Not Found Here", 404, "Not Found Here", true],
    ["HTTP/1.1 200  OK ", 200, " OK ", true],
    ["HTTP/1.1 299 \xe9t\xe9\tok", 299, "\xe9t\xe9\tok", true],
    ["HTTP/1.1 100 Continue", 100, "Continue", true],
    ["HTTP/1.1 599 ?", 599, "?", true],
  ])("%j is read as it stands", (line, status, reason, keepAlive) => {
    const text = `${line}\r\nContent-Length: 0\r\n\r\n`;
    expect(accepted(text)).toMatchObject({ status, reason, keepAlive, end: text.length });
  });

  test.each<[line: string, kind?: Malformed["kind"]]>([
    ["HTTP/1.1"],
    ["HTTP/1.1 "],
    ["HTTP/1.1 20"],
    ["HTTP/1.1 20 OK"],
    ["HTTP/1.1 2000"],
    ["HTTP/1.1 200OK"],
    ["HTTP/1.1 200\tOK"],
    ["HTTP/1.1  200 OK"],
    ["HTTP/1.1\t200 OK"],
    ["HTTP/1.1 2x0 OK"],
    ["HTTP/1.1 -20 OK"],
    ["HTTP/1.1 \xb200 OK"],
    ["HTTP/1.1 000 OK"],
    ["HTTP/1.1 099 OK"],
    ["HTTP/1.1 600 OK"],
    ["HTTP/1.1 999 OK"],
    ["HTTP/1.1 200 O\0K"],
    ["HTTP/1.1 200 O\rK"],
    ["HTTP/1.1 200 O\nK"],
    ["HTTP/1.1 200 OK\r"],
    ["HTTP/1.1 200 O\x7fK"],
    [" HTTP/1.1 200 OK"],
    ["\r\nHTTP/1.1 200 OK"],
    ["ICY 200 OK"],
    ["http/1.1 200 OK"],
    ["HTTP/1 200 OK"],
    ["HTTP/11 200 OK"],
    ["HTTP/1.2 200 OK", "version"],
    ["HTTP/2.0 200 OK", "version"],
    ["HTTP/0.9 200 OK", "version"],
    ["200 OK"],
    ["<html>hello, world</html>"],
    ["X\r\n"],
    [""],
  ])("%j is refused", (line, kind = "syntax") => {
    expect(read(`${line}\r\nContent-Length: 0\r\n\r\n`)).toBe(kind);
  });

  test("a line too short to be one is refused as soon as it ends", () => {
    expect(read("ICY\r\n")).toBe("syntax");
    expect(read("HTTP/1.1 20\n")).toBe("syntax");
    expect(read("\r\n")).toBe("syntax");
  });

  test("field lines keep to the same rules as in requests", () => {
    for (const line of ["X : a", " X: a", "X", ": a", "X: a\0", "X: a\rb", "X: a\nb", "X: a\r\n b", "X(: a"]) {
      expect(read(ok(`${line}\r\n`)), line).toBe("syntax");
    }
  });

  test("while the head is not whole nothing is read and nothing is refused", () => {
    const text = ok("Content-Length: 3\r\nX: y\r\n");
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end)), text.slice(0, end)).toBeUndefined();
    expect(readResponseHead(bytesOf(`abc${text}xyz`), 3, LIMITS, "GET")).toMatchObject({ end: 3 + text.length });
  });
});

describe("the length of the body (RFC 9112 section 6.3)", () => {
  const TE = "Transfer-Encoding: chunked\r\n";
  const FIVE = "Content-Length: 5\r\n";
  const TWICE = FIVE + FIVE;

  test.each<[method: string, status: number, lines: string, length: number, announced: string | undefined]>([
    ["GET", 200, "", UNTIL_CLOSE, undefined],
    ["POST", 500, "", UNTIL_CLOSE, undefined],
    ["GET", 205, "", UNTIL_CLOSE, undefined],
    ["GET", 200, FIVE, 5, "5"],
    ["GET", 200, "Content-Length: 0\r\n", 0, "0"],
    ["GET", 200, "Content-Length: 005\r\n", 5, "005"],
    ["GET", 200, TWICE, 5, "5"],
    ["GET", 200, TE, CHUNKED, undefined],
    ["GET", 304, TE, 0, undefined],
    ["GET", 304, FIVE, 0, "5"],
    ["GET", 304, "", 0, undefined],
    ["GET", 204, "", 0, undefined],
    ["GET", 204, FIVE, 0, "5"],
    ["GET", 204, TE, 0, undefined],
    ["GET", 100, "", 0, undefined],
    ["GET", 103, FIVE, 0, "5"],
    ["GET", 101, TE, 0, undefined],
    ["HEAD", 200, "", 0, undefined],
    ["HEAD", 200, FIVE, 0, "5"],
    ["HEAD", 200, TE, 0, undefined],
    ["HEAD", 404, FIVE, 0, "5"],
  ])("%s, %d, %j: %d", (method, status, lines, length, announced) => {
    const head = accepted(ok(lines, "1.1", String(status)), method);
    expect([head.bodyLength, head.announcedLength]).toEqual([length, announced]);
    expect(head.fields.size).toBe(0);
  });

  test.each<[what: string, lines: string, kind?: Malformed["kind"], version?: string]>([
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"],
    ["a length in two spellings", "Content-Length: 5\r\nContent-Length: 05\r\n"],
    ["a list of lengths", "Content-Length: 5, 5\r\n"],
    ["an empty length", "Content-Length:\r\n"],
    ["a length that is none", "Content-Length: x\r\n"],
    ["a length that cannot be counted", "Content-Length: 99999999999999999999\r\n"],
    ["length and coding", FIVE + TE],
    ["coding and length", TE + FIVE],
    ["coding in HTTP/1.0", TE, "syntax", "1.0"],
    ["an unknown coding", "Transfer-Encoding: gzip\r\n", "coding"],
    ["gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "coding"],
    ["chunked on two lines", TE + TE, "coding"],
    ["identity", "Transfer-Encoding: identity\r\n", "coding"],
    ["an empty coding", "Transfer-Encoding: \r\n", "coding"],
  ])("%s is refused", (_, lines, kind = "syntax", version = "1.1") => {
    expect(read(ok(lines, version))).toBe(kind);
  });

  test("a length that is none is refused also where no content follows", () => {
    expect(read(ok("Content-Length: x\r\n"), "HEAD")).toBe("syntax");
    expect(read(ok("Content-Length: x\r\n", "1.1", "304"))).toBe("syntax");
  });
});

describe("whether the connection stays open (RFC 9112 section 9.3)", () => {
  const FIVE = "Content-Length: 5\r\n";

  test.each<[version: string, lines: string, keepAlive: boolean]>([
    ["1.1", FIVE, true],
    ["1.1", `${FIVE}Connection: keep-alive\r\n`, true],
    ["1.1", `${FIVE}Connection: Close\r\n`, false],
    ["1.1", `${FIVE}Connection: X-Hop\r\nConnection: close\r\n`, false],
    ["1.1", "", false],
    ["1.1", "Connection: keep-alive\r\n", false],
    ["1.0", FIVE, false],
    ["1.0", `${FIVE}Connection: Keep-Alive\r\n`, true],
  ])("HTTP/%s %j: %p", (version, lines, keepAlive) => {
    expect(accepted(ok(lines, version)).keepAlive).toBe(keepAlive);
  });

  test.each<[lines: string, seconds: number | undefined]>([
    ["", undefined],
    ["Keep-Alive: timeout=5\r\n", 5],
    ["Keep-Alive: timeout=5, max=100\r\n", 5],
    ["Keep-Alive: max=100,timeout=5\r\n", 5],
    ["Keep-Alive: max=100; Timeout = 5\r\n", 5],
    ['Keep-Alive: timeout="5"\r\n', 5],
    ["Keep-Alive: timeout=0\r\n", 0],
    ["Keep-Alive: timeout=\r\n", undefined],
    ["Keep-Alive: timeout=-5\r\n", undefined],
    ["Keep-Alive: xtimeout=5\r\n", undefined],
    ["Keep-Alive: 115\r\n", undefined],
    ["Keep-Alive:\r\n", undefined],
  ])("Keep-Alive %j: %p seconds", (lines, seconds) => {
    const head = accepted(ok(lines));
    expect(head.keepAliveTimeout).toBe(seconds);
    expect(head.fields.size).toBe(0);
  });
});

describe("fields of one hop (RFC 9110 section 7.6.1, GW-07)", () => {
  test("the fixed list and all that Connection names are taken out, the rest keeps its order", () => {
    const head = accepted(
      ok(
        "Date: d\r\nConnection: X-Resp-Hop, close\r\nX-Resp-Hop: 1\r\nSet-Cookie: a\r\nKeep-Alive: timeout=9\r\n" +
          "Proxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n" +
          "Upgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authenticate: Basic\r\nProxy-Authorization: Basic eA==\r\n" +
          "Proxy-Authentication-Info: x\r\nset-cookie: b\r\nx-resp-hop: 2\r\nX-Kept: 1\r\n",
      ),
    );
    expect(linesOf(head.fields)).toEqual([
      ["Date", "d"],
      ["Set-Cookie", "a"],
      ["set-cookie", "b"],
      ["X-Kept", "1"],
    ]);
    expect(head).toMatchObject({ bodyLength: CHUNKED, keepAlive: false, keepAliveTimeout: 9, upgrade: "h2c" });
  });

  test("Connection on several lines, in any spelling, before or behind what it names", () => {
    const head = accepted(
      ok("X-A: 1\r\nConnection: x-a,\tX-B\r\nX-B: 2\r\nCONNECTION: , X-C ,\r\nx-c: 3\r\nX-D: 4\r\n"),
    );
    expect(linesOf(head.fields)).toEqual([["X-D", "4"]]);
  });

  test("naming what frames has no effect on the framing", () => {
    const head = accepted(ok("Content-Length: 5\r\nConnection: Content-Length, Connection, Upgrade\r\nUpgrade: x\r\n"));
    expect(head).toMatchObject({ bodyLength: 5, announcedLength: "5", upgrade: "x" });
  });

  test("the Upgrade lines are one list", () => {
    expect(accepted(ok("Upgrade: a\r\nUpgrade: b\r\n", "1.1", "101")).upgrade).toBe("a, b");
    expect(accepted(ok("")).upgrade).toBe("");
  });
});

describe("limits", () => {
  test("a head up to the limit passes, one byte more is too large", () => {
    const text = ok(`X: ${"a".repeat(100)}\r\n`);
    expect(read(text, "GET", { ...LIMITS, maxHead: text.length })).toMatchObject({ status: 200 });
    expect(read(text, "GET", { ...LIMITS, maxHead: text.length - 1 })).toBe("size");
  });

  test("field lines up to the limit pass, one more is too many", () => {
    expect(read(ok("X: y\r\n".repeat(100)))).toMatchObject({ status: 200 });
    expect(read(ok("X: y\r\n".repeat(101)))).toBe("size");
  });
});
