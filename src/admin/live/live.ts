// Pushes a tick a second to those who look, as server-sent events. While nobody does, no timer runs and nobody is asked.
import { Answer } from "../../answer.ts";
import { messageOf } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Body, BodySink } from "../../http/body.ts";
import { Fields } from "../../http/fields.ts";
import type { Platform, Timer } from "../../platform.ts";
import type { Overseen } from "../overseen.ts";
import { Counts } from "./counts.ts";
import { addCounts, addPairs, STEPS, toPairs } from "./latencies.ts";
import type { LimitUse, Seen } from "./seen.ts";
import type { Tick } from "./tick.ts";

/** From one tick to the next. */
const EVERY_MS = 1000;
/** Most exchanges of a tick, however many workers there are. */
const MOST_EXCHANGES = 120;
/** For so long a caller that was near the end of a limit is told of. */
const USE_MS = 30_000;
const MOST_USES = 200;

const ENCODER = new TextEncoder();

/** Those who look at one admin listener. */
export class Live {
  readonly #overseen: Overseen;
  readonly #platform: Pick<Platform, "now" | "wallClock" | "setTimer" | "clearTimer" | "notice">;
  readonly #streams = new Set<EventStream>();
  readonly #uses = new Map<string, LimitUse & { readonly seenAt: number }>();
  #timer: Timer | undefined = undefined;
  #isAsking = false;

  constructor(
    overseen: Overseen,
    platform: Pick<Platform, "now" | "wallClock" | "setTimer" | "clearTimer" | "notice">,
  ) {
    this.#overseen = overseen;
    this.#platform = platform;
  }

  /** How many look. */
  get watchers(): number {
    return this.#streams.size;
  }

  /** The events, for as long as the client takes them. */
  answer(x: Exchange): Answer {
    const fields = Fields.of(
      ["Content-Type", "text/event-stream"],
      ["Cache-Control", "no-store"],
      ["X-Content-Type-Options", "nosniff"],
    );
    return new Answer(200, undefined, fields, x.method === "HEAD" ? null : new EventStream(this));
  }

  /** One more looks. */
  join(stream: EventStream): void {
    this.#streams.add(stream);
    if (this.#timer === undefined && !this.#isAsking) void this.#tick();
  }

  /** One has gone. */
  leave(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  /** Nobody looks. */
  #rest(): void {
    if (this.#timer !== undefined) this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#uses.clear();
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    this.#isAsking = true;
    try {
      const { metrics, seen } = await this.#overseen.look();
      const counts = new Counts(metrics.collect());
      const tick = this.#tickOf(counts, seen);
      const event = eventOf(tick);
      for (const stream of this.#streams) stream.push(tick, event);
    } catch (thrown) {
      this.#platform.notice("error", `admin: the live page: ${messageOf(thrown)}`);
    } finally {
      this.#isAsking = false;
    }
    if (this.#streams.size > 0) this.#timer = this.#platform.setTimer(() => void this.#tick(), EVERY_MS);
    else this.#rest();
  }

  #tickOf(counts: Counts, seen: readonly Seen[]): Tick {
    const overseen = this.#overseen;
    const lastLoad = overseen.loads().at(-1);
    return {
      at: this.#platform.wallClock(),
      name: overseen.plan().name,
      outcomes: counts.outcomes(),
      upstreams: counts.upstreams(overseen.targets.list()),
      decisions: counts.decisions(),
      process: counts.process(),
      obstacles: overseen.obstacles(),
      durations: durationsOf(seen),
      exchanges: exchangesOf(seen),
      uses: this.#usesOf(seen),
      ...(lastLoad && { lastLoad }),
    };
  }

  /** What limits have said of a caller last. */
  #usesOf(seen: readonly Seen[]): LimitUse[] {
    const now = this.#platform.now();
    for (const use of seen.flatMap(({ uses }) => uses)) {
      const key = `${use.limit}\n${use.caller}`;
      this.#uses.delete(key);
      this.#uses.set(key, { ...use, seenAt: now });
    }
    for (const [key, { seenAt }] of this.#uses) {
      if (now - seenAt > USE_MS || this.#uses.size > MOST_USES) this.#uses.delete(key);
    }
    return [...this.#uses.values()].map(({ seenAt, ...use }) => ({
      ...use,
      resetMs: Math.max(0, use.resetMs - (now - seenAt)),
    }));
  }
}

/** Those of all threads in one list by time; of too many every so manieth. */
function exchangesOf(seen: readonly Seen[]): Tick["exchanges"] {
  const all = seen.flatMap(({ exchanges }) => exchanges).sort((a, b) => a.at - b.at);
  if (all.length <= MOST_EXCHANGES) return all;
  return Array.from({ length: MOST_EXCHANGES }, (_, at) => all[Math.floor((at * all.length) / MOST_EXCHANGES)]!);
}

function durationsOf(seen: readonly Seen[]): Tick["durations"] {
  const sums = new Map<string, Uint32Array>();
  for (const [route, counts] of seen.flatMap(({ durations }) => [...durations])) {
    const sum = sums.get(route) ?? new Uint32Array(STEPS);
    addCounts(sum, counts);
    sums.set(route, sum);
  }
  return pairsOf(sums);
}

function pairsOf(counts: ReadonlyMap<string, Uint32Array>): Tick["durations"] {
  return Array.from(counts, ([route, each]) => [route, toPairs(each)] as const);
}

function eventOf(tick: Tick): Uint8Array {
  return ENCODER.encode(`event: tick\ndata: ${JSON.stringify(tick)}\n\n`);
}

/**
 * The events of one client. One that is slow misses ticks. The next one holds all that is counted, and of what is told
 * once what has come meanwhile: durations of all, exchanges as many as of one tick, the last ones.
 */
export class EventStream implements Body {
  readonly length = undefined;
  readonly #live: Live;
  #sink: BodySink | undefined = undefined;
  #full = false;
  #missed: Missed | undefined = undefined;

  constructor(live: Live) {
    this.#live = live;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#live.join(this);
  }

  resume(): void {
    this.#full = false;
  }

  cancel(): void {
    this.#sink = undefined;
    this.#missed = undefined;
    this.#live.leave(this);
  }

  /** Sends a tick, unless the last one has not gone yet. @param event the tick, as it is sent to all that have missed none */
  push(tick: Tick, event: Uint8Array): void {
    if (this.#sink === undefined) return;
    if (this.#full) {
      this.#missed ??= new Missed();
      this.#missed.add(tick);
      return;
    }
    const told = this.#missed === undefined ? event : eventOf(this.#missed.with(tick));
    this.#missed = undefined;
    this.#full = !this.#sink.write(told);
  }
}

/** What ticks told that were not sent, and that no later one would tell. Routes and exchanges bound it. */
class Missed {
  readonly #durations = new Map<string, Uint32Array>();
  #exchanges: Tick["exchanges"] = [];

  add({ durations, exchanges }: Tick): void {
    for (const [route, pairs] of durations) {
      let sum = this.#durations.get(route);
      if (sum === undefined) this.#durations.set(route, (sum = new Uint32Array(STEPS)));
      addPairs(sum, pairs);
    }
    this.#exchanges = [...this.#exchanges, ...exchanges].slice(-MOST_EXCHANGES);
  }

  /** A tick with it. */
  with(tick: Tick): Tick {
    this.add(tick);
    return { ...tick, durations: pairsOf(this.#durations), exchanges: this.#exchanges };
  }
}
