// What the tests of the config share: a world to read from, and faults by path.
import type { ConfigFault, ConfigReader, Resolved } from "../../src/config/fault.ts";
import type { Plan, RoutePlan } from "../../src/config/plan.ts";
import type { UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { formatPath, sentenceOf } from "../../src/config/message.ts";
import { resolvePlan } from "../../src/config/resolve.ts";

/** Environment variables and files by name. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Certificates are read by this; without it they are taken as they look. */
  readonly certificate?: ConfigReader["certificate"];
  readonly isRevocations?: ConfigReader["isRevocations"];
}

/** A reader of this world. */
export function reader({ env = {}, files = {}, certificate, isRevocations }: World = {}): ConfigReader {
  const own = (record: Readonly<Record<string, string>>, key: string): string | undefined =>
    Object.hasOwn(record, key) ? record[key] : undefined;
  return {
    env: (name) => own(env, name),
    file: (path) => own(files, path),
    locate: (path) => path,
    ...(certificate && { certificate }),
    ...(isRevocations && { isRevocations }),
  };
}

/** Resolves options as they come from a module: of no certain type. */
export function resolve(options: unknown, world?: World): Resolved {
  return resolvePlan(options, reader(world));
}

/** The plan of options that are right. */
export function planOf(options: unknown, world?: World): Plan {
  const { plan, faults } = resolve(options, world);
  if (plan === undefined)
    throw new Error(faults.map((fault) => `${formatPath(fault.path)}: ${sentenceOf(fault)}`).join("\n"));
  return plan;
}

/** "path: message" of each fault. */
export function faultLines(options: unknown, world?: World): string[] {
  return faults(options, world).map((fault) => `${formatPath(fault.path)}: ${sentenceOf(fault)}`);
}

/** The faults. */
export function faults(options: unknown, world?: World): readonly ConfigFault[] {
  return resolve(options, world).faults;
}

/** A route that is right, so that only what is tested is wrong. */
export const HELLO = { match: "/", answer: { body: "hello" } };

/** A config with this listener. */
export const withListen = (listen: unknown): object => ({ listen, routes: { hello: HELLO } });

/** A config with the upstream `orders` of these options and a right target. */
export const withUpstream = (upstream: object): object => ({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"], ...upstream } },
  routes: { hello: HELLO },
});

/** A config with the route `it` and an upstream `orders`. */
export const withRoute = (route: unknown): object => ({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { it: route },
});

/** The plan of the upstream `orders`. */
export const upstreamOf = (upstream: object, world?: World): UpstreamPlan =>
  planOf(withUpstream(upstream), world).upstreams["orders"]!;

/** The plan of the route `it`. */
export const routeOf = (route: object, world?: World): RoutePlan => planOf(withRoute(route), world).routes[0]!;
