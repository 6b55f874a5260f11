// The threads of all workers: begun together, replaced when they die, told what to run, and let go.
import type { TargetPlan } from "../../config/upstream/plan.ts";
import { messageOf } from "../../errors.ts";
import type { Issued, IssuedState } from "../../issued.ts";
import { buryWorker } from "../../limit/table.ts";
import type { BunPlatform } from "../../platforms/bun.ts";
import { type HandedSocket, placeOf } from "../../platforms/listening.ts";
import type { Counted, Shared } from "../../shared.ts";
import type { Embedded } from "../embedded.ts";
import { EXIT, Refusal } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Memories } from "./memories.ts";
import type { FromWorker, Task, ToWorker } from "./messages.ts";
import { pauseAfter, type Place, take } from "./place.ts";
import { Thread } from "./thread.ts";

const SAME_EVERYWHERE = "Each worker loads the config for itself: its code must come to the same in every thread.";

/** What the crew is given, and what it calls. */
export interface CrewOptions {
  readonly workers: number;
  readonly embedded: Embedded;
  readonly terminal: Terminal;
  readonly platform: BunPlatform;
  /** What all workers share, made once. */
  readonly common: Omit<Shared, "note" | "claim" | "counted" | "worker" | "limits" | "targets">;
  /** How often workers beat, for who watches them. */
  readonly beatMs: number | undefined;
  /** Listening sockets of another process: then nobody accepts before `accept`. */
  readonly handed: readonly HandedSocket[] | undefined;
  /** What workers that begin are to run. */
  task(): Task;
  /** The targets that were found last, by search. */
  readonly targets: ReadonlyMap<number, readonly TargetPlan[]>;
  /** The certificates that have been issued, for workers that begin. */
  readonly issued: Issued;
  /** Called with the metrics that a worker has counted. */
  counted(worker: number, message: Extract<FromWorker, { kind: "counted" }>): void;
  /** A worker has counted this in a set of the table that another process has already. */
  told(counted: Counted): void;
  /** Called when a worker has ended. */
  gone(worker: number): void;
}

/** All worker threads of the process. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #places: readonly Place[];
  readonly #memories = new Memories();
  readonly #hearts: Heartbeats;
  readonly #started = Promise.withResolvers<void>();
  /** What each worker is handed; undefined once all accept. */
  #handed: readonly HandedSocket[][] | undefined;
  #serves = false;
  #letsGo = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#hearts = new Heartbeats(options.workers);
    this.#handed = options.handed && shared(options.handed, options.workers);
    this.#places = Array.from({ length: options.workers }, (_, index) => {
      return { number: index + 1, thread: undefined, task: undefined, listening: false, deaths: 0, again: undefined };
    });
  }

  /** The workers that listen, by number. */
  get living(): ReadonlyMap<number, Thread> {
    return new Map(
      this.#places.flatMap(({ number, thread, listening }) =>
        thread === undefined || !listening ? [] : [[number, thread]],
      ),
    );
  }

  /** Begins all; resolves once all listen. @throws Refusal when one of them cannot */
  async start(): Promise<void> {
    if (!this.#letsGo) for (const place of this.#places) this.#begin(place);
    await this.#started.promise;
    this.#serves = true;
  }

  /** The listening sockets of all; with `accepts` all accept, or do not, from then on. @throws Error when one cannot tell */
  async sockets(accepts?: boolean): Promise<readonly HandedSocket[]> {
    if (accepts === true) this.#handed = undefined;
    const asked = this.#places.map(async ({ number, thread, listening }) => {
      if (thread === undefined || !listening) {
        throw new Error(`worker ${number} has ended, and does not serve again yet`);
      }
      try {
        return await thread.sockets(accepts);
      } catch (error) {
        throw new Error(`worker ${number}: ${messageOf(error)}`, { cause: error });
      }
    });
    return (await Promise.all(asked)).flat();
  }

  /** Tells all, those too that do not listen yet. */
  send(message: ToWorker): void {
    for (const { thread } of this.#places) thread?.send(message);
  }

  /** Tells all what has been issued; resolves once all know, or have had time to. */
  async tellIssued(state: IssuedState): Promise<void> {
    await Promise.all(this.#places.flatMap(({ thread }) => thread?.tellIssued(state) ?? []));
  }

  /**
   * Has those that listen load this to the side. What it gives has them run it; it resolves once all do.
   * @throws Refusal when one cannot load it: then none has it
   */
  async prepare(task: Task): Promise<() => Promise<void>> {
    const places = this.#places.filter(({ listening }) => listening);
    const refusals = await Promise.all(places.map((place) => this.#prepare(place, task)));
    const refusal = refusals.find((each) => each !== undefined);
    if (refusal !== undefined) {
      for (const { thread } of places) thread?.send({ kind: "drop" });
      throw refusal;
    }
    return async () => void (await Promise.all(places.map((place) => take(place, task))));
  }

  /** Why the worker cannot load what it is told to. */
  async #prepare({ number, thread }: Place, task: Task): Promise<Refusal | undefined> {
    const why = await thread?.prepare(task);
    if (why === undefined) return undefined;
    return new Refusal(EXIT.config, `worker ${number} cannot load what the main thread has loaded: ${why}`, {
      hint: SAME_EVERYWHERE,
    });
  }

  /** Whether each has gone on since it was last asked. */
  isAlive(): boolean {
    return this.#hearts.haveBeaten(this.#places.flatMap(({ number, listening }) => (listening ? number : [])));
  }

  /** Tells all to go, and ends those that have not gone after so long. Returns those there were. */
  async letGo(message: ToWorker, waitMs: number): Promise<readonly Thread[]> {
    this.#letsGo = true;
    for (const { again } of this.#places) clearTimeout(again);
    const threads = this.#places.flatMap(({ thread }) => thread ?? []);
    for (const thread of threads) thread.send(message);
    const late = setTimeout(() => {
      for (const { number, thread } of this.#places) {
        if (thread === undefined) continue;
        const what = `worker ${number} does not answer: it is ended with what it had under way`;
        this.#options.platform.notice("error", what);
        thread.terminate();
      }
    }, waitMs);
    await Promise.all(threads.map(({ ended }) => ended));
    clearTimeout(late);
    return threads;
  }

  #begin(place: Place): void {
    const { workers, terminal, embedded, beatMs, platform, common, targets, issued } = this.#options;
    place.task = this.#options.task();
    const task = {
      task: place.task,
      workers,
      terminal: platform.terminal,
      colors: terminal.outColors.isColorSupported,
      shared: { ...common, worker: place.number },
      targets,
      issued: issued.state,
      handed: this.#handed?.[place.number - 1],
      heart: beatMs === undefined ? undefined : { words: this.#hearts.words, everyMs: beatMs },
    };
    place.thread = new Thread(embedded.startThread(), task, platform, this.#memories, {
      listening: () => this.#listens(place),
      refused: (exitCode, text) => this.#refused(place, exitCode, text),
      counted: (message) => this.#options.counted(place.number, message),
      told: (counted) => this.#options.told(counted),
      gone: (exitCode) => this.#gone(place, exitCode),
    });
  }

  #listens(place: Place): void {
    if (place.task !== this.#options.task()) return void this.#catchUp(place);
    place.listening = true;
    if (this.#serves) this.#options.platform.notice("info", `worker ${place.number} serves again`);
    else if (this.#places.every(({ listening }) => listening)) this.#started.resolve();
  }

  /** A worker that began with what ran before comes to listen. */
  async #catchUp(place: Place): Promise<void> {
    const { thread } = place;
    const task = this.#options.task();
    const refusal = await this.#prepare(place, task);
    if (place.thread !== thread) return;
    if (refusal === undefined) {
      await take(place, task);
      return this.#listens(place);
    }
    this.#options.platform.notice("error", refusal.message);
    thread?.terminate();
  }

  /** At the start one worker that cannot serve ends all: it is told once. Later the others go on. */
  #refused({ number }: Place, exitCode: number, text: string): void {
    if (this.#serves || this.#letsGo) return;
    this.#letsGo = true;
    this.#options.terminal.err(text);
    const message = `worker ${number} cannot serve, though the main thread has loaded the config.`;
    this.#started.reject(new Refusal(exitCode, message, exitCode === EXIT.config ? { hint: SAME_EVERYWHERE } : {}));
  }

  #gone(place: Place, exitCode: number): void {
    const { reason, startedAt } = place.thread!;
    const { common, platform, task, gone } = this.#options;
    place.thread = undefined;
    place.listening = false;
    const { limits } = task();
    for (const words of [common.connections, common.underWay]) Atomics.store(words, place.number, 0);
    gone(place.number);
    if (limits !== undefined) buryWorker(limits.memory, place.number);
    if (this.#letsGo) return;
    const what = `worker ${place.number} ended with exit code ${exitCode}${reason === "" ? "" : ` (${reason})`}`;
    if (!this.#serves) {
      const hint = "The config's code ends the thread it runs in: look for process.exit.";
      this.#started.reject(new Refusal(EXIT.config, `${what} before it listened.`, { hint }));
      return;
    }
    const waitMs = pauseAfter(place, performance.now() - startedAt);
    platform.notice("error", `${what}; another one starts in ${waitMs / 1000} s`);
    place.again = setTimeout(() => this.#begin(place), waitMs);
  }
}

/** The sockets of each place in turn to one worker after the other. */
function shared(handed: readonly HandedSocket[], workers: number): HandedSocket[][] {
  const shares = Array.from({ length: workers }, (): HandedSocket[] => []);
  for (const same of Map.groupBy(handed, placeOf).values()) {
    for (const [index, socket] of same.entries()) shares[index % workers]!.push(socket);
  }
  return shares;
}
