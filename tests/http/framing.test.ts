// Bodies in their framing: sized, until the connection ends, and chunks by the letter of RFC 9112 section 7.1.
import { describe, expect, test } from "bun:test";
import { Fields } from "../../src/http/fields.ts";
import { BodyReader, chunkOf, joined, lastChunk } from "../../src/http/framing.ts";
import { CHUNKED, type Malformed, UNTIL_CLOSE } from "../../src/http/message.ts";
import { bytesOf, linesOf, outcomeOf, readBody, textOf } from "./wire.ts";

const chunked = (text: string) => outcomeOf(() => readBody(CHUNKED, [bytesOf(text)]));

describe("a sized body", () => {
  test("ends at its length, and what follows is left", () => {
    expect(readBody(5, [bytesOf("helloGET /")])).toMatchObject({ content: "hello", end: 5, done: true });
    expect(readBody(5, [bytesOf("he"), bytesOf("l"), bytesOf("loGET /")])).toMatchObject({ end: 5, done: true });
    expect(readBody(5, [bytesOf("hell")])).toMatchObject({ content: "hell", end: 4, done: false });
  });

  test("of no length is done from the start and takes nothing", () => {
    const reader = new BodyReader(0);
    expect(reader.done).toBe(true);
    expect(reader.feed(bytesOf("abc"), 1, () => expect.unreachable())).toBe(1);
  });

  test("begins where told, and hands bytes that all belong to it on without a copy", () => {
    const bytes = bytesOf("headhello");
    const pieces: Uint8Array[] = [];
    expect(new BodyReader(5).feed(bytes, 4, (piece) => void pieces.push(piece))).toBe(9);
    expect(pieces.map(textOf)).toEqual(["hello"]);
    const whole = bytesOf("hello");
    new BodyReader(5).feed(whole, 0, (piece) => expect(piece).toBe(whole));
  });

  test("is not made whole by the end of the connection", () => {
    const reader = new BodyReader(5);
    reader.feed(bytesOf("hell"), 0, () => {});
    expect([reader.endedByClose(), reader.done]).toEqual([false, false]);
  });
});

describe("a body until the connection ends", () => {
  test("takes everything, and the end makes it whole", () => {
    const reader = new BodyReader(UNTIL_CLOSE);
    let content = "";
    const take = (piece: Uint8Array): void => void (content += textOf(piece));
    expect(reader.feed(bytesOf("GET / HTTP/1.1\r\n\r\n"), 4, take)).toBe(18);
    expect(reader.feed(bytesOf("0\r\n\r\n"), 0, take)).toBe(5);
    expect(reader.done).toBe(false);
    expect([reader.endedByClose(), reader.done]).toEqual([true, true]);
    expect(content).toBe("/ HTTP/1.1\r\n\r\n0\r\n\r\n");
  });

  test("may be empty", () => {
    expect(new BodyReader(UNTIL_CLOSE).endedByClose()).toBe(true);
  });
});

describe("chunks", () => {
  const END = "0\r\n\r\n";

  test.each([
    ["none but the last", END, ""],
    ["one", `5\r\nhello\r\n${END}`, "hello"],
    ["several", `2\r\nhe\r\n3\r\nllo\r\n${END}`, "hello"],
    ["a size in capitals", `A\r\n0123456789\r\n${END}`, "0123456789"],
    ["a size in small letters", `a\r\n0123456789\r\n${END}`, "0123456789"],
    ["a size of two digits", `1a\r\n${"x".repeat(26)}\r\n${END}`, "x".repeat(26)],
    ["a size of four digits", `1F0a\r\n${"x".repeat(0x1f0a)}\r\n${END}`, "x".repeat(0x1f0a)],
    ["leading zeros", `0005\r\nhello\r\n${END}`, "hello"],
    ["as many digits as can be counted", `${"5".padStart(13, "0")}\r\nhello\r\n${END}`, "hello"],
    ["a last chunk of many zeros", "5\r\nhello\r\n0000\r\n\r\n", "hello"],
    ["line ends in the content", `4\r\n\r\n\r\n\r\n${END}`, "\r\n\r\n"],
    ["a last chunk in the content", `5\r\n${END}\r\n${END}`, END],
    ["any byte", `4\r\n\0\xff\x80\n\r\n${END}`, "\0\xff\x80\n"],
  ])("%s", (_, text, content) => {
    expect(chunked(`${text}GET /`)).toEqual({ content, end: text.length, done: true, trailers: undefined });
  });

  test("an extension is passed over (GW-58)", () => {
    for (const extension of [
      ";a",
      ";a=b",
      "; a=b",
      ";\ta = b",
      ";a;b=c",
      ";a=b ;c",
      ';a="b"',
      ';a=""',
      ';a="b;c=d, \t\\"\\\\ \xe9"',
      ';a="0\\\xe9"; b=1',
      `;a=${"b".repeat(1021)}`,
    ]) {
      const text = `5${extension}\r\nhello\r\n0${extension}\r\n\r\n`;
      expect(chunked(text), extension).toMatchObject({ content: "hello", end: text.length, done: true });
    }
  });

  test.each([
    ["no size", "\r\nhello\r\n"],
    ["an extension without a size", ";a=b\r\nhello\r\n"],
    ["a sign", "+5\r\nhello\r\n"],
    ["a negative size", "-5\r\nhello\r\n"],
    ["a prefix", "0x5\r\nhello\r\n"],
    ["a suffix", "5h\r\nhello\r\n"],
    ["a letter beyond f", "g\r\nhello\r\n"],
    ["a space before the size", " 5\r\nhello\r\n"],
    ["a space behind the size", "5 \r\nhello\r\n"],
    ["a tab behind the size", "5\t\r\nhello\r\n"],
    ["a comma", "5,5\r\nhello\r\n"],
    ["an underscore", "1_0\r\nhello\r\n"],
    ["a fraction", "5.0\r\nhello\r\n"],
    ["a size of 14 digits", `${"5".padStart(14, "0")}\r\nhello\r\n`],
    ["a size of 17 digits", "10000000000000005\r\nhello\r\n"],
    ["a bare LF behind the size", "5\nhello\r\n"],
    ["a bare CR behind the size", "5\rhello\r\n"],
    ["CR CR behind the size", "5\r\rhello\r\n"],
    ["two bare LFs behind the size", "5\n\nhello\r\n"],
    ["a NUL and LF behind the size", "5\0\nhello\r\n"],
    ["a comma and LF behind the size", "5,\nhello\r\n"],
    ["CR and another byte behind the size", "5\rXhello\r\n"],
    ["CR CR LF behind the size", "5\r\r\nhello\r\n"],
    ["a NUL behind the size", "5\0\r\nhello\r\n"],
    ["a chunk longer than its size", "4\r\nhello\r\n"],
    ["a chunk without its line end", "5\r\nhello5\r\nhello\r\n"],
    ["a bare LF behind the content", "5\r\nhello\n"],
    ["a bare CR behind the content", "5\r\nhello\r5\r\n"],
    ["CR and another byte behind the content", "5\r\nhello\rX"],
    ["CR CR behind the content", "5\r\nhello\r\r"],
    ["something in place of the last line end", "0\r\nXX"],
    ["a bare LF in place of it", "0\r\n\n"],
    ["a bare CR in place of it", "0\r\n\rX"],
    ["a bare LF behind the last chunk", "0\n\r\n"],
    ["an extension of nothing", "5;\r\nhello\r\n"],
    ["an extension of blanks", "5; \r\nhello\r\n"],
    ["an extension without a name", "5;=b\r\nhello\r\n"],
    ["an extension without its value", "5;a=\r\nhello\r\n"],
    ["two semicolons", "5;;a\r\nhello\r\n"],
    ["a semicolon at the end", "5;a;\r\nhello\r\n"],
    ["a blank at the end", "5;a \r\nhello\r\n"],
    ["a blank in an extension", "5;a b\r\nhello\r\n"],
    ["a bare LF in an extension", "5;a\nb\r\nhello\r\n"],
    ["a bare CR in an extension", "5;a\rb\r\nhello\r\n"],
    ["a NUL in an extension", "5;a\0\r\nhello\r\n"],
    ["a DEL in an extension", '5;a="\x7f"\r\nhello\r\n'],
    ["a byte above ASCII in the name of an extension", "5;\xe9\r\nhello\r\n"],
    ["an open quote in an extension", '5;a="b\r\nhello\r\n'],
    ["an open quote behind a backslash", '5;a="b\\"\r\nhello\r\n'],
    ["text behind a quote", '5;a="b"c\r\nhello\r\n'],
    ["a line end in a quote", '5;a="\r\n"\r\nhello\r\n'],
    ["a long extension", `5;a=${"b".repeat(1022)}\r\nhello\r\n`],
  ])("%s is refused (GW-58)", (_, text) => {
    expect(chunked(`${text}${END}`)).toBe("syntax");
    expect(chunked(`1\r\nx\r\n${text}${END}`)).toBe("syntax");
  });

  test("no size at all is not the size 0", () => {
    expect(chunked("\r\n\r\n")).toBe("syntax");
    expect(chunked(";a=b\r\n\r\n")).toBe("syntax");
    expect(chunked("1\r\na\r\n\r\n\r\n")).toBe("syntax");
  });

  test("an extension that never ends is refused before it ends", () => {
    expect(chunked(`5;${"a".repeat(2000)}`)).toBe("syntax");
  });

  test("are not made whole by the end of the connection, not even behind the last chunk", () => {
    for (const text of ["", "5", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n"]) {
      const reader = new BodyReader(CHUNKED);
      reader.feed(bytesOf(text), 0, () => {});
      expect([reader.endedByClose(), reader.done], text).toEqual([false, false]);
    }
  });

  test("of one read are handed on in one piece", () => {
    const pieces: string[] = [];
    new BodyReader(CHUNKED).feed(bytesOf("2\r\nhe\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\n"), 0, (piece) => {
      pieces.push(textOf(piece));
    });
    expect(pieces).toEqual(["hello"]);
  });
});

describe("trailers (RFC 9110 section 6.5, GW-17)", () => {
  const trailers = (lines: string) => chunked(`1\r\na\r\n0\r\n${lines}\r\n`);

  test("come with the end, as they stood, and what follows is left", () => {
    const text = "1\r\na\r\n0\r\nGrpc-Status: 0\r\nDigest:\t x \r\nDigest: y\r\n\r\n";
    expect(chunked(`${text}GET / HTTP/1.1\r\n\r\n`)).toEqual({
      content: "a",
      end: text.length,
      done: true,
      trailers: [
        ["Grpc-Status", "0"],
        ["Digest", "x"],
        ["Digest", "y"],
      ],
    });
  });

  test.each(["X-Sum: 9", "X-Amz-Checksum-Crc32: AAAAAA==", "grpc-status: 0", "Server-Timing: a"])(
    "%s is passed on",
    (line) => {
      expect(trailers(`${line}\r\n`)).toMatchObject({ done: true, trailers: [line.split(": ")] });
    },
  );

  test.each([
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Host: evil.test",
    "Connection: close",
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "Trailer: X",
    "Upgrade: x",
    "Expect: 100-continue",
    "Proxy-Connection: close",
    "Proxy-Authorization: Basic eA==",
    "Proxy-Authenticate: Basic",
    "Content-Encoding: gzip",
    "Content-Type: text/html",
    "Content-Range: bytes 0-1/2",
    "Authorization: Basic eA==",
    "Cookie: a=b",
    "Set-Cookie: a=b",
    "Forwarded: for=192.0.2.1",
    "Via: 1.1 x",
    "X-Forwarded-For: 192.0.2.1",
    "x_forwarded_for: 192.0.2.1",
    "X.Real.IP: 192.0.2.1",
    "X-Consumer-Id: admin",
    "Remote-User: admin",
    "X-Auth-Request-Email: a@b",
    "X-HTTP-Method-Override: DELETE",
    "X-Original-URL: /admin",
    "Client-Cert: :eA==:",
    "Client_Cert_Chain: :eA==:",
    "CF-Connecting-IP: 192.0.2.1",
    "True-Client-IP: 192.0.2.1",
    "Content_Length: 3",
    "Transfer.Encoding: chunked",
  ])("%s is dropped: it frames, routes or vouches", (line) => {
    expect(trailers(`${line}\r\n`)).toMatchObject({ done: true, trailers: undefined });
    expect(trailers(`Digest: x\r\n${line}\r\n${line.toUpperCase()}\r\nETag: "y"\r\n`)).toMatchObject({
      trailers: [
        ["Digest", "x"],
        ["ETag", '"y"'],
      ],
    });
  });

  test.each([
    "X : a",
    " a",
    "X: a\r\n b",
    "X: a\rb",
    "X: a\nb",
    "X: a\0",
    ": a",
    "X",
    "GET / HTTP/1.1",
    "X: a\r\n\rY: b",
  ])("%j is refused", (line) => expect(trailers(`${line}\r\n`)).toBe("syntax"));

  test("64 lines and 16384 bytes pass, more are too much", () => {
    expect(trailers("A: b\r\n".repeat(64))).toMatchObject({ done: true });
    expect(trailers("A: b\r\n".repeat(65))).toBe("size");
    expect(trailers(`A: ${"b".repeat(16_370)}\r\n`)).toMatchObject({ done: true });
    expect(trailers(`A: ${"b".repeat(16_400)}\r\n`)).toBe("size");
    expect(chunked(`0\r\nA: ${"b".repeat(20_000)}`)).toBe("size");
  });
});

describe("what is written", () => {
  test("a chunk has its size, its bytes and two line ends", () => {
    expect(textOf(chunkOf(bytesOf("hello")))).toBe("5\r\nhello\r\n");
    expect(textOf(chunkOf(bytesOf("\r\n")))).toBe("2\r\n\r\n\r\n");
    expect(textOf(chunkOf(new Uint8Array(0x1abc))).slice(0, 6)).toBe("1abc\r\n");
  });

  test("the last chunk carries the trailers", () => {
    expect(lastChunk(undefined)).toBe("0\r\n\r\n");
    expect(lastChunk(new Fields())).toBe("0\r\n\r\n");
    expect(lastChunk(Fields.of(["A", "b"], ["C", ""]))).toBe("0\r\nA: b\r\nC: \r\n\r\n");
  });

  test("runs of bytes are joined in order", () => {
    expect(textOf(joined([]))).toBe("");
    expect(textOf(joined(["a", "", "bc"].map(bytesOf)))).toBe("abc");
  });

  test("trailers that were read are written as they were", () => {
    const reader = new BodyReader(CHUNKED);
    const text = "0\r\nDigest: \xe9 x\r\nA: 1\r\nDigest: \r\n\r\n";
    reader.feed(bytesOf(text), 0, () => {});
    expect(lastChunk(reader.trailers)).toBe(text);
    expect(linesOf(reader.trailers)).toHaveLength(3);
  });
});

test("a kind of fault is told by its name", () => {
  const kinds: (Malformed["kind"] | undefined)[] = ["5\nhello", `0\r\nA: ${"b".repeat(20_000)}`].map((text) => {
    const outcome = chunked(text);
    return typeof outcome === "string" ? outcome : undefined;
  });
  expect(kinds).toEqual(["syntax", "size"]);
});
