// One worker as the main thread sees it: what it is given, what it says, and its end.
import type { LimitStatus } from "../../admin/overseen.ts";
import { GatewayError } from "../../errors.ts";
import type { IssuedState } from "../../issued.ts";
import type { LineSinks } from "../../platforms/line-sinks.ts";
import type { HandedSocket } from "../../platforms/listening.ts";
import type { StdoutLines } from "../../platforms/stdout.ts";
import type { Counted } from "../../shared.ts";
import { answerClock, clockMemory } from "./clock.ts";
import type { Memories } from "./memories.ts";
import type { FromWorker, LimitQuestion, LimitTold, Start, Task, ToWorker } from "./messages.ts";

/** How long it may take to load a config: longer than a load itself may. */
const ANSWER_MS = 15_000;

/** How long it may take to tell of a limit: longer than a store may take. */
const LIMIT_MS = 5000;
/** How long a worker is waited for that is to know what has been issued. */
const KNOWS_MS = 2000;

/** Where the main thread writes the lines of workers. */
export interface ThreadLinesOut {
  readonly stdout: Pick<StdoutLines, "writeBatch">;
  readonly sinks: Pick<LineSinks, "open">;
}

/** What the supervisor does for a worker. */
export interface ThreadEvents {
  /** The worker listens. */
  listening(): void;
  /** The worker cannot serve, and ends. */
  refused(exitCode: number, text: string): void;
  /** The worker has counted this. */
  counted(message: Extract<FromWorker, { kind: "counted" }>): void;
  /** It has counted this in a set of the table that another process has already. */
  told(counted: Counted): void;
  /** It has ended, as it was told or not. */
  gone(exitCode: number): void;
}

/** A place where lines of a worker go, and the function that reports them written. */
interface OpenSink {
  readonly lines: {
    writeBatch(bytes: Uint8Array<ArrayBuffer>, done: (lost?: number) => void): void;
    close(): void;
  };
  readonly taken: Int32Array;
}

/** A thread from its start to its end. */
export class Thread {
  /** Exchanges that it cut off at the end of the grace. */
  cut = 0;
  /** The error that nobody caught, or why it could not start; "" when it ended without a word. */
  reason = "";
  /** Milliseconds of the main thread's clock. */
  readonly startedAt = performance.now();
  /** Resolves once the worker has ended. */
  readonly ended: Promise<void>;
  /** What to do with the answer that is waited for. */
  #answered: ((refusal: string | undefined) => void) | undefined = undefined;
  /** Who waits until it knows what has been issued. */
  readonly #knows = new Map<number, () => void>();
  /** As it has told them last. */
  #sockets: readonly HandedSocket[] = [];
  readonly #worker: Worker;
  #told = 0;
  /** What ends each of its claims. */
  readonly #claims = new Map<number, () => void>();
  /** Who waits for what it says of limits. */
  readonly #limitTold = new Map<number, (told: LimitTold) => void>();
  #limitQuestions = 0;
  /** Where its lines go; 0 is standard output. */
  readonly #sinks = new Map<number, OpenSink>();

  constructor(
    worker: Worker,
    task: Omit<Start, "clock" | "taken">,
    lines: ThreadLinesOut,
    memories: Memories,
    events: ThreadEvents,
  ) {
    this.#worker = worker;
    const clock = clockMemory();
    const taken = new Int32Array(new SharedArrayBuffer(8));
    this.#sinks.set(0, {
      lines: { writeBatch: (bytes, done) => lines.stdout.writeBatch(bytes, done), close: () => undefined },
      taken,
    });
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      switch (data.kind) {
        case "clock":
          return answerClock(clock);
        case "listening":
          return events.listening();
        case "prepared":
          // Nobody waits any more: it was given up.
          if (this.#answered === undefined) return this.send({ kind: "drop" });
          return this.#answered(data.refusal);
        case "taken":
          return this.#answered?.(undefined);
        case "issued":
          return this.#knows.get(data.id)?.();
        case "refused":
          this.reason = data.text;
          return events.refused(data.exitCode, data.text);
        case "lines":
          return this.#write(data.sink, data.lines);
        case "open lines":
          return void this.#sinks.set(data.sink, { lines: lines.sinks.open(data.to), taken: data.taken });
        case "close lines":
          return this.#closeSink(data.sink);
        case "note":
          return this.send({ kind: "noted", id: data.id, noted: memories.note(data.bounds, data.key) });
        case "claim":
          return this.#claim(data, memories);
        case "release":
          this.#claims.get(data.id)?.();
          this.#claims.delete(data.id);
          return undefined;
        case "limit told":
          this.#limitTold.get(data.id)?.(data.told);
          this.#limitTold.delete(data.id);
          return undefined;
        case "counted":
          return events.counted(data);
        case "told":
          return events.told(data.counted);
        case "sockets":
          this.#sockets = data.sockets;
          return this.#answered?.(data.refusal);
        case "drained":
          this.cut = data.cut;
      }
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.reason = event.message;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    worker.addEventListener("close", (event) => {
      for (const release of this.#claims.values()) release();
      this.#claims.clear();
      for (const sink of this.#sinks.keys()) if (sink > 0) this.#closeSink(sink);
      events.gone((event as CloseEvent).code);
      this.#answered?.(undefined);
      resolve();
    });
    this.send({ kind: "start", start: { ...task, clock, taken } });
  }

  /** Sends a message; one that has ended does not hear it. */
  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Tells it what has been issued; resolves once it knows, has ended, or does not answer. */
  async tellIssued(state: IssuedState): Promise<void> {
    const id = ++this.#told;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, KNOWS_MS);
    this.#knows.set(id, resolve);
    this.send({ kind: "issued", id, state });
    await Promise.race([promise, this.ended]);
    clearTimeout(late);
    this.#knows.delete(id);
  }

  /**
   * Has it load this to the side. Resolves to why it cannot. One that ends meanwhile has no objection: whoever replaces it
   * loads what runs then.
   */
  prepare(task: Task): Promise<string | undefined> {
    return this.#ask({ kind: "prepare", task });
  }

  /** Has it run what it has loaded; resolves once it does. */
  async take(): Promise<void> {
    await this.#ask({ kind: "take" });
  }

  /** What it says of a limit. Rejects with a GatewayError where it does not. */
  async askLimit(question: LimitQuestion): Promise<LimitStatus | undefined> {
    const { promise, resolve } = Promise.withResolvers<LimitTold>();
    const id = ++this.#limitQuestions;
    const refusal = { code: "proxy_internal_error", text: "The worker that was asked does not answer." } as const;
    const late = setTimeout(() => resolve({ refusal }), LIMIT_MS);
    this.#limitTold.set(id, resolve);
    this.send({ kind: "limit", id, question });
    const told = await promise;
    clearTimeout(late);
    this.#limitTold.delete(id);
    if ("status" in told) return told.status;
    throw new GatewayError(told.refusal.code, told.refusal.text, { publicDetail: told.refusal.text });
  }

  /** Its listening sockets; with `accepts` it accepts, or does not, from then on. @throws Error when it cannot, or does not answer */
  async sockets(accepts?: boolean): Promise<readonly HandedSocket[]> {
    const refusal = await this.#ask({ kind: "sockets", accepts });
    if (refusal !== undefined) throw new Error(refusal);
    return this.#sockets;
  }

  #ask(message: ToWorker): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const late = setTimeout(() => this.#answered?.("it does not answer."), ANSWER_MS);
    this.#answered = (refusal) => {
      clearTimeout(late);
      this.#answered = undefined;
      resolve(refusal);
    };
    this.send(message);
    return promise;
  }

  #claim({ id, bound, text }: Extract<FromWorker, { kind: "claim" }>, memories: Memories): void {
    let isFull = false;
    const release = memories.claim(bound, text, (state) => {
      isFull = state === "full";
      this.send({ kind: "claimed", id, state });
    });
    if (!isFull) this.#claims.set(id, release);
  }

  #write(sink: number, bytes: Uint8Array<ArrayBuffer>): void {
    const open = this.#sinks.get(sink);
    if (open === undefined) return;
    const { lines, taken } = open;
    lines.writeBatch(bytes, (lost = 0) => {
      Atomics.add(taken, 1, lost);
      Atomics.add(taken, 0, bytes.length);
    });
  }

  #closeSink(sink: number): void {
    this.#sinks.get(sink)?.lines.close();
    this.#sinks.delete(sink);
  }

  /** Ends the worker at once, whatever it is doing. */
  terminate(): void {
    this.#worker.terminate();
  }
}
