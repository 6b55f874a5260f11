// The request target: what passes unchanged, what is refused, what is resolved.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeSegment, dotsIn, readTarget, resolveDots } from "../../src/http/target.ts";

function pathOf(target: string): string {
  const read = readTarget(target);
  if (typeof read === "string") throw new Error(read);
  return read.path;
}

describe("what passes byte for byte", () => {
  const paths = [
    "/",
    "/files/a%2Fb/meta",
    "/p/auth%7C123",
    "/p/endel%C3%B8st",
    "/p/100%25",
    "/p/a%252Fb",
    "/p/%E9",
    "/p/\xe9\xff",
    "/p/a+b%20c",
    "/p/(x)/a;v=1,2/~u/$&!*=@:",
    "/p/a%3Fb%23c",
    "/p/%c3%b8",
    "/p/100%",
    "/p/%zz/%4",
    '/p/{a}|^`"<>',
    "/ocsp/MFQw//a+b//Cg==",
    "//evil.test/x",
    "/svc/",
    "/...",
    "/a/.well-known/..x/x..",
    "/a%2e/b%2E",
    "/%252e/%252e%252e",
    "/%2e%2e%2e",
    "/a/..%2f..",
  ];
  for (const path of paths) {
    test(`GW-01, GW-02: path ${path}`, () => {
      expect(readTarget(path)).toEqual({ path, query: "" });
    });
  }

  const queries = [
    "?b=2&a=1&b=3&uploads&sig=%E9%FF&s=1;2&q=hello%20world&e=&p=a+b&u=//x.test/y?z",
    "?",
    "?a=%zz&b=%",
    "?name='x'&f[a]=1",
    "??x",
    "?a=1%262&b=%3D",
    "?&&a&&",
    "?../x/./%2e%00\\",
    "",
  ];
  for (const query of queries) {
    test(`GW-04: query ${query}`, () => {
      expect(readTarget(`/echo${query}`)).toEqual({ path: "/echo", query });
    });
  }
});

describe("what is refused", () => {
  const targets: [target: string, part: RegExp][] = [
    ["", /begin/],
    ["*", /begin/],
    ["http://x/", /begin/],
    ["?a", /begin/],
    ["/a#b", /"#"/],
    ["/a\\b", /backslash/],
    ["/a b", /space/],
    ["/a\tb", /control/],
    ["/a\r\nX: y", /control/],
    ["/a\x7f", /control/],
    ["/a%00b", /NUL/],
    ["/%00", /NUL/],
    ["/a\u010ab", /not a byte/],
    ["/a?b c", /space/],
    ["/a?b\r\nX: y", /control/],
    ["/a?\u0120", /not a byte/],
  ];
  for (const [target, reason] of targets) {
    test(JSON.stringify(target), () => {
      expect(readTarget(target)).toMatch(reason);
    });
  }
});

describe("dot segments are resolved before anything else sees the path (RFC 3986 5.2.4, GW-05)", () => {
  const table: [from: string, to: string][] = [
    ["/.", "/"],
    ["/..", "/"],
    ["/./", "/"],
    ["/../", "/"],
    ["/a/b/../c", "/a/c"],
    ["/a/b/..", "/a/"],
    ["/a/b/.", "/a/b/"],
    ["/a/./b", "/a/b"],
    ["/../../x", "/x"],
    ["/a//../b", "/a/b"],
    ["/a/..//b", "//b"],
    ["/..//evil.test", "//evil.test"],
    ["/api/%2e%2e/admin/s", "/admin/s"],
    ["/api/%2E./admin", "/admin"],
    ["/api/.%2e/admin", "/admin"],
    ["/api/%2e/admin", "/api/admin"],
    ["/api%2e/admin/s", "/api%2e/admin/s"],
    ["/mid/content=5/../6", "/mid/6"],
  ];
  for (const [from, to] of table) {
    test(`${from} is ${to}`, () => {
      expect(pathOf(from)).toBe(to);
      expect(pathOf(`${from}?q`)).toBe(to);
    });
  }

  test("a path of 16,000 dot segments costs no more than its length", () => {
    expect(pathOf(`${"/a".repeat(8000)}${"/..".repeat(8000)}`)).toBe("/");
  });
});

describe("a segment decodes once, as UTF-8, or stays raw", () => {
  const table: [raw: string, text: string][] = [
    ["", ""],
    ["abc", "abc"],
    ["a%2Fb", "a/b"],
    ["100%25", "100%"],
    ["a%252Fb", "a%2Fb"],
    ["endel%C3%B8st", "endeløst"],
    ["endel\xc3\xb8st", "endeløst"],
    ["\xc3%B8", "ø"],
    ["%E9", "%E9"],
    ["\xe9", "\xe9"],
    ["a%20%E9", "a%20%E9"],
    ["100%", "100%"],
    ["%zz%41", "%zzA"],
    ["%F0%9F%98%80", "😀"],
    ["%EF%BB%BFx", "\ufeffx"],
    ["%ED%A0%80", "%ED%A0%80"],
    ["%C0%AF", "%C0%AF"],
    ["a%0Ab", "a\nb"],
    ["a+b", "a+b"],
  ];
  for (const [raw, text] of table) {
    test(`${raw} is ${JSON.stringify(text)}`, () => {
      expect(decodeSegment(raw)).toBe(text);
    });
  }

  test("what encodeURIComponent wrote, it reads", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(decodeSegment(encodeURIComponent(text))).toBe(text);
      }),
    );
  });
});

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const dotty = fc
  .array(fc.constantFrom("/", ".", "%2e", "%2E", "%", "2", "e", "a", "%2f", "//", "?", "%00", "\xff", ";"), {
    maxLength: 24,
  })
  .map((parts) => `/${parts.join("")}`);
const targets = fc.oneof(
  dotty,
  latin1.map((text) => `/${text}`),
  latin1,
  fc.string({ unit: "binary" }),
);

describe("for every target", () => {
  test("reading never throws, and reading the result again changes nothing", () => {
    fc.assert(
      fc.property(targets, (target) => {
        const once = readTarget(target);
        if (typeof once === "string") return;
        expect(readTarget(once.path + once.query)).toEqual(once);
      }),
      { numRuns: 3000 },
    );
  });

  test("the path begins with a slash and holds no dot segment in any spelling", () => {
    fc.assert(
      fc.property(targets, (target) => {
        const read = readTarget(target);
        if (typeof read === "string") return;
        expect(read.path[0]).toBe("/");
        for (const segment of read.path.split("/")) {
          expect(["", ".", ".."].slice(1)).not.toContain(segment.replace(/%2e/gi, "."));
          expect(dotsIn(segment)).toBe(0);
        }
        expect(target.endsWith(read.query)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("resolving agrees with the URL parser on plain dot segments", () => {
    const segment = fc.constantFrom("a", "b", "", ".", "..", "%2e", ".%2E", "%2E%2e");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
        const path = `/${segments.join("/")}`;
        expect(resolveDots(path)).toBe(new URL(`http://h${path}`).pathname);
      }),
      { numRuns: 3000 },
    );
  });

  test("without dots and odd bytes it comes back as it was", () => {
    const plain = fc.string({ unit: fc.constantFrom(..."abcXYZ09-_~!$&'()*+,;=:@/") }).map((text) => `/${text}`);
    fc.assert(fc.property(plain, (path) => expect(readTarget(path)).toEqual({ path, query: "" })));
  });

  test("decoding never throws", () => {
    fc.assert(fc.property(fc.oneof(latin1, fc.string({ unit: "binary" })), (raw) => void decodeSegment(raw)));
  });
});
