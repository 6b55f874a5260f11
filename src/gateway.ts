// Gateway: a plan that runs, and the plans that take over from it while connections stay.
import type { LimitControls, TargetControls } from "./admin/overseen.ts";
import type { Seen } from "./admin/live/seen.ts";
import { Watch } from "./admin/live/watch.ts";
import { RevokedKeys, revokedMemory } from "./auth/api-key/revoked-keys.ts";
import { forwards, type Plan } from "./config/plan.ts";
import { type Way } from "./exchange.ts";
import { Generation } from "./generation.ts";
import { Deadlines } from "./http/deadlines.ts";
import type { Issued } from "./issued.ts";
import { Listeners, type NextListener } from "./listen/listeners.ts";
import type { Stays } from "./listen/shared.ts";
import { travelWeb } from "./listen/web.ts";
import { createParts, type Parts } from "./parts.ts";
import { KeyControl } from "./key-control.ts";
import { LimitControl } from "./limit-control.ts";
import { meterListeners } from "./meter.ts";
import type { Platform } from "./platform.ts";
import type { Metrics } from "./record/metrics.ts";
import type { Counts } from "./shared.ts";
import { type Obstacle, STARTING } from "./respond/readiness.ts";
import { obstaclesIn } from "./obstacles.ts";
import type { NoticeLevel, Verbosity } from "./verbosity.ts";
import { layWay } from "./way.ts";

/** A gateway that has been made of a plan. It listens to nothing yet. */
export interface Gateway {
  /**
   * Sends a Request of the Web API the whole way: the entry on Cloudflare's runtime, and in tests.
   * @param peer the client's address
   * @param env bindings, and `context` the execution context, for the user's own code
   */
  fetch(request: Request, peer: string, env?: object, context?: unknown): Promise<Response>;
  /**
   * Resolves once it has targets for every upstream, or could not find them at the first try; within 5 s. Whoever listens
   * before answers 503 where there are none yet.
   */
  readonly ready: Promise<void>;
  /** Opens the listener. @throws SocketError (EADDRINUSE, EACCES, …) */
  listen(): { host: string; port: number };
  /**
   * Builds what another plan asks for, to the side. Parts go on for which nothing has changed.
   * @param over told once, when yet another plan runs and the last exchange of this one has ended
   * @throws SocketError when it cannot listen where the plan says
   */
  prepare(plan: Plan, over?: () => void): Prepared;
  /** What stands in the way of the gateway's work. */
  obstacles(): readonly Obstacle[];
  /** What operators see of targets, and may do to them. */
  readonly targets: TargetControls;
  /** What operators see of limits, and may do to them. */
  readonly limits: LimitControls;
  /** How much the operator is told. */
  readonly verbosity: Verbosity;
  /** What operators may do to API keys; absent where there is no admin listener, and where the main thread does it. */
  readonly keys: KeyControl | undefined;
  /** The plan that runs. */
  readonly plan: Plan;
  /** What its limits count in; undefined without limits, and where several workers share it. */
  readonly counts: Counts | undefined;
  /** See {@link Watch.look}; nothing where there is no admin listener. */
  look(): Seen | undefined;
  /** Leaves as the plan says; see {@link Listeners.drain}. @param delayMs in place of the plan's */
  drain(delayMs?: number): Promise<{ cut: number }>;
  /** Closes everything at once. */
  close(): void;
}

/** A plan that is ready to run. One of the two is called, once, and before another plan is prepared. */
export interface Prepared {
  /** See {@link Gateway.ready}. */
  readonly ready: Promise<void>;
  /** Where it listens, if that is another place than before. */
  readonly address: { host: string; port: number } | undefined;
  /** From now on exchanges take its way. Those under way keep to the plan that they began with. */
  take(): void;
  /** It is never going to run. */
  drop(): void;
}

/** What a gateway may be made with. */
export interface GatewaySurroundings {
  /** See {@link Gateway.prepare}. */
  readonly over?: (() => void) | undefined;
  /** Where it counts; without them it counts nothing. */
  readonly metrics?: Metrics | undefined;
  /** Certificates that come while it runs, and what their authority is answered. */
  readonly issued?: Issued | undefined;
  /** What its limits count in at first; without it a table of their own. */
  readonly counts?: Counts | undefined;
}

/** Makes a gateway of a plan. */
export function createGateway(plan: Plan, platform: Platform, surroundings: GatewaySurroundings = {}): Gateway {
  const { over, metrics, issued, counts } = surroundings;
  const deadlines = new Deadlines(platform);
  let draining = false;
  const instance = platform.shared?.instance ?? platform.ids.next().slice(0, 8);
  const watch = plan.admin && metrics && new Watch(platform);
  // Of several threads the main one says it.
  const tells = (level: NoticeLevel): void => {
    if (platform.shared === undefined) platform.verbosity.level = level;
  };
  tells(plan.logLevel);
  const revoked = plan.admin && new RevokedKeys(platform.shared?.revoked ?? revokedMemory(false));
  const isDraining = (): boolean => draining;
  const farewells = new Set<Promise<void>>();
  const standing = { platform, deadlines, instance, metrics, watch, revoked, issued, counts, farewells, isDraining };
  /** Those that have exchanges, and the one that runs. */
  const living = new Set<Generation>();
  const generationOf = (plan: Plan, over?: () => void, before?: Parts): Generation => {
    const parts = createParts(plan, standing, before);
    return new Generation(plan, parts, layWay(plan, parts), (generation) => {
      living.delete(generation);
      parts.meter?.close();
      parts.carried.close([...living].map(({ parts }) => parts.carried));
      over?.();
    });
  };
  let current = generationOf(plan, over);
  living.add(current);
  current.parts.checkHealth();

  const way: Way = {
    travel(x, send) {
      x.way = current.begin();
      x.way.travel(x, send);
    },
    refuse: (x, error) => (x.way ??= current.begin()).refuse(x, error),
    finish: (x, ending) => x.way!.finish(x, ending),
  };
  const listeners = new Listeners(way, platform, deadlines, issued);
  const unread = metrics && meterListeners(metrics, listeners);
  const close = (): void => {
    unread?.();
    for (const { parts } of living) {
      parts.meter?.close();
      parts.carried.close([]);
    }
  };
  return {
    ready: current.parts.firstTargets,
    fetch: (request, peer, env = {}, context) => travelWeb(way, platform, request, peer, { env, context }),
    listen: () => listeners.open(plan.listen),
    obstacles: () => [...(listeners.isOpen ? [] : [STARTING]), ...obstaclesIn(current.parts)],
    limits: new LimitControl(() => current.parts, platform),
    verbosity: platform.verbosity,
    keys: platform.shared
      ? undefined
      : revoked && new KeyControl(revoked, () => current.plan.auth, platform, plan.admin?.revokedKeys),
    get plan() {
      return current.plan;
    },
    get counts() {
      return current.parts.counts;
    },
    look: () => watch?.look(),
    targets: { list: () => current.parts.targets.list(), drain: (...what) => current.parts.targets.drain(...what) },
    prepare(plan, over) {
      const next = generationOf(plan, over, current.parts);
      const drop = (): void => {
        next.parts.meter?.close();
        next.parts.carried.close([...living].map(({ parts }) => parts.carried));
      };
      let listener: NextListener;
      try {
        listener = listeners.next(plan.listen);
      } catch (error) {
        drop();
        throw error;
      }
      return {
        ready: next.parts.firstTargets,
        address: listener.address,
        take() {
          const before = current;
          current = next;
          if (plan.logLevel !== before.plan.logLevel) tells(plan.logLevel);
          living.add(next);
          listener.take(staysIn(plan));
          next.parts.checkHealth();
          before.parts.telemetry.giveWay(next.parts.telemetry);
          before.retire();
        },
        drop() {
          listener.drop();
          drop();
        },
      };
    },
    async drain(delayMs = current.plan.shutdown.delayMs) {
      draining = true;
      const drained = await listeners.drain({ ...current.plan.shutdown, delayMs });
      await Promise.all([...living].map(({ parts }) => parts.telemetry.flush()));
      await Promise.all(farewells);
      close();
      await current.parts.saveCounts();
      return drained;
    },
    close() {
      listeners.cut();
      close();
    },
  };
}

/** Whether a tunnel goes on: where the plan still has a route of this name that leads to upstreams. */
function staysIn({ routes }: Plan): Stays {
  const names = new Set(routes.flatMap(({ name, destination }) => (forwards(destination) ? [name] : [])));
  return ({ name }) => names.has(name);
}
