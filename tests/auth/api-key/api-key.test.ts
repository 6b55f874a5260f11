// API keys through the whole gateway: where they may stand, what is refused, and that nobody else learns of them.
import { describe, expect, test } from "bun:test";
import { newKey } from "../../../src/auth/api-key/key-form.ts";
import { apiKey } from "../../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { fieldOf } from "../../../src/platforms/fake/messages.ts";
import { inWorld, inWorldOf } from "../../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const KEY = newKey("sk", (bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
const OTHER = "other~key+with/odd=characters";

const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: {
    acme: { keys: [{ hash: hashOf(KEY), id: "main" }] },
    beta: { keys: [hashOf(OTHER), { hash: hashOf("ends"), expires: "2026-11-25T12:00:10Z" }] },
  },
  auth: {
    any: apiKey({ bearer: true, query: "api_key" }),
    field: apiKey({ header: "X-Other-Key" }),
    query: apiKey({ header: false, query: "api_key" }),
    kept: apiKey({ bearer: true, query: "api_key", forward: true }),
    seen: apiKey({ query: "api_key", mode: "observe" }),
  },
  routes: {
    any: { match: "/any/*", to: "up", auth: "any" },
    either: { match: "/either/*", to: "up", auth: ["field", "query"] },
    kept: { match: "/kept/*", to: "up", auth: "kept" },
    seen: { match: "/seen/*", to: "up", auth: "seen" },
    moved: { match: "/moved/*", to: "up", auth: "any", rewrite: { stripPrefix: "/moved" } },
    elsewhere: { match: "/elsewhere/*", redirect: { to: "/new/*" }, auth: "any" },
    own: { match: "/own/*", auth: "any", handler: (x) => x.c.text(x.c.req.url) },
    open: { match: "/open/*", to: "up", auth: "none" },
  },
};

/** What a request is: its target, its fields. */
type Asked = [target: string, fields: string[]];

describe("a key", () => {
  const ACCEPTED: [where: string, ...Asked][] = [
    ["in the field", "/any/1", [`X-API-Key: ${KEY}`]],
    ["in the field in another case", "/any/1", [`x-Api-kEY: ${KEY}`]],
    ["as a Bearer token", "/any/1", [`Authorization: Bearer ${KEY}`]],
    ["as a bearer token of another case", "/any/1", [`authorization: bEARER   ${KEY}`]],
    ["in the query", `/any/1?a=1&api_key=${KEY}&b=2`, []],
    ["in the query with escapes", `/any/1?a=1&api%5fkey=%73${KEY.slice(1)}&b=2`, []],
    ["in the first of three places", `/any/1?api_key=wrong`, [`X-API-Key: ${KEY}`, "Authorization: Bearer wrong"]],
    ["in the second, the first being empty", `/any/1?api_key=wrong`, ["X-API-Key: ", `Authorization: Bearer ${KEY}`]],
    ["in the query beside another's Authorization", `/any/1?api_key=${KEY}`, ["Authorization: Basic eDp5"]],
  ];
  test.each(ACCEPTED)("%s is accepted, and the upstream sees nothing of it", (_, target, fields) => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", target, fields);
      const { request } = world.a.last;
      expect(fieldOf(request, "x-consumer")).toBe("acme");
      expect(JSON.stringify(request)).not.toContain(KEY.slice(1));
      expect(request.target).not.toContain("api");
      world.a.last.answer(200);
      world.settle();
      expect(world.record).toMatchObject({ "sluice.consumer": "acme" });
      expect(JSON.stringify(world.records)).not.toContain(KEY.slice(1));
    });
  });

  const QUERIES: [sent: string, forwarded: string][] = [
    [`?api_key=${KEY}`, ""],
    [`?api_key=${KEY}&a=%20+b&&=&c`, "?a=%20+b&&=&c"],
    [`?a=1&api_key=${KEY}`, "?a=1"],
    [`?a=1;x&api_key=${KEY}&API_KEY=1&xapi_key=2`, "?a=1;x&API_KEY=1&xapi_key=2"],
  ];
  test.each(QUERIES)("in %p leaves the query %p", (sent, forwarded) => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", `/any/1${sent}`, []);
      expect(world.a.last.request.target).toBe(`/any/1${forwarded}`);
      world.a.last.answer(200);
    });
    inWorld(OPTIONS, (world) => {
      world.ask("GET", `/moved/1${sent}`, []);
      expect(world.a.last.request.target).toBe(`/1${forwarded}`);
      world.a.last.answer(200);
    });
  });

  test("in the query does not go on with a redirect", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", `/elsewhere/1?a=1&api_key=${KEY}`);
      expect(fieldOf(client.answer, "location")).toBe("/new/1?a=1");
    });
  });

  test("in the query is not shown to the user's own code", async () => {
    await inWorldOf(OPTIONS, async (world) => {
      const client = world.ask("GET", `/own/1?a=1&api_key=${KEY}`);
      await world.rest();
      expect(client.answer.body).toEndWith("/own/1?a=1");
    });
  });

  test("goes on as it came where the scheme forwards it", () => {
    for (const [target, fields] of [
      [`/kept/1?a=1&api_key=${KEY}`, []],
      ["/kept/1", [`X-API-Key: ${KEY}`]],
      ["/kept/1", [`Authorization: Bearer ${KEY}`]],
    ] as Asked[]) {
      inWorld(OPTIONS, (world) => {
        world.ask("GET", target, fields);
        expect(world.a.last.request.target).toBe(target);
        expect(JSON.stringify(world.a.last.request)).toContain(KEY);
        world.a.last.answer(200);
        world.settle();
        expect(JSON.stringify(world.records)).not.toContain(KEY);
      });
    }
  });

  test("of one scheme is stripped when another accepted", () => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", `/either/1?api_key=${KEY}&api_key=${KEY}&a=1`, [`X-Other-Key: ${OTHER}`]);
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("beta");
      expect(world.a.last.request.target).toBe("/either/1?a=1");
      world.a.last.answer(200);
    });
  });

  test("is stripped where a scheme only observes and refuses", () => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", "/seen/1?api_key=wrong&a=1", []);
      expect(world.a.last.request.target).toBe("/seen/1?a=1");
      world.a.last.answer(200);
    });
  });

  test.each([
    ["HEAD", []],
    ["GET", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eHg="]],
  ] as [string, string[]][])("is asked for by %s %p too", (method, fields) => {
    inWorld(OPTIONS, (world) => {
      expect(world.ask(method, "/any/1?api_key=wrong", fields).statuses).toEqual([401]);
      expect(world.a.connections).toHaveLength(0);
      world.ask(method, `/any/1?api_key=${KEY}`, fields);
      expect(world.a.last.request.target).toBe("/any/1");
      world.a.last.answer(200);
      world.settle();
    });
  });
});

describe("what is refused", () => {
  const API = 'ApiKey realm="sluice"';
  const BEARER = `${API}, Bearer realm="sluice"`;
  const REFUSED: [what: string, ...Asked, status: number, challenge: string | undefined, detail: string][] = [
    ["no key", "/any/1", [], 401, BEARER, "no credentials that a scheme of the route knows"],
    ["empty keys", "/any/1?api_key=", ["X-API-Key: "], 401, BEARER, "no credentials that a scheme of the route knows"],
    ["an unknown key", "/any/1", ["X-API-Key: no"], 401, BEARER, "any: no consumer has this API key"],
    ["an unknown key in the query", "/any/1?api_key=no", [], 401, BEARER, "any: no consumer has this API key"],
    [
      "an unknown Bearer token",
      "/any/1",
      ["Authorization: Bearer no"],
      401,
      `${BEARER}, error="invalid_token"`,
      "any: no consumer has this API key",
    ],
    [
      "a typo",
      "/any/1",
      [`X-API-Key: ${KEY.slice(0, -1)}${KEY.endsWith("1") ? "2" : "1"}`],
      401,
      BEARER,
      "any: no consumer has this API key; its checksum is wrong: a typo, or a part is missing",
    ],
    [
      "a key in two lines",
      "/any/1",
      [`X-API-Key: ${KEY}`, `X-API-Key: ${KEY}`],
      400,
      BEARER,
      "any: the field x-api-key stands there more than once",
    ],
    [
      "two keys in one line",
      "/any/1",
      [`X-API-Key: ${KEY}, ${KEY}`],
      400,
      BEARER,
      "any: the field x-api-key holds what no API key may have, or several keys",
    ],
    [
      "two keys with a comma",
      "/any/1",
      [`X-API-Key: ${KEY},${KEY}`],
      400,
      BEARER,
      "any: the field x-api-key holds what no API key may have, or several keys",
    ],
    [
      "a key with a blank",
      "/any/1",
      [`X-API-Key: ApiKey ${KEY}`],
      400,
      BEARER,
      "any: the field x-api-key holds what no API key may have, or several keys",
    ],
    [
      "a key of other bytes",
      "/any/1",
      ["X-API-Key: k\xe4y"],
      400,
      BEARER,
      "any: the field x-api-key holds what no API key may have, or several keys",
    ],
    [
      "Authorization twice",
      "/any/1",
      [`Authorization: Bearer ${KEY}`, "Authorization: Basic eDp5"],
      400,
      `${BEARER}, error="invalid_request", error_description="The Bearer token is malformed."`,
      "any: the field authorization stands there more than once",
    ],
    [
      "Bearer and nothing",
      "/any/1",
      ["Authorization: Bearer"],
      400,
      `${BEARER}, error="invalid_request", error_description="The Bearer token is malformed."`,
      "any: there is no token behind Bearer",
    ],
    [
      "a parameter twice",
      `/any/1?api_key=${KEY}&api_key=${KEY}`,
      [],
      400,
      BEARER,
      "any: the parameter api_key stands there more than once",
    ],
    [
      "a parameter twice in two spellings",
      `/any/1?api_key=${KEY}&api%5Fkey=x`,
      [],
      400,
      BEARER,
      "any: the parameter api_key stands there more than once",
    ],
    [
      "a parameter with a plus",
      "/any/1?api_key=a+b",
      [],
      400,
      BEARER,
      'any: the parameter api_key holds a "+": one that belongs to the key is %2B',
    ],
    [
      "a parameter of other bytes",
      "/any/1?api_key=%00",
      [],
      400,
      BEARER,
      "any: the parameter api_key holds what no API key may have",
    ],
    [
      "a key that is too long",
      "/any/1",
      [`X-API-Key: ${"k".repeat(513)}`],
      401,
      BEARER,
      "any: the API key is longer than 512 characters",
    ],
    [
      "a right key behind a wrong one",
      `/any/1?api_key=${KEY}`,
      ["X-API-Key: no"],
      401,
      BEARER,
      "any: no consumer has this API key",
    ],
    [
      "a parameter in another case",
      `/any/1?API_KEY=${KEY}`,
      [],
      401,
      BEARER,
      "no credentials that a scheme of the route knows",
    ],
    [
      "a parameter behind a semicolon",
      `/any/1?a=1;api_key=${KEY}`,
      [],
      401,
      BEARER,
      "no credentials that a scheme of the route knows",
    ],
    [
      "a Bearer token where none is taken",
      "/either/1",
      [`Authorization: Bearer ${KEY}`],
      401,
      undefined,
      "no credentials that a scheme of the route knows",
    ],
    [
      "a field where only the query is read",
      "/either/1",
      [`X-API-Key: ${KEY}`],
      401,
      undefined,
      "no credentials that a scheme of the route knows",
    ],
  ];
  test.each(REFUSED)("%s", (_, target, fields, status, challenge, detail) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", target, fields);
      expect(client.statuses).toEqual([status]);
      if (challenge !== undefined) expect(fieldOf(client.answer, "www-authenticate")).toBe(challenge);
      expect(world.record).toMatchObject({ "sluice.error.detail": detail });
      const told = JSON.stringify([client.answer, world.records]);
      for (const secret of [KEY, KEY.slice(3, 20)]) expect(told).not.toContain(secret);
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("a key from the moment on at which it expires", () => {
    inWorld(OPTIONS, (world) => {
      const end = Date.UTC(2026, 10, 25, 12, 0, 10);
      const wall = world.platform.wallClock.bind(world.platform);
      world.platform.wallClock = () => end - 1;
      world.ask("GET", "/any/1", ["X-API-Key: ends"]);
      world.a.last.answer(200);
      world.settle();
      world.platform.wallClock = () => end;
      expect(world.ask("GET", "/any/2", ["X-API-Key: ends"]).statuses).toEqual([401]);
      world.platform.wallClock = wall;
      expect(
        world.records.map((record) => (record as { "sluice.error.detail"?: string })["sluice.error.detail"]),
      ).toEqual([undefined, `any: the API key ${hashOf("ends").slice(7, 15)} has expired`]);
    });
  });

  test("and the log masks the parameter on routes that nobody guards and on none", () => {
    inWorld(OPTIONS, (world) => {
      world.ask("GET", `/open/1?api_key=${KEY}`);
      world.a.last.answer(200);
      world.ask("GET", `/nowhere?Api_Key=${KEY}`);
      expect(world.records.map((record) => (record as { "url.query"?: string })["url.query"])).toEqual([
        "api_key=REDACTED",
        "Api_Key=REDACTED",
      ]);
    });
  });
});

test("every character that a key may have is taken from every place", () => {
  inWorld(OPTIONS, (world) => {
    for (const [target, fields] of [
      [`/any/1?api_key=${encodeURIComponent(OTHER)}`, []],
      ["/any/1", [`X-API-Key: ${OTHER}`]],
    ] as Asked[]) {
      world.ask("GET", target, fields);
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("beta");
      world.a.last.answer(200);
      world.settle();
    }
  });
});
