// Request heads: what RFC 9112 allows is read as it stands, everything else is refused.
import { describe, expect, test } from "bun:test";
import { CHUNKED, type HeadLimits, type Malformed } from "../../src/http/message.ts";
import { type RequestHead, readRequestHead } from "../../src/http/request-head.ts";
import { bytesOf, LIMITS, linesOf, outcomeOf } from "./wire.ts";

const read = (text: string, limits: HeadLimits = LIMITS): RequestHead | undefined | Malformed["kind"] =>
  outcomeOf(() => readRequestHead(bytesOf(text), 0, limits));
const accepted = (text: string): RequestHead => {
  const head = read(text);
  if (typeof head !== "object") throw new Error(`${JSON.stringify(text)}: ${head ?? "incomplete"}`);
  return head;
};
const withFields = (lines: string, version = "1.1"): string => `POST / HTTP/${version}\r\n${lines}\r\n`;
const every = (test: (character: string) => boolean): string[] =>
  Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter(test);
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;

describe("the request line (RFC 9112 section 3)", () => {
  test.each([
    ["GET / HTTP/1.1", "GET", "/", 1],
    ["GET / HTTP/1.0", "GET", "/", 0],
    ["get /a HTTP/1.1", "get", "/a", 1],
    ["M-SEARCH * HTTP/1.1", "M-SEARCH", "*", 1],
    ["OPTIONS * HTTP/1.1", "OPTIONS", "*", 1],
    ["GET http://h.test/a?b HTTP/1.1", "GET", "http://h.test/a?b", 1],
    ["GET /%E9/a%2Fb//c?x=1&y=%zz&? HTTP/1.1", "GET", "/%E9/a%2Fb//c?x=1&y=%zz&?", 1],
    ["GET /\xc3\xb8 HTTP/1.1", "GET", "/\xc3\xb8", 1],
    ["GET HTTP/1.1 HTTP/1.1", "GET", "HTTP/1.1", 1],
  ])("%s is read as it stands", (line, method, target, minor) => {
    const text = `${line}\r\nHost: h\r\n\r\n`;
    expect(accepted(text)).toMatchObject({ method, target, minor, end: text.length, bodyLength: 0 });
  });

  test.each<[line: string, kind: Malformed["kind"]]>([
    ["GET /", "syntax"],
    ["GET / ", "syntax"],
    ["GET", "syntax"],
    ["", "syntax"],
    [" GET / HTTP/1.1", "syntax"],
    [" / HTTP/1.1", "syntax"],
    ["GET  / HTTP/1.1", "syntax"],
    ["GET  HTTP/1.1", "syntax"],
    ["GET /  HTTP/1.1", "syntax"],
    ["GET / HTTP/1.1 ", "syntax"],
    ["GET /\tHTTP/1.1", "syntax"],
    ["GET\t/ HTTP/1.1", "syntax"],
    ["GET / a HTTP/1.1", "syntax"],
    ["GE(T / HTTP/1.1", "syntax"],
    ["G\xc9T / HTTP/1.1", "syntax"],
    ["GET: / HTTP/1.1", "syntax"],
    ["GET / http/1.1", "syntax"],
    ["GET / HTTP 1.1", "syntax"],
    ["GET / HTTP/11", "syntax"],
    ["GET / HTTP/1.", "syntax"],
    ["GET / HTTP/1,1", "syntax"],
    ["GET / HTTP/1.1\r", "syntax"],
    ["GET / HTTP/01.1", "syntax"],
    ["GET / HTTP/1.10", "syntax"],
    ["GET / HTTP/-1.1", "syntax"],
    ["GET / HTTPS/1.1", "syntax"],
    ["GET / XTTP/1.1", "syntax"],
    ["GET / HTTP/\xb1.1", "syntax"],
    ["GET / HTTP/1.2", "version"],
    ["GET / HTTP/1.9", "version"],
    ["GET / HTTP/0.9", "version"],
    ["GET / HTTP/2.0", "version"],
    ["PRI * HTTP/2.0", "version"],
    ["GET / HTTP/9.9", "version"],
  ])("%j is refused (%s)", (line, kind) => {
    expect(read(`${line}\r\nHost: h\r\n\r\n`)).toBe(kind);
  });

  test("a method is any token, and nothing else", () => {
    expect(every((c) => read(`G${c}T / HTTP/1.1\r\n\r\n`) !== "syntax")).toEqual(
      every((c) => TOKEN.test(c) || c === " ").filter((c) => c !== " "),
    );
  });

  test("a target holds any byte but blanks and controls", () => {
    const allowed = every((c) => c > " " && c !== "\x7f");
    expect(every((c) => read(`GET /a${c}b HTTP/1.1\r\n\r\n`) !== "syntax")).toEqual(allowed);
    for (const c of allowed) expect(accepted(`GET /a${c}b HTTP/1.1\r\n\r\n`).target).toBe(`/a${c}b`);
  });

  test("ends with CR LF: a bare LF or CR is refused (GW-56)", () => {
    expect(read("GET / HTTP/1.1\nHost: h\n\n")).toBe("syntax");
    expect(read("GET / HTTP/1.1\nHost: h\r\n\r\n")).toBe("syntax");
    expect(read("GET / HTTP/1.1\rHost: h\r\n\r\n")).toBe("syntax");
    expect(read("GET /\n")).toBe("syntax");
    expect(read("GET / HT\n")).toBe("syntax");
  });

  test("empty lines before it are passed over, half ones are not (RFC 9112 section 2.2)", () => {
    expect(accepted("\r\n\r\n\r\nGET /a HTTP/1.1\r\n\r\n").target).toBe("/a");
    expect(read("\r\n\r\n")).toBeUndefined();
    expect(read("\r\n\r")).toBeUndefined();
    expect(read("\nGET / HTTP/1.1\r\n\r\n")).toBe("syntax");
    expect(read("\rGET / HTTP/1.1\r\n\r\n")).toBe("syntax");
    expect(read("\r\r\nGET / HTTP/1.1\r\n\r\n")).toBe("syntax");
    expect(read(" \r\nGET / HTTP/1.1\r\n\r\n")).toBe("syntax");
  });
});

describe("field lines (RFC 9112 section 5)", () => {
  test("keep their spelling, order and repetition", () => {
    const { fields } = accepted(
      withFields("Host: h\r\nX-b: 1\r\nx-A: 2\r\nSet-Cookie: a\r\nx-a: 3\r\nset-cookie: b\r\n"),
    );
    expect(linesOf(fields)).toEqual([
      ["Host", "h"],
      ["X-b", "1"],
      ["x-A", "2"],
      ["Set-Cookie", "a"],
      ["x-a", "3"],
      ["set-cookie", "b"],
    ]);
    expect(fields.keys).toEqual(["host", "x-b", "x-a", "set-cookie", "x-a", "set-cookie"]);
  });

  test("names that fall into one place of the table of known names stay apart, however often they come", () => {
    // These pairs have the same hash.
    const names = ["Aa", "BB", "aA", "bb", "X-AaAa", "X-BBBB", "X-AaBB", `Y${"Aa".repeat(50)}`, `Y${"BB".repeat(50)}`];
    for (let time = 0; time < 3; time++) {
      const { fields } = accepted(withFields(names.map((name) => `${name}: v\r\n`).join("")));
      expect(fields.names).toEqual(names);
      expect(fields.keys).toEqual(names.map((name) => name.toLowerCase()));
    }
  });

  test("more names than any table holds are read as they stand", () => {
    const limits = { maxTarget: 100, maxHead: 1_000_000, maxFields: 5000 };
    const names = Array.from({ length: 5000 }, (_, i) => `X-${(i * 7919).toString(36)}`);
    const head = read(withFields(names.map((name) => `${name}:\r\n`).join("")), limits) as RequestHead;
    expect(head.fields.names).toEqual(names);
    expect(head.fields.keys).toEqual(names.map((name) => name.toLowerCase()));
  });

  test.each([
    ["X:v", "v"],
    ["X: v", "v"],
    ["X:\tv\t", "v"],
    ["X: \t v \t ", "v"],
    ["X:", ""],
    ["X: ", ""],
    ["X:\t \t", ""],
    ["X: a b\tc", "a b\tc"],
    ["X: a: b", "a: b"],
    ["X::", ":"],
    ["X: \xe9\xff\x80", "\xe9\xff\x80"],
    ["X: \xa0v\xa0", "\xa0v\xa0"],
    ['X: "a\\"b", c;d=e', '"a\\"b", c;d=e'],
  ])("%j has the value %j: blanks around it do not count, those inside do", (line, value) => {
    expect(accepted(withFields(`${line}\r\n`)).fields.get("x")).toBe(value);
  });

  test("a name is any token, and nothing else", () => {
    // The colon ends the name.
    const allowed = every((c) => TOKEN.test(c) || c === ":");
    expect(every((c) => read(withFields(`X${c}Y: v\r\n`)) !== "syntax")).toEqual(allowed);
    for (const c of every((c) => TOKEN.test(c))) {
      expect(accepted(withFields(`X${c}Y: v\r\n`)).fields.names).toEqual([`X${c}Y`]);
    }
  });

  test("a value holds no control but tab", () => {
    const allowed = every((c) => c === "\t" || (c >= " " && c !== "\x7f"));
    expect(every((c) => read(withFields(`X: a${c}b\r\n`)) !== "syntax")).toEqual(allowed);
  });

  test.each([
    ["a space before the colon", "Transfer-Encoding : chunked\r\n"],
    ["a tab before the colon", "Transfer-Encoding\t: chunked\r\n"],
    ["a folded line", "X: a\r\n b\r\n"],
    ["a folded line with a tab", "Transfer-Encoding:\r\n\tchunked\r\n"],
    ["a first line that begins with a space", " X: a\r\n"],
    ["a line of blanks", "X: a\r\n  \r\n"],
    ["an empty name", ": a\r\n"],
    ["no colon", "X\r\n"],
    ["a NUL in the name", "X\0: a\r\n"],
    ["a NUL in the value", "X: a\0\r\n"],
    ["a bare CR in the value", "X: a\rb\r\n"],
    ["a bare CR before the line end", "X: a\r\r\n"],
    ["a bare LF in the value", "X: a\nY: b\r\n"],
    ["a bare LF for the line end", "X: a\n"],
    ["LF CR", "X: a\n\r\n"],
    ["a bare CR for the empty line", "X: a\r\n\rY: b\r\n"],
    ["a bare LF for the empty line", "X: a\r\n\n"],
    ["a quoted name", '"X": a\r\n'],
    ["a name with brackets", "X[0]: a\r\n"],
    ["a byte above ASCII in the name", "X\xe9: a\r\n"],
  ])("%s is refused (GW-56)", (_, lines) => {
    expect(read(withFields(lines))).toBe("syntax");
    expect(read(withFields(`Host: h\r\n${lines}`))).toBe("syntax");
  });
});

describe("the length of the body (RFC 9112 section 6.3)", () => {
  test.each([
    ["no field that frames", "", 0],
    ["Content-Length", "Content-Length: 5\r\n", 5],
    ["any spelling", "cOnTENT-lENGTH:5\r\n", 5],
    ["blanks around", "Content-Length: \t5 \t\r\n", 5],
    ["zero", "Content-Length: 0\r\n", 0],
    ["leading zeros", "Content-Length: 0005\r\n", 5],
    ["the largest that can be counted", "Content-Length: 9007199254740991\r\n", Number.MAX_SAFE_INTEGER],
    ["chunked", "Transfer-Encoding: chunked\r\n", CHUNKED],
    ["chunked in capitals", "TRANSFER-ENCODING:\tChunKED \r\n", CHUNKED],
  ])("%s", (_, lines, length) => {
    expect(accepted(withFields(lines)).bodyLength).toBe(length);
  });

  test.each<[what: string, lines: string, kind?: Malformed["kind"]]>([
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"],
    ["the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n"],
    ["a list of lengths", "Content-Length: 5, 5\r\n"],
    ["an empty length", "Content-Length:\r\n"],
    ["an empty length beside a good one", "Content-Length:\r\nContent-Length: 5\r\n"],
    ["a sign", "Content-Length: +5\r\n"],
    ["a negative length", "Content-Length: -5\r\n"],
    ["a hexadecimal length", "Content-Length: 0x5\r\n"],
    ["a letter behind", "Content-Length: 5a\r\n"],
    ["a space inside", "Content-Length: 5 5\r\n"],
    ["a fraction", "Content-Length: 5.0\r\n"],
    ["an exponent", "Content-Length: 1e1\r\n"],
    ["quotes", 'Content-Length: "5"\r\n'],
    ["digits of another script", "Content-Length: \xb2\r\n"],
    ["more than can be counted", "Content-Length: 9007199254740992\r\n"],
    ["more than 64 bits", "Content-Length: 18446744073709551621\r\n"],
    ["more digits than any length has", `Content-Length: ${"0".repeat(16)}5\r\n`],
    ["length and coding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
    ["coding and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"],
    ["length 0 and coding", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"],
    ["length and an unknown coding", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n"],
    ["an empty coding", "Transfer-Encoding:\r\n", "coding"],
    ["an empty coding, then chunked", "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n", "coding"],
    ["a comma", "Transfer-Encoding: ,\r\n", "coding"],
    ["chunked and a comma", "Transfer-Encoding: chunked,\r\n", "coding"],
    ["identity", "Transfer-Encoding: identity\r\n", "coding"],
    ["gzip", "Transfer-Encoding: gzip\r\n", "coding"],
    ["gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "coding"],
    ["gzip and chunked on two lines", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "coding"],
    ["chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n", "coding"],
    ["chunked, identity", "Transfer-Encoding: chunked, identity\r\n", "coding"],
    ["chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "coding"],
    ["chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "coding"],
    ["xchunked", "Transfer-Encoding: xchunked\r\n", "coding"],
    ["chunkedx", "Transfer-Encoding: chunkedx\r\n", "coding"],
    ["quoted chunked", 'Transfer-Encoding: "chunked"\r\n', "coding"],
    ["chunked with a parameter", "Transfer-Encoding: chunked;q=1\r\n", "coding"],
    ["a no-break space before chunked", "Transfer-Encoding: \xa0chunked\r\n", "coding"],
    ["a letter that lower case makes a k", "Transfer-Encoding: chun\xe2\x84\xaaed\r\n", "coding"],
  ])("%s is refused (GW-55)", (_, lines, kind = "syntax") => {
    expect(read(withFields(lines))).toBe(kind);
  });

  test("a coding in HTTP/1.0 is refused (RFC 9112 section 6.1)", () => {
    expect(read(withFields("Transfer-Encoding: chunked\r\n", "1.0"))).toBe("syntax");
    expect(read(withFields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "1.0"))).toBe("syntax");
    expect(accepted(withFields("Content-Length: 5\r\n", "1.0")).bodyLength).toBe(5);
  });

  test("fields that only look alike do not frame", () => {
    const lines = "Content_Length: 5\r\nX-Transfer-Encoding: chunked\r\nTransfer-Encodings: chunked\r\n";
    expect(accepted(withFields(lines)).bodyLength).toBe(0);
  });
});

describe("whether the connection stays open (RFC 9112 section 9.3)", () => {
  test.each<[version: string, lines: string, keepAlive: boolean]>([
    ["1.1", "", true],
    ["1.1", "Connection: keep-alive\r\n", true],
    ["1.1", "Connection: close\r\n", false],
    ["1.1", "Connection: CLOSE\r\n", false],
    ["1.1", "Connection: X-Hop, close\r\n", false],
    ["1.1", "Connection: keep-alive,close\r\n", false],
    ["1.1", "Connection: keep-alive\r\nConnection: close\r\n", false],
    ["1.1", "Connection: ,,\tclose ,\r\n", false],
    ["1.1", "Connection: closed\r\n", true],
    ["1.1", "Connection: close\xa0\r\n", true],
    ["1.0", "Connection: \xa0keep-alive\r\n", false],
    ["1.1", "Connection: upgrade\r\n", true],
    ["1.1", "Connection:\r\n", true],
    ["1.1", "Proxy-Connection: close\r\n", true],
    ["1.1", "Keep-Alive: close\r\n", true],
    ["1.0", "", false],
    ["1.0", "Connection: keep-alive\r\n", true],
    ["1.0", "Connection: Keep-Alive\r\n", true],
    ["1.0", "Connection: X-Hop, keep-alive\r\n", true],
    ["1.0", "Connection: keep-alive, close\r\n", false],
    ["1.0", "Connection: upgrade\r\n", false],
    ["1.0", "Keep-Alive: timeout=5\r\n", false],
  ])("HTTP/%s %j: %p", (version, lines, keepAlive) => {
    expect(accepted(withFields(lines, version)).keepAlive).toBe(keepAlive);
  });
});

describe("limits", () => {
  const line = (length: number): string => `GET /${"a".repeat(length - 5)} HTTP/1.1\r\n\r\n`;

  test("a request line up to the limit passes, one byte more is too long", () => {
    expect(read(line(8192))).toMatchObject({ method: "GET" });
    expect(read(line(8193))).toBe("target-size");
  });

  test("a request line that is too long is known before it ends, a method without end too", () => {
    expect(read(`GET /${"a".repeat(8187)}`)).toBeUndefined();
    expect(read(`GET /${"a".repeat(8188)}`)).toBe("target-size");
    expect(read("G".repeat(8191))).toBeUndefined();
    expect(read("G".repeat(8192))).toBe("target-size");
  });

  test("a head up to the limit passes, one byte more is too large; empty lines before it do not count", () => {
    const head = (length: number): string => `GET / HTTP/1.1\r\nX: ${"a".repeat(length - 23)}\r\n\r\n`;
    expect(head(1000)).toHaveLength(1000);
    const limits = { ...LIMITS, maxHead: 1000 };
    expect(read(head(1000), limits)).toMatchObject({ end: 1000 });
    expect(read(`\r\n${head(1000)}`, limits)).toMatchObject({ end: 1002 });
    expect(read(head(1001), limits)).toBe("size");
    expect(read(`${head(1000)}${"body".repeat(1000)}`, limits)).toMatchObject({ end: 1000 });
  });

  test("field lines up to the limit pass, one more is too many, known before the head ends", () => {
    const fields = (count: number): string => `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(count)}`;
    expect(read(`${fields(100)}\r\n`)).toMatchObject({ method: "GET" });
    expect(read(`${fields(101)}\r\n`)).toBe("size");
    expect(read(fields(101))).toBe("size");
    const many = read(`${fields(2000)}\r\n`, { ...LIMITS, maxFields: 2000 });
    expect((many as RequestHead).fields.size).toBe(2000);
  });
});

describe("bytes around a head", () => {
  const text = "POST /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 3\r\n\r\n";

  test("while the head is not whole nothing is read and nothing is refused", () => {
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end)), text.slice(0, end)).toBeUndefined();
    expect(accepted(text).end).toBe(text.length);
  });

  test("what follows is not touched, and what came before neither", () => {
    const before = "earlier body";
    const head = readRequestHead(bytesOf(`${before}${text}\0\r\n\xff`), before.length, LIMITS);
    expect(head).toMatchObject({ method: "POST", target: "/a?b", bodyLength: 3, end: before.length + text.length });
    expect(linesOf(head?.fields)).toEqual([
      ["Host", "h"],
      ["X", "y"],
      ["Content-Length", "3"],
    ]);
  });

  test("a head keeps nothing of the one read before it", () => {
    accepted(withFields("Content-Length: 5\r\nConnection: close\r\nA: 1\r\nB: 2\r\n"));
    const head = accepted(withFields("C: 3\r\n"));
    expect(head).toMatchObject({ bodyLength: 0, keepAlive: true });
    expect(linesOf(head.fields)).toEqual([["C", "3"]]);
  });
});
