// The loop of attempts: one exchange's passage through an upstream. The one place where a request is sent again.
import type { Answer } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import type { AttemptReason, Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import { Deadline } from "../http/deadlines.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import type { Listener } from "../left.ts";
import type { Attempt } from "./attempt.ts";
import { BoundedBody } from "./bounded-body.ts";
import { tooLongAsAWhole } from "./lateness.ts";
import type { Care, Passage } from "./passage.ts";
import { Replay } from "./replay.ts";
import { timeoutLines, timeoutOf } from "./request-deadline.ts";
import { backoff, bearsRepetition, failureOf, type Move, MOST_ATTEMPTS, nextMove } from "./retry.ts";
import type { UpstreamTarget } from "./upstream.ts";

/** Attempts, one after another, or two at once where slow ones are hedged. It is told of each by `answered` or `failed`. */
export class Attempts {
  readonly x: Exchange;
  readonly passage: Passage;
  /** The protocol that the exchange asks to switch to, or "". */
  readonly upgrade: string;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: GatewayError) => void;
  /** Who else wants to know that the client left: the user's own code. */
  readonly #before: Listener;
  /** Under way. */
  #attempt: Attempt | undefined = undefined;
  /** Under way beside it. */
  #hedge: Attempt | undefined = undefined;
  #staleBefore = false;
  #replay: Replay | undefined = undefined;
  /** When the answer is of no use any more, in monotonic milliseconds; and the clock that runs until then. */
  #due = Infinity;
  #isClientsDue = false;
  #whole: Deadline | undefined = undefined;
  /** The answer's content, while that clock still runs. */
  #content: BoundedBody | undefined = undefined;
  /** Runs until the next attempt begins: after a failure, or beside a slow one. */
  #next: Deadline | undefined = undefined;

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
    this.#before = x.left.also(() => this.#leave());
    x.attempts = [];
  }

  /** Begins. */
  start(): void {
    if (this.x.left.yes) return this.#leave();
    const { care } = this.passage;
    if (care === undefined) return this.#begin(undefined, false);
    this.#setOut(care);
    if (this.#due <= this.passage.upstream.now()) return this.#fail(this.#tooLate());
    this.#begin(undefined, false);
    if (care.hedge !== undefined && this.#attempt !== undefined && this.#mayHedge()) {
      this.#next = new Deadline(() => this.#beginBeside());
      care.deadlines.arm(this.#next, care.hedge.afterMs);
    }
  }

  /**
   * The request's head for the target of an attempt, at this moment.
   * @throws GatewayError as the writer does
   */
  head(attempt: Attempt): string {
    const { writer, timeouts, upstream } = this.passage;
    const { deadlineFields: names } = timeouts;
    const lines = names.length === 0 ? "" : timeoutLines(this.x.fields, names, this.#due - upstream.now());
    return writer.head(this.x, attempt.to.plan, this.upgrade, lines, this.#spanOf(attempt));
  }

  /** The number of its span. Attempts at upstreams before this one count, too. */
  #spanOf(attempt: Attempt): number {
    const { trace, attempts, fallbacks } = this.x;
    if (trace === undefined || trace.isAside) return 0;
    let number = attempts.indexOf(attempt) + 1;
    for (const { attempts } of fallbacks) number += attempts.length;
    return number;
  }

  /** The head of an answer has come. */
  answered(attempt: Attempt, answer: Answer): void {
    attempt.status = answer.status;
    this.#settle(attempt);
    if (this.passage.care !== undefined && this.#passOver(attempt, answer)) return;
    if (this.#whole !== undefined) this.#bound(answer, this.#whole);
    this.#end();
    this.#resolve(answer);
  }

  /** No answer came. */
  failed(attempt: Attempt, error: GatewayError): void {
    attempt.error = error;
    this.#settle(attempt);
    if (this.#attempt !== undefined) return;
    const failure = failureOf(error);
    const move = this.x.left.yes ? "end" : this.#move(attempt, failure, error.retry === "safe");
    if (attempt.stale) this.#staleBefore = true;
    if (move === "other") this.#begin("connect", false);
    else if (move === "fresh") this.#begin("stale", true);
    else if (move === "end" || !this.#retry(failure as AttemptReason, 0)) this.#fail(error);
  }

  /** What the options ask is made ready. */
  #setOut({ retries, deadlines }: Care): void {
    const { x, passage } = this;
    const { wholeMs, deadlineFields } = passage.timeouts;
    const asked = deadlineFields.length === 0 ? undefined : timeoutOf(x.fields, deadlineFields);
    this.#isClientsDue = asked !== undefined && (wholeMs === 0 || asked < wholeMs);
    const ms = this.#isClientsDue ? asked! : wholeMs === 0 ? Infinity : wholeMs;
    if (ms !== Infinity) {
      this.#due = passage.upstream.now() + ms;
      this.#whole = new Deadline(() => this.#giveUp());
      deadlines.arm(this.#whole, ms, this.#isClientsDue);
    }
    const { content } = x;
    if (retries === undefined || !isStream(content) || !this.#isRepeatable) return;
    if (content.length === undefined || content.length <= retries.replay)
      this.#replay = new Replay(content, retries.replay);
  }

  #begin(reason: AttemptReason | undefined, fresh: boolean): void {
    const { upstream } = this.passage;
    const to = upstream.next(this.x, this.#tried);
    // What came of the attempts before tells more than that there is no other.
    if (to instanceof GatewayError) return this.#fail(this.x.attempts.at(-1)?.error ?? to);
    this.#send((this.#attempt = this.#make(to, reason, fresh)));
  }

  /** A second attempt beside a slow one, at another target. */
  #beginBeside(): void {
    const { upstream, care } = this.passage;
    if (this.#attempt === undefined || this.x.attempts.length >= (care!.retries?.attempts ?? MOST_ATTEMPTS)) return;
    const tried = this.#tried;
    const to = upstream.balancer.pick(this.x, tried);
    if (to === undefined || tried.includes(to) || !care!.budget.take(care!.hedge!.budget)) return;
    if (upstream.breaker?.admit() !== undefined) return;
    this.#send((this.#hedge = this.#make(to, "hedge", false)));
  }

  #make(to: UpstreamTarget, reason: AttemptReason | undefined, fresh: boolean): Attempt {
    const { upstream, client } = this.passage;
    const content = this.#replay?.view() ?? this.x.content;
    const attempt = client(this, { to, startedAt: upstream.now(), reason, content, fresh });
    this.x.attempts.push(attempt);
    for (const watcher of upstream.watchers) watcher.began?.(to, this.x);
    return attempt;
  }

  #send(attempt: Attempt): void {
    const { care } = this.passage;
    const perTryMs = care?.retries?.perTryMs ?? 0;
    if (perTryMs > 0 && this.#isRepeatable && (this.#replay !== undefined || !isStream(attempt.content))) {
      const clock = new Deadline(() => {
        attempt.withdraw();
        this.failed(
          attempt,
          new GatewayError("http_response_timeout", `no answer came within ${perTryMs} ms (retries.perTry)`),
        );
      });
      attempt.clock = clock;
      // While the client still sends, it is not the target that is slow.
      const arm = (): void => {
        if (attempt.settledAt === 0) care!.deadlines.arm(clock, perTryMs);
      };
      if (this.#replay === undefined) arm();
      else this.#replay.whenWhole(arm);
    }
    attempt.send();
  }

  /** It has come to something: it is not under way any more. */
  #settle(attempt: Attempt): void {
    const { upstream, care } = this.passage;
    attempt.settledAt = upstream.now();
    if (care !== undefined) {
      if (attempt.clock !== undefined) care.deadlines.disarm(attempt.clock);
      if (attempt === this.x.attempts[0]) care.budget.count();
    }
    if (attempt === this.#attempt) this.#attempt = this.#hedge;
    this.#hedge = undefined;
    for (const watcher of upstream.watchers) watcher.settled(attempt.to, attempt, this.x);
  }

  /** Where it has been sent before. */
  get #been(): readonly UpstreamTarget[] {
    return (this.x.attempts as Attempt[]).map(({ to }) => to);
  }

  /** Where it is not to be sent now; once it has been everywhere, that is all but where it was longest ago. */
  get #tried(): readonly UpstreamTarget[] {
    if (this.x.attempts.length === 0) return NONE;
    const { balancer } = this.passage.upstream;
    const been = this.#been;
    return balancer.untried(been) > 0 ? been : been.slice(-Math.max(1, balancer.untried(NONE) - 1));
  }

  /** Whether an answer is not the one that the client gets: another attempt follows, or is under way. */
  #passOver(attempt: Attempt, answer: Answer): boolean {
    const { retries, wallClock } = this.passage.care!;
    const { status } = answer;
    if (retries === undefined || !retries.on.statuses.has(status)) return false;
    if (this.#attempt === undefined) {
      if (this.#move(attempt, status, false) !== "retry") return false;
      const asked = retryAfterMs(answer.fields.get("retry-after"), wallClock());
      if (asked > retries.retryAfterMs) return false;
      return this.#retry("status", asked, answer);
    }
    answer.discard();
    return true;
  }

  #move(attempt: Attempt, outcome: Parameters<typeof nextMove>[0]["outcome"], unsent: boolean): Move {
    const { upstream, care } = this.passage;
    const tried = {
      outcome,
      unsent,
      stale: attempt.stale,
      staleBefore: this.#staleBefore,
      // Content that has begun to flow cannot flow again, unless it was kept.
      replayable: this.#replay === undefined ? !attempt.sent || !isStream(attempt.content) : this.#replay.replayable,
      repeatable: this.#isRepeatable,
      attempts: this.x.attempts.length,
      hasOthers: upstream.balancer.untried(this.#been) > 0,
    };
    return nextMove(tried, care?.retries);
  }

  /** Begins another attempt after a pause, if there is time and budget for it; drops the answer in whose place it comes. */
  #retry(reason: AttemptReason, leastMs: number, answer?: Answer): boolean {
    const { retries, budget, deadlines, chance } = this.passage.care!;
    const ms = Math.max(leastMs, backoff(this.x.attempts.length, retries!.backoff, chance()));
    if (this.passage.upstream.now() + ms >= this.#due || !budget.take(retries!.budget)) return false;
    answer?.discard();
    this.#disarm(this.#next);
    if (ms === 0) this.#begin(reason, false);
    else {
      this.#next = new Deadline(() => this.#begin(reason, false));
      deadlines.arm(this.#next, ms, true);
    }
    return true;
  }

  /** Whether the request may be acted on twice. */
  get #isRepeatable(): boolean {
    return bearsRepetition(this.x, this.passage.care?.retries);
  }

  #mayHedge(): boolean {
    return this.#isRepeatable && this.upgrade === "" && !isStream(this.x.content);
  }

  /** The clock runs on for the answer's content, unless that is a stream by its nature. */
  #bound(answer: Answer, clock: Deadline): void {
    if (!isStream(answer.content) || isEndless(answer)) return;
    this.#content = new BoundedBody(answer.content, () => this.#disarm(clock));
    answer.content = this.#content;
    answer.web = undefined;
  }

  #tooLate(): GatewayError {
    return this.#isClientsDue
      ? new GatewayError("deadline_exceeded", "the time that the client gave was over")
      : tooLongAsAWhole(this.passage.timeouts.wholeMs);
  }

  /** The time for all attempts is over. Of their targets only the first had all of it. */
  #giveUp(): void {
    const error = this.#tooLate();
    if (this.#content !== undefined) return this.#content.expire(error);
    const [first] = this.x.attempts;
    this.#withdraw((attempt) => (attempt === first ? error : withdrawn("the time was over")));
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    this.#end();
    this.#reject(error);
  }

  #leave(): void {
    const error = new GatewayError("client_disconnect", "the client left before its answer came");
    this.#withdraw(() => error);
    this.#fail(error);
  }

  /** What the client gets is decided. From here on whoever writes the answer cancels its content when the client leaves. */
  #end(): void {
    this.x.left.restore(this.#before);
    if (this.passage.care === undefined) return;
    if (this.#content === undefined) this.#disarm(this.#whole);
    this.#disarm(this.#next);
    this.#withdraw(() => withdrawn("another attempt was answered first"));
    this.#replay?.decide();
  }

  /** Takes back what is under way. */
  #withdraw(why: (attempt: Attempt) => GatewayError): void {
    for (let attempt = this.#attempt; attempt !== undefined; attempt = this.#attempt) {
      attempt.withdraw();
      attempt.error = why(attempt);
      this.#settle(attempt);
    }
  }

  #disarm(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.passage.care!.deadlines.disarm(deadline);
  }
}

const NONE: readonly UpstreamTarget[] = Object.freeze([]);

function withdrawn(why: string): GatewayError {
  return new GatewayError("attempt_withdrawn", why);
}

/** Streams go on for as long as they like: events, and gRPC, whose deadline both of its ends know. */
function isEndless({ fields }: Answer): boolean {
  return /^(?:text\/event-stream|application\/grpc)/i.test(fields.get("content-type") ?? "");
}
