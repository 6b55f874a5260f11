// defineGateway: gives the config its types, so that the compiler finds a wrong name before the gateway starts.
import type { ConsumerOptions, Identity, KeysOptions, SchemeOptions } from "./auth/options.ts";
import type { InFlightOptions, LimitOptions } from "./limit/options.ts";
import type { GatewayOptions, RouteOptions } from "./options.ts";
import type { UpstreamOptions } from "./upstream/options.ts";

/** The schemes of a config by name; each knows the type of its claims. */
export type Schemes = Readonly<Record<string, SchemeOptions<unknown>>>;

/** Who may call under these schemes: told apart by `scheme`. */
export type IdentityOf<S extends Schemes> = string extends keyof S
  ? Identity
  : { [K in keyof S & string]: Identity<K, S[K]["claims"]> }[keyof S & string];

/**
 * {@link GatewayOptions} whose names are tied together. `U` are the names of the upstreams, `C` of the consumers, `G` of
 * their groups, `S` the schemes, `L` the names of limits, `F` of bounds for exchanges under way, `M` the patterns of the routes by route name.
 */
export interface TypedOptions<
  U extends string,
  C extends string,
  G extends string,
  S extends Schemes,
  L extends string,
  F extends string,
  M extends Record<string, string>,
> extends Omit<GatewayOptions, "upstreams" | "consumers" | "keys" | "auth" | "limits" | "inFlight" | "routes"> {
  upstreams?: { readonly [K in U]: UpstreamOptions<NoInfer<U>> };
  consumers?: { readonly [K in C]: ConsumerOptions<NoInfer<keyof S & string>, G> };
  keys?: KeysOptions<G>;
  auth?: S;
  limits?: { readonly [K in L]: LimitOptions<NoInfer<IdentityOf<S>>> };
  inFlight?: { readonly [K in F]: InFlightOptions<NoInfer<IdentityOf<S>>> };
  routes: {
    readonly [K in keyof M]: RouteOptions<
      M[K],
      {
        readonly upstream: NoInfer<U>;
        readonly scheme: NoInfer<keyof S & string>;
        readonly consumer: NoInfer<C>;
        readonly group: NoInfer<G>;
        readonly limit: NoInfer<L>;
        readonly inFlight: NoInfer<F>;
        readonly identity: NoInfer<IdentityOf<S>>;
      }
    >;
  };
}

/** A config of which the names of the upstreams are known: tests tell them what to answer. */
export type DefinedGateway<U extends string> = Omit<GatewayOptions, "upstreams"> & {
  readonly upstreams?: { readonly [K in U]: UpstreamOptions };
};

/**
 * What a config exports by default. Returns its argument unchanged; the compiler refuses a name that nothing has (`to`,
 * `auth`, `limits`, `inFlight`, consumers and groups of `allow`), unknown keys, and malformed durations and sizes. It types `x.params` of a
 * handler from the route's pattern, and the claims of `x.identity` from the schemes.
 */
export function defineGateway<
  const U extends string = never,
  const C extends string = never,
  const G extends string = never,
  const S extends Schemes = Readonly<Record<"none", SchemeOptions>>,
  const L extends string = never,
  const F extends string = never,
  const M extends Record<string, string> = never,
>(options: TypedOptions<U, C, G, S, L, F, M>): DefinedGateway<U> {
  // A handler that wants its own parameters is no handler of any parameters: the tie between both ends here.
  return options as unknown as DefinedGateway<U>;
}
