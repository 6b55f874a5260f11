// The options of forwardAuth: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { type ForwardAuthPlan, forwardAuth } from "../../../src/config/auth/forward-auth.ts";
import { env } from "../../../src/config/secrets.ts";
import { faultLines, HELLO, planOf, type World } from "../support.ts";

const URL = "http://127.0.0.1:4180/oauth2/auth";

const withScheme = (options: object): object => ({
  auth: { sso: forwardAuth({ url: URL, ...options }) },
  routes: { hello: { ...HELLO, auth: "sso" } },
});

const schemeOf = (options: object, world?: World): ForwardAuthPlan =>
  planOf(withScheme(options), world).auth.schemes[0] as ForwardAuthPlan;

test("a URL is all that must be said", () => {
  expect(schemeOf({})).toMatchObject({
    kind: "forward-auth",
    name: "sso",
    observe: false,
    vouches: [],
    path: "/oauth2/auth",
    query: "",
    copy: [],
    requestFields: undefined,
    cookies: [],
    subject: undefined,
    timeoutMs: 5_000,
    upstream: {
      name: "auth.sso",
      targets: [{ host: "127.0.0.1", port: 4180, secure: false, weight: 1 }],
      host: "upstream",
      timeouts: { connectMs: 5_000, firstByteMs: 5_000, idleMs: 5_000 },
      maxIdle: 256,
      maxHead: 65_536,
    },
  });
});

test("a service has the options of an upstream", () => {
  const { upstream } = schemeOf({
    url: "https://id.test:8443/a?b=c",
    timeout: "250ms",
    host: "client",
    keepAlive: { maxIdle: 3 },
    connections: { max: 7 },
    maxHead: "8KiB",
    tls: { serverName: "sso.internal", verify: false },
  });
  expect(upstream).toMatchObject({
    targets: [{ url: "https://id.test:8443", secure: true, authority: "id.test:8443" }],
    host: "client",
    timeouts: { firstByteMs: 250 },
    maxIdle: 3,
    maxConnections: 7,
    maxHead: 8192,
    tls: { serverName: "sso.internal", verify: false },
  });
});

test.each([
  ["http://sso.test", "/", ""],
  ["http://sso.test/", "/", ""],
  ["http://sso.test?a=b", "/", "?a=b"],
  ["http://sso.test/a/../b?c", "/b", "?c"],
] as const)("%s asks for %s%s", (url, path, query) => {
  expect(schemeOf({ url })).toMatchObject({ path, query });
});

test("the URL may come from the environment", () => {
  expect(schemeOf({ url: env("SSO_URL") }, { env: { SSO_URL: "http://sso.test/x" } }).path).toBe("/x");
});

test("copied fields may get another name, and the gateway vouches for that one", () => {
  const scheme = schemeOf({
    copy: ["Remote-User", "A>X-B", " C > X-D ", { from: "E", to: "X-F" }, { from: "X-G" }, "Authorization"],
    subject: "Remote-User",
    requestHeaders: ["Cookie", "ACCEPT"],
  });
  expect(scheme.copy).toEqual([
    ["remote-user", "Remote-User"],
    ["a", "X-B"],
    ["c", "X-D"],
    ["e", "X-F"],
    ["x-g", "X-G"],
    ["authorization", "Authorization"],
  ]);
  expect(scheme.vouches).toEqual(["remote-user", "x-b", "x-d", "x-f", "x-g"]);
  expect(scheme).toMatchObject({ subject: "remote-user", requestFields: ["cookie", "accept"] });
});

describe("is refused:", () => {
  const NOT_TO_COPY = [
    "Cookie",
    "Host",
    "Via",
    "X-Forwarded-For",
    "x_forwarded_host",
    "X-Real-IP",
    "Forwarded",
    "True_Client_IP",
    "CF-Connecting-IP",
    "Client-Cert",
  ];
  const FRAMING = ["Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Upgrade", "X-Request-ID"];
  test.each([...NOT_TO_COPY, ...FRAMING])("%s as a field to copy", (name) => {
    for (const copy of [[name], [`A>${name}`], [{ from: "A", to: name }], [{ from: name }]]) {
      const lines = faultLines(withScheme({ copy }));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toStartWith("auth.sso.copy.0");
    }
  });

  const WRONG = [
    ["no URL", { url: undefined }, /^auth\.sso\.url/],
    ["a URL of another scheme", { url: "ftp://sso.test/" }, /"http" or "https"/],
    ["a URL with a password", { url: "http://a:b@sso.test/" }, /user or password/],
    ["a URL without a scheme", { url: "sso.test/auth" }, /begins with "http:\/\/"/],
    ["a URL with a fragment", { url: "http://sso.test/a#b" }, /holds a "#"/],
    ["a URL with a space", { url: "http://sso.test/a b" }, /holds a space/],
    ["a URL with a line break", { url: "http://sso.test/a\r\nX: y" }, /control character/],
    ["the same field twice", { copy: ["Remote-User", "A>remote-user"] }, /set twice/],
    ["an arrow too many", { copy: ["A>B>C"] }, /"A>B"/],
    ["an arrow to nothing", { copy: ["A>"] }, /^auth\.sso\.copy\.0/],
    ["an empty name", { copy: [""] }, /^auth\.sso\.copy\.0/],
    ["a wildcard", { copy: ["X-Auth-*"] }, /no wildcards/],
    ["a name with a line break", { copy: ["A\r\nB"] }, /^auth\.sso\.copy\.0/],
    ["a field that is the gateway's to say", { requestHeaders: ["X-Forwarded-For"] }, /says it to the service itself/],
    ["a hop-by-hop field", { requestHeaders: ["Connection"] }, /^auth\.sso\.requestHeaders\.0/],
    ["a subject that is no name", { subject: "Remote User" }, /^auth\.sso\.subject/],
    ["a cookie that is no name", { cookies: ["a=b"] }, /the name of a cookie/],
    ["a time of nothing", { timeout: "0s" }, /at least 1ms/],
    ["an option that is none", { address: "http://x.test" }, /^auth\.sso\.address/],
  ] as const;
  test.each(WRONG)("%s", (_, options, message) => {
    const lines = faultLines(withScheme(options));
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
  });
});
