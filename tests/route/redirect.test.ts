// Redirects: where the client is sent, and that it never is the client who chooses the host.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readTarget } from "../../src/http/target.ts";
import { readPattern } from "../../src/route/pattern.ts";
import { compileLocation, compileRedirect, type LocationOf } from "../../src/route/redirect.ts";
import { exchange, match, redirect, route } from "./plans.ts";

function location(to: string, on: string): LocationOf | string {
  const pattern = readPattern(on);
  return typeof pattern === "string" ? pattern : compileLocation(to, pattern);
}

function compiled(to: string, on: string): LocationOf {
  const made = location(to, on);
  if (typeof made === "string") throw new Error(made);
  return made;
}

describe("Location", () => {
  const table: [on: string, to: string, path: string, query: string, result: string][] = [
    ["/old/*", "/new/*", "/old/a/b", "?q=1", "/new/a/b?q=1"],
    ["/old/*", "https://other.test/*", "/old/a%2Fb", "", "https://other.test/a%2Fb"],
    ["/old/*", "https://other.test/*", "/old", "?", "https://other.test/?"],
    ["/old/*", "https://other.test/*", "/old//x", "", "https://other.test//x"],
    ["/old/*", "/*", "/old//evil.test", "", "/.//evil.test"],
    ["/old/*", "/*", "/old///evil.test", "", "/.///evil.test"],
    ["/*", "/*", "//evil.test/x", "?q", "/.//evil.test/x?q"],
    ["/u/:id", "/p/:id", "/u/\xc3\xb8", "?\xff", "/p/%C3%B8?%FF"],
    ["/u/:id", "/p/:id", '/u/<a>"{b}|^`', '?<">', "/p/%3Ca%3E%22%7Bb%7D%7C%5E%60?%3C%22%3E"],
    ["/u/:id", "/p/:id", "/u/100%", "?%", "/p/100%25?%25"],
    ["/u/:id", "/p?user=:id", "/u/a&admin=1+2;3", "?lost", "/p?user=a%26admin%3D1%2B2%3B3"],
    ["/u/*", "/p?next=*&x=1", "/u/a/b", "?lost", "/p?next=a/b&x=1"],
    ["/u", "/p?x=*", "/u", "", "/p?x=*"],
    ["/u", "/p#top", "/u", "?q=1", "/p?q=1#top"],
    ["/u/:id", "/p#:id", "/u/a#", "", "/p#a%23"],
    ["/u", "https://bücher.test:8443", "/u", "?q", "https://xn--bcher-kva.test:8443?q"],
    ["/u", "https://[2001:db8::ab]:8443/x", "/u", "", "https://[2001:db8::ab]:8443/x"],
    ["/u", "HTTPS://Other.test", "/u", "", "https://other.test"],
    ["/u", "myapp://open/x", "/u", "", "myapp://open/x"],
    ["/u", "/é", "/u", "", "/%C3%A9"],
  ];
  for (const [on, to, path, query, result] of table) {
    test(`${path}${query} by ${on} to ${to} is ${result}`, () => expect(compiled(to, on)(path, query)).toBe(result));
  }

  const faults: [on: string, to: string, message: RegExp][] = [
    ["/:t", "https://:t.test/", /cannot be read/],
    ["/*", "https://*/x", /cannot be read/],
    ["/*", "https://a.test*", /cannot be read/],
    ["/u", "https://user@a.test/", /cannot be read/],
    ["/u", "https://", /cannot be read/],
    ["/u", "//a.test/x", /names a host/],
    ["/u", "/\\a.test/x", /names a host/],
    ["/u", "x", /neither a path/],
    ["/u", "mailto:a@b.test", /neither a path/],
    ["/u", "", /neither a path/],
    ["/u", "/:id", /no parameter/],
    ["/u", "/a/../b", /dot segment/],
  ];
  for (const [on, to, message] of faults)
    test(`${to} on ${on} is a fault`, () => expect(location(to, on)).toMatch(message));
});

test("for every target: one line of visible ASCII, on the host of the config", () => {
  const target = fc
    .array(
      fc.constantFrom("/", "/", "//", "\xff", "%0d%0a", "%", "@", ":", "evil.test", "a", "%5c", "?", "#", ".", "&"),
      { maxLength: 12 },
    )
    .map((parts) => readTarget(`/${parts.join("")}`))
    .filter((read) => typeof read !== "string");
  const locations = [
    ["/*", "here.test"],
    ["/x/*?q=*", "here.test"],
    ["https://other.test/*", "other.test"],
    ["https://other.test?to=*#*", "other.test"],
  ] as const;
  fc.assert(
    fc.property(target, fc.constantFrom(...locations), ({ path, query }, [to, host]) => {
      const text = compiled(to, "/*")(path, query);
      expect(text).toMatch(/^[\x21-\x7e]+$/);
      expect(text).not.toMatch(/^[/\\]{2}/);
      const url = new URL(text, "http://here.test/a/b");
      expect(url.host).toBe(host);
      expect(url.username).toBe("");
    }),
    { numRuns: 2000 },
  );
});

test("the answer of a route has the status, the Location of the match that fitted, and no content", () => {
  const moved = route("moved", ["/a/:x", match("/b/*")], redirect("/c", 301));
  const answer = compileRedirect(moved);
  const x = exchange("GET", "/b/1", "?q");
  x.match = moved.matches[1];
  const first = answer(x);
  expect([first.status, [...first.fields], first.content]).toEqual([301, [["Location", "/c?q"]], null]);
  expect(answer(x)).not.toBe(first);
  expect(() => compileRedirect(route("bad", "/a", redirect("/:no")))).toThrow(/`bad`, redirect:.*`:no`/);
});
