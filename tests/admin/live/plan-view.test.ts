// The config that runs, as operators see it: complete, and without anything that may be a credential.
import { describe, expect, test } from "bun:test";
import { planView } from "../../../src/admin/live/plan-view.ts";
import { apiKey, basic, defineGateway, env, introspection, jwt, redis } from "../../../src/mod.ts";
import { planOf } from "../../config/support.ts";

const HASH = new Bun.CryptoHasher("sha256").update("a-key").digest("hex");
const PASSWORD = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

const plan = planOf(
  defineGateway({
    admin: { token: env("ADMIN") },
    upstreams: {
      up: {
        targets: ["http://127.0.0.1:9001"],
        balance: { sticky: { cookie: "s", secret: env("STICKY") } },
        health: { path: "/healthz?token=in-path", headers: { "X-Check": "check-value" } },
      },
    },
    consumers: { acme: { keys: [`sha256:${HASH}`], password: PASSWORD } },
    auth: {
      key: apiKey(),
      basic: basic(),
      token: jwt({ algorithms: ["HS256"], secret: env("JWT"), issuer: "https://id.test", audience: "up" }),
      ask: introspection({ url: "https://id.test/introspect", clientId: "me", clientSecret: env("CLIENT") }),
    },
    limits: { few: { limit: 3, window: "1m", by: (x: { client: string }) => x.client } },
    limiting: { store: redis("redis://127.0.0.1:6379", { user: "me", password: env("REDIS") }) },
    routes: {
      up: {
        match: "/up",
        to: "up",
        auth: "key",
        limits: "few",
        headers: { request: { set: { Authorization: "set-value" } } },
      },
      fixed: { match: "/fixed", auth: "none", answer: { body: "body-value", headers: { "X-It": "field-value" } } },
    },
  } as never),
  {
    env: {
      ADMIN: "admin-token-of-16-letters",
      STICKY: "sticky-secret-of-more-than-32-letters",
      JWT: "jwt-secret-of-more-than-32-letters-long",
      CLIENT: "introspection-secret",
      REDIS: "redis-password",
    },
  },
);

describe("the plan as it is shown", () => {
  const shown = JSON.stringify(planView(plan));

  test.each([
    ...[
      "admin-token",
      "sticky-secret",
      "jwt-secret",
      "introspection-secret",
      "redis-password",
      "in-path",
      "check-value",
    ],
    ...["set-value", "body-value", "field-value", HASH, PASSWORD],
  ])("does not tell %s", (secret) => {
    expect(shown).not.toContain(secret);
  });

  test.each(["http://127.0.0.1:9001", "/up", '"few"', '"limit":3', "id.test", "(a function)", '"acme"'])(
    "tells %s",
    (text) => {
      expect(shown).toContain(text);
    },
  );
});

describe("what runs is told by the names of options, and what is not set as nothing:", () => {
  const viewed = planView(
    planOf({
      upstreams: {
        plain: { targets: ["http://127.0.0.1:9001"], retries: {} },
        grpc: {
          ...{ targets: ["http://127.0.0.1:9001"], protocol: "h2c" },
          ...{
            timeouts: { whole: "3s", header: "X-Left" },
            retries: { perTry: "1s", backoff: { max: "2s" }, budget: { min: 7 } },
          },
        },
      },
      limits: {
        watched: { limit: 3, window: "1m", by: "address", mode: "observe" },
        few: { limit: 3, window: "1m", by: "address" },
      },
      routes: { a: { match: "/a", to: "plain", mirror: { to: "grpc" } } },
    }),
  );

  test.each([
    ["upstreams.plain.timeouts.wholeMs", undefined],
    ["upstreams.plain.timeouts.header", []],
    ["upstreams.plain.retries.perTryMs", undefined],
    ["upstreams.grpc.timeouts.wholeMs", 3000],
    ["upstreams.grpc.timeouts.header", ["grpc-timeout", "X-Left"]],
    ["upstreams.grpc.retries.perTryMs", 1000],
    ["upstreams.grpc.retries.backoff.maxMs", 2000],
    ["upstreams.grpc.retries.budget.min", 7],
    ["limits.limits.0.mode", "observe"],
    ["limits.limits.1.mode", "enforce"],
    ["routes.0.mirror.0.upstream", "grpc"],
  ])("%s", (path, value) => {
    const at = (inside: unknown, name: string): unknown => (Object(inside) as Record<string, unknown>)[name];
    const names = path.split(".");
    expect(names.reduce(at, viewed)).toEqual(value as never);
    expect(Object.keys(Object(names.slice(0, -1).reduce(at, viewed)) as object)).toContain(names.at(-1)!);
  });

  test.each(["deadlineFields", "mostMs", "least", "observe", "mirrors"])("%s is no option", (name) => {
    expect(JSON.stringify(viewed)).not.toContain(`"${name}":`);
  });
});

test("an upstream may be called as anything is", () => {
  const names = ["deadlineFields", "observe", "mirrors", "constructor", "least"];
  const upstreams = Object.fromEntries(names.map((name) => [name, { targets: ["http://127.0.0.1:9001"] }]));
  const { upstreams: shown } = planView(planOf({ upstreams, routes: { a: { match: "/a", to: "observe" } } })) as {
    upstreams: object;
  };
  expect(Object.keys(shown)).toEqual(names);
});
