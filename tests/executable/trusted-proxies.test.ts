// Who the client is when a trusted proxy stands before the gateway, and what that proxy may say (GW-08).
import { expect, test } from "bun:test";
import { get } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

withGateway(
  "fields from a trusted proxy",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { defineGateway } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0, trustedProxies: ["127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48"] },
  upstreams: { u1: { targets: ["${u1.url}"] } },
  routes: {
    who: { match: "/who", handler: (x) => new Response(x.client) },
    all: { match: "/*", to: "u1" },
  },
});
`,
  },
  (rig) => {
    const walks: [what: string, lines: string[], client: string][] = [
      ["none: the peer itself", [], "127.0.0.1"],
      ["one address", ["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"],
      ["proxies on the right are skipped", ["X-Forwarded-For: 203.0.113.9, 10.1.1.1, 10.2.2.2"], "203.0.113.9"],
      [
        "what a client put on the left is not believed",
        ["X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.1.1.1"],
        "203.0.113.9",
      ],
      [
        "several lines are one list",
        ["X-Forwarded-For: 1.2.3.4", "x-forwarded-for: 203.0.113.9,10.1.1.1"],
        "203.0.113.9",
      ],
      ["only proxies: the leftmost", ["X-Forwarded-For: 10.0.0.1, 10.0.0.2"], "10.0.0.1"],
      ["an entry that is no address ends the walk", ["X-Forwarded-For: 1.2.3.4, unknown, 10.0.0.1"], "10.0.0.1"],
      ["an empty entry ends the walk", ["X-Forwarded-For: 1.2.3.4, , 10.0.0.1"], "10.0.0.1"],
      ["IPv6, in its one spelling", ["X-Forwarded-For: 2001:DB8:0:0::1, 2001:db8:ffff::5"], "2001:db8::1"],
      ["IPv6 with brackets and port", ["X-Forwarded-For: [2001:db8::1]:443"], "2001:db8::1"],
      ["IPv4 with a port", ["X-Forwarded-For: 203.0.113.9:5555"], "203.0.113.9"],
      ["IPv4 mapped into IPv6", ["X-Forwarded-For: ::ffff:203.0.113.9"], "203.0.113.9"],
      ["other fields do not count", ["X-Real-IP: 9.9.9.9", "Forwarded: for=9.9.9.9"], "127.0.0.1"],
    ];
    test.each(walks)("%s", async (_, lines, client) => {
      expect((await rig.exchange(get("/who", ...lines))).body.text).toBe(client);
    });

    test("the list is kept and the proxy appended; scheme and host are believed", async () => {
      const lines = [
        "X-Forwarded-For: 203.0.113.9, 10.1.1.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: shop.test",
      ];
      const path = ownPath();
      await rig.exchange(get(path, ...lines));
      const seen = await rig.origins.u1.requestTo(path);
      expect(seen.fields.all("x-forwarded-for").join(", ")).toBe("203.0.113.9, 10.1.1.1, 127.0.0.1");
      expect(seen.fields.one("x-forwarded-proto")).toBe("https");
      expect(seen.fields.one("x-forwarded-host")).toBe("shop.test");
    });

    const ids: [what: string, lines: string[], kept: boolean][] = [
      ["a well-formed one", ["X-Request-ID: abc-1.2_3~Z"], true],
      ["one of 128 characters", [`X-Request-ID: ${"a".repeat(128)}`], true],
      ["one of 129 characters", [`X-Request-ID: ${"a".repeat(129)}`], false],
      ["one with a space", ["X-Request-ID: a b"], false],
      ["one with a quote", ['X-Request-ID: a"b'], false],
      ["an empty one", ["X-Request-ID:"], false],
      ["two of them", ["X-Request-ID: a", "X-Request-ID: b"], false],
    ];
    test.each(ids)("a request id from it, %s", async (_, lines, kept) => {
      const path = ownPath();
      const response = await rig.exchange(get(path, ...lines));
      const id = (await rig.origins.u1.requestTo(path)).fields.one("x-request-id");
      expect(response.fields.one("x-request-id")).toBe(id);
      if (kept) expect(id).toBe(lines[0]!.slice("X-Request-ID: ".length));
      else expect(id).toMatch(UUID);
    });
  },
);

withGateway(
  "a peer that is not on the list of trusted proxies",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      listen: { trustedProxies: ["10.0.0.0/8", "127.0.0.2"] },
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    test("is the client itself, and nothing it says of anybody is believed", async () => {
      const path = ownPath();
      const lines = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test"];
      const response = await rig.exchange(get(path, ...lines, "X-Request-ID: evil", "X-Real-IP: 203.0.113.9"));
      const seen = await rig.origins.u1.requestTo(path);
      expect(seen.fields.text).not.toMatch(/203\.0\.113|evil|https/);
      expect(seen.fields.one("x-forwarded-for")).toBe("127.0.0.1");
      expect(response.fields.one("x-request-id")).toMatch(UUID);
    });
  },
);
