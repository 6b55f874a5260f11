// What a config may import from "sluice": a name that comes or goes is a change for users, so it is written down here.
// And what files may export to each other: only what another one takes.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as mod from "../../src/mod.ts";
import { readSource, ROOT, sourcesIn } from "./source.ts";

const VALUES = [
  "apiKey",
  "basic",
  "clientCertificate",
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
  "AcmeOptions",
  "AdminOptions",
  "AllowExchange",
  "AllowOptions",
  "AllowRule",
  "AnswerFallback",
  "AnswerRoute",
  "AnyClaims",
  "AnyNames",
  "ApiKeyOptions",
  "BalanceOptions",
  "BasicOptions",
  "BranchOptions",
  "BreakerOptions",
  "CallerBy",
  "CertificateOptions",
  "ClaimCondition",
  "ClaimsIssue",
  "ClaimsOf",
  "ClaimsResult",
  "ClaimsSchema",
  "ClientCertificateClaims",
  "ClientCertificateOptions",
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
  "ExternalAccountOptions",
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
  "HashOptions",
  "HealthCommon",
  "HealthOptions",
  "HedgeOptions",
  "Hidden",
  "HstsOptions",
  "HttpCheckOptions",
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
  "LineFormat",
  "ListenHttp2",
  "ListenOptions",
  "ListenTimeouts",
  "ListenTls",
  "LogFacility",
  "LogFields",
  "LogFile",
  "LogFilter",
  "LogFormat",
  "LogFunction",
  "LogOptions",
  "LogRecord",
  "LogSample",
  "LogSink",
  "LogSyslog",
  "LookupOptions",
  "MatchOptions",
  "MiddlewareHandler",
  "MirrorOptions",
  "Names",
  "NoClaims",
  "OAuthOptions",
  "OtlpMetricsOptions",
  "OtlpOptions",
  "OtlpTracesOptions",
  "OverloadOptions",
  "ParamsOf",
  "PickWord",
  "QuotaLimit",
  "Redirect",
  "RedirectHttpOptions",
  "RedirectRoute",
  "RedisStoreOptions",
  "ReloadOptions",
  "ResourceOptions",
  "RetriesOptions",
  "Rewrite",
  "RouteCommon",
  "RouteOptions",
  "RouteRetries",
  "SchemeCommon",
  "SchemeOptions",
  "Schemes",
  "Secret",
  "ShutdownOptions",
  "SigningKeyOptions",
  "Size",
  "SplitRoute",
  "SrvTargets",
  "StatusClass",
  "StickyOptions",
  "TargetOptions",
  "TargetSource",
  "TcpCheckOptions",
  "TracingOptions",
  "TypedOptions",
  "UpstreamFallback",
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

test("what a test may import from sluice/test is this and nothing else", async () => {
  const api = await import("../../src/cli/testing/api.ts");
  expect(Object.keys(api).toSorted()).toEqual([
    ...["afterEach", "beforeEach", "describe", "expect", "gateway", "keyHash", "test"],
  ]);
});

test("package.json offers src/mod.ts, what tests import, the entry for Cloudflare, and nothing else", async () => {
  const manifest = (await Bun.file(join(ROOT, "package.json")).json()) as { exports: unknown };
  expect(manifest.exports).toEqual({
    ".": "./src/mod.ts",
    "./test": "./src/cli/testing/api.ts",
    "./workers": "./src/platforms/workers.ts",
  });
});

test("every function, class and constant that a file of src exports is imported by another file", () => {
  const taken = new Set<string>();
  for (const { path, imports } of ["src", "tests", "scripts", "examples"].flatMap(sourcesIn)) {
    for (const { file, names } of imports) {
      if (file !== undefined && file !== path) for (const name of names) taken.add(`${file} ${name}`);
    }
  }
  const entries = ["src/mod.ts", "src/cli/testing/api.ts", "src/platforms/workers.ts"];
  const lonely = sourcesIn("src")
    .filter(({ path }) => !entries.includes(path) && !taken.has(`${path} *`))
    .flatMap(({ path, exports }) =>
      exports
        .filter(({ name, isValue }) => isValue && name !== "default" && !taken.has(`${path} ${name}`))
        .map(({ name, line }) => `${path}:${line} exports ${name}, which nobody imports: take "export" away`),
    );
  expect(lonely).toEqual([]);
}, 30_000);
