// defineGateway: gives the config its types, so that the compiler finds a wrong name before the gateway starts.
import type { GatewayOptions, RouteOptions, UpstreamOptions } from "./options.ts";

/**
 * {@link GatewayOptions} whose names are tied together. `U` are the names of the upstreams, `M` the patterns of the
 * routes by route name.
 */
export interface TypedOptions<U extends string, M extends Record<string, string>> extends Omit<
  GatewayOptions,
  "upstreams" | "routes"
> {
  upstreams?: { readonly [K in U]: UpstreamOptions };
  routes: { readonly [K in keyof M]: RouteOptions<M[K], NoInfer<U>> };
}

/**
 * What a config exports by default. Returns its argument unchanged; the compiler refuses a `to` that names no upstream,
 * unknown keys, and malformed durations and sizes, and types `x.params` of a handler from the route's pattern.
 */
export function defineGateway<const U extends string = never, const M extends Record<string, string> = never>(
  options: TypedOptions<U, M>,
): GatewayOptions {
  // A handler that wants its own parameters is no handler of any parameters: the tie between both ends here.
  return options as unknown as GatewayOptions;
}
