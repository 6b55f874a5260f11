// admit: one Host, one target, no method that must not pass; what two readers could read differently is refused.
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../src/errors.ts";
import type { Arrival } from "../../src/exchange.ts";
import { Malformed } from "../../src/http/message.ts";
import { readRequestHead, type RequestHead } from "../../src/http/request-head.ts";
import { admit, refusalOf } from "../../src/listen/admit.ts";
import { bytesOf, LIMITS } from "../http/wire.ts";

const headOf = (line: string, ...fields: string[]): RequestHead => {
  const lines = fields.map((field) => `${field}\r\n`).join("");
  return readRequestHead(bytesOf(`${line}\r\n${lines}\r\n`), 0, LIMITS)!;
};
const judged = (line: string, ...fields: string[]) => admit(headOf(line, ...fields), false, "192.0.2.1", null);
const arrived = (line: string, ...fields: string[]): Arrival => {
  const verdict = judged(line, ...fields);
  if (verdict instanceof GatewayError) throw verdict;
  return verdict;
};
const refused = (line: string, ...fields: string[]): GatewayError => {
  const verdict = judged(line, ...fields);
  if (verdict instanceof GatewayError) return verdict;
  throw new Error(`${line} was let in as ${verdict.authority} ${verdict.target}`);
};

describe("the Host field (RFC 9112 section 3.2)", () => {
  test.each([
    ["h", "h"],
    ["api.example.com", "api.example.com"],
    ["API.Example.COM:8080", "api.example.com:8080"],
    ["a_b-c~d.test", "a_b-c~d.test"],
    ["h.test.", "h.test."],
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:80", "192.0.2.1:80"],
    ["[::1]", "[::1]"],
    ["[2001:DB8::1]:8443", "[2001:db8::1]:8443"],
    ["[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"],
    ["h:0", "h:0"],
    ["h:65535", "h:65535"],
    [`${"a".repeat(256)}:12345`, `${"a".repeat(256)}:12345`],
  ])("%s is the authority %s", (host, authority) => {
    expect(arrived("GET / HTTP/1.1", `Host: ${host}`).authority).toBe(authority);
    // The second time from memory.
    expect(arrived("GET / HTTP/1.1", `Host: ${host}`).authority).toBe(authority);
  });

  test.each([
    "",
    "h,g",
    "h, h",
    "h g",
    "h:",
    ":80",
    "h:80:80",
    "h:x",
    "h:-1",
    "h:+1",
    "h:123456",
    "h/",
    "h/path",
    "h?x",
    "h#x",
    "h\\g",
    "u@h",
    "u:p@h",
    "http://h",
    "//h",
    "::1",
    "[::1",
    "::1]",
    "[::1]x",
    "[h]",
    "[]",
    "[::1%25eth0]",
    "[v1.x]",
    "h%2ftest",
    "h'",
    'h"',
    "h;g",
    "<h>",
    "h(",
    "*",
    "h\xe9",
    "a".repeat(263),
  ])("%j is refused", (host) => {
    for (let time = 0; time < 2; time++)
      expect(refused("GET / HTTP/1.1", `Host: ${host}`)).toMatchObject({ status: 400 });
  });

  test("must be there once in HTTP/1.1, and may be missing in HTTP/1.0", () => {
    expect(refused("GET / HTTP/1.1").message).toBe("the Host field is missing");
    expect(arrived("GET / HTTP/1.0").authority).toBe("");
    for (const version of ["1.0", "1.1"]) {
      const error = refused(`GET / HTTP/${version}`, "Host: h", "X: y", "host: h");
      expect([error.status, error.message]).toEqual([400, "the Host field stands twice"]);
    }
    expect(refused("GET / HTTP/1.0", "Host: h g").status).toBe(400);
  });

  test("is judged alike when more hosts have been seen than are remembered", () => {
    for (let i = 0; i < 1000; i++) expect(arrived("GET / HTTP/1.1", `Host: H${i}:80`).authority).toBe(`h${i}:80`);
    expect(refused("GET / HTTP/1.1", "Host: h g").status).toBe(400);
  });
});

describe("the target's form (RFC 9112 section 3.2)", () => {
  test.each([
    ["GET / HTTP/1.1", "h", "/"],
    ["GET //evil.test/x HTTP/1.1", "h", "//evil.test/x"],
    ["GET /a%2Fb?c=//d&e HTTP/1.1", "h", "/a%2Fb?c=//d&e"],
    ["GET /\xe9? HTTP/1.1", "h", "/\xe9?"],
    ["OPTIONS * HTTP/1.1", "h", "*"],
    ["OPTIONS /* HTTP/1.1", "h", "/*"],
    ["GET http://other.test/a?b HTTP/1.1", "other.test", "/a?b"],
    ["GET HTTP://Other.Test:81/A HTTP/1.1", "other.test:81", "/A"],
    ["GET https://other.test/ HTTP/1.1", "other.test", "/"],
    ["GET http://other.test HTTP/1.1", "other.test", "/"],
    ["GET http://other.test?b HTTP/1.1", "other.test", "/?b"],
    ["GET http://other.test//a HTTP/1.1", "other.test", "//a"],
    ["GET http://other.test/http://third.test/ HTTP/1.1", "other.test", "/http://third.test/"],
    ["GET http://[::1]:80/ HTTP/1.1", "[::1]:80", "/"],
  ])("%s goes to %s as %s: an absolute target stands above Host", (line, authority, target) => {
    expect(arrived(line, "Host: H")).toMatchObject({ authority, target });
  });

  test.each([
    "GET * HTTP/1.1",
    "options * HTTP/1.1",
    "OPTIONS *x HTTP/1.1",
    "GET a HTTP/1.1",
    "GET ?a HTTP/1.1",
    "GET h:80 HTTP/1.1",
    "GET \\a HTTP/1.1",
    "GET http:/a HTTP/1.1",
    "GET http:///a HTTP/1.1",
    "GET http://?a HTTP/1.1",
    "GET http://u@h/ HTTP/1.1",
    "GET http://u:p@h/ HTTP/1.1",
    "GET http://h#f HTTP/1.1",
    "GET http://h\\g/ HTTP/1.1",
    "GET http://h:/ HTTP/1.1",
    "GET http://h,g/ HTTP/1.1",
    "GET http://h%00/ HTTP/1.1",
    "GET ftp://h/ HTTP/1.1",
    "GET ws://h/ HTTP/1.1",
    "GET file:///etc/passwd HTTP/1.1",
    "GET javascript:1 HTTP/1.1",
  ])("%s is refused", (line) => {
    const error = refused(line, "Host: h");
    expect([error.status, error.code]).toEqual([400, "http_request_error"]);
    expect(error.publicDetail).toBe("The request target is neither a path nor an http URL.");
  });

  test("an absolute target does not excuse a Host that is missing, double or malformed", () => {
    expect(refused("GET http://h/ HTTP/1.1").status).toBe(400);
    expect(refused("GET http://h/ HTTP/1.1", "Host: h", "Host: h").status).toBe(400);
    expect(refused("GET http://h/ HTTP/1.1", "Host: a b").status).toBe(400);
    expect(arrived("GET http://h/ HTTP/1.0").authority).toBe("h");
  });
});

describe("methods and expectations", () => {
  test.each(["TRACE / HTTP/1.1", "CONNECT h:80 HTTP/1.1", "CONNECT / HTTP/1.1", "TRACE / HTTP/1.0"])(
    "%s is refused with the methods that are not",
    (line) => {
      const error = refused(line, "Host: h");
      expect([error.status, error.fields]).toEqual([405, [["Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"]]]);
    },
  );

  test("any other token is a method", () => {
    for (const method of ["QUERY", "PROPFIND", "get", "trace", "X"]) {
      expect(arrived(`${method} / HTTP/1.1`, "Host: h").method).toBe(method);
    }
  });

  test("Expect is 100-continue in any case, or refused with 417 (RFC 9110 section 10.1.1)", () => {
    expect(arrived("PUT / HTTP/1.1", "Host: h", "Expect: 100-Continue").method).toBe("PUT");
    for (const value of ["", "200-ok", "100-continue, x", "100-continue;a", "x"]) {
      expect(refused("PUT / HTTP/1.1", "Host: h", `Expect: ${value}`).status).toBe(417);
    }
  });
});

test("an arrival carries what came, byte for byte, and the connection's own facts", () => {
  const head = headOf("POST /a?b HTTP/1.0", "hOST: H:1", "X: \xe9", "x:  y");
  const content = bytesOf("hello");
  const arrival = admit(head, true, "2001:db8::1", content) as Arrival;
  expect(arrival).toMatchObject({ method: "POST", target: "/a?b", scheme: "https", authority: "h:1", version: "1.0" });
  expect([arrival.fields, arrival.content, arrival.peer]).toEqual([head.fields, content, "2001:db8::1"]);
  expect(arrived("GET / HTTP/1.1", "Host: h")).toMatchObject({ scheme: "http", version: "1.1", content: null });
});

test.each([
  ["syntax", 400],
  ["coding", 400],
  ["size", 431],
  ["target-size", 414],
  ["version", 505],
] as const)("a malformed head of the kind %s is answered with %d, and says why in one sentence", (kind, status) => {
  const fault = new Malformed(kind, "a CR stands alone");
  const error = refusalOf(fault);
  expect([error.status, error.fault, error.publicDetail, error.cause]).toEqual([
    status,
    "client",
    "A CR stands alone.",
    fault,
  ]);
});
