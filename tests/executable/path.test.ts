// GW-01, GW-02, GW-04: the target that the upstream reads is the one the client wrote.
import { describe, expect, test } from "bun:test";
import { get } from "../support/messages.ts";
import { withGateway } from "../support/rig.ts";

const kitchenSink = "?b=2&a=1&b=3&uploads&sig=%E9%FF&s=1;2&q=hello%20world&e=&p=a+b&u=//x.test/y?z&key=k&f[a]='1'&{|}";

withGateway(
  "a forwarded target",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { defineGateway } from "sluice";

const guard = async (c, next) => {
  if (c.req.query("key") !== "k") return c.text("no key", 401);
  await next();
};

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: ["${u1.url}"] } },
  routes: {
    bare: { match: "/svc", to: "u1", headers: { request: { set: { "X-Route": "bare" } } } },
    slash: { match: "/svc/", to: "u1", headers: { request: { set: { "X-Route": "slash" } } } },
    file: { match: "/files/:name/meta", to: "u1", headers: { request: { set: { "X-Route": "file" } } } },
    api: { match: "/api/*", to: "u1", rewrite: { stripPrefix: "/api" } },
    keyed: { match: "/keyed/*", to: "u1", use: [guard] },
    all: { match: "/*", to: "u1", headers: { request: { set: { "X-Route": "all" } } } },
  },
});
`,
  },
  (rig) => {
    /** The one target the origin got for this request. */
    async function targetOf(raw: string): Promise<{ target: string; route: string | undefined }> {
      rig.origins.u1.clear();
      const response = await rig.exchange(raw);
      expect(response.status).toBe(200);
      expect(rig.origins.u1.requests).toHaveLength(1);
      const [seen] = rig.origins.u1.requests;
      return { target: seen!.target, route: seen!.fields.one("x-route") };
    }

    const same: [what: string, target: string][] = [
      ["a base64 path with empty segments", "/ocsp/MFQw//a+b//Cg=="],
      ["two leading slashes that look like an authority", "//evil.test/x"],
      ["nothing but slashes", "///"],
      ["a slash run at the end", "/a//"],
      ["two slashes in the query", "/r?to=//x.test/y"],
      ["dot segments in the query", "/r?to=/../x/./y"],
      ["the root", "/"],
      ["a query on the root", "/?"],
      ["a segment that only holds dots and more", "/.../..a/a../.a"],
      ["an encoded dot inside a segment", "/a%2eb/%2eb"],
      ["encoded slash, backslash and percent", "/a%2Fb%5Cc%25"],
      ["escapes in either case", "/%c3%B8"],
      ["an escape that is none", "/a%zz%"],
      ["bytes above ASCII", "/caf\xe9/\xff"],
      ["characters that URL parsers escape", '/{a}|^`"<>'],
      ["sub-delimiters", "/(x)/a;v=1,2/~u/$&!*=@:'"],
      ["a colon in the first segment", "/http://x.test/y"],
      ["everything in the query", `/q${kitchenSink}`],
      ["quotes and angle brackets in the query", "/q?<\"'>`"],
    ];
    test.each(same)("%s: unchanged", async (_, target) => {
      expect(await targetOf(get(target))).toEqual({ target, route: "all" });
    });

    const changed: [what: string, sent: string, forwarded: string][] = [
      ["a dot segment is resolved", "/a/./b", "/a/b"],
      ["two dots take the segment before", "/a/b/../c", "/a/c"],
      ["encoded dots are dots", "/a/%2e%2E/b", "/b"],
      ["half-encoded dots too", "/a/.%2e/b", "/b"],
      ["dots do not climb above the root", "/../../a", "/a"],
      ["a last dot leaves the slash", "/a/.", "/a/"],
      ["an empty segment counts for two dots", "/a//../b", "/a/b"],
      ["a query after dots is kept", "/a/../b?x=/../y", "/b?x=/../y"],
      ["absolute form loses scheme and authority", "http://gw.test/abs//x?y", "/abs//x?y"],
      ["absolute form without a path gets one", "http://gw.test?y", "/?y"],
    ];
    test.each(changed)("%s", async (_, sent, forwarded) => {
      expect(await targetOf(get(sent))).toEqual({ target: forwarded, route: "all" });
    });

    const routed: [sent: string, route: string][] = [
      ["/svc", "bare"],
      ["/svc/", "slash"],
      ["/svc/x", "all"],
      ["/svc?q", "bare"],
      ["/svc//", "all"],
      ["/%73vc", "bare"],
      ["/x/../svc", "bare"],
      ["/files/a%2Fb/meta", "file"],
      ["/files/%E9/meta", "file"],
      ["/files//meta", "all"],
      ["/files/a/b/meta", "all"],
    ];
    test.each(routed)("%s takes the route %s", async (sent, route) => {
      const seen = await targetOf(get(sent));
      expect(seen.route).toBe(route);
    });

    const stripped: [sent: string, forwarded: string][] = [
      ["/api", "/"],
      ["/api/", "/"],
      ["/api?x", "/?x"],
      ["/api/a%2Fb//c?x=/api", "/a%2Fb//c?x=/api"],
      ["/api/api/x", "/api/x"],
      ["/api//x", "//x"],
      ["/%61pi/x", "/x"],
    ];
    test.each(stripped)("a stripped prefix: %s becomes %s", async (sent, forwarded) => {
      expect((await targetOf(get(sent))).target).toBe(forwarded);
    });

    describe("a policy that reads a query parameter", () => {
      test("leaves every other byte of the target alone", async () => {
        const target = `/keyed/a%2Fb//c${kitchenSink}`;
        expect((await targetOf(get(target))).target).toBe(target);
      });
      test("is passed by no spelling of the path", async () => {
        for (const target of ["/keyed", "/keyed/a%0Ab", "/%6beyed/x", "/x/../keyed/y", "/keyed/%E2%80%A8"]) {
          rig.origins.u1.clear();
          expect((await rig.exchange(get(target))).status).toBe(401);
          expect(rig.origins.u1.requests).toHaveLength(0);
        }
      });
    });

    const refused: [what: string, raw: string, statuses: number[]][] = [
      ["an encoded NUL", get("/a%00b"), [400]],
      ["a fragment", get("/a#b"), [400]],
      ["a backslash", get("/a\\b"), [400]],
      ["a control character", get("/a\x01b"), [400]],
      ["a DEL", get("/a\x7fb"), [400]],
      ["a tab", get("/a\tb"), [400]],
      ["a space in the target", get("/a b"), [400]],
      ["a path without its slash", get("foo"), [400]],
      ["a bare query", get("?x=1"), [400]],
      ["an empty target", "GET  HTTP/1.1\r\nHost: gw.test\r\n\r\n", [400]],
      ["another scheme in absolute form", get("ftp://gw.test/x"), [400]],
      ["userinfo in absolute form", get("http://user@gw.test/x"), [400]],
      ["no authority in absolute form", get("http:///x"), [400]],
      ["CONNECT", "CONNECT gw.test:443 HTTP/1.1\r\nHost: gw.test:443\r\n\r\n", [400, 405, 501]],
      ["TRACE", "TRACE / HTTP/1.1\r\nHost: gw.test\r\n\r\n", [405, 501]],
      ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: gw.test\r\n\r\n", [200, 204, 400, 404]],
      ["GET *", get("*"), [400]],
      ["no Host", "GET / HTTP/1.1\r\n\r\n", [400]],
      ["two Hosts", get("/", "Host: other.test"), [400]],
      ["the same Host twice", get("/", "Host: gw.test"), [400]],
      ["a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", [400]],
      ["a Host with a slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", [400]],
      ["a Host with userinfo", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", [400]],
      ["a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", [400]],
      ["a Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", [400]],
      ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", [400]],
    ];
    test.each(refused)("%s is refused and reaches no upstream", async (_, raw, statuses) => {
      rig.origins.u1.clear();
      const response = await rig.exchange(raw);
      expect(statuses).toContain(response.status);
      expect(rig.origins.u1.requests).toHaveLength(0);
    });

    test("absolute form decides the host, not the Host field (RFC 9112 section 3.2.2)", async () => {
      rig.origins.u1.clear();
      await rig.exchange("GET http://named.test:8080/x HTTP/1.1\r\nHost: other.test\r\n\r\n");
      expect(rig.origins.u1.requests[0]!.fields.one("x-forwarded-host")).toBe("named.test:8080");
    });
  },
);
