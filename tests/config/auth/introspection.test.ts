// The options of introspection, of DPoP and of the protected resource: defaults, and how each refusal reads.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { IntrospectionPlan } from "../../../src/config/auth/introspection.ts";
import { env, introspection } from "../../../src/mod.ts";
import { faultLines, planOf } from "../support.ts";

const RIGHT = { url: "https://login.test/introspect", clientId: "gateway", clientSecret: env("SECRET") };
const WORLD = { env: { SECRET: "hush-s3cret", EMPTY: "" } };

/** A config with a scheme of these options. */
const config = (options: object, more: object = {}): object => ({
  auth: { token: introspection({ ...RIGHT, ...options } as never) },
  routes: { hello: { match: "/", auth: "token", answer: { body: "hello" } } },
  ...more,
});

/** The scheme as it is planned. */
function schemeOf(options: object): IntrospectionPlan {
  const [scheme] = planOf(config(options), WORLD).auth.schemes;
  if (scheme?.kind !== "introspection") throw new Error("no introspection");
  return scheme;
}

describe("introspection", () => {
  test("has defaults", () => {
    const { clientSecret, ...plan } = schemeOf({});
    expect(clientSecret.reveal()).toBe("hush-s3cret");
    expect(plan).toEqual({
      kind: "introspection",
      name: "token",
      observe: false,
      realm: "sluice",
      vouches: [],
      resource: undefined,
      dpop: undefined,
      url: "https://login.test/introspect",
      clientId: "gateway",
      clientAuth: "basic",
      audience: [],
      issuer: undefined,
      cacheMs: 30_000,
      timeoutMs: 5_000,
      maxLength: 8192,
      forward: true,
      claims: undefined,
      tls: { serverName: undefined, ca: undefined, cert: undefined, key: undefined, verify: true },
    });
  });

  test("takes all of its options", () => {
    const claims = v.object({ sub: v.string() });
    expect(
      schemeOf({
        url: "http://127.0.0.1:9000/introspect?realm=x",
        clientAuth: "post",
        audience: "orders",
        issuer: "https://login.test",
        cache: "1m",
        timeout: "1s",
        maxLength: "1KiB",
        forward: false,
        claims,
        mode: "observe",
        realm: "api",
      }),
    ).toMatchObject({
      url: "http://127.0.0.1:9000/introspect?realm=x",
      clientAuth: "post",
      audience: ["orders"],
      issuer: "https://login.test",
      cacheMs: 60_000,
      timeoutMs: 1_000,
      maxLength: 1024,
      forward: false,
      claims,
      observe: true,
      realm: "api",
    });
  });

  test("takes its address and its name from the environment too", () => {
    const { url, clientId } = schemeOf({
      url: env("URL", { default: RIGHT.url }),
      clientId: env("ID", { default: "x" }),
    });
    expect([url, clientId]).toEqual([RIGHT.url, "x"]);
  });

  const WRONG: readonly (readonly [options: object, fault: string])[] = [
    [{ url: undefined }, "auth.token.url: wanted the URL of an introspection endpoint"],
    [{ url: "login.test/introspect" }, "is not the URL of an introspection endpoint"],
    [{ url: "ftp://login.test/" }, "is not the URL of an introspection endpoint"],
    [{ url: "http://login.test/introspect" }, "Tokens are not sent over plain http, but to this machine."],
    [{ url: "http://127.0.0.1.evil.test/" }, "Tokens are not sent over plain http, but to this machine."],
    [{ url: "https://id:hush@login.test/" }, "User and password stand in `clientId` and `clientSecret`."],
    [{ url: "https://login.test/#x" }, "It has no fragment."],
    [{ clientId: "" }, "auth.token.clientId"],
    [{ clientSecret: undefined }, "auth.token.clientSecret: wanted the secret of the client"],
    [{ clientSecret: env("EMPTY") }, "auth.token.clientSecret"],
    [{ clientSecret: env("MISSING") }, "auth.token.clientSecret"],
    [{ clientAuth: "mtls" }, 'auth.token.clientAuth: "mtls" is not one of "basic", "post"'],
    [{ audience: [] }, "auth.token.audience"],
    [{ audience: "" }, "auth.token.audience"],
    [{ issuer: "" }, "auth.token.issuer"],
    [{ cache: "61s" }, 'auth.token.cache: "61s" is not a duration of at most 1m'],
    [{ cache: 30 }, "auth.token.cache"],
    [{ timeout: "0s" }, "auth.token.timeout"],
    [{ maxLength: 100 }, "auth.token.maxLength"],
    [{ forward: "yes" }, "auth.token.forward: "],
    [{ claims: {} }, "auth.token.claims: wanted a schema of claims"],
    [{ tls: { verify: "no" } }, "auth.token.tls.verify"],
    [{ algorithms: ["RS256"] }, "auth.token.algorithms"],
  ];
  test.each(WRONG)("%j is refused", (options, fault) => {
    const lines = faultLines(config(options), WORLD);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(fault);
    expect(lines[0]).not.toContain("hush");
  });
});

describe("dpop", () => {
  const ALL = ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"];
  const resource = { id: "https://api.test/mcp", authorizationServers: ["https://login.test"] };

  test.each([
    [
      { dpop: "required", resource },
      { required: true, origins: ["https://api.test"], algorithms: ALL, maxAgeMs: 60_000 },
    ],
    [
      { dpop: "accepted", resource },
      { required: false, origins: ["https://api.test"], algorithms: ALL, maxAgeMs: 60_000 },
    ],
    [{ dpop: { origin: "request" } }, { required: true, origins: "request", algorithms: ALL, maxAgeMs: 60_000 }],
    [
      {
        dpop: { mode: "accepted", origin: "https://API.test:443/", algorithms: ["ES256", "ES256"], maxAge: "5m" },
        resource,
      },
      { required: false, origins: ["https://api.test"], algorithms: ["ES256"], maxAgeMs: 300_000 },
    ],
    [
      { dpop: { origin: ["https://a.test", "http://b.test:8080"] } },
      { required: true, origins: ["https://a.test", "http://b.test:8080"], algorithms: ALL, maxAgeMs: 60_000 },
    ],
  ])("%j is planned", (options, plan) => {
    expect(schemeOf(options).dpop).toEqual(plan as never);
  });

  const WRONG: readonly (readonly [dpop: unknown, fault: string])[] = [
    ["required", "auth.token.dpop: wanted the origin of the gateway beside dpop"],
    [{ mode: "accepted" }, "auth.token.dpop: wanted the origin of the gateway beside dpop"],
    ["optional", 'auth.token.dpop: "optional" is not one of "required", "accepted"'],
    [true, "auth.token.dpop"],
    [{ origin: "api.test" }, "auth.token.dpop.origin: "],
    [{ origin: "https://api.test/v1" }, 'An origin has no path and no user: "https://api.test".'],
    [{ origin: "ftp://api.test" }, "auth.token.dpop.origin: "],
    [{ origin: ["https://a.test", "request"] }, '"request" stands alone, without a list.'],
    [{ origin: [] }, "auth.token.dpop.origin: "],
    [{ origin: "request", algorithms: ["HS256"] }, "auth.token.dpop.algorithms.0"],
    [{ origin: "request", algorithms: ["none"] }, "auth.token.dpop.algorithms.0"],
    [{ origin: "request", algorithms: [] }, "auth.token.dpop.algorithms"],
    [{ origin: "request", maxAge: "301s" }, "auth.token.dpop.maxAge"],
    [{ origin: "request", maxAge: "0s" }, "auth.token.dpop.maxAge"],
    [{ origin: "request", nonce: true }, "auth.token.dpop.nonce"],
  ];
  test.each(WRONG)("%j is refused", (dpop, fault) => {
    const lines = faultLines(config({ dpop }), WORLD);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(fault);
  });
});

describe("resource", () => {
  const PLANNED: readonly (readonly [id: string, path: string, url: string])[] = [
    ["https://api.test", "", "https://api.test/.well-known/oauth-protected-resource"],
    ["https://api.test/", "", "https://api.test/.well-known/oauth-protected-resource"],
    ["https://api.test/mcp", "/mcp", "https://api.test/.well-known/oauth-protected-resource/mcp"],
    ["https://api.test/mcp/", "/mcp/", "https://api.test/.well-known/oauth-protected-resource/mcp/"],
    ["https://api.test:8443/a/b~c", "/a/b~c", "https://api.test:8443/.well-known/oauth-protected-resource/a/b~c"],
    ["http://localhost:8080/mcp", "/mcp", "http://localhost:8080/.well-known/oauth-protected-resource/mcp"],
    ["http://[::1]:8080", "", "http://[::1]:8080/.well-known/oauth-protected-resource"],
  ];
  test.each(PLANNED)("%s has its metadata by insertion (RFC 9728 section 3.1)", (id, path, url) => {
    const { resource } = schemeOf({ resource: id, issuer: "https://login.test" });
    expect(resource).toMatchObject({
      id,
      metadataPath: `/.well-known/oauth-protected-resource${path}`,
      metadataUrl: url,
      authorizationServers: ["https://login.test"],
    });
  });

  const WRONG: readonly (readonly [resource: unknown, fault: string])[] = [
    ["api.test", "auth.token.resource: "],
    ["http://api.test", "It is https, but on this machine."],
    ["https://api.test?x", "It has no query and no fragment."],
    ["https://api.test/#x", "It has no query and no fragment."],
    ["https://user@api.test/", "It has no user and password."],
    ["https://API.test/mcp", 'Its plain form is "https://api.test/mcp".'],
    ["https://api.test:443", 'Its plain form is "https://api.test".'],
    ["https://api.test/a/../b", 'Its plain form is "https://api.test/b".'],
    ["https://api.test//a", "no empty segment"],
    ["https://api.test/:id", "Its path has letters"],
    ["https://api.test/*", "Its path has letters"],
    ["https://api.test/%41", "Its path has letters"],
    [{ scopes: [] }, "auth.token.resource.id: "],
    [{ id: "https://api.test", scopes: ["a b"] }, "auth.token.resource.scopes.0: "],
    [{ id: "https://api.test", authorizationServers: [] }, "auth.token.resource.authorizationServers: "],
    [
      { id: "https://api.test", authorizationServers: ["http://login.test"] },
      "auth.token.resource.authorizationServers.0: ",
    ],
    [{ id: "https://api.test", documentation: "docs" }, "auth.token.resource.documentation: "],
    [{ id: "https://api.test", name: "" }, "auth.token.resource.name: "],
    [{ id: "https://api.test", jwksUri: "x" }, "auth.token.resource.jwksUri: "],
  ];
  test.each(WRONG)("%j is refused", (resource, fault) => {
    const lines = faultLines(config({ resource, issuer: "https://login.test" }), WORLD);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(fault);
  });

  test("needs to be told where tokens come from when the scheme does not say", () => {
    expect(faultLines(config({ resource: "https://api.test" }), WORLD)).toEqual([
      "auth.token.resource: wanted authorizationServers of the resource. The scheme has no `issuer` that could stand for them.",
    ]);
  });

  test("gets a route of its own, with which no other may tie", () => {
    const options = { resource: "https://api.test/mcp", issuer: "https://login.test" };
    const well = "/.well-known/oauth-protected-resource/mcp";
    expect(planOf(config(options), WORLD).routes.at(-1)).toMatchObject({
      name: "sluice.resource.token",
      matches: [{ path: well, methods: ["GET"], hosts: [] }],
      auth: [],
    });
    const routes = { mine: { match: `GET ${well}`, auth: "none", answer: {} } };
    expect(faultLines(config(options, { routes }), WORLD).join()).toContain(well);
  });

  test("of several schemes is published once, with what all of them say", () => {
    const scheme = (issuer: string, scopes: string[], more: object = {}): unknown =>
      introspection({ ...RIGHT, issuer, resource: { id: "https://api.test", scopes }, ...more } as never);
    const auth = {
      one: scheme("https://one.test", ["a", "b"], { dpop: { algorithms: ["ES256"] } }),
      two: scheme("https://two.test", ["b", "c"]),
      other: introspection({ ...RIGHT, issuer: "https://one.test", resource: "https://other.test" }),
      below: introspection({ ...RIGHT, issuer: "https://one.test", resource: "https://other.test/x" }),
    };
    const routes = planOf(
      { ...config({}), auth, routes: { hello: { match: "/", auth: "none", answer: {} } } },
      WORLD,
    ).routes;
    const own = routes.filter(({ name }) => name.startsWith("sluice.resource."));
    expect(own.map(({ name, matches }) => [name, matches[0]!.path, matches[0]!.hosts])).toEqual([
      ["sluice.resource.one", "/.well-known/oauth-protected-resource", ["api.test"]],
      ["sluice.resource.other", "/.well-known/oauth-protected-resource", ["other.test"]],
      ["sluice.resource.below", "/.well-known/oauth-protected-resource/x", []],
    ]);
    const [first] = own;
    if (first!.destination.kind !== "answer") throw new Error("no answer");
    expect(JSON.parse(JSON.stringify(first!.destination.answer.body))).toEqual({
      resource: "https://api.test",
      authorization_servers: ["https://one.test", "https://two.test"],
      scopes_supported: ["a", "b", "c"],
      bearer_methods_supported: ["header"],
      dpop_signing_alg_values_supported: ["ES256"],
      dpop_bound_access_tokens_required: false,
      tls_client_certificate_bound_access_tokens: false,
    });
  });
});
