// The connection to Redis: up only while Redis answers in time and takes writes, and tried again for ever.
import { messageOf } from "../errors.ts";
import type { Platform, RedisConnection, RedisOptions, Timer } from "../platform.ts";
import { TAKE, type Script } from "./redis-scripts.ts";

/** Most that connecting may take: names, TLS and passwords. */
const CONNECT_MS = 3000;
/** Pause before a second attempt, doubled up to the longest, and between half and all of it by chance. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;
/** After so long without a failure the pauses begin anew. */
const STEADY_MS = 10_000;
/** How often errors are told that Redis answers with although it takes writes. */
const TELL_MS = 60_000;

/** Where a {@link RedisLink} connects to, and how long it waits. */
export interface LinkOptions {
  readonly redis: RedisOptions;
  readonly timeoutMs: number;
  /** A key that is written to see whether Redis takes writes. */
  readonly probeKey: string;
  /** What becomes of requests meanwhile, for the operator. */
  readonly meanwhile: string;
}

/** Keeps one connection to Redis, and opens it again for ever when it is lost. */
export class RedisLink {
  readonly #options: LinkOptions;
  readonly #platform: Platform;
  readonly #place: string;
  /** The connection that is up, or that is being tried. */
  #connection: RedisConnection | undefined;
  #up = false;
  /** While the first attempt runs, those who ask wait for it. */
  #starting: PromiseWithResolvers<void> | undefined = Promise.withResolvers();
  #closed = false;
  #timer: Timer | undefined;
  #failures = 0;
  #upAt = 0;
  /** When the outage began, once the operator knows of it. */
  #downAt: number | undefined;
  #retryAt = 0;
  #doubting = false;
  #toldAt = -Infinity;

  constructor(options: LinkOptions, platform: Platform) {
    this.#options = options;
    this.#platform = platform;
    const { host, port } = options.redis;
    this.#place = `Redis at ${host.includes(":") ? `[${host}]` : host}:${port}`;
    this.#attempt();
  }

  /** Whether Redis may be asked: the connection is up, or its first attempt still runs. */
  get usable(): boolean {
    return this.#up || this.#starting !== undefined;
  }

  /** Milliseconds until the next attempt; 0 while one runs. */
  get retryMs(): number {
    return Math.max(0, this.#retryAt - this.#platform.now());
  }

  /** Runs a script. Rejects with Redis's words, or when there is no connection. */
  async run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    if (!this.#up) await this.#starting?.promise;
    const connection = this.#connection;
    if (!this.#up || connection === undefined) throw new Error("not connected");
    return run(connection, script, keys, args);
  }

  /** Redis did not answer in time: whoever asks next must not wait too. */
  tooLate(): void {
    if (this.#up) this.#lost(this.#connection, `no answer within ${this.#options.timeoutMs} ms`);
  }

  /** Redis answered with an error. Whether that is for all keys (READONLY, LOADING, NOPERM, OOM) is seen by a write. */
  doubt(error: unknown): void {
    const connection = this.#connection;
    if (!this.#up || connection === undefined || this.#doubting) return;
    const reason = messageOf(error);
    this.#doubting = true;
    this.#probe(connection, reason, () => {
      const now = this.#platform.now();
      if (now - this.#toldAt < TELL_MS) return;
      this.#toldAt = now;
      this.#platform.notice("warn", `limiting.store: ${this.#place} could not decide of one key: ${reason}`);
    });
  }

  /** Closes the connection; nothing is tried again. */
  close(): void {
    this.#closed = true;
    this.#up = false;
    this.#platform.clearTimer(this.#timer);
    this.#connection?.close();
    this.#connection = undefined;
    this.#settleStart();
  }

  #attempt(): void {
    const { redis } = this.#options;
    const open = this.#platform.redis;
    if (open === undefined) return this.#lost(undefined, "this runtime has no client for Redis");
    const connection = open(redis, {
      connected: () => {
        this.#platform.clearTimer(this.#timer);
        this.#probe(connection, undefined, () => this.#isUp());
      },
      closed: (reason) => this.#lost(connection, reason),
    });
    this.#connection = connection;
    this.#wait(CONNECT_MS, () => this.#lost(connection, `not connected within ${CONNECT_MS / 1000} s`));
  }

  /** Writes to a key of its own; whatever is not a timely answer ends the connection. */
  #probe(connection: RedisConnection, reason: string | undefined, passed: () => void): void {
    const { probeKey, timeoutMs } = this.#options;
    this.#wait(timeoutMs, () => this.#lost(connection, reason ?? `no answer within ${timeoutMs} ms`));
    run(connection, TAKE, [probeKey], ["1000000", "1000000", "1", "0"]).then(
      () => {
        if (connection !== this.#connection) return;
        this.#doubting = false;
        this.#platform.clearTimer(this.#timer);
        passed();
      },
      (error: unknown) => this.#lost(connection, reason ?? messageOf(error)),
    );
  }

  #isUp(): void {
    const now = this.#platform.now();
    this.#up = true;
    this.#upAt = now;
    if (this.#downAt !== undefined) {
      const seconds = ((now - this.#downAt) / 1000).toFixed(1);
      this.#downAt = undefined;
      this.#platform.notice("info", `limiting.store: ${this.#place} decides again, after ${seconds} s`);
    }
    this.#settleStart();
  }

  #lost(connection: RedisConnection | undefined, reason: string): void {
    if (this.#closed || connection !== this.#connection) return;
    const now = this.#platform.now();
    if (this.#up && now - this.#upAt > STEADY_MS) this.#failures = 0;
    this.#up = false;
    this.#doubting = false;
    this.#connection = undefined;
    connection?.close();
    if (this.#downAt === undefined) {
      this.#downAt = now;
      const text = `limiting.store: ${this.#place} cannot decide (${reason}): ${this.#options.meanwhile}`;
      this.#platform.notice("warn", text);
    }
    this.#settleStart();
    if (this.#platform.redis === undefined) return;
    const chance = (this.#platform.random(1)[0]! >>> 0) / 2 ** 32;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.5 + chance / 2);
    this.#failures = Math.min(this.#failures + 1, 20);
    this.#retryAt = now + pause;
    this.#wait(pause, () => this.#attempt());
  }

  #settleStart(): void {
    this.#starting?.resolve();
    this.#starting = undefined;
  }

  #wait(ms: number, callback: () => void): void {
    this.#platform.clearTimer(this.#timer);
    this.#timer = this.#platform.setTimer(callback, ms);
  }
}

/** By the script's hash; a Redis that does not know it, as after a restart, is sent the script. */
async function run(
  connection: RedisConnection,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await connection.send("EVALSHA", [script.sha1, ...rest]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return connection.send("EVAL", [script.text, ...rest]);
  }
}
