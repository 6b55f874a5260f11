// The admin listener: who may ask it what, and what it says of the gateway.
import { afterEach, describe, expect, test } from "bun:test";
import { type Admin, openAdmin } from "../../src/admin/admin.ts";
import type { KeyControls, LimitControls, TargetControls } from "../../src/admin/overseen.ts";
import type { AdminOptions } from "../../src/config/admin/options.ts";
import { env } from "../../src/config/secrets.ts";
import { Metrics } from "../../src/record/metrics.ts";
import { FAMILIES } from "../../src/record/families.ts";
import type { Obstacle } from "../../src/respond/readiness.ts";
import { planOf } from "../config/support.ts";
import { until } from "../support/deadline.ts";
import { type FakeAnswer, fieldOf } from "../../src/platforms/fake/messages.ts";
import { FakeClient } from "../../src/platforms/fake/peers.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";

const TOKEN = "a-token-of-more-than-16";
let open: Admin | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
});

interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
  readonly content?: string;
  readonly options?: AdminOptions;
  readonly obstacles?: readonly Obstacle[];
  readonly metrics?: Metrics;
  readonly targets?: TargetControls;
}

const LOADS = [{ at: 1, ok: true, message: "started", hash: "abc" }];
const LIMITS = { few: { limit: 9, window: "1m" }, more: { limit: 9, window: "1m" } } as const;
const limits: LimitControls = {
  async see(limit, caller) {
    if (limit !== "few" && limit !== "more") return undefined;
    return { limit, caller, most: 9, left: caller.length };
  },
  async reset(limit, caller) {
    const before = await limits.see(limit, caller);
    return before && { ...before, left: 9, before: before.left };
  },
};
const KEY = { id: "ci", consumer: "acme", revokedAt: 7, place: "keys.yaml:3" };
const keys: KeyControls = {
  load: () => undefined,
  kept: undefined,
  list: () => [KEY],
  revoke: async (named) => (named.id === "none" ? [] : [{ ...KEY, id: JSON.stringify(named) }]),
  restore: async ({ id }) => (id === "ci" ? [KEY] : []),
};
const NO_TARGETS: TargetControls = { list: () => [], drain: () => undefined };

/** Asks a listener of these options once. */
async function ask(question: Question): Promise<FakeAnswer> {
  const { method = "GET", path = "/healthz", host = "127.0.0.1:9901", content = "", options = {} } = question;
  const fields = [
    ...(question.fields ?? []),
    ...(content === "" ? [] : [`Content-Length: ${Buffer.byteLength(content)}`]),
  ];
  const plan = planOf(
    { admin: options, limits: LIMITS, routes: { r: { match: "/", answer: {} } } },
    { env: { TOKEN } },
  );
  const { obstacles = [], metrics = new Metrics(), targets = NO_TARGETS } = question;
  const platform = new FakePlatform();
  const overseen = {
    metrics: () => metrics,
    look: () => ({ metrics, seen: [] }),
    obstacles: () => obstacles,
    targets,
    limits,
    keys,
    verbosity: platform.verbosity,
    plan: () => plan,
    build: { version: "1.2.3", revision: "abc" },
    loads: () => LOADS,
    page: () => Promise.resolve({ html: "html", css: "css", script: "script", icon: "icon" }),
  };
  open = openAdmin(plan.admin!, overseen, platform);
  const client = new FakeClient(platform.network.dial(plan.admin!.socket ?? `${plan.admin!.host}:9901`), () => 0);
  client.methods.push(method);
  client.send(
    [`${method} ${path} HTTP/1.1`, ...(host === "" ? [] : [`Host: ${host}`]), ...fields, "", content].join("\r\n"),
  );
  await until(() => {
    platform.clock.settle();
    return client.answers.at(-1)?.complete === true;
  }, "the answer");
  expect(platform.lines).toEqual([]);
  return client.answer;
}

const codeOf = (answer: FakeAnswer): unknown => (JSON.parse(answer.body) as { code?: string }).code;

describe("is answered:", () => {
  test.each<[string, Question]>([
    ["an address, whatever port stands behind it", { host: "192.0.2.1:1234" }],
    ["an address of IPv6", { host: "[::1]:9901" }],
    ["localhost", { host: "localhost:9901" }],
    ["a name of admin.names, in any letters", { host: "Gate.Internal", options: { names: ["gate.INTERNAL"] } }],
    ["localhost, on a Unix socket", { host: "localhost", options: { socket: "/run/admin.sock" } }],
    ["the name that it is bound to", { host: "localhost", options: { host: "localhost" } }],
    ["its own page", { fields: ["Origin: http://127.0.0.1:9901", "Sec-Fetch-Site: same-origin"] }],
    ["an address that a person typed", { fields: ["Sec-Fetch-Site: none"] }],
    ["who has the token", { fields: [`Authorization: Bearer ${TOKEN}`], options: { token: env("TOKEN") } }],
    [
      "the word Bearer in any letters",
      { fields: [`authorization: bEARER ${TOKEN}`], options: { token: env("TOKEN") } },
    ],
    ["/livez without the token", { path: "/livez", options: { token: env("TOKEN") } }],
    ["/readyz without the token", { path: "/readyz?verbose", options: { token: env("TOKEN") } }],
    ["HEAD", { method: "HEAD", path: "/metrics" }],
  ])("%s", async (_, question) => {
    expect((await ask({ ...question, host: question.host ?? "127.0.0.1:9901" })).status).toBe(200);
  });
});

describe("GET /limits tells what is left for a caller", () => {
  test.each<[query: string, status: number, body: object]>([
    ["?limit=few&caller=10.0.0.1", 200, { limit: "few", caller: "10.0.0.1", most: 9, left: 8 }],
    ["?limit=few&caller=a%20b", 200, { caller: "a b", left: 3 }],
    ["?limit=many&caller=a", 404, { code: "route_not_found" }],
    ["?limit=few", 400, { code: "http_request_error" }],
    ["", 400, { code: "http_request_error" }],
  ])("%s", async (query, status, body) => {
    const answer = await ask({ path: `/limits${query}` });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject(body);
  });
});

describe("POST /limits/reset lets a caller begin anew", () => {
  const reset = { caller: "abc", most: 9, left: 9, before: 3 };
  test.each<[query: string, status: number, body: object]>([
    ["?limit=few&caller=abc", 200, { limits: [{ limit: "few", ...reset }] }],
    ["?caller=abc", 200, { limits: ["few", "more"].map((limit) => ({ limit, ...reset })) }],
    ["?limit=many&caller=abc", 404, { code: "route_not_found" }],
    ["?limit=few", 400, { code: "http_request_error" }],
  ])("%s", async (query, status, body) => {
    const answer = await ask({ method: "POST", path: `/limits/reset${query}` });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject(body);
    expect((await ask({ path: `/limits/reset${query}` })).status).toBe(405);
  });
});

describe("the log level", () => {
  test.each<[method: string, path: string, status: number, body: object]>([
    ["GET", "/log-level", 200, { level: "info" }],
    ["POST", "/log-level?level=debug", 200, { level: "debug", before: "info" }],
    ["POST", "/log-level?level=error", 200, { level: "error", before: "info" }],
    ["POST", "/log-level?level=trace", 400, { detail: "The level is one of error, warn, info, debug." }],
    ["POST", "/log-level", 400, { detail: "The query lacks the parameter level, such as ?level=debug" }],
  ])("%s %s answers %i", async (method, path, status, body) => {
    const answer = await ask({ method, path });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject(body);
  });
});

describe("API keys", () => {
  const named = (id: unknown): object => ({ keys: [{ ...KEY, id: JSON.stringify(id) }] });
  test.each<[query: string, content: string, status: number, body: object]>([
    ["?id=ci", "", 200, named({ id: "ci" })],
    ["?id=ci&consumer=acme", "", 200, named({ id: "ci", consumer: "acme" })],
    [`?hash=sha256:${"a".repeat(64)}`, "", 200, named({ hash: `sha256:${"a".repeat(64)}` })],
    ["", '{"key":"sk_1"}', 200, named({ key: "sk_1" })],
    ["?id=none", "", 404, { code: "route_not_found" }],
    ["", "", 400, { detail: expect.stringContaining("One of these names a key") }],
    ["?id=ci", '{"key":"sk_1"}', 400, { detail: expect.stringContaining("One of these names a key") }],
    ["?id=ci&hash=sha256:00", "", 400, { detail: expect.stringContaining("One of these names a key") }],
    ["?key=sk_1", "", 400, { detail: 'The query has a parameter "key": it takes id, consumer, hash.' }],
    ["", "{", 400, { detail: 'The content is no JSON. It may be {"key":"sk_…"}' }],
    ["", "null", 400, { detail: 'The content is { "key": "…" }.' }],
    ["", '{"key":7}', 400, { detail: 'The content is { "key": "…" }.' }],
    ["", `{"key":"${"x".repeat(16_384)}"}`, 413, { code: "content_too_large" }],
  ])("POST /keys/revoke takes one way to name a key: %#", async (query, content, status, body) => {
    const answer = await ask({ method: "POST", path: `/keys/revoke${query}`, content });
    expect(answer.status).toBe(status);
    expect(JSON.parse(Buffer.from(answer.body, "latin1").toString())).toMatchObject(body);
  });

  test("the answer says how to make it last", async () => {
    const { body } = await ask({ method: "POST", path: "/keys/revoke?id=ci" });
    expect((JSON.parse(body) as { message: string }).message).toEndWith("take the key out at keys.yaml:3.");
  });

  test("that are revoked are listed and restored", async () => {
    expect(JSON.parse((await ask({ path: "/keys/revoked" })).body)).toEqual({ keys: [KEY] });
    expect(JSON.parse((await ask({ method: "POST", path: "/keys/restore?id=ci" })).body)).toEqual({ keys: [KEY] });
    expect((await ask({ method: "POST", path: "/keys/restore?id=cd" })).status).toBe(404);
  });

  test.each(["revoke", "restore"])("are never %sd by GET, by a page of others, or without the token", async (verb) => {
    const path = `/keys/${verb}?id=ci`;
    expect((await ask({ path })).status).toBe(405);
    expect((await ask({ method: "POST", path, fields: ["Sec-Fetch-Site: cross-site"] })).status).toBe(403);
    expect((await ask({ method: "POST", path, fields: ["Origin: http://evil.test"] })).status).toBe(403);
    expect((await ask({ method: "POST", path, host: "evil.test" })).status).toBe(403);
    expect((await ask({ method: "POST", path, options: { token: env("TOKEN") } })).status).toBe(401);
  });
});

const guarded: AdminOptions = { token: env("TOKEN") };

describe("is refused:", () => {
  test.each<[string, number, string, Question]>([
    ["a name that nobody gave it (DNS rebinding)", 403, "access_denied", { host: "evil.test" }],
    ["a name that begins like an address", 403, "access_denied", { host: "127.0.0.1.evil.test" }],
    ["a name that ends like one of its own", 403, "access_denied", { host: "evil-localhost" }],
    ["an address in odd spelling, which is a name", 403, "access_denied", { host: "127.1" }],
    ["no Host in HTTP/1.1", 400, "http_request_error", { host: "" }],
    ["a page of another origin", 403, "origin_not_allowed", { fields: ["Origin: http://evil.test"] }],
    ["a page of another port", 403, "origin_not_allowed", { fields: ["Origin: http://127.0.0.1:8080"] }],
    ["a page without an origin", 403, "origin_not_allowed", { fields: ["Origin: null"] }],
    ["an image on a page of others", 403, "origin_not_allowed", { fields: ["Sec-Fetch-Site: cross-site"] }],
    ["a page of a sibling", 403, "origin_not_allowed", { fields: ["Sec-Fetch-Site: same-site"] }],
    ["a strange name, even at an open path", 403, "access_denied", { host: "evil.test", path: "/livez" }],
    ["no token", 401, "authentication_required", { options: guarded }],
    ["a wrong token", 401, "invalid_credentials", { options: guarded, fields: ["Authorization: Bearer wrong"] }],
    [
      "the beginning of it",
      401,
      "invalid_credentials",
      { options: guarded, fields: [`Authorization: Bearer ${TOKEN.slice(0, -1)}`] },
    ],
    ["more than it", 401, "invalid_credentials", { options: guarded, fields: [`Authorization: Bearer ${TOKEN}x`] }],
    [
      "two of them",
      401,
      "authentication_required",
      { options: guarded, fields: [`Authorization: Bearer ${TOKEN}`, `Authorization: Bearer ${TOKEN}`] },
    ],
    [
      "another way to show it",
      401,
      "authentication_required",
      { options: guarded, fields: [`Authorization: Basic ${TOKEN}`] },
    ],
    ["who guesses paths without the token", 401, "authentication_required", { options: guarded, path: "/secret" }],
    ["a path where nothing is", 404, "route_not_found", { path: "/secret" }],
    ["a path below one", 404, "route_not_found", { path: "/metrics/x" }],
    ["another method", 405, "method_not_allowed", { method: "POST", path: "/metrics" }],
  ])("%s", async (_, status, code, question) => {
    const answer = await ask(question);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(fieldOf(answer, "content-type")).toBe("application/problem+json");
    if (status === 401) expect(fieldOf(answer, "www-authenticate")).toMatch(/^Bearer realm="sluice admin"/);
    if (status === 405) expect(fieldOf(answer, "allow")).toBe("GET, HEAD, OPTIONS");
    expect(answer.body).not.toContain(TOKEN);
  });
});

test.each([
  ["/targets", "GET, HEAD, OPTIONS"],
  ["/reload", "POST, OPTIONS"],
  ["/", "GET, HEAD, OPTIONS"],
])("OPTIONS %s tells which methods there are", async (path, methods) => {
  const answer = await ask({ method: "OPTIONS", path });
  expect([answer.status, fieldOf(answer, "allow")]).toEqual([204, methods]);
  expect((await ask({ method: "OPTIONS", path, host: "evil.test" })).status).toBe(403);
});

test("every answer says where the listener is documented", async () => {
  for (const path of ["/healthz", "/secret", "/targets?x=1"]) {
    expect(fieldOf(await ask({ path }), "link")).toBe('</openapi.json>; rel="service-desc"');
  }
});

test("the version is told", async () => {
  const answer = await ask({ path: "/version" });
  expect(JSON.parse(answer.body)).toEqual({ name: "sluice", version: "1.2.3", revision: "abc", config: "abc" });
});

describe("health", () => {
  const obstacles = [{ name: "auth.token", reason: "no keys from https://id.test" }];

  test("is live whatever stands in the way", async () => {
    expect((await ask({ path: "/livez", obstacles })).status).toBe(200);
  });

  test("readiness tells names to everybody, health tells reasons", async () => {
    const ready = await ask({ path: "/readyz", obstacles });
    expect([ready.status, JSON.parse(ready.body)]).toEqual([503, { ready: false, unready: ["auth.token"] }]);
    const health = await ask({ path: "/healthz", obstacles });
    expect([health.status, JSON.parse(health.body)]).toEqual([503, { ready: false, obstacles }]);
    expect(fieldOf(health, "retry-after")).toBe("1");
  });

  test("is good when nothing does", async () => {
    expect(JSON.parse((await ask({ path: "/healthz" })).body)).toEqual({ ready: true, obstacles: [] });
  });
});

test.each([
  ["prometheus", [], "text/plain; version=0.0.4; charset=utf-8"],
  [
    "openmetrics",
    ["Accept: application/openmetrics-text"],
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
  ],
] as const)("metrics come as %s to who asks for it", async (format, fields, type) => {
  const metrics = new Metrics();
  metrics.counter(FAMILIES.overloadRefusals, {}).add(7);
  const answer = await ask({ path: "/metrics", fields, metrics });
  expect(fieldOf(answer, "content-type")).toBe(type);
  expect(fieldOf(answer, "cache-control")).toBe("no-store");
  expect(sumOf(readMetrics(answer.body, format), "sluice_overload_refusals_total")).toBe(7);
});

test("the config that runs is told of, with when it was loaded, and without what is secret", async () => {
  const answer = await ask({
    path: "/config",
    options: { token: env("TOKEN") },
    fields: [`Authorization: Bearer ${TOKEN}`],
  });
  const { plan, loads } = JSON.parse(answer.body) as { plan: { admin: unknown; routes: unknown[] }; loads: unknown };
  expect(plan.admin).toMatchObject({ port: 9901, token: "[redacted]" });
  expect(plan.routes).toHaveLength(1);
  expect(loads).toEqual(LOADS);
  expect(answer.body).not.toContain(TOKEN);
  expect((await ask({ path: "/config", options: { token: env("TOKEN") } })).status).toBe(401);
  expect((await ask({ path: "/live/events", options: { token: env("TOKEN") } })).status).toBe(401);
});

describe("the live page", () => {
  test.each([
    ["/", "text/html; charset=utf-8", "html"],
    ["/live/page.css", "text/css; charset=utf-8", "css"],
    ["/live/page.js", "text/javascript; charset=utf-8", "script"],
    ["/live/icon.svg", "image/svg+xml", "icon"],
  ])("%s is there without the token, and lets a browser load and run nothing else", async (path, type, body) => {
    const answer = await ask({ path, options: { token: env("TOKEN") } });
    expect([answer.status, answer.body, fieldOf(answer, "content-type")]).toEqual([200, body, type]);
    const policy = fieldOf(answer, "content-security-policy")!.split("; ");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy.join(" ")).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(fieldOf(answer, "x-content-type-options")).toBe("nosniff");
  });

  test.each([
    [{}, false],
    [{ token: env("TOKEN") }, true],
  ])("whether a token is asked for is told to everybody", async (options, token) => {
    const answer = await ask({ path: "/live/access", options });
    expect(JSON.parse(answer.body)).toEqual({ token });
  });

  test("is not for pages of others", async () => {
    expect((await ask({ path: "/", host: "evil.test" })).status).toBe(403);
    expect((await ask({ path: "/", fields: ["Sec-Fetch-Site: cross-site"] })).status).toBe(403);
  });
});

describe("targets", () => {
  const drained: unknown[] = [];
  const targets: TargetControls = {
    list: () => [{ name: "up", circuit: "open", targets: [{ url: "http://a", weight: 1, state: "up" }] }],
    drain: (...what) => {
      drained.push(what);
      return what[1] === "http://a" ? { url: "http://a", weight: 1, state: "drained" } : undefined;
    },
  };

  test("are listed with what is known of them", async () => {
    const answer = await ask({ path: "/targets", targets });
    const counts = { attempts: 0, failures: 0, connections: { active: 0, idle: 0 } };
    const [up] = targets.list();
    const upstreams = [{ ...up, targets: [{ ...up!.targets[0], ...counts }], retries: 0, ejections: 0, openings: 0 }];
    expect(JSON.parse(answer.body)).toEqual({ upstreams });
  });

  test.each([
    ["drain", true],
    ["restore", false],
  ])("%s names one in the query", async (verb, expected) => {
    drained.length = 0;
    const path = `/targets/${verb}?upstream=up&target=http%3A%2F%2Fa`;
    const answer = await ask({ method: "POST", path, targets });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { url: "http://a", weight: 1, state: "drained" }]);
    expect(drained).toEqual([["up", "http://a", expected]]);
  });

  test.each([
    ["nothing", "", 400, "The query lacks the parameter upstream, such as ?upstream=orders"],
    ["no target", "?upstream=up", 400, "The query lacks the parameter target"],
    ["an empty target", "?upstream=up&target=", 400, "The query lacks the parameter target"],
    ["two targets", "?upstream=up&target=a&target=b", 400, "The query has the parameter target more than once"],
    ["another thing", "?upstream=up&target=a&node=1", 400, 'a parameter "node": it takes upstream, target'],
    ["a target that there is not", "?upstream=up&target=http://b", 404, "There is no such target"],
  ])("a question for %s is refused", async (_, query, status, detail) => {
    const answer = await ask({ method: "POST", path: `/targets/drain${query}`, targets });
    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.body) as { detail: string }).detail).toContain(detail);
  });

  test("are drained by POST alone, and by nobody without the token", async () => {
    drained.length = 0;
    const path = "/targets/drain?upstream=up&target=http://a";
    const options = { token: env("TOKEN") } as const;
    expect((await ask({ path, targets })).status).toBe(405);
    expect((await ask({ method: "POST", path, targets, options })).status).toBe(401);
    expect((await ask({ path: "/targets", targets, options })).status).toBe(401);
    expect(drained).toEqual([]);
  });
});

describe("metrics are compressed for", () => {
  test.each([
    ["gzip", true],
    ["deflate, GZIP;q=0.5, br", true],
    ["gzip;q=0", false],
    ["gzip;q=0.0", false],
    ["x-gzip", false],
    ["identity", false],
  ])("Accept-Encoding: %s: %p", async (accepted, compressed) => {
    const metrics = new Metrics();
    metrics.counter(FAMILIES.overloadRefusals, {}).add(7);
    const answer = await ask({ path: "/metrics", fields: [`Accept-Encoding: ${accepted}`], metrics });
    expect(fieldOf(answer, "content-encoding")).toBe(compressed ? "gzip" : undefined);
    const bytes = Buffer.from(answer.body, "latin1");
    const text = compressed ? new TextDecoder().decode(Bun.gunzipSync(bytes)) : answer.body;
    expect(sumOf(readMetrics(text), "sluice_overload_refusals_total")).toBe(7);
    expect(fieldOf(answer, "vary")).toBe("Accept, Accept-Encoding");
  });
});
