// The stage that forwards: picks a target, sends, and tries once more where that is safe.
import type { Destination, RoutePlan, TargetPlan, UpstreamPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Answer, AttemptRecord, Exchange, LastStage } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { tokens } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
import { fetchTarget } from "./fetch-target.ts";
import type { Connection, Outgoing, Receiver } from "./http1/connection.ts";
import { type Borrower, TargetPool, type Wish } from "./http1/pool.ts";
import { type RequestWriter, requestWriter, type Vouching } from "./request.ts";
import { mayTryAgain } from "./retry.ts";

/** An upstream as it runs: its plan, its pools, and who picks. */
export interface Upstream {
  readonly plan: UpstreamPlan;
  /** One for each target, in the order of the plan. Empty where fetch is the client. */
  readonly pools: readonly TargetPool[];
  /** Index of the next target. */
  readonly pick: () => number;
  /** Number of targets that take requests: of a weight above 0. */
  readonly live: number;
  close(): void;
}

/** Brings an upstream to life. Opens no connection. */
export function createUpstream(
  plan: UpstreamPlan,
  pick: () => number,
  platform: Platform,
  deadlines: Deadlines,
): Upstream {
  const sockets = plan.protocol === "http1" && platform.connect !== undefined;
  const pools = sockets ? plan.targets.map((target) => new TargetPool(target, plan, platform, deadlines)) : [];
  const live = plan.targets.filter(({ weight }) => weight > 0).length;
  return { plan, pools, pick, live, close: () => pools.forEach((pool) => pool.close()) };
}

/** The last stage of a route that goes to an upstream. */
export function upstreamStage(
  route: RoutePlan,
  upstream: Upstream,
  pseudonym: string,
  platform: Platform,
  vouching?: Vouching,
): LastStage {
  const destination = route.destination as Extract<Destination, { kind: "upstream" }>;
  const writer = requestWriter(upstream.plan, route.requestFields, pseudonym, vouching);
  const { timeouts } = destination;
  const upgrades = new Set(destination.upgrade);
  if (upstream.pools.length === 0)
    return fetchTarget(upstream.plan, upstream.pick, writer, timeouts, (x) => upgradeOf(x, upgrades), platform);
  return (x) =>
    new Promise((resolve, reject) => new Forwarding(x, upstream, writer, timeouts, upgrades, resolve, reject));
}

/** One exchange's passage through an upstream: attempts, one after another. */
class Forwarding implements Borrower, Receiver {
  readonly #x: Exchange;
  readonly #upstream: Upstream;
  readonly #writer: RequestWriter;
  readonly #timeouts: Outgoing["timeouts"];
  readonly #upgrade: string;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: GatewayError) => void;
  #target: TargetPlan;
  /** Targets that take requests at all. */
  readonly #live: number;
  #wish: Wish | undefined = undefined;
  #connection: Connection | undefined = undefined;
  #attempt: AttemptRecord | undefined = undefined;
  /** Who else wants to know that the client left: the user's own code. */
  readonly #before: (() => void) | undefined;

  constructor(
    x: Exchange,
    upstream: Upstream,
    writer: RequestWriter,
    timeouts: Outgoing["timeouts"],
    upgrades: ReadonlySet<string>,
    resolve: (answer: Answer) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#x = x;
    this.#upstream = upstream;
    this.#writer = writer;
    this.#timeouts = timeouts;
    this.#upgrade = upgradeOf(x, upgrades);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#target = upstream.plan.targets[0]!;
    this.#live = upstream.live;
    x.attempts = [];
    this.#before = x.left.onLeave;
    x.left.onLeave = () => {
      this.#before?.();
      this.#leave();
    };
    if (x.left.yes) this.#leave();
    else this.#try(false);
  }

  ready(connection: Connection): void {
    this.#wish = undefined;
    const x = this.#x;
    let head: string;
    try {
      head = this.#writer.head(x, this.#target, this.#upgrade);
    } catch (error) {
      connection.release();
      return this.failed(error as GatewayError);
    }
    this.#connection = connection;
    const { method, content } = x;
    const trails = isStream(content) ? (key: string): boolean => this.#writer.trails(x, key) : undefined;
    connection.send({ method, head, content, trails, upgrade: this.#upgrade, timeouts: this.#timeouts }, this);
  }

  answered(answer: Answer): void {
    // From here on whoever writes the answer cancels its content when the client leaves.
    this.#x.left.onLeave = this.#before;
    this.#attempt!.status = answer.status;
    this.#resolve(answer);
  }

  failed(error: GatewayError): void {
    this.#wish = undefined;
    const sent = this.#connection !== undefined;
    this.#connection = undefined;
    this.#attempt!.error = error;
    const x = this.#x;
    // Content that has begun to flow cannot flow again.
    const replayable = !sent || !isStream(x.content);
    if (!x.left.yes && replayable && mayTryAgain(error, x, this.#live)) {
      return this.#try(error.retry === "idempotent");
    }
    x.left.onLeave = this.#before;
    this.#reject(error);
  }

  #try(fresh: boolean): void {
    const index = this.#pickOther();
    this.#target = this.#upstream.plan.targets[index]!;
    this.#attempt = { target: this.#target.url, status: 0, error: undefined };
    this.#x.attempts.push(this.#attempt);
    const wish = this.#upstream.pools[index]!.acquire(this, this.#timeouts.connectMs, fresh);
    // A pool that answers at once has called `ready` or `failed` already.
    if (wish !== undefined) this.#wish = wish;
  }

  /** The next target; for a second try one that has not been tried, without taking anybody's turn. */
  #pickOther(): number {
    const { pick, plan } = this.#upstream;
    const { attempts } = this.#x;
    if (attempts.length === 0) return pick();
    const tried = (url: string): boolean => attempts.some(({ target }) => target === url);
    const other = plan.targets.findIndex(({ url, weight }) => weight > 0 && !tried(url));
    return other < 0 ? plan.targets.indexOf(this.#target) : other;
  }

  #leave(): void {
    this.#wish?.cancel();
    this.#connection?.destroy();
    const error = new GatewayError("client_disconnect", "the client left before its answer came");
    if (this.#attempt !== undefined) this.#attempt.error = error;
    this.#reject(error);
  }
}

/** The protocol an exchange asks to switch to, if the route allows it; else "" (RFC 9110 section 7.8). */
function upgradeOf(x: Exchange, allowed: ReadonlySet<string>): string {
  if (allowed.size === 0 || x.version !== "1.1" || x.content !== null) return "";
  const upgrade = x.fields.get("upgrade");
  if (upgrade === undefined || !allowed.has(upgrade.toLowerCase())) return "";
  return tokens(x.fields.joined("connection") ?? "").includes("upgrade") ? upgrade : "";
}
