// The request as a target sees it: the client's bytes, less what ends here, plus what the gateway vouches for.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FieldChangesPlan } from "../../src/config/plan.ts";
import type { TargetPlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { Secret } from "../../src/config/secrets.ts";
import { GatewayError } from "../../src/errors.ts";
import { type Arrival, Exchange } from "../../src/exchange.ts";
import type { Content } from "../../src/http/body.ts";
import { Fields, HOP_BY_HOP } from "../../src/http/fields.ts";
import { CHUNKED } from "../../src/http/message.ts";
import { readRequestHead } from "../../src/http/request-head.ts";
import { requestWriter } from "../../src/upstream/request.ts";
import { anyRequest } from "../http/arbitraries.ts";
import { bytesOf, LIMITS, linesOf } from "../http/wire.ts";

const PSEUDONYM = "sluice-1234abcd";
const TARGET = { authority: "10.0.0.1:9001" } as TargetPlan;

interface Case {
  readonly host?: UpstreamPlan["host"];
  readonly changes?: Partial<FieldChangesPlan>;
  readonly trusted?: boolean;
  readonly arrival?: Partial<Arrival>;
  readonly forwardTarget?: string;
  readonly upgrade?: string;
}

/** Field lines as pairs, from "Name: value". */
const pairs = (lines: readonly string[]): [string, string][] =>
  lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);

function exchangeOf(lines: readonly string[], { trusted, arrival, forwardTarget }: Case): Exchange {
  const x = new Exchange(
    {
      method: "GET",
      target: "/a?b",
      scheme: "http",
      authority: "gw.test",
      version: "1.1",
      fields: Fields.of(...pairs(lines)),
      content: null,
      peer: "192.0.2.1",
      ...arrival,
    },
    0,
  );
  x.path = "/a";
  x.query = "?b";
  x.id = "the-id";
  x.trusted = trusted ?? false;
  x.forwardTarget = forwardTarget;
  return x;
}

/** The lines that a target sees. */
function written(lines: readonly string[], one: Case = {}): string[] {
  const upstream = { host: one.host ?? "upstream" } as UpstreamPlan;
  const changes = one.changes === undefined ? undefined : { remove: [], set: [], ...one.changes };
  const head = requestWriter(upstream, changes, PSEUDONYM).head(exchangeOf(lines, one), TARGET, one.upgrade ?? "");
  expect(head.endsWith("\r\n\r\n")).toBe(true);
  return head.slice(0, -4).split("\r\n");
}

/** Only the lines whose name, in whatever spelling, is one of these. */
function only(all: readonly string[], ...names: string[]): string[] {
  return all.filter((line) => names.includes(line.slice(0, line.indexOf(":")).toLowerCase().replace(/[_.]/g, "-")));
}

const OURS = [
  "X-Forwarded-For: 192.0.2.1",
  "X-Forwarded-Proto: http",
  "X-Forwarded-Host: gw.test",
  "X-Request-ID: the-id",
  `Via: 1.1 ${PSEUDONYM}`,
];

describe("the head", () => {
  test("is the request line, the client's fields as they stood, and the gateway's own behind them", () => {
    const lines = ["hOST: gw.test", "Accept: */*", "X-b: 1", "x-B: 2", "Cookie: a=b", "User-Agent: \xe9", "Empty:"];
    expect(written(lines)).toEqual([
      "GET /a?b HTTP/1.1",
      "hOST: 10.0.0.1:9001",
      "Accept: */*",
      "X-b: 1",
      "x-B: 2",
      "Cookie: a=b",
      "User-Agent: \xe9",
      "Empty: ",
      ...OURS,
    ]);
  });

  test("adds no field that a client says of itself (GW-13)", () => {
    expect(written([]).slice(1)).toEqual(["Host: 10.0.0.1:9001", ...OURS]);
  });

  test("carries path and query as they came, or as a rewrite left them", () => {
    expect(written([])[0]).toBe("GET /a?b HTTP/1.1");
    expect(written([], { forwardTarget: "/x%2Fy?" })[0]).toBe("GET /x%2Fy? HTTP/1.1");
    expect(written([], { arrival: { method: "M-SEARCH" } })[0]).toBe("M-SEARCH /a?b HTTP/1.1");
  });
});

describe("what ends at this hop (RFC 9110 section 7.6.1, GW-07)", () => {
  test.each([...HOP_BY_HOP, "expect"])("%s is dropped, in every spelling", (key) => {
    const names = [key, key.toUpperCase(), key.replaceAll("-", "_"), key.replaceAll("-", ".")];
    expect(written(names.map((name) => `${name}: x`)).slice(1)).toEqual(["Host: 10.0.0.1:9001", ...OURS]);
  });

  test("what Connection names is dropped, wherever it stands and in any spelling of case", () => {
    const lines = [
      "X-Hop: 1",
      "Connection: keep-alive, x-HOP",
      "x-hop: 2",
      "X-Kept: 3",
      "connection:,, other ,",
      "Other: 4",
    ];
    expect(written(lines).slice(1)).toEqual(["X-Kept: 3", "Host: 10.0.0.1:9001", ...OURS]);
  });

  test.each([false, true])(
    "what the gateway vouches for stands, though Connection names it (trusted: %p)",
    (trusted) => {
      const names = "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-ID, Via, Host, Content-Length";
      const lines = [`Connection: close, ${names}`, "Host: gw.test", "Content-Length: 5", "Via: 1.0 front"];
      const all = written(lines, { trusted, arrival: { content: bytesOf("hello") } });
      expect(all.slice(1)).toEqual(["Host: 10.0.0.1:9001", "Content-Length: 5", "Via: 1.0 front", ...OURS]);
    },
  );

  test("what the config sets stands, though Connection names it", () => {
    const changes = { set: [["X-Tenant", "t1"]] as const };
    expect(only(written(["Connection: X-Tenant", "X-Tenant: evil"], { changes }), "x-tenant")).toEqual([
      "X-Tenant: t1",
    ]);
  });

  test("a member of Connection that is only like a name drops nothing else", () => {
    expect(written(["Connection: X", "X-Y: 1", "XY: 2"]).slice(1, 3)).toEqual(["X-Y: 1", "XY: 2"]);
  });
});

describe("what a client says of itself (GW-08)", () => {
  const FAMILY = [
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X-Forwarded-Anything",
    "X-Real-IP",
    "X-Client-IP",
    "Forwarded",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Request-ID",
  ];
  const spellings = (name: string): string[] => [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replaceAll("-", "_"),
    name.replaceAll("-", "."),
    name.replace("-", "_"),
    name.replace(/-(?=[^-]*$)/, "."),
  ];

  test.each(FAMILY)("%s from an untrusted peer is dropped, in every spelling", (name) => {
    expect(written(spellings(name).map((each) => `${each}: evil`)).slice(1)).toEqual(["Host: 10.0.0.1:9001", ...OURS]);
  });

  test.each(FAMILY)("%s from a trusted peer passes in its one true spelling only", (name) => {
    const aliases = spellings(name).filter((each) => each.toLowerCase() !== name.toLowerCase());
    expect(
      written(
        aliases.map((each) => `${each}: evil`),
        { trusted: true },
      ).slice(1),
    ).toEqual(["Host: 10.0.0.1:9001", ...OURS]);
  });

  test("the list of a trusted peer is kept and the peer appended; the rest of the family passes", () => {
    const lines = [
      "X-Forwarded-For: 203.0.113.9",
      "X-Forwarded-Proto: https",
      "x-forwarded-for: 198.51.100.7, 198.51.100.8",
      "X-Forwarded-Host: shop.test",
      "X-Forwarded-Prefix: /x",
      "X-Real-IP: 203.0.113.9",
      "Forwarded: for=203.0.113.9",
      "X-Request-ID: theirs",
    ];
    expect(written(lines, { trusted: true }).slice(1)).toEqual([
      "X-Forwarded-Prefix: /x",
      "X-Real-IP: 203.0.113.9",
      "Forwarded: for=203.0.113.9",
      "Host: 10.0.0.1:9001",
      "X-Forwarded-For: 203.0.113.9, 198.51.100.7, 198.51.100.8, 192.0.2.1",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: shop.test",
      "X-Request-ID: the-id",
      `Via: 1.1 ${PSEUDONYM}`,
    ]);
  });

  test("a trusted peer that says its scheme or host twice is believed the first time", () => {
    const lines = ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "X-Forwarded-Host: b"];
    expect(only(written(lines, { trusted: true }), "x-forwarded-proto", "x-forwarded-host")).toEqual([
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: a",
    ]);
  });

  test("fields that only look alike pass", () => {
    const lines = [
      "X-Forwarded: a",
      "Forwarded-For: a",
      "X-Real: a",
      "XX-Real-IP: a",
      "Client-Certificate: a",
      "X_Own: a",
      "a.b: c",
    ];
    expect(written(lines).slice(1, 8)).toEqual(lines);
  });

  test("the client's own scheme, host and address are told, an absent host is not", () => {
    const arrival = { scheme: "https", authority: "[::1]:8443", peer: "2001:db8::1" } as const;
    expect(written([], { arrival }).slice(2, 5)).toEqual([
      "X-Forwarded-For: 2001:db8::1",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: [::1]:8443",
    ]);
    expect(only(written([], { arrival: { authority: "" } }), "x-forwarded-host")).toEqual([]);
  });

  test("names are judged alike when more have been seen than are remembered", () => {
    for (let i = 0; i < 2000; i++) written([`X-Name-${i}: a`, `x_forwarded_n${i}: a`]);
    expect(written(["X_Forwarded_Late: evil", "X-Forwarded-Late: evil", "X-Late: a"]).slice(1, 3)).toEqual([
      "X-Late: a",
      "Host: 10.0.0.1:9001",
    ]);
    expect(only(written([`X-Forwarded-${"a".repeat(100)}: evil`]), `x-forwarded-${"a".repeat(100)}`)).toEqual([]);
  });
});

describe("Via (RFC 9110 section 7.6.3)", () => {
  test("the client's lines stay, and the gateway's stands behind them with the version it received", () => {
    const lines = ["Via: 1.0 front", "via: 1.1 b (c), 2 d"];
    expect(only(written(lines), "via")).toEqual([...lines, `Via: 1.1 ${PSEUDONYM}`]);
    expect(only(written([], { arrival: { version: "1.0" } }), "via")).toEqual([`Via: 1.0 ${PSEUDONYM}`]);
  });

  test.each([
    `1.1 ${PSEUDONYM}`,
    `1.1 front, 1.1 ${PSEUDONYM}`,
    `1.1 ${PSEUDONYM}, 1.0 b`,
    `HTTP/1.1 ${PSEUDONYM} (x)`,
  ])("a request that was here before is a loop: %s", (value) => {
    for (const lines of [[`Via: ${value}`], ["Via: 1.0 a", `VIA: ${value}`], ["Connection: via", `Via: ${value}`]]) {
      let thrown: unknown;
      try {
        written(lines);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(GatewayError);
      expect(thrown).toMatchObject({ code: "proxy_loop_detected", status: 502, retry: "never" });
    }
  });
});

describe("Host (GW-59)", () => {
  const hosts = (lines: string[], one: Case): string[] => only(written(lines, one), "host");

  test.each<[what: string, host: UpstreamPlan["host"], authority: string, expected: string]>([
    ["the target's", "upstream", "gw.test", "10.0.0.1:9001"],
    ["the client's", "client", "gw.test:8080", "gw.test:8080"],
    ["the target's for a client without one", "client", "", "10.0.0.1:9001"],
    ["a fixed one", { fixed: "fixed.test" }, "gw.test", "fixed.test"],
  ])("%s", (_, host, authority, expected) => {
    const one = { host, arrival: { authority } };
    // In the client's place and spelling, else behind its fields; never twice.
    expect(hosts(["X: y", "hOsT: evil.test", "Host: evil.test"], one)).toEqual([`hOsT: ${expected}`]);
    expect(hosts(["X: y"], one)).toEqual([`Host: ${expected}`]);
  });
});

describe("framing is written anew (GW-14)", () => {
  const stream = (length: number | undefined): Content => ({ length, pipe() {}, resume() {}, cancel() {} });
  const framing = (lines: string[], content: Content): string[] =>
    only(written(lines, { arrival: { content } }), "content-length", "transfer-encoding");

  test.each<[what: string, lines: string[], content: Content, expected: string[]]>([
    ["nothing stays nothing", [], null, []],
    ["a length of 0 stays", ["Content-Length: 0"], null, ["Content-Length: 0"]],
    ["a length stays in its spelling", ["content-LENGTH: 5"], bytesOf("hello"), ["content-LENGTH: 5"]],
    ["a length of a stream stays", ["Content-Length: 7"], stream(7), ["Content-Length: 7"]],
    ["a length that is no longer true is mended", ["Content-Length: 9"], bytesOf("hello"), ["Content-Length: 5"]],
    [
      "a length that has no number of its own is written plainly",
      ["Content-Length: 005"],
      stream(5),
      ["Content-Length: 5"],
    ],
    ["a length never stands twice", ["Content-Length: 5", "content-length: 5"], stream(5), ["Content-Length: 5"]],
    ["content without a length gets it", [], bytesOf("hello"), ["Content-Length: 5"]],
    ["chunks stay chunks", ["Transfer-Encoding: Chunked"], stream(undefined), ["Transfer-Encoding: chunked"]],
    [
      "an unknown length has no length beside it",
      ["Content-Length: 5"],
      stream(undefined),
      ["Transfer-Encoding: chunked"],
    ],
    ["chunks that were joined get a length", ["Transfer-Encoding: chunked"], bytesOf("hello"), ["Content-Length: 5"]],
    ["an alias frames nothing", ["Content_Length: 9", "Transfer.Encoding: chunked"], null, []],
  ])("%s", (_, lines, content, expected) => {
    expect(framing(lines, content)).toEqual(expected);
  });
});

describe("an upgrade", () => {
  test("is asked for in the gateway's own words", () => {
    const lines = ["Connection: Upgrade, X-Hop", "Upgrade: websocket, h2c", "X-Hop: 1", "Sec-WebSocket-Key: k"];
    expect(written(lines, { upgrade: "websocket" }).slice(1)).toEqual([
      "Sec-WebSocket-Key: k",
      "Host: 10.0.0.1:9001",
      ...OURS,
      "Connection: upgrade",
      "Upgrade: websocket",
    ]);
    expect(written(lines).join()).not.toMatch(/upgrade/i);
  });
});

describe("changes of the config", () => {
  test("removes what it names, whatever the case, and sets behind all else", () => {
    const changes = {
      remove: ["cookie"],
      set: [
        ["X-Tenant", "t1"],
        ["accept", "text/html"],
      ] as const,
    };
    const lines = ["COOKIE: a", "X-TENANT: evil", "Accept: */*", "Accept: x", "X-Kept: 1", "cookie: b"];
    expect(written(lines, { changes }).slice(1)).toEqual([
      "X-Kept: 1",
      "Host: 10.0.0.1:9001",
      ...OURS,
      "X-Tenant: t1",
      "accept: text/html",
    ]);
  });

  test("what it sets or removes passes in no other spelling either: some servers read `_` and `.` as `-` (GW-08)", () => {
    const changes = { remove: ["x-user"], set: [["X-Consumer-Id", "alice"]] as const };
    const lines = [
      "X_Consumer_Id: admin",
      "x.consumer.id: admin",
      "X-Consumer_ID: admin",
      "X_User: admin",
      "x.USER: admin",
    ];
    expect(written([...lines, "X_Consumers_Id: a", "X_Users: b"], { changes }).slice(1)).toEqual([
      "X_Consumers_Id: a",
      "X_Users: b",
      "Host: 10.0.0.1:9001",
      ...OURS,
      "X-Consumer-Id: alice",
    ]);
  });

  test("a name that itself holds such a character is set all the same, and stands for its family", () => {
    const changes = { set: [["X_Own", "1"]] as const };
    expect(only(written(["x_own: evil", "X-Own: evil", "x.own: evil"], { changes }), "x-own")).toEqual(["X_Own: 1"]);
  });

  test("the gateway's own fields can be removed and replaced", () => {
    const changes = {
      remove: ["x-forwarded-host", "x-request-id", "x-forwarded-prefix"],
      set: [
        ["X-Forwarded-For", "0.0.0.0"],
        ["X-Forwarded-Proto", "https"],
      ] as const,
    };
    const lines = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: evil.test", "X-Forwarded-Prefix: /x"];
    for (const trusted of [false, true]) {
      expect(written(lines, { changes, trusted }).slice(1)).toEqual([
        "Host: 10.0.0.1:9001",
        `Via: 1.1 ${PSEUDONYM}`,
        "X-Forwarded-For: 0.0.0.0",
        "X-Forwarded-Proto: https",
      ]);
    }
  });

  test("a secret is written in clear, text beyond ASCII as UTF-8", () => {
    const changes = {
      set: [
        ["Authorization", new Secret("s3cret", "KEY")],
        ["X-Name", "Zo\u00eb \u2713"],
      ] as const,
    };
    expect(written([], { changes }).slice(-2)).toEqual(["Authorization: s3cret", "X-Name: Zo\xc3\xab \xe2\x9c\x93"]);
  });
});

test("whatever a client sends, the head that is written is one well-formed request with one Host and one framing", () => {
  fc.assert(
    fc.property(anyRequest, fc.boolean(), fc.constantFrom("", "websocket"), (request, trusted, upgrade) => {
      const head = readRequestHead(bytesOf(request.text), 0, LIMITS)!;
      fc.pre(!head.fields.names.some((name) => /^(?:via)$/i.test(name)));
      const length = head.bodyLength === CHUNKED ? undefined : head.bodyLength;
      const content: Content = length === 0 ? null : { length, pipe() {}, resume() {}, cancel() {} };
      const x = exchangeOf([], { trusted, arrival: { method: head.method, fields: head.fields, content } });
      const text = requestWriter({ host: "client" } as UpstreamPlan, undefined, PSEUDONYM).head(x, TARGET, upgrade);
      const seen = readRequestHead(bytesOf(text), 0, { ...LIMITS, maxFields: 200 })!;
      expect([seen.end, seen.method, seen.target, seen.minor]).toEqual([text.length, head.method, "/a?b", 1]);
      expect([seen.bodyLength, seen.keepAlive]).toEqual([head.bodyLength, true]);
      expect(seen.fields.all("host")).toEqual(["gw.test"]);
      expect(seen.fields.all("via")).toEqual([`1.1 ${PSEUDONYM}`]);
      // All that is nobody's business but the two ends' is what it was.
      const ends = (fields: Fields) =>
        linesOf(fields)!.filter(
          ([name]) => !/^(?:host|via|x-.*|content-length|transfer-encoding|connection|upgrade)$/i.test(name),
        );
      expect(ends(seen.fields)).toEqual(ends(head.fields).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())));
    }),
    { numRuns: 500 },
  );
});
