// `sluice explain`: what becomes of a request, by the stages that serve it, and without any traffic.
import { describe, expect, test } from "bun:test";
import pico from "picocolors";
import { type Explanation, explanationOf } from "../../src/cli/explain/explanation.ts";
import type { Places } from "../../src/cli/config-places.ts";
import type { Left } from "../../src/cli/explain/policies.ts";
import type { Running } from "../../src/cli/explain/running.ts";
import { rehearse } from "../../src/cli/explain/rehearsal.ts";
import { arrivalOf, readAsked } from "../../src/cli/explain/request.ts";
import { explanationText } from "../../src/cli/explain/text.ts";
import { GatewayError } from "../../src/errors.ts";
import { apiKey, basic, defineGateway, env, forwardAuth, introspection, jwt } from "../../src/mod.ts";
import type { TargetCount } from "../../src/admin/live/tick.ts";
import type { Plan } from "../../src/config/plan.ts";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { planOf } from "../config/support.ts";

const KEY = "sk_test_0123456789";
const HASH = `sha256:${new Bun.CryptoHasher("sha256").update(KEY).digest("hex")}`;
const JWT_SECRET = "jwt-secret-of-more-than-32-letters-long";
let ran = 0;

const plan = planOf(
  defineGateway({
    upstreams: {
      orders: { targets: ["http://127.0.0.1:9001"], timeouts: { connect: "2s" }, retries: { attempts: 2 } },
      canary: { targets: ["http://127.0.0.1:9002", "http://127.0.0.1:9003"], balance: "first" },
    },
    consumers: { acme: { groups: ["partner"], keys: [HASH] } },
    auth: {
      key: apiKey(),
      secret: jwt({ algorithms: ["HS256"], secret: env("JWT"), issuer: "https://id.test", audience: "up" }),
      remote: jwt({ issuer: "https://id.test", audience: "up" }),
      ask: introspection({ url: "https://id.test/introspect", clientId: "me", clientSecret: env("CLIENT") }),
      service: forwardAuth({ url: "http://127.0.0.1:9009/verify" } as never),
      basic: basic(),
    },
    limits: {
      perConsumer: { limit: 100, window: "1m", by: "consumer" },
      perAddress: { limit: 20, window: "1s", by: "address" },
    },
    routes: {
      orders: {
        match: "/api/orders/*",
        to: "orders",
        auth: ["key", "secret"],
        allow: { groups: ["partner"] },
        limits: ["perConsumer", "perAddress"],
        rewrite: { stripPrefix: "/api" },
        headers: { request: { set: { "X-Internal": env("INTERNAL"), "X-Plain": "yes" } } },
      },
      post: { match: "POST /api/orders/*", to: "canary", auth: "none", maxBody: "4B" as never },
      beta: { match: { path: "/api/orders/*", headers: { "x-beta": "1" } }, to: "canary", auth: "none" },
      hosted: { match: { path: "/api/orders/*", host: "shop.test" }, to: "canary", auth: "none" },
      remote: { match: "/remote", to: "orders", auth: "remote" },
      ask: { match: "/ask", to: "orders", auth: "ask" },
      service: { match: "/service", to: "orders", auth: "service" },
      split: {
        match: "/split",
        split: [
          { to: "orders", weight: 1 },
          { to: "canary", weight: 0, when: { header: { "x-canary": true } } },
        ],
        auth: "none",
        inFlight: ["few"],
      },
      code: {
        match: "/code",
        auth: "none",
        handler: () => {
          ran += 1;
          return new Response("");
        },
      },
      used: {
        match: "/used",
        auth: "none",
        to: "orders",
        use: [
          async (_: unknown, next: () => Promise<void>) => {
            ran += 1;
            await next();
          },
        ],
      },
      moved: { match: "/moved", auth: "none", redirect: { to: "/api/orders" } },
    },
    inFlight: { few: { max: 3 } },
  } as never),
  { env: { JWT: JWT_SECRET, CLIENT: "client-secret", INTERNAL: "internal-secret" } },
);

const places: Places = {
  near: (path) => path.join("."),
  written: (...paths) => paths.map((path) => path.join(".")).find((path) => WRITTEN.includes(path)),
};
/** What of the config below stands there. */
const WRITTEN = ["upstreams.orders.timeouts.connect", "upstreams.orders.retries", "upstreams.canary.balance"];

async function explain(
  words: string[],
  left: Left = () => undefined,
  running?: Running,
  of: Plan = plan,
): Promise<Explanation> {
  const arrival = arrivalOf(readAsked(words).request, of.listen);
  if (arrival instanceof GatewayError) throw arrival;
  const asked = (): never => {
    throw new Error("somebody was asked");
  };
  const edge = bunPlatform({ lines: { write() {}, writeBatch() {}, flush: () => true, dropped: 0 } });
  const alone = { ...edge, fetch: asked, connect: asked, listen: asked, redis: asked };
  return explanationOf(of, await rehearse(of, arrival, alone, running), places, left, running);
}

const says = ({ policies }: Explanation): Record<string, string> =>
  Object.fromEntries(policies.map(({ policy, says }) => [policy, says]));

async function token(claims: object): Promise<string> {
  const { SignJWT } = await import("jose");
  const signer = new SignJWT({ iss: "https://id.test", aud: "up", sub: "ann", ...claims });
  return signer.setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h").sign(new TextEncoder().encode(JWT_SECRET));
}

describe("the routes", () => {
  test("one wins, and each of the others says why not", async () => {
    const { matches } = await explain(["/api/orders/7"]);
    const why = Object.fromEntries(matches.map(({ route, why }) => [route, why]));
    expect(why).toMatchObject({
      orders: "wins",
      post: "it takes POST, not GET",
      beta: "it asks for x-beta: 1",
      hosted: "the host is not shop.test",
      moved: "the path is another",
    });
    const beta = await explain(["/api/orders/7", "-H", "X-Beta: 1"]);
    expect(beta.matches.find(({ route }) => route === "orders")!.why).toBe("less specific: it has fewer conditions");
    const hosted = await explain(["http://shop.test/api/orders/7"]);
    expect(hosted.matches.find(({ route }) => route === "orders")!.why).toBe("less specific: its host");
  });

  test("where none takes the request, the answer is that of the gateway", async () => {
    expect(await explain(["/nothing"])).toMatchObject({ status: 404, code: "route_not_found", route: undefined });
    expect((await explain(["DELETE", "/api/../x"])).verdict).toStartWith("404 route_not_found");
  });
});

describe("who calls", () => {
  test("a key that is good is accepted, and the limits behind it are asked", async () => {
    const it = await explain(["/api/orders/7", "-H", `x-api-key: ${KEY}`]);
    expect(it.policies.map(({ policy, says }) => `${policy} ${says}`)).toEqual([
      "limits.perAddress passes",
      "auth.key accepts",
      "allow passes",
      "limits.perConsumer passes",
      "auth.secret idle",
    ]);
    expect(it.policies[1]).toMatchObject({ why: expect.stringContaining("consumer acme"), place: "auth.key" });
    expect(it.verdict).toBe("goes to http://127.0.0.1:9001");
  });

  test("a wrong key is refused, and nothing behind it is asked", async () => {
    const it = await explain(["/api/orders/7", "-H", "x-api-key: wrong"]);
    expect(says(it)).toMatchObject({ "auth.key": "refuses", "auth.secret": "nothing", allow: "idle" });
    expect(it).toMatchObject({ status: 401, code: "invalid_credentials", head: [] });
  });

  test("a token is really verified: its signature, its time, its caller", async () => {
    const good = await explain(["/api/orders/7", "-H", `Authorization: Bearer ${await token({})}`]);
    expect(good.policies.find(({ policy }) => policy === "auth.secret")).toMatchObject({
      says: "accepts",
      why: "subject ann",
    });
    expect(says(good)).toMatchObject({ allow: "refuses" });
    expect(good).toMatchObject({ status: 403, code: "access_denied" });
    const bad = await explain(["/api/orders/7", "-H", `Authorization: Bearer ${await token({})}x`]);
    expect(says(bad)).toMatchObject({ "auth.secret": "refuses" });
  });

  const jws = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJ1cCIsImV4cCI6OTk5OTk5OTk5OX0.c2ln";
  test.each([
    ["/remote", "auth.remote", "it would fetch keys from the issuer https://id.test"],
    ["/ask", "auth.ask", "it would ask https://id.test/introspect about the token"],
    ["/service", "auth.service", "it would show the head to http://127.0.0.1:9009/verify"],
  ])("what %s would have to ask of somebody is said, and nobody is asked", async (path, policy, why) => {
    const it = await explain([path, "-H", `Authorization: Bearer ${jws}`]);
    expect(it.policies[0]).toMatchObject({ policy, says: "undecided", why: expect.stringContaining(why) });
    expect(it).toMatchObject({ status: undefined, code: undefined, head: [] });
    expect(it.verdict).toStartWith(`${policy} decides: `);
  });
});

describe("limits", () => {
  test("what a running gateway has left decides", async () => {
    const asked: string[] = [];
    const it = await explain(["/api/orders/7", "-H", `x-api-key: ${KEY}`], (limit, caller) => {
      asked.push(`${limit} ${caller}`);
      return limit === "perConsumer" ? 0 : 7;
    });
    expect(asked.length).toBe(2);
    expect(asked[1]).toContain("acme");
    expect(says(it)).toMatchObject({ "limits.perAddress": "passes", "limits.perConsumer": "refuses" });
    expect(it).toMatchObject({ status: 429, code: "rate_limit_exceeded", head: [] });
  });

  test("content that is too large is refused", async () => {
    const it = await explain(["/api/orders/7", "-d", "12345"]);
    expect(says(it)).toEqual({ maxBody: "refuses" });
    expect(it).toMatchObject({ route: "post", status: 413 });
  });
});

describe("the way", () => {
  test("the head is that which the upstream sees, credentials masked", async () => {
    const it = await explain([
      ...["https://api.test/api/orders/7?api_key=abc&a=1", "--from", "203.0.113.7"],
      ...["-H", `x-api-key: ${KEY}`, "-H", "Cookie: a=b", "-H", "X-Forwarded-For: 1.2.3.4", "-H", "X-One: 1"],
    ]);
    expect(it.head.map(({ line, from }) => `${line} < ${from}`)).toEqual([
      "GET /orders/7?api_key=REDACTED&a=1 HTTP/1.1 < the client",
      "Host: 127.0.0.1:9001 < upstreams.orders.targets",
      "Cookie: [redacted] < the client",
      "X-One: 1 < the client",
      "X-Forwarded-For: 203.0.113.7 < the gateway",
      "X-Forwarded-Proto: https < the gateway",
      "X-Forwarded-Host: api.test < the gateway",
      "X-Request-ID: 00000000-0000-4000-8000-000000000000 < the gateway",
      "Via: 1.1 sluice-0 < the gateway",
      "X-Consumer: acme < the gateway",
      "X-Internal: [redacted] < routes.orders.headers.request.set.X-Internal",
      "X-Plain: yes < routes.orders.headers.request.set.X-Plain",
    ]);
    expect(JSON.stringify(it)).not.toMatch(/sk_test|internal-secret|=abc/);
  });

  test("targets, clocks and retries are those that hold on the route", async () => {
    const { way } = await explain(["/api/orders/7", "-H", `x-api-key: ${KEY}`]);
    expect(way).toMatchObject({ upstream: "orders", target: "http://127.0.0.1:9001", place: "upstreams.orders" });
    const settings = way!.settings.map((setting) => setting.join(" "));
    expect(settings).toEqual([
      "balance round-robin default",
      "timeouts.connect 2s upstreams.orders.timeouts.connect",
      "timeouts.send 1m default",
      "timeouts.firstByte 1m default",
      "timeouts.idle 5m default",
      "retries up to 2 attempts, on connect, reset, timeout, 502, 503, 504 upstreams.orders.retries",
    ]);
  });

  test("of a split the branch is taken that the request meets", async () => {
    expect((await explain(["/split"])).way!.upstream).toBe("orders");
    const canary = await explain(["/split", "-H", "x-canary: 1"]);
    expect(canary.way).toMatchObject({ upstream: "canary", target: "http://127.0.0.1:9002" });
    expect(says(canary)).toEqual({ "inFlight.few": "passes" });
  });

  test("middleware and handlers do not run", async () => {
    expect((await explain(["/code"])).verdict).toBe("the handler of the route answers");
    expect(says(await explain(["/used"]))).toEqual({ use: "passes" });
    expect(ran).toBe(0);
    expect(await explain(["/moved"])).toMatchObject({ status: 308, leadsTo: "redirect 308 /api/orders" });
  });
});

describe("what is asked about is read as curl reads it", () => {
  test.each<[words: string[], request: object]>([
    [["/x"], { method: "GET", authority: "localhost", target: "/x", secure: undefined, from: "127.0.0.1" }],
    [["https://a.test:8443"], { authority: "a.test:8443", target: "/", secure: true }],
    [["http://a.test?q=1#part"], { target: "/?q=1" }],
    [["post", "/x"], { method: "POST" }],
    [["/x", "-X", "PATCH"], { method: "PATCH" }],
    [["PURGE", "/a/../b"], { method: "PURGE", target: "/a/../b" }],
    [
      ["/x", "-H", "a: 1", "--header", "A:2", "-H", "b;"],
      {
        fields: [
          ["a", "1"],
          ["A", "2"],
          ["b", ""],
        ],
      },
    ],
    [
      ["/x", "-d", "a=1", "-H", "content-type: text/plain"],
      {
        method: "POST",
        fields: [
          ["content-type", "text/plain"],
          ["Content-Length", "3"],
        ],
      },
    ],
    [["/x", "--from", "::ffff:10.0.0.1"], { from: "10.0.0.1" }],
  ])("%j", (words, request) => {
    expect(readAsked(words).request).toMatchObject(request);
  });

  test.each<[words: string[], message: string]>([
    [[], "Name a URL."],
    [["example.com/x"], "neither a URL nor a path"],
    [["GET"], "neither a URL nor a path"],
    [["GE T", "/x"], "is no method"],
    [["GET", "/x", "-X", "POST"], "given twice"],
    [["/x", "-H", "no field"], "-H takes a field"],
    [["/x", "--from", "home"], "--from is an IP address"],
    [["/x", "-d", "@/nowhere/at/all"], "cannot be read (ENOENT)"],
  ])("%j is a mistake: 64", (words, message) => {
    expect(() => readAsked(words)).toThrow(message);
  });
});

test("people read it in sections, within the width of their terminal", async () => {
  const it = await explain(["/api/orders/7", "-H", "x-api-key: wrong"]);
  const few = { ...it, matches: it.matches.filter(({ route }) => route === "orders" || route === "post") };
  expect(`\n${explanationText(few, 100, pico.createColors(false))}\n`).toBe(`
GET http://localhost/api/orders/7 from 127.0.0.1
401 invalid_credentials: key: no consumer has this API key; secret: no credentials

Route
  ROUTE   MATCH               SAYS                    PLACE
  post    POST /api/orders/*  it takes POST, not GET  routes.post.match
  orders  /api/orders/*       wins                    routes.orders.match

Policies, in the order in which they are asked
  POLICY              SAYS           WHY                                         PLACE
  limits.perAddress   passes         20 in 1s by address                         limits.perAddress
  auth.key            refuses        invalid_credentials: no consumer has this   auth.key
                                     API key
  auth.secret         does not know  no credentials of this scheme               auth.secret
  allow               is not asked   the way ends before it is asked             routes.orders.allow
  limits.perConsumer  is not asked   the way ends before it is asked             limits.perConsumer

Way
  SETTING             VALUE                                        PLACE
  upstream            orders                                       upstreams.orders
  target              http://127.0.0.1:9001
  balance             round-robin                                  default
  timeouts.connect    2s                                           upstreams.orders.timeouts.connect
  timeouts.send       1m                                           default
  timeouts.firstByte  1m                                           default
  timeouts.idle       5m                                           default
  retries             up to 2 attempts, on connect, reset,         upstreams.orders.retries
                      timeout, 502, 503, 504
`);
});

describe("what a running gateway knows decides:", () => {
  const target = (url: string, state: TargetCount["state"], more: Partial<TargetCount> = {}): TargetCount => ({
    ...{ url, weight: 1, state, attempts: 0, failures: 0, connections: { active: 0, idle: 0 } },
    ...more,
  });
  const [first, second] = ["http://127.0.0.1:9002", "http://127.0.0.1:9003"];
  const run = (canary: readonly TargetCount[], more: Partial<Running> = {}): Running => ({
    name: "http://127.0.0.1:9901",
    same: true,
    upstreams: [{ name: "canary", targets: canary, retries: 0, ejections: 0, openings: 0 }],
    revoked: [],
    left: async () => () => undefined,
    ...more,
  });
  const way = ["/split", "-H", "x-canary: 1"];
  const asked = (running: Running, words = way): Promise<Explanation> => explain(words, undefined, running);
  const text = (it: Explanation): string => explanationText(it, undefined, pico.createColors(false));

  test.each<[TargetCount["state"], TargetCount["state"], string | undefined, number]>([
    ["up", "up", first, 2],
    ["drained", "up", second, 1],
    ["down", "up", second, 1],
    ["ejected", "up", second, 1],
    ["drained", "ejected", second, 1],
    ["drained", "drained", undefined, 0],
  ])("of a target that is %s and one that is %s", async (one, other, picked, candidates) => {
    const it = await asked(run([target(first, one, { seconds: 9 }), target(second, other, { seconds: 9 })]));
    // The upstream's balance is "first".
    expect(it.way).toMatchObject({ target: picked, candidates, certain: true });
    if (picked !== undefined) expect(it.verdict).toBe(`goes to ${picked}`);
    else expect(it).toMatchObject({ status: 503, code: "destination_unavailable", head: [] });
  });

  test("why one is out, for how long, and what is under way to each, is told", async () => {
    const out = target(first, "ejected", { reason: "status 503", seconds: 9 });
    const it = await asked(run([out, target(second, "up", { connections: { active: 3, idle: 1 } })]));
    expect(it.way!.targets).toEqual([
      { url: first, state: "ejected", why: "status 503, for 9 s more", inUse: 0 },
      { url: second, state: "up", why: undefined, inUse: 3 },
    ]);
    expect(text(it)).toContain("\nnow, as the gateway at http://127.0.0.1:9901 tells\n");
    expect(text(it)).toMatch(/target +http:\/\/127\.0\.0\.1:9003, the only one that may be picked now/);
    expect(text(it)).toMatch(/9002 +ejected +status 503, for 9 s more +0\n/);
  });

  test("a revoked key is refused", async () => {
    const revoked = [{ id: HASH.slice(7, 15), consumer: "acme", revokedAt: 0 }];
    const it = await asked(run([], { revoked }), ["/api/orders/7", "-H", `x-api-key: ${KEY}`]);
    expect(says(it)).toMatchObject({ "auth.key": "refuses", allow: "idle" });
    expect(it.verdict).toContain("is revoked");
    const others = [{ ...revoked[0]!, consumer: "beta" }];
    expect(
      (await asked(run([], { revoked: others }), ["/api/orders/7", "-H", `x-api-key: ${KEY}`])).code,
    ).toBeUndefined();
  });

  test("one that runs another config says so", async () => {
    expect(text(await asked(run([], { same: false })))).toContain(
      "it runs another config, for it was not reloaded since",
    );
  });
});

test.each(["h2", "h2c"] as const)(
  "to targets of %s the same holds, and the head is told as HTTP/2 says it",
  async (protocol) => {
    const targets = [`${protocol === "h2" ? "https" : "http"}://127.0.0.1:9001`];
    const of = planOf({ upstreams: { up: { targets, protocol } }, routes: { up: { match: "/*", to: "up" } } });
    const it = await explain(["/x?y=1", "-H", "X-Own: 1"], undefined, undefined, of);
    expect(it.verdict).toBe(`goes to ${targets[0]}`);
    expect(it.head.slice(0, 3).map(({ line }) => line)).toEqual([
      "GET /x?y=1 HTTP/2",
      "host: 127.0.0.1:9001",
      "x-own: 1",
    ]);
    const upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket"];
    expect(await explain(["/x", ...upgrade], undefined, undefined, of)).toMatchObject({ status: 501, head: [] });
  },
);

describe("with TLS on the listener", () => {
  const files = {
    "a.pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    "a.key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
  };
  const tls = { certificates: { cert: "a.pem", key: "a.key" }, redirectHttp: { port: 8080, to: 443 } };
  const up = { upstreams: { up: { targets: ["http://a.test"] } }, routes: { up: { match: "/*", to: "up" } } };
  const of = planOf({ listen: { port: 8443, tls }, ...up }, { files });

  test("a path alone is asked for by https", async () => {
    const it = await explain(["/x"], undefined, undefined, of);
    expect(it).toMatchObject({ request: "GET https://localhost/x", verdict: "goes to http://a.test" });
  });

  test("what comes by http is led to https, and no route is said to win", async () => {
    const it = await explain(["http://shop.test/x?token=abc"], undefined, undefined, of);
    const verdict = "308 to https://shop.test/x?token=REDACTED, before routes are asked";
    expect(it).toMatchObject({ status: 308, route: undefined, matches: [], verdict });
  });
});

test.each([
  ["http://", "For example: https://api.example.com/orders"],
  ["api.test:8080/x", "Did you mean http://api.test:8080/x?"],
  ["POST", "Behind the method stands a URL."],
])("what is no URL is refused with what helps: %s", (url, hint) => {
  expect(() => readAsked([url])).toThrow(expect.objectContaining({ hint }));
});
