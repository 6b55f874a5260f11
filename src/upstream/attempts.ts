// The loop of attempts: one exchange's passage through an upstream. The one place where a request is sent again.
import type { TimeoutsPlan } from "../config/upstream/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Answer, AttemptRecord, Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import type { RequestWriter } from "./request.ts";
import { mayTryAgain } from "./retry.ts";
import type { Upstream, UpstreamTarget } from "./upstream.ts";

/** What is the same for all exchanges of a route with its upstream. */
export interface Passage {
  readonly upstream: Upstream;
  readonly writer: RequestWriter;
  readonly timeouts: TimeoutsPlan;
}

/** Attempts, one after another, by whichever client. It is told of each by `answered` or `failed`, once. */
export abstract class Attempts {
  protected readonly x: Exchange;
  protected readonly passage: Passage;
  /** The protocol that the exchange asks to switch to, or "". */
  protected readonly upgrade: string;
  /** Whether something of the request may have gone out with the present attempt. */
  protected sent = false;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: GatewayError) => void;
  #target: UpstreamTarget | undefined = undefined;
  #tried: readonly UpstreamTarget[] = NONE;
  #attempt: AttemptRecord | undefined = undefined;
  /** Who else wants to know that the client left: the user's own code. */
  readonly #before: (() => void) | undefined;

  constructor(
    x: Exchange,
    passage: Passage,
    upgrade: string,
    resolve: (answer: Answer) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.x = x;
    this.passage = passage;
    this.upgrade = upgrade;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#before = x.left.onLeave;
    x.left.onLeave = () => {
      this.#before?.();
      this.#leave();
    };
    x.attempts = [];
  }

  /** Begins. */
  start(): void {
    if (this.x.left.yes) this.#leave();
    else this.#try(false);
  }

  /** Sends the request to a target; `answered` or `failed` follows, perhaps before it returns. */
  protected abstract send(target: UpstreamTarget, fresh: boolean): void;

  /** Takes back what was sent: nothing follows any more. */
  protected abstract withdraw(): void;

  /** The head of an answer has come. */
  answered(answer: Answer): void {
    // From here on whoever writes the answer cancels its content when the client leaves.
    this.x.left.onLeave = this.#before;
    this.#attempt!.status = answer.status;
    this.#settled();
    this.#resolve(answer);
  }

  /** No answer came. */
  failed(error: GatewayError): void {
    this.#attempt!.error = error;
    this.#settled();
    const { x } = this;
    // Content that has begun to flow cannot flow again.
    const replayable = !this.sent || !isStream(x.content);
    if (!x.left.yes && replayable && mayTryAgain(error, x, this.#hasOthers)) {
      return this.#try(error.retry === "idempotent");
    }
    this.#fail(error);
  }

  /** Whether there is a target to which the request has not gone yet. */
  get #hasOthers(): boolean {
    return this.passage.upstream.balancer.untried([...this.#tried, this.#target!]) > 0;
  }

  #try(fresh: boolean): void {
    const { upstream } = this.passage;
    if (this.#target !== undefined) this.#tried = [...this.#tried, this.#target];
    const target = upstream.balancer.pick(this.x, this.#tried);
    if (target === undefined) return this.#fail(noneAvailable(upstream.plan.name));
    this.#target = target;
    this.#attempt = { target: target.plan.url, startedAt: upstream.now(), settledAt: 0, status: 0, error: undefined };
    this.x.attempts.push(this.#attempt);
    for (const watcher of upstream.watchers) watcher.began?.(target, this.x);
    this.sent = false;
    this.send(target, fresh);
  }

  #settled(): void {
    const { upstream } = this.passage;
    const attempt = this.#attempt!;
    attempt.settledAt = upstream.now();
    for (const watcher of upstream.watchers) watcher.settled(this.#target!, attempt, this.x);
  }

  #fail(error: GatewayError): void {
    this.x.left.onLeave = this.#before;
    this.#reject(error);
  }

  #leave(): void {
    this.withdraw();
    const error = new GatewayError("client_disconnect", "the client left before its answer came");
    if (this.#attempt !== undefined && this.#attempt.error === undefined) {
      this.#attempt.error = error;
      this.#settled();
    }
    this.#reject(error);
  }
}

const NONE: readonly UpstreamTarget[] = Object.freeze([]);

function noneAvailable(upstream: string): GatewayError {
  return new GatewayError("destination_unavailable", `no target of ${upstream} may be picked`, {
    retry: "safe",
    fields: [["Retry-After", "1"]],
  });
}
