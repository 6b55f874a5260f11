// What a config may import: `import { defineGateway, env } from "sluice"`.
export type { AdminOptions } from "./config/admin/options.ts";
export type { ReloadOptions } from "./config/reload/options.ts";
export type { ShutdownOptions } from "./config/shutdown/options.ts";
export { apiKey } from "./config/auth/api-key.ts";
export type { ApiKeyOptions } from "./config/auth/api-key.ts";
export { basic } from "./config/auth/basic.ts";
export type { BasicOptions } from "./config/auth/basic.ts";
export { forwardAuth } from "./config/auth/forward-auth.ts";
export type { ClaimsIssue, ClaimsOf, ClaimsResult, ClaimsSchema } from "./config/auth/claims-schema.ts";
export type { DpopAlgorithm, DpopOptions } from "./config/auth/dpop.ts";
export type { CopiedField, ForwardAuthOptions } from "./config/auth/forward-auth.ts";
export { introspection } from "./config/auth/introspection.ts";
export type { IntrospectionOptions } from "./config/auth/introspection.ts";
export { jwt } from "./config/auth/jwt.ts";
export type { JwtAlgorithm, JwtOptions, KeySetOptions } from "./config/auth/jwt.ts";
export type { OAuthOptions } from "./config/auth/oauth.ts";
export type { ResourceOptions } from "./config/auth/protected-resource.ts";
export type {
  AllowExchange,
  AllowOptions,
  AllowRule,
  AnyClaims,
  ClaimCondition,
  Consumer,
  ConsumerOptions,
  CorsOptions,
  Identity,
  IdentityOptions,
  IdentityTokenOptions,
  KeyHash,
  KeyOptions,
  KeysOptions,
  NoClaims,
  SchemeCommon,
  SchemeOptions,
  SigningKeyOptions,
} from "./config/auth/options.ts";
export { clientCertificate } from "./config/auth/client-certificate.ts";
export type { ClientCertificateClaims, ClientCertificateOptions } from "./config/auth/client-certificate.ts";
export { httpSignature } from "./config/auth/http-signature.ts";
export type { HttpSignatureOptions } from "./config/auth/http-signature.ts";
export { defineGateway } from "./config/define.ts";
export type { IdentityOf, Schemes, TypedOptions } from "./config/define.ts";
export type {
  InFlightOptions,
  LimitBy,
  LimitExchange,
  LimitOptions,
  LimitSettings,
  LimitStoreOptions,
  OverloadOptions,
  QuotaLimit,
  WindowLimit,
} from "./config/limit/options.ts";
export { durableObject } from "./config/limit/durable-object.ts";
export type { DurableObjectStoreOptions } from "./config/limit/durable-object.ts";
export { redis } from "./config/limit/redis.ts";
export type { RedisStoreOptions } from "./config/limit/redis.ts";
export type {
  AcmeOptions,
  CertificateOptions,
  ExternalAccountOptions,
  HstsOptions,
  ListenHttp2,
  ListenTls,
  RedirectHttpOptions,
} from "./config/listen/options.ts";
export type {
  LineFormat,
  LogFacility,
  LogFields,
  LogFile,
  LogFilter,
  LogFormat,
  LogFunction,
  LogOptions,
  LogRecord,
  LogSample,
  LogSink,
  LogSyslog,
} from "./config/log/options.ts";
export type { OtlpMetricsOptions, OtlpOptions, OtlpTracesOptions, TracingOptions } from "./config/telemetry/options.ts";
export { env } from "./config/secrets.ts";
export type { EnvReference, Hidden, Secret } from "./config/secrets.ts";
export type {
  AnswerRoute,
  AnyNames,
  CallerBy,
  Duration,
  FieldChanges,
  FixedAnswer,
  ForwardingRoute,
  GatewayOptions,
  Handler,
  HandlerExchange,
  HandlerRoute,
  ListenOptions,
  ListenTimeouts,
  MatchOptions,
  Names,
  ParamsOf,
  Redirect,
  RedirectRoute,
  Rewrite,
  RouteCommon,
  RouteOptions,
  Size,
  SplitRoute,
  UpstreamRoute,
  UpstreamTls,
} from "./config/options.ts";
export type {
  AnswerFallback,
  BranchOptions,
  FaultOptions,
  MirrorOptions,
  UpstreamFallback,
  WhenOptions,
} from "./config/shaping/options.ts";
export type {
  BalanceOptions,
  BreakerOptions,
  ConnectionOptions,
  DnsTargets,
  EjectionOptions,
  FileTargets,
  FindTargets,
  FoundTarget,
  FunctionTargets,
  HashOptions,
  HealthCommon,
  HealthOptions,
  HedgeOptions,
  HttpCheckOptions,
  KeepAliveOptions,
  LookupOptions,
  PickWord,
  RetriesOptions,
  RouteRetries,
  SrvTargets,
  StatusClass,
  StickyOptions,
  TargetOptions,
  TargetSource,
  TcpCheckOptions,
  UpstreamOptions,
  UpstreamTimeouts,
} from "./config/upstream/options.ts";
export { identityOf } from "./handle/handle.ts";
export type { Context, MiddlewareHandler } from "hono";
