// The metrics of all workers: each tells what it has counted, every second and when it is asked; here it is added up.
import type { Look, Overseen, TargetControls } from "../../admin/overseen.ts";
import { LOOK_MS } from "../../admin/live/watch.ts";
import type { Seen } from "../../admin/live/seen.ts";
import { Metrics } from "../../record/metrics.ts";
import { DRAINING, type Obstacle } from "../../respond/readiness.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** A worker that is busy for so long holds nobody up: it is told of by what it said last, a second ago at most. */
const PATIENCE_MS = 100;

/** How often it is looked for targets that are gone. */
const GONE_EVERY_MS = 60_000;

/** Workers that live, by number. */
type Living = () => ReadonlyMap<number, { send(message: ToWorker): void }>;

/** What the main thread knows of its workers. What one of them has counted outlives it. */
export class Gathering {
  readonly total = new Metrics(Date.now());
  /** Whether the gateway shuts down. */
  draining = false;
  readonly #targets: TargetControls;
  readonly #living: Living;
  readonly #obstacles = new Map<number, readonly Obstacle[]>();
  /** For each question, the workers that have not answered, and what to do when all have. */
  readonly #questions = new Map<number, { readonly waits: Set<number>; readonly seen: Seen[]; done(): void }>();
  /** What workers have seen that answered too late, and when they did: it is seen once, and the next question has it. */
  #late: { readonly seen: Seen; readonly at: number }[] = [];
  #count = 0;
  #lookedAt = 0;

  constructor(living: Living, targets: TargetControls) {
    this.#living = living;
    this.#targets = targets;
  }

  /** What can be asked of them together. */
  get overseen(): Pick<Overseen, "metrics" | "look" | "obstacles" | "targets"> {
    return {
      metrics: () => this.metrics(),
      look: () => this.#ask(true),
      obstacles: () => this.#obstaclesNow(),
      targets: this.#targets,
    };
  }

  /** What all workers have counted, as fresh as can be had soon. */
  async metrics(): Promise<Metrics> {
    return (await this.#ask(false)).metrics;
  }

  #ask(look: boolean): Promise<Look> {
    const { promise, resolve } = Promise.withResolvers<Look>();
    const seen = look ? this.#takeLate() : [];
    const id = ++this.#count;
    const living = this.#living();
    const done = (): void => {
      clearTimeout(late);
      this.#questions.delete(id);
      resolve({ metrics: this.total, seen });
    };
    const late = setTimeout(done, PATIENCE_MS);
    this.#questions.set(id, { waits: new Set(living.keys()), seen, done });
    for (const worker of living.values()) worker.send({ kind: "count", id, look });
    return promise;
  }

  /** What nobody has asked for in time is of the past. */
  #takeLate(): Seen[] {
    const late = this.#late;
    this.#late = [];
    const oldest = performance.now() - LOOK_MS;
    return late.filter(({ at }) => at >= oldest).map(({ seen }) => seen);
  }

  #obstaclesNow(): readonly Obstacle[] {
    const serving = [...this.#living().keys()];
    if (serving.length === 0) return [{ name: "workers", reason: "no worker serves" }];
    const all = [...(this.draining ? [DRAINING] : []), ...[...this.#obstacles.values()].flat()];
    // One that has said nothing does not mean that nothing stands in its way.
    const silent = serving.filter((number) => !this.#obstacles.has(number));
    if (silent.length > 0) all.push({ name: "workers", reason: `worker ${silent.join(", ")} has not told how it is` });
    return [...new Map(all.map((obstacle) => [obstacle.name, obstacle])).values()];
  }

  /** A worker has told what it counted since it last did. */
  counted(worker: number, { id, changes, obstacles, seen }: Extract<FromWorker, { kind: "counted" }>): void {
    this.total.merge(worker, changes);
    const now = performance.now();
    if (now - this.#lookedAt >= GONE_EVERY_MS) {
      this.total.letGo(now, Date.now());
      this.#lookedAt = now;
    }
    this.#obstacles.set(worker, obstacles);
    const question = this.#questions.get(id);
    question?.waits.delete(worker);
    if (seen !== undefined) {
      if (question === undefined) this.#late.push({ seen, at: now });
      else question.seen.push(seen);
    }
    if (question?.waits.size === 0) question.done();
  }

  /** Forgets a worker that has ended; its counters stay. */
  gone(worker: number): void {
    this.total.forget(worker);
    this.#obstacles.delete(worker);
  }
}
