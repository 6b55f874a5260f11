// What operators see of targets, and what they may do to them while the gateway runs. It reads and writes the board alone.
import type { TargetControls, TargetStatus, UpstreamStatus } from "./admin/overseen.ts";
import { isEjected, isUp } from "./balance/availability.ts";
import type { TargetPlan, UpstreamPlan } from "./config/upstream/plan.ts";
import type { Platform } from "./platform.ts";
import type { Boards } from "./shared-board.ts";
import { CHECK_REASON, CHECKED, DOWN, DRAINED, EJECTED_UNTIL, EJECTION_REASON, moment, msOf, rowOf } from "./target.ts";
import { breakerRow, type Circuit, circuitIn, setCircuit } from "./upstream/breaker.ts";
import { reasonText } from "./verdict.ts";

/** An upstream and its targets now. */
export interface ControlledUpstream {
  readonly plan: UpstreamPlan;
  readonly targets: readonly TargetPlan[];
}

/** Of all upstreams of a gateway; where several workers serve, of all workers at once. */
export class TargetControl implements TargetControls {
  readonly #boards: Boards;
  readonly #upstreams: () => Iterable<ControlledUpstream>;
  readonly #platform: Pick<Platform, "now" | "notice">;

  constructor(
    boards: Boards,
    upstreams: () => Iterable<ControlledUpstream>,
    platform: Pick<Platform, "now" | "notice">,
  ) {
    this.#boards = boards;
    this.#upstreams = upstreams;
    this.#platform = platform;
  }

  list(): UpstreamStatus[] {
    return Array.from(this.#upstreams(), ({ plan, targets }) => ({
      name: plan.name,
      ...(plan.breaker && { circuit: this.#circuit(plan.name, plan.breaker.windowMs) }),
      targets: targets.map((target) => this.#onRow(plan.name, target, (words) => this.#status(target, words))),
    }));
  }

  drain(upstream: string, url: string, drained: boolean): TargetStatus | undefined {
    for (const { plan, targets } of this.#upstreams()) {
      const target = plan.name === upstream ? targets.find((each) => each.url === url) : undefined;
      if (target === undefined) continue;
      return this.#onRow(upstream, target, (words) => {
        if (Atomics.exchange(words, DRAINED, Number(drained)) !== Number(drained)) {
          this.#boards.targets.changed();
          const what = drained ? "drained: an operator takes it out" : "picked again: an operator has brought it back";
          this.#platform.notice("info", `${upstream} ${url}: ${what}`);
        }
        return this.#status(target, words);
      });
    }
    return undefined;
  }

  /** Takes over what another gateway has told of the same targets and breakers: an explanation goes by that. */
  learn(told: readonly UpstreamStatus[]): void {
    const now = this.#platform.now();
    for (const { plan, targets } of this.#upstreams()) {
      const known = told.find(({ name }) => name === plan.name);
      for (const target of targets) {
        const status = known?.targets.find(({ url }) => url === target.url);
        if (status !== undefined) this.#onRow(plan.name, target, (words) => write(status, words, now));
      }
      if (plan.breaker === undefined || known?.circuit === undefined) continue;
      const row = breakerRow(plan.name, plan.breaker.windowMs);
      setCircuit(this.#boards.upstreams.claim(row), known.circuit, now);
      this.#boards.upstreams.release(row);
    }
    this.#boards.targets.changed();
  }

  #onRow<R>(upstream: string, target: TargetPlan, act: (words: Int32Array) => R): R {
    const row = rowOf(upstream, target);
    const result = act(this.#boards.targets.claim(row));
    this.#boards.targets.release(row);
    return result;
  }

  #circuit(upstream: string, windowMs: number): Circuit {
    const row = breakerRow(upstream, windowMs);
    const circuit = circuitIn(this.#boards.upstreams.claim(row));
    this.#boards.upstreams.release(row);
    return circuit;
  }

  #status(plan: TargetPlan, words: Int32Array): TargetStatus {
    const { url, weight } = plan;
    const now = this.#platform.now();
    if (words[DRAINED] !== 0) return { url, weight, state: "drained" };
    if (words[CHECKED] === DOWN) return { url, weight, state: "down", reason: reasonText(words[CHECK_REASON]!) };
    if (!isEjected({ words }, now)) return { url, weight, state: isUp({ plan, words }) ? "up" : "unused" };
    const seconds = Math.ceil((msOf(words[EJECTED_UNTIL]!) - now) / 1000);
    return { url, weight, state: "ejected", reason: reasonText(words[EJECTION_REASON]!), seconds };
  }
}

function write({ state, seconds = 0 }: TargetStatus, words: Int32Array, now: number): void {
  if (state === "drained") words[DRAINED] = 1;
  if (state === "down") words[CHECKED] = DOWN;
  if (state === "ejected") words[EJECTED_UNTIL] = moment(now + seconds * 1000);
}
