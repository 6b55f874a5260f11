// GW-26: IPv6 literals and names; connecting that is refused, or takes too long. Names that change: discovery.test.ts.
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { closedPort } from "../support/closed-port.ts";
import { get, problemOf } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";

withGateway(
  "an upstream",
  {
    origins: { four: {}, six: { host: "::1" } },
    config: ({ four, six }) => ({
      upstreams: {
        four: { targets: [four.url] },
        six: { targets: [six.url] },
        named: { targets: [`http://localhost:${four.port}`] },
        unknown: { targets: ["http://no-such-name.invalid:80"] },
        closed: { targets: [`http://127.0.0.1:${closedPort()}`] },
        // An address of TEST-NET-1: nobody answers, or the network refuses.
        away: { targets: ["http://192.0.2.1:80"], timeouts: { connect: "500ms" } },
      },
      routes: Object.fromEntries(
        ["four", "six", "named", "unknown", "closed", "away"].map((name) => [name, { match: `/${name}/*`, to: name }]),
      ),
    }),
  },
  (rig) => {
    test("as an IPv6 literal is reached, and its Host is in brackets", async () => {
      const path = ownPath("/six");
      expect((await rig.exchange(get(path))).status).toBe(200);
      const seen = await rig.origins.six.requestTo(path);
      expect(seen.fields.one("host")).toBe(`[::1]:${rig.origins.six.port}`);
    });

    test("by name is reached at the address that listens, whichever family is looked up first", async () => {
      const path = ownPath("/named");
      expect((await rig.exchange(get(path))).status).toBe(200);
      const seen = await rig.origins.four.requestTo(path);
      expect(seen.fields.one("host")).toBe(`localhost:${rig.origins.four.port}`);
    });

    const failing: [name: string, statuses: number[], codes: RegExp][] = [
      ["unknown", [502, 504], /^dns_(error|timeout)$/],
      ["closed", [502], /^connection_refused$/],
      ["away", [502, 504], /^(connection_timeout|connection_refused|destination_unavailable)$/],
    ];
    test.each(failing)("that is %s: an answer that says so and tells no address", async (name, statuses, codes) => {
      const sent = performance.now();
      const response = await rig.exchange(get(ownPath(`/${name}`)));
      expect(statuses).toContain(response.status);
      const problem = problemOf(response);
      expect(problem.code).toMatch(codes);
      expect(response.fields.one("proxy-status")).toBe(`sluice; error=${problem.code}`);
      expect(response.headText + response.body.text).not.toMatch(/192\.0\.2|no-such-name|127\.0\.0\.1/);
      expect(performance.now() - sent).toBeLessThan(4000);
    });

    test("no proxy variable of the environment turns traffic away", async () => {
      // Started with them below: see the next block.
      expect((await rig.exchange(get(ownPath("/four")))).status).toBe(200);
    });
  },
);

const proxied: string[] = [];
const trap = createServer((socket) => {
  proxied.push("connection");
  socket.destroy();
});
await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
trap.unref();
const proxy = `http://127.0.0.1:${(trap.address() as { port: number }).port}`;

withGateway(
  "with proxy variables in the environment",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
    start: { env: { HTTP_PROXY: proxy, http_proxy: proxy, HTTPS_PROXY: proxy, ALL_PROXY: proxy } },
  },
  (rig) => {
    test("traffic goes to the upstream and nowhere else", async () => {
      for (let i = 0; i < 3; i++) expect((await rig.exchange(get(ownPath()))).status).toBe(200);
      expect(proxied).toEqual([]);
    });
  },
);

withGateway(
  "several targets",
  {
    origins: { a: {}, b: {}, c: {} },
    config: ({ a, b, c }) => ({
      upstreams: {
        even: { targets: [a.url, b.url] },
        weighted: {
          targets: [
            { url: a.url, weight: 3 },
            { url: b.url, weight: 1 },
            { url: c.url, weight: 0 },
          ],
        },
        halfDead: { targets: [a.url, `http://127.0.0.1:${closedPort()}`] },
      },
      routes: {
        even: { match: "/even", to: "even" },
        weighted: { match: "/weighted", to: "weighted" },
        dead: { match: "/dead", to: "halfDead" },
      },
    }),
  },
  (rig) => {
    const counts = (path: string): number[] =>
      [rig.origins.a, rig.origins.b, rig.origins.c].map((origin) => origin.requestsTo(path).length);

    test("take turns", async () => {
      for (let i = 0; i < 10; i++) await rig.exchange(get("/even"));
      expect(counts("/even")).toEqual([5, 5, 0]);
    });
    test("get their share by weight; weight 0 gets none", async () => {
      for (let i = 0; i < 40; i++) await rig.exchange(get("/weighted"));
      expect(counts("/weighted")).toEqual([30, 10, 0]);
    });
    test("one that refuses connections costs no request: nothing was sent, so the other is tried", async () => {
      for (let i = 0; i < 10; i++) {
        const response = await rig.exchange("POST /dead HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 3\r\n\r\nabc");
        expect(response.status).toBe(200);
      }
      expect(counts("/dead")).toEqual([10, 0, 0]);
    });
  },
);
