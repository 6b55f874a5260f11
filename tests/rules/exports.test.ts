// What a config may import from "sluice": a name that comes or goes is a change for users, so it is written down here.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as mod from "../../src/mod.ts";
import { readSource, ROOT } from "./source.ts";

const VALUES = [
  "apiKey",
  "basic",
  "defineGateway",
  "durableObject",
  "env",
  "forwardAuth",
  "httpSignature",
  "identityOf",
  "introspection",
  "jwt",
  "redis",
];

const TYPES = [
  "AdminOptions",
  "AllowExchange",
  "AllowOptions",
  "AllowRule",
  "AnswerRoute",
  "AnyClaims",
  "AnyNames",
  "ApiKeyOptions",
  "BasicOptions",
  "BranchOptions",
  "CallerBy",
  "ClaimCondition",
  "ClaimsIssue",
  "ClaimsOf",
  "ClaimsResult",
  "ClaimsSchema",
  "ConnectionOptions",
  "Consumer",
  "ConsumerOptions",
  "Context",
  "CopiedField",
  "CorsOptions",
  "DnsTargets",
  "DpopAlgorithm",
  "DpopOptions",
  "DurableObjectStoreOptions",
  "Duration",
  "EjectionOptions",
  "EnvReference",
  "FaultOptions",
  "FieldChanges",
  "FileTargets",
  "FindTargets",
  "FixedAnswer",
  "ForwardAuthOptions",
  "ForwardingRoute",
  "FoundTarget",
  "FunctionTargets",
  "GatewayOptions",
  "Handler",
  "HandlerExchange",
  "HandlerRoute",
  "Hidden",
  "HttpSignatureOptions",
  "Identity",
  "IdentityOf",
  "IdentityOptions",
  "IdentityTokenOptions",
  "InFlightOptions",
  "IntrospectionOptions",
  "JwtAlgorithm",
  "JwtOptions",
  "KeepAliveOptions",
  "KeyHash",
  "KeyOptions",
  "KeySetOptions",
  "KeysOptions",
  "LimitBy",
  "LimitExchange",
  "LimitOptions",
  "LimitSettings",
  "LimitStoreOptions",
  "ListenOptions",
  "ListenTimeouts",
  "LogOptions",
  "LookupOptions",
  "MatchOptions",
  "MiddlewareHandler",
  "MirrorOptions",
  "Names",
  "NoClaims",
  "OAuthOptions",
  "OverloadOptions",
  "ParamsOf",
  "QuotaLimit",
  "Redirect",
  "RedirectRoute",
  "RedisStoreOptions",
  "ResourceOptions",
  "Rewrite",
  "RouteCommon",
  "RouteOptions",
  "SchemeCommon",
  "SchemeOptions",
  "Schemes",
  "Secret",
  "SigningKeyOptions",
  "Size",
  "SplitRoute",
  "SrvTargets",
  "TargetOptions",
  "TargetSource",
  "TypedOptions",
  "UpstreamOptions",
  "UpstreamRoute",
  "UpstreamTimeouts",
  "UpstreamTls",
  "WhenOptions",
  "WindowLimit",
];

test("src/mod.ts exports these values and no others", () => {
  expect(Object.keys(mod).toSorted()).toEqual(VALUES);
});

test("src/mod.ts exports these types and no others", () => {
  const { exports } = readSource("src/mod.ts", readFileSync(join(ROOT, "src/mod.ts"), "utf8"));
  const types = exports.map(({ name }) => name).filter((name) => !VALUES.includes(name));
  expect(types.toSorted()).toEqual(TYPES);
});

test("package.json offers src/mod.ts, the entry for Cloudflare, and nothing else", async () => {
  const manifest = (await Bun.file(join(ROOT, "package.json")).json()) as { exports: unknown };
  expect(manifest.exports).toEqual({ ".": "./src/mod.ts", "./workers": "./src/platforms/workers.ts" });
});
