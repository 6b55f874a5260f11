// Fields in passing: their order, spelling and number are kept; what belongs to one hop stays there (GW-07, GW-08).
import { describe, expect, test } from "bun:test";
import { ADDED_TO_REQUESTS, ADDED_TO_RESPONSES, get, problemOf, without } from "../support/messages.ts";
import { ownPath, withGateway, type Rig } from "../support/rig.ts";
import type { RecordedRequest } from "../support/origin-exchange.ts";

/** Sends a request with these field lines and returns it as the origin saw it. */
async function forwarded(rig: Rig<"u1">, ...lines: string[]): Promise<RecordedRequest> {
  const path = ownPath();
  const response = await rig.exchange(get(path, ...lines));
  expect(response.status).toBe(200);
  return rig.origins.u1.requestTo(path);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

withGateway(
  "fields",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      upstreams: {
        u1: { targets: [u1.url] },
        client: { targets: [u1.url], host: "client" },
        fixed: { targets: [u1.url], host: "fixed.test:99" },
      },
      routes: {
        all: { match: "/*", to: "u1" },
        client: { match: "/client/*", to: "client" },
        fixed: { match: "/fixed/*", to: "fixed" },
        changed: {
          match: "/changed/*",
          to: "u1",
          headers: {
            request: { remove: ["X-Gone", "cookie"], set: { "X-Set": "ours", "x-new": "1" } },
            response: { remove: ["server"], set: { "X-Frame-Options": "DENY" } },
          },
        },
      },
    }),
  },
  (rig) => {
    describe("of a request", () => {
      const kept: [what: string, ...lines: [name: string, value: string][]][] = [
        [
          "order and spelling",
          ["b-Second", "1"],
          ["A-first", "2"],
          ["x-C", "3"],
          ["USER-AGENT", "me"],
          ["accept", "*/*"],
        ],
        ["repeated lines, apart", ["X-Dup", "1"], ["Other", "x"], ["x-dup", "2"], ["X-DUP", "1"]],
        ["Cookie lines, apart", ["Cookie", "a=1; b=2"], ["cookie", "c=3"]],
        ["empty values", ["X-Empty", ""], ["Accept", ""]],
        ["bytes above ASCII", ["X-Latin", "caf\xe9 \xff"]],
        ["inner spaces, commas and quotes", ["X-Odd", 'a  b\tc , "d\\"e"']],
        ["names with every token character", ["!#$%&'*+-.^_`|~0aZ", "1"]],
        ["underscores", ["X_Under_Score", "1"]],
        ["conditions and ranges", ["If-None-Match", 'W/"a", "b"'], ["Range", "bytes=0-1,5-"], ["If-Range", '"a"']],
        ["credentials", ["Authorization", "Bearer abc.def"], ["Cookie", "s=1"]],
        ["encodings as the client asks", ["Accept-Encoding", "br;q=0.5, x-own, *;q=0"]],
        ["tracing", ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], ["tracestate", "a=b"]],
      ];
      test.each(kept)("%s are kept", async (...row) => {
        const lines = row.slice(1) as [string, string][];
        const seen = await forwarded(rig, ...lines.map(([name, value]) => `${name}: ${value}`));
        expect(without(seen.fields.lines, ADDED_TO_REQUESTS)).toEqual(lines);
      });

      test("nothing is added but the gateway's own fields, each once", async () => {
        const seen = await forwarded(rig);
        expect(without(seen.fields.lines, ADDED_TO_REQUESTS)).toEqual([]);
        const names = seen.fields.names.map((name) => name.toLowerCase());
        expect(new Set(names).size).toBe(names.length);
        expect(names).toContain("host");
      });

      const hops: string[][] = [
        ["Connection: X-Hop", "X-Hop: 1", "x-hop: 2"],
        ["Connection: keep-alive, X-Hop, ,x-two", "X-Hop: 1", "X-Two: 2"],
        ["Connection: X-Hop", "Connection: x-two", "X-Two: 2", "X-Hop: 1"],
        ["Keep-Alive: timeout=5"],
        ["Proxy-Connection: keep-alive"],
        ["Proxy-Authorization: Basic eDp5"],
        ["Proxy-Authenticate: Basic"],
        ["TE: trailers, deflate"],
        ["Trailer: X-Sum"],
        ["Upgrade: h2c", "Connection: Upgrade"],
        ["HTTP2-Settings: AAMAAABkAAQAAP__", "Connection: HTTP2-Settings"],
      ];
      test.each(hops.map((lines) => [lines.join(" | "), lines] as const))("%s ends here", async (_, lines) => {
        const seen = await forwarded(rig, "X-Before: 1", ...lines, "X-After: 2");
        const left = without(seen.fields.lines, ADDED_TO_REQUESTS);
        // TE: trailers may be said anew: the gateway speaks for itself then.
        expect(left.filter(([name]) => !["connection", "te"].includes(name.toLowerCase()))).toEqual([
          ["X-Before", "1"],
          ["X-After", "2"],
        ]);
        expect(seen.fields.all("connection").join().toLowerCase()).not.toMatch(/x-hop|x-two|upgrade|settings/);
      });

      test("a client cannot name the gateway's own fields away", async () => {
        const own = "Host, Via, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-ID";
        const seen = await forwarded(rig, `Connection: ${own}`, "X-Forwarded-For: 9.9.9.9");
        expect(seen.fields.one("x-forwarded-for")).toBe("127.0.0.1");
        for (const name of own.split(", ")) expect(seen.fields.all(name)).toHaveLength(1);
      });

      test("a client cannot name Content-Length away", async () => {
        const path = ownPath();
        await rig.exchange(
          `POST ${path} HTTP/1.1\r\nHost: gw.test\r\nConnection: Content-Length\r\nContent-Length: 3\r\n\r\nabc`,
        );
        const seen = await rig.origins.u1.requestTo(path);
        expect([seen.body.text, seen.framingFields.length]).toEqual(["abc", 1]);
      });
    });

    describe("that the gateway vouches for", () => {
      test("say who came, by what scheme, and for whom", async () => {
        const seen = await forwarded(rig);
        expect(seen.fields.one("host")).toBe(rig.origins.u1.authority);
        expect(seen.fields.one("x-forwarded-for")).toBe("127.0.0.1");
        expect(seen.fields.one("x-forwarded-proto")).toBe("http");
        expect(seen.fields.one("x-forwarded-host")).toBe("gw.test");
        expect(seen.fields.one("via")).toMatch(/^1\.1 sluice-[0-9a-f]+$/);
        expect(seen.fields.one("x-request-id")).toMatch(UUID);
      });

      const spoofed: string[][] = [
        ["X-Forwarded-For: 203.0.113.9"],
        ["x-forwarded-for: 203.0.113.9", "X-FORWARDED-FOR: 203.0.113.9"],
        ["X-Forwarded-Proto: evil"],
        ["X-Forwarded-Host: evil.test"],
        ["X-Forwarded-Port: 203"],
        ["X-Forwarded-Prefix: /evil"],
        ["X-Forwarded-Uri: /evil"],
        ["X-Forwarded-Server: evil"],
        ["X-Forwarded-Client-Cert: By=evil"],
        ["X-Forwarded-Anything: evil"],
        ["X-Real-IP: 203.0.113.9"],
        ["Forwarded: for=203.0.113.9;host=evil.test"],
        ["X-Request-ID: evil"],
        ["CF-Connecting-IP: 203.0.113.9"],
        ["True-Client-IP: 203.0.113.9"],
        ["X_Forwarded_For: 203.0.113.9"],
        ["X.Forwarded.For: 203.0.113.9"],
        ["X_Real_IP: 203.0.113.9"],
        ["Client-Cert: :evil:"],
      ];
      test.each(spoofed.map((lines) => [lines.join(" | "), lines] as const))("%s is not believed", async (_, lines) => {
        const seen = await forwarded(rig, ...lines);
        expect(seen.fields.text).not.toMatch(/203\.0\.113\.9|evil|: 203\r/);
        expect(seen.fields.all("x-forwarded-for")).toEqual(["127.0.0.1"]);
      });

      test("Via is appended to", async () => {
        const seen = await forwarded(rig, "Via: 1.0 fred, 1.1 p.example.net");
        expect(seen.fields.all("via").join(", ")).toMatch(/^1\.0 fred, 1\.1 p\.example\.net, 1\.1 sluice-[0-9a-f]+$/);
      });

      test("Via names the version the client spoke", async () => {
        const path = ownPath();
        await rig.exchange(`GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`);
        expect((await rig.origins.u1.requestTo(path)).fields.one("via")).toMatch(/^1\.0 sluice-/);
      });

      test("a request that comes back to the gateway is a loop: 502", async () => {
        const via = (await forwarded(rig)).fields.one("via")!;
        const path = ownPath();
        const response = await rig.exchange(get(path, `Via: ${via}, 1.1 other`));
        expect([response.status, problemOf(response).code]).toEqual([502, "proxy_loop_detected"]);
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
      });

      test("the request id goes both ways and is never the same", async () => {
        const [one, two] = [ownPath(), ownPath()];
        const first = await rig.exchange(get(one));
        const second = await rig.exchange(get(two));
        const id = first.fields.one("x-request-id");
        expect(id).toBe((await rig.origins.u1.requestTo(one)).fields.one("x-request-id"));
        expect(second.fields.one("x-request-id")).not.toBe(id!);
      });

      const hosts: [path: string, host: (authority: string) => string][] = [
        ["", (authority) => authority],
        ["/client", () => "GW.test:8080"],
        ["/fixed", () => "fixed.test:99"],
      ];
      test.each(hosts)("the Host for routes below %j follows the upstream's option", async (prefix, host) => {
        const path = ownPath(`${prefix}/h`);
        await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: GW.test:8080\r\n\r\n`);
        const seen = await rig.origins.u1.requestTo(path);
        expect(seen.fields.one("host")?.toLowerCase()).toBe(host(rig.origins.u1.authority).toLowerCase());
      });

      test("a route's changes remove first, then set one line", async () => {
        const path = ownPath("/changed");
        rig.origins.u1.at(path, "HTTP/1.1 200 OK\r\nSERVER: x\r\nx-frame-options: a\r\nContent-Length: 0\r\n\r\n");
        const response = await rig.exchange(get(path, "x-gone: 1", "Cookie: a", "COOKIE: b", "x-set: a", "X-Set: b"));
        const seen = await rig.origins.u1.requestTo(path);
        expect(without(seen.fields.lines, ADDED_TO_REQUESTS)).toEqual([
          ["X-Set", "ours"],
          ["x-new", "1"],
        ]);
        expect(without(response.fields.lines, ADDED_TO_RESPONSES)).toEqual([["X-Frame-Options", "DENY"]]);
      });
    });

    describe("of a response", () => {
      const kept: [what: string, ...lines: [name: string, value: string][]][] = [
        ["order and spelling", ["SERVER", "u"], ["b-Second", "1"], ["A-first", "2"], ["x-D", "4"]],
        [
          "Set-Cookie lines, in order",
          ["Set-Cookie", "b=1; Path=/"],
          ["X", "1"],
          ["set-cookie", "a=2"],
          ["SET-COOKIE", "b=3"],
        ],
        [
          "other repeated lines, apart",
          ["X-Dup", "1"],
          ["WWW-Authenticate", "A"],
          ["X-dup", "2"],
          ["www-authenticate", "B"],
        ],
        ["empty values", ["X-Empty", ""], ["Content-Type", ""]],
        ["bytes above ASCII", ["X-Latin", "caf\xe9"], ["Content-Disposition", 'attachment; filename="\xc3\xb8"']],
        [
          "validators and caching",
          ["ETag", '"a"'],
          ["Last-Modified", "x"],
          ["Age", "3"],
          ["Vary", "*"],
          ["Cache-Control", "a, b"],
        ],
        ["encoding", ["Content-Encoding", "gzip"], ["Content-Type", "text/plain"]],
        ["the upstream's own errors about", ["Proxy-Status", "u; error=dns_error"], ["Retry-After", "9"]],
        ["no type where none was", ["X", "1"]],
      ];
      test.each(kept)("%s are kept", async (...row) => {
        const lines = row.slice(1) as [string, string][];
        const path = ownPath();
        const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
        rig.origins.u1.at(path, `HTTP/1.1 200 OK\r\n${text}Content-Length: 2\r\n\r\nok`);
        const response = await rig.exchange(get(path));
        expect(without(response.fields.lines, ADDED_TO_RESPONSES)).toEqual(lines);
        expect(response.fields.one("content-length")).toBe("2");
        expect(response.body.text).toBe("ok");
      });

      test("Date: the upstream's is kept; without one the gateway says when it came", async () => {
        const [dated, bare] = [ownPath(), ownPath()];
        const date = "Wed, 25 Nov 2026 00:00:00 GMT";
        rig.origins.u1.at(dated, `HTTP/1.1 200 OK\r\nDATE: ${date}\r\nContent-Length: 0\r\n\r\n`);
        expect((await rig.exchange(get(dated))).fields.all("date")).toEqual([date]);
        const added = (await rig.exchange(get(bare))).fields.one("date")!;
        expect(added).toMatch(/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
        expect(Math.abs(Date.parse(added) - Date.now())).toBeLessThan(3000);
      });

      const hops = [
        "Connection: X-Hop\r\nX-Hop: 1\r\nX-HOP: 2\r\n",
        "Connection: close, x-hop\r\nX-Hop: 1\r\n",
        "Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\n",
        "Keep-Alive: timeout=9\r\n",
        "Proxy-Connection: keep-alive\r\n",
        "Proxy-Authenticate: Basic\r\n",
        "Proxy-Authentication-Info: x\r\n",
        "Trailer: X-Sum\r\n",
        "TE: x\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
      ];
      test.each(hops)("%j ends here", async (lines) => {
        const path = ownPath();
        rig.origins.u1.at(path, `HTTP/1.1 200 OK\r\nX-Before: 1\r\n${lines}X-After: 2\r\nContent-Length: 2\r\n\r\nok`);
        const response = await rig.exchange(get(path));
        expect(without(response.fields.lines, ADDED_TO_RESPONSES)).toEqual([
          ["X-Before", "1"],
          ["X-After", "2"],
        ]);
        expect(response.fields.all("connection").join().toLowerCase()).not.toMatch(/x-hop|upgrade/);
        expect(response.fields.all("keep-alive").join()).not.toContain("timeout=9");
      });
    });
  },
);
