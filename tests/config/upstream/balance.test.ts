// Who is picked among targets, as users write it: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { env } from "../../../src/config/secrets.ts";
import type { BalancePlan, StickyPlan } from "../../../src/config/upstream/plan.ts";
import { faultLines, upstreamOf, withUpstream, type World } from "../support.ts";

const WORLD: World = { env: { STICKY: "a secret of thirty-two bytes....", SHORT: "too short" } };
const secret = env("STICKY");
const balanceOf = (balance: unknown): BalancePlan => upstreamOf({ balance }, WORLD).balance;

test.each(["round-robin", "random", "least-busy", "fastest", "first"])("%s is a word", (kind) => {
  expect(balanceOf(kind)).toEqual({ kind } as BalancePlan);
});

test.each<[hash: unknown, by: unknown]>([
  ["consumer", { kind: "consumer" }],
  ["address", { kind: "address" }],
  ["path", { kind: "path" }],
  [{ header: "X-Tenant" }, { kind: "header", key: "x-tenant" }],
  [{ cookie: "Session" }, { kind: "cookie", cookie: "Session" }],
])("a hash by %j", (hash, by) => {
  expect(balanceOf({ hash })).toEqual({ kind: "hash", by, bound: 1.25 } as BalancePlan);
});

test("a hash may have another bound, or none", () => {
  expect([2, false].map((bound) => (balanceOf({ hash: "path", bound }) as { bound: unknown }).bound)).toEqual([
    2,
    undefined,
  ]);
});

test("a sticky cookie has the documented defaults", () => {
  const { secret: read, ...plan } = balanceOf({ sticky: { cookie: "lb", secret } }) as StickyPlan;
  expect(plan).toEqual({
    kind: "sticky",
    cookie: "lb",
    attributes: "; Path=/; HttpOnly; SameSite=Lax",
    secure: undefined,
    pick: { kind: "round-robin" },
  });
  expect(read.reveal()).toBe("a secret of thirty-two bytes....");
});

test("a sticky cookie is as its options say", () => {
  const options = { path: "/app", domain: "example.com", secure: true, httpOnly: false, sameSite: "none" };
  const sticky = { cookie: "__Secure-lb", secret, balance: "least-busy", maxAge: "1.5h", ...options };
  expect(balanceOf({ sticky })).toMatchObject({
    attributes: "; Path=/app; Domain=example.com; Max-Age=5400; SameSite=None",
    secure: true,
    pick: { kind: "least-busy" },
  });
});

const sticky = (options: object): object => ({ sticky: { cookie: "lb", secret, ...options } });

describe("is a fault that says so", () => {
  test.each<[what: string, balance: unknown, message: RegExp]>([
    ["a word that is none", "least-conn", /^upstreams\.orders\.balance: "least-conn" is not one of .*"least-busy"/],
    ["a word that is nearly right", "roundrobin", /Did you mean "round-robin"\?$/],
    ["a number", 1, /^upstreams\.orders\.balance: .*one of "round-robin"/],
    ["a list", ["first"], /^upstreams\.orders\.balance: /],
    ["an object of nothing", {}, /^upstreams\.orders\.balance\.hash: /],
    ["an unknown option", { hash: "path", buond: 2 }, /balance\.buond: .*Did you mean "bound"\?$/],
    ["a hash by a word that is nearly right", { hash: "adress" }, /balance\.hash: .*Did you mean "address"\?$/],
    ["a hash by two things", { hash: { header: "a", cookie: "b" } }, /exactly one of header, cookie/],
    ["a hash by no name of a field", { hash: { header: "a b" } }, /balance\.hash\.header/],
    ["a hash by no name of a cookie", { hash: { cookie: "a;b" } }, /the name of a cookie/],
    ["a bound of its share", { hash: "path", bound: 1 }, /1 is not a number over 1, such as 1\.25, or false/],
    ["a bound without end", { hash: "path", bound: Infinity }, /a number over 1/],
    ["a bound for cookies", { ...sticky({}), bound: 2 }, /balance\.bound: .*Options here: sticky/],
    ["a hash and a cookie", { ...sticky({}), hash: "path" }, /balance\.hash: .*Options here: sticky/],
    ["a cookie without a name", { sticky: { secret } }, /balance\.sticky\.cookie: /],
    ["a name that is none", sticky({ cookie: "a b" }), /the name of a cookie/],
    ["no secret", { sticky: { cookie: "lb" } }, /balance\.sticky\.secret: /],
    ["a secret in the config", sticky({ secret: "a secret of thirty-two bytes...." }), /A secret never stands in/],
    ["a secret that could be guessed", sticky({ secret: env("SHORT") }), /It has 9 bytes: 32 are the least/],
    ["a secret that is not there", sticky({ secret: env("NONE") }), /NONE/],
    ["a policy of its own that needs options", sticky({ balance: { hash: "path" } }), /balance\.sticky\.balance/],
    ["an age under a second", sticky({ maxAge: "10ms" }), /a duration of at least 1s/],
    ["a path that is none", sticky({ path: "app" }), /a path such as/],
    ["a path that ends the attribute", sticky({ path: "/a;b" }), /a path such as/],
    ["a domain that is none", sticky({ domain: "example.com; Secure" }), /a domain such as/],
    ["a domain without a dot", sticky({ domain: "com" }), /a domain such as/],
    ["any site without TLS", sticky({ sameSite: "none" }), /Browsers refuse SameSite=None without Secure/],
    ["a site that is none", sticky({ sameSite: "Lax" }), /Did you mean "lax"\?$/],
    ["__Secure- without TLS", sticky({ cookie: "__Secure-lb" }), /Browsers refuse such a name without Secure/],
    ["__Host- with a path", sticky({ cookie: "__Host-lb", secure: true, path: "/a" }), /a domain or another path/],
    ["__Host- with a domain", sticky({ cookie: "__Host-lb", secure: true, domain: "a.test" }), /a domain or another/],
  ])("%s", (_, balance, message) => {
    const lines = faultLines(withUpstream({ balance }), WORLD);
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    expect(lines[0]!).not.toContain("thirty-two");
  });
});
