// What a config may import: `import { defineGateway, env } from "sluice"`.
export { defineGateway } from "./config/define.ts";
export type { TypedOptions } from "./config/define.ts";
export { env } from "./config/secrets.ts";
export type { EnvReference, Hidden, Secret } from "./config/secrets.ts";
export type {
  AnswerRoute,
  ConnectionOptions,
  Duration,
  FieldChanges,
  FixedAnswer,
  GatewayOptions,
  Handler,
  HandlerExchange,
  HandlerRoute,
  KeepAliveOptions,
  ListenOptions,
  ListenTimeouts,
  LogOptions,
  MatchOptions,
  ParamsOf,
  Redirect,
  RedirectRoute,
  Rewrite,
  RouteCommon,
  RouteOptions,
  Size,
  TargetOptions,
  UpstreamOptions,
  UpstreamRoute,
  UpstreamTls,
  UpstreamTimeouts,
} from "./config/options.ts";
export type { Context, MiddlewareHandler } from "hono";
