// What a config may import from "sluice": a name that comes or goes is a change for users, so it is written down here.
// And what files may export to each other: only what another one takes.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as mod from "../../src/mod.ts";
import { filesIn, readSource, ROOT } from "./source.ts";

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

/** Imports and what they take: read by their form, for the parser would need half a minute on a busy machine. */
const TAKEN = /(?:import|export)\s(?:type\s)?\s*(\{[^}]*\}|\*[^"]*?)\s*from\s*"(\.[^"]+)"|import\(\s*"(\.[^"]+)"/g;
const GIVEN = /^export (?:async )?(?:function\*?|(?:abstract )?class|const|let) ([\w$]+)/gm;

test("every function, class and constant that a file of src exports is imported by another file", () => {
  const texts = new Map<string, string>();
  for (const path of ["src", "tests", "scripts", "examples"].flatMap((folder) => filesIn(folder, ".ts"))) {
    texts.set(path, readFileSync(join(ROOT, path), "utf8"));
  }
  const taken = new Set<string>();
  for (const [path, text] of texts) {
    for (const [, names = "*", from, dynamic] of text.matchAll(TAKEN)) {
      const file = join(dirname(path), from ?? dynamic!);
      const each = names.startsWith("*") ? ["*"] : names.slice(1, -1).split(",");
      for (const name of each)
        taken.add(
          `${file} ${
            name
              .trim()
              .replace(/^type /, "")
              .split(" as ")[0]!
          }`,
        );
    }
  }
  const entries = ["src/mod.ts", "src/cli/testing/api.ts", "src/platforms/workers.ts"];
  const lonely: string[] = [];
  for (const [path, text] of texts) {
    if (!path.startsWith("src/") || entries.includes(path) || taken.has(`${path} *`)) continue;
    for (const [, name] of text.matchAll(GIVEN)) {
      if (!taken.has(`${path} ${name}`))
        lonely.push(`${path} exports ${name}, which nobody imports: take "export" away`);
    }
  }
  expect(lonely).toEqual([]);
});
