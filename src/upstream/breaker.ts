// The breaker of an upstream: when too many attempts fail or are slow, nothing is sent for a while, then a few to see.
import type { Board } from "../board.ts";
import type { BreakerPlan } from "../config/upstream/plan.ts";
import { GatewayError } from "../errors.ts";
import type { AttemptRecord, Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import { formatDuration } from "../http/duration.ts";
import { retryAfterSeconds } from "../http/retry-after.ts";
import type { Platform } from "../platform.ts";
import type { Target, Watcher } from "../target.ts";
import { verdictOf } from "../verdict.ts";

// Words of its row. Times are milliseconds of the platform's clock, of which 32 bits are kept: they are compared by their
// difference.

/** What it is now, in one word, so that each change is one comparison and exchange: see `stateOf`. */
const STATE = 0;
const OPENED_AT = 1;
/** When the present round of probes began. */
const PROBED_AT = 2;
/** Tenths of the window: which one it is, attempts, those that failed, those that were slow. */
const BUCKETS_AT = 8;
const BUCKETS = 10;
const BUCKET_WORDS = 4;

/** `"half-open"`: a few are let through. */
export type Circuit = "closed" | "open" | "half-open";
const CIRCUITS: readonly Circuit[] = ["closed", "open", "half-open"];

/** A state: its kind, and of half-open how many were let through and have passed. */
interface State {
  readonly word: number;
  readonly kind: Circuit;
  readonly admitted: number;
  readonly passed: number;
}

/** Two bits of kind, ten of those let through, ten of those that passed, ten that make each state another one. */
function stateOf(word: number): State {
  const kind = CIRCUITS[word & 3]!;
  return { word, kind, admitted: (word >>> 2) & 1023, passed: (word >>> 12) & 1023 };
}

function wordOf(kind: Circuit, admitted: number, passed: number, turn: number): number {
  return CIRCUITS.indexOf(kind) | (admitted << 2) | (passed << 12) | (turn << 22);
}

/** The name of its row on the board of upstreams. */
export function breakerRow(upstream: string, windowMs: number): string {
  return `${upstream}\nbreaker\n${windowMs}`;
}

/** What stands in a row: an open circuit that would let something through counts as open. */
export function circuitIn(row: Int32Array): Circuit {
  return stateOf(Atomics.load(row, STATE)).kind;
}

/** Writes a state into a row that nobody else writes to: of one that opens at this moment. */
export function setCircuit(row: Int32Array, circuit: Circuit, now: number): void {
  row[STATE] = wordOf(circuit, 0, 0, 0);
  row[OPENED_AT] = Math.floor(now);
}

/** What a breaker is made with. */
export interface BreakerParts {
  /** The upstream's name. */
  readonly name: string;
  readonly plan: BreakerPlan;
  /** Of upstreams. */
  readonly board: Board;
  readonly platform: Pick<Platform, "now" | "notice">;
}

/** The breaker of one upstream, the same in all threads. What it has seen outlives the plan, as long as the window is the same. */
export class Breaker<T extends Target> implements Watcher<T> {
  readonly #parts: BreakerParts;
  readonly #row: string;
  readonly #words: Int32Array;
  readonly #bucketMs: number;
  /** How often this thread has opened it. */
  opened = 0;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
    this.#bucketMs = parts.plan.windowMs / BUCKETS;
    this.#row = breakerRow(parts.name, parts.plan.windowMs);
    this.#words = parts.board.claim(this.#row);
  }

  /** What it is now. */
  get circuit(): Circuit {
    return circuitIn(this.#words);
  }

  /** Lets an attempt through, of which it is told by `settled`; or says why not. */
  admit(): GatewayError | undefined {
    const words = this.#words;
    if ((Atomics.load(words, STATE) & 3) === 0) return undefined;
    const { probes, openMs } = this.#parts.plan;
    const now = this.#now();
    for (;;) {
      const state = this.#state;
      if (state.kind === "closed") return undefined;
      if (state.kind === "half-open" && state.admitted < probes) {
        if (this.#change(state, "half-open", state.admitted + 1, state.passed)) return undefined;
        continue;
      }
      // Half-open: those that were let through have not come back. They may never do so, where a worker has died.
      const since = Atomics.load(words, state.kind === "open" ? OPENED_AT : PROBED_AT);
      const elapsed = (now - since) >>> 0;
      if (elapsed < openMs) return this.#refusal(openMs - elapsed);
      Atomics.store(words, PROBED_AT, now);
      if (this.#change(state, "half-open", 1, state.passed)) return undefined;
    }
  }

  settled(_target: T, attempt: AttemptRecord, x: Exchange): void {
    const verdict = verdictOf(attempt);
    const slow = this.#isSlow(attempt, x);
    if (verdict !== "none" && (Atomics.load(this.#words, STATE) & 3) === 0) {
      return this.#count(verdict === "bad", slow, attempt.settledAt);
    }
    for (;;) {
      const state = this.#state;
      // What began before it opened says nothing new.
      const isProbe = ((Math.floor(attempt.startedAt) - Atomics.load(this.#words, OPENED_AT)) | 0) >= 0;
      if (state.kind !== "half-open" || !isProbe) return;
      if (verdict === "none" ? this.#giveBack(state) : this.#probed(state, verdict === "good" && !slow)) return;
    }
  }

  /** Lets go of what it has seen. */
  close(): void {
    this.#parts.board.release(this.#row);
  }

  #isSlow({ startedAt, settledAt }: AttemptRecord, x: Exchange): boolean {
    const { slow } = this.#parts.plan;
    // A client that sends its content slowly is no slow upstream.
    return slow !== undefined && settledAt - startedAt > slow.overMs && !isStream(x.content);
  }

  #count(bad: boolean, slow: boolean, now: number): void {
    const words = this.#words;
    const at = this.#bucket(now);
    Atomics.add(words, at + 1, 1);
    if (bad) Atomics.add(words, at + 2, 1);
    if (slow) Atomics.add(words, at + 3, 1);
    if (bad || slow) this.#judge(now);
  }

  /** Opens it if the window says so. */
  #judge(now: number): void {
    const { minimum, errors, slow, openMs, windowMs } = this.#parts.plan;
    const words = this.#words;
    const current = this.#epoch(now);
    const sums: [all: number, failed: number, late: number] = [0, 0, 0];
    for (let at = BUCKETS_AT; at < BUCKETS_AT + BUCKETS * BUCKET_WORDS; at += BUCKET_WORDS) {
      const epoch = Atomics.load(words, at);
      if (epoch <= current - BUCKETS || epoch > current) continue;
      for (let i = 0; i < 3; i++) sums[i]! += Atomics.load(words, at + 1 + i);
    }
    const [all, failed, late] = sums;
    if (all < minimum) return;
    const tooBad = failed >= all * errors;
    if (!tooBad && (slow === undefined || late < all * slow.share)) return;
    const state = this.#state;
    if (state.kind !== "closed") return;
    Atomics.store(words, OPENED_AT, Math.floor(now));
    if (!this.#change(state, "open", 0, 0)) return;
    this.opened++;
    const what = tooBad ? `${failed} of ${all} attempts failed` : `${late} of ${all} attempts were slow`;
    this.#tell("warn", `open for ${formatDuration(openMs)}: ${what} within ${formatDuration(windowMs)}`);
  }

  /** A probe has come to something. False: another thread was faster, look again. */
  #probed(state: State, passed: boolean): boolean {
    const { probes } = this.#parts.plan;
    const words = this.#words;
    if (!passed) {
      Atomics.store(words, OPENED_AT, this.#now());
      return this.#change(state, "open", 0, 0);
    }
    if (state.passed + 1 < probes) return this.#change(state, "half-open", state.admitted, state.passed + 1);
    // What was counted before it opened is over.
    for (let at = BUCKETS_AT; at < BUCKETS_AT + BUCKETS * BUCKET_WORDS; at++) Atomics.store(words, at, 0);
    if (!this.#change(state, "closed", 0, 0)) return false;
    this.#tell("info", probes === 1 ? "closed: a probe passed" : `closed: ${probes} probes passed`);
    return true;
  }

  /** A probe has told nothing: another one may go in its place. */
  #giveBack(state: State): boolean {
    return this.#change(state, "half-open", Math.max(0, state.admitted - 1), state.passed);
  }

  /** First word of the bucket of this moment. What stood there of an earlier one is taken off, and nothing of this one. */
  #bucket(now: number): number {
    const words = this.#words;
    const epoch = this.#epoch(now);
    const at = BUCKETS_AT + (epoch % BUCKETS) * BUCKET_WORDS;
    const before = Atomics.load(words, at);
    if (before === epoch) return at;
    const counts = [1, 2, 3].map((i) => Atomics.load(words, at + i));
    if (Atomics.compareExchange(words, at, before, epoch) === before) {
      for (const [i, count] of counts.entries()) Atomics.sub(words, at + 1 + i, count);
    }
    return at;
  }

  /** Which tenth of a window it is, from 1 on. */
  #epoch(now: number): number {
    return (Math.floor(now / this.#bucketMs) % 0x3fff_ffff) + 1;
  }

  get #state(): State {
    return stateOf(Atomics.load(this.#words, STATE));
  }

  #change({ word }: State, kind: Circuit, admitted: number, passed: number): boolean {
    const next = wordOf(kind, admitted, passed, (word >>> 22) + 1);
    return Atomics.compareExchange(this.#words, STATE, word, next) === word;
  }

  #now(): number {
    return Math.floor(this.#parts.platform.now()) | 0;
  }

  #refusal(ms: number): GatewayError {
    return new GatewayError("destination_unavailable", `the circuit of ${this.#parts.name} is open`, {
      retry: "safe",
      publicDetail: "Requests to the service failed too often a moment ago.",
      fields: [["Retry-After", String(retryAfterSeconds(ms))]],
    });
  }

  #tell(level: "info" | "warn", what: string): void {
    this.#parts.platform.notice(level, `${this.#parts.name}: circuit ${what}`);
  }
}
