// The gateway each case needs: the words of `gateway.needs` in cases.json, written as a config.
import type { GatewayOptions } from "../../src/config/options.ts";
import { closedPort } from "../support/closed-port.ts";
import { certificates } from "../support/certificates.ts";
import type { Config } from "../support/executable.ts";
import type { RawOrigin } from "../support/raw-origin.ts";
import type { Json } from "./format.ts";

/** Makes the config of one variant. */
export type ConfigOf = (origins: Readonly<Record<string, RawOrigin>>, vars: Readonly<Record<string, Json>>) => Config;

/** GW-52. */
const counted: ConfigOf = ({ u1 }) =>
  source(`{
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: 0 },
  upstreams: { u1: { targets: [${JSON.stringify(u1!.url)}] } },
  auth: { key: apiKey() },
  routes: {
    items: { match: "/items/:id", to: "u1", auth: "none" },
    keyed: { match: "/key", to: "u1", auth: "key" },
  },
}`);

/** All requests below these paths to the first origin. */
const prefixes =
  (...paths: string[]): ConfigOf =>
  ({ u1 }) => ({
    upstreams: { u1: { targets: [u1!.url] } },
    routes: Object.fromEntries(paths.map((path, index) => [`r${index}`, { match: path, to: "u1" }])),
  });

/** `sha256:…` of an API key. */
const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

/** A config as source, for what JSON cannot say. */
const source = (options: string): string =>
  `import { apiKey, defineGateway, jwt } from "sluice";\nexport default defineGateway(${options});\n`;

/** GW-05. */
const guarded: ConfigOf = ({ u1 }) =>
  source(`{
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: [${JSON.stringify(u1!.url)}] } },
  consumers: { good: { keys: ["${hashOf("K-GOOD")}"] } },
  auth: { key: apiKey() },
  routes: {
    api: { match: "/api/*", to: "u1", auth: "none", rewrite: { stripPrefix: "/api" } },
    admin: { match: "/admin/*", to: "u1", auth: "key" },
  },
}`);

/** GW-08. */
const identified: ConfigOf = ({ u1 }, vars) =>
  source(`{
  listen: { host: "127.0.0.1", port: 0, trustedProxies: ${JSON.stringify(vars["TRUST"] === "none" ? [] : [vars["TRUST"]])} },
  upstreams: { u1: { targets: [${JSON.stringify(u1!.url)}] } },
  consumers: { alice: { keys: ["${hashOf("K-ALICE")}"] } },
  auth: { key: apiKey() },
  identity: { consumer: "X-Consumer-Id" },
  routes: { all: { match: "/*", to: "u1", auth: "key" } },
}`);

/** GW-40. */
const limited: ConfigOf = ({ u1 }, vars) =>
  source(`{
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${vars["VARIANT"] === "W: two workers" ? 2 : 1},
  upstreams: { u1: { targets: [${JSON.stringify(u1!.url)}] } },
  consumers: { a: { keys: ["${hashOf("K-A")}"] }, b: { keys: ["${hashOf("K-B")}"] } },
  auth: { key: apiKey({ forward: true }) },
  limits: { perKey: { limit: 10, window: "60s", by: "consumer" } },
  routes: { c: { match: "/c/*", to: "u1", auth: "key", limits: "perKey" } },
}`);

/** GW-43 and GW-44. */
const withTokens =
  (more: string): ConfigOf =>
  ({ u1, jwks }) =>
    source(`{
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: [${JSON.stringify(u1!.url)}] } },
  auth: {
    token: jwt({
      jwks: ${JSON.stringify(`${jwks!.url}/jwks`)},
      issuer: "https://iss.test",
      audience: "svc",
      algorithms: ["RS256"],
      ${more}
    }),
  },
  routes: { j: { match: "/j/*", to: "u1", auth: "token" } },
}`);

/** GW-25. */
const clocks: ConfigOf = ({ u1 }): GatewayOptions => ({
  upstreams: { u1: { targets: [u1!.url] }, closed: { targets: [`http://127.0.0.1:${closedPort()}`] } },
  routes: {
    slow: { match: "/slow/*", to: "u1", timeouts: { firstByte: "20s" } },
    quiet: { match: "/quiet/*", to: "u1", timeouts: { firstByte: "5s", idle: "60s" } },
    hang: { match: "/hang/*", to: "u1", timeouts: { firstByte: "2s" } },
    dead: { match: "/dead/*", to: "closed", timeouts: { connect: "1s" } },
  },
});

/** GW-32. */
const retried: ConfigOf = ({ u1, u2 }): GatewayOptions => ({
  upstreams: { pool: { targets: [u1!.url, u2!.url], retries: { attempts: 2, on: ["reset", 503], replay: "64KiB" } } },
  routes: { r: { match: "/r/*", to: "pool" } },
});

/** GW-59. */
const identities: ConfigOf = ({ u1, u2 }): GatewayOptions => {
  const ca = certificates().ca.cert;
  const host = "client" as const;
  const serverName = "up.internal.test";
  return {
    upstreams: {
      named: { targets: [u1!.url], host, tls: { ca, serverName } },
      bare: { targets: [u1!.url], host, tls: { ca } },
      untrusted: { targets: [u1!.url], host, tls: { serverName } },
      expired: { targets: [u2!.url], host, tls: { ca, serverName } },
      lax: { targets: [u1!.url], host, tls: { verify: false } },
    },
    routes: Object.fromEntries(
      ["named", "bare", "untrusted", "expired", "lax"].map((name) => [name, { match: `/${name}/*`, to: name }]),
    ),
  };
};

/** GW-35. */
const pool: ConfigOf = (origins, vars): GatewayOptions => {
  const names = (vars["POOL"] ?? ["u1", "u2"]) as string[];
  const health = { path: "/health", interval: "200ms", timeout: "200ms", fall: 2, rise: 2 } as const;
  return {
    upstreams: { pool: { targets: names.map((name) => origins[name]!.url), health } },
    routes: {
      p: { match: "/p/*", to: "pool" },
      [`unrelated${String(vars["ROUTE"] ?? 0)}`]: { match: "/other", answer: {} },
    },
  };
};

/** By case. */
export const CONFIGS: Readonly<Record<string, ConfigOf>> = {
  "GW-01": prefixes("/files/:name/meta", "/p/*"),
  "GW-04": prefixes("/echo/*"),
  "GW-05": guarded,
  "GW-07": ({ u1 }) => ({
    upstreams: { u1: { targets: [u1!.url] } },
    routes: { h: { match: "/h/*", to: "u1", headers: { request: { set: { "X-Gateway": "on" } } } } },
  }),
  "GW-08": identified,
  "GW-11": prefixes("/sse/*"),
  "GW-13": prefixes("/z/*"),
  "GW-14": prefixes("/f/*"),
  "GW-19": ({ u1 }) => ({
    upstreams: { u1: { targets: [u1!.url], timeouts: { firstByte: "2s" } } },
    routes: { k: { match: "/k/*", to: "u1" } },
  }),
  "GW-20": prefixes("/g/*"),
  "GW-25": clocks,
  "GW-28": prefixes("/ws/*"),
  "GW-32": retried,
  "GW-35": pool,
  "GW-40": limited,
  "GW-43": withTokens(""),
  "GW-44": withTokens('keySet: { timeout: "1s", cooldown: "5s" },'),
  "GW-52": counted,
  "GW-58": prefixes("/*"),
  "GW-59": identities,
};
