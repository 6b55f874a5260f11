// A plan while it runs: the way that its exchanges take, its parts, and whether exchanges are still on it.
import type { Answer } from "./answer.ts";
import type { Plan } from "./config/plan.ts";
import type { GatewayError } from "./errors.ts";
import type { Ending, Exchange, Way } from "./exchange.ts";
import type { Parts } from "./parts.ts";

/** An exchange keeps the generation that it began with to its end, whatever is loaded meanwhile. */
export class Generation implements Way {
  readonly plan: Plan;
  readonly parts: Parts;
  readonly #way: Way;
  readonly #over: (generation: Generation) => void;
  #underWay = 0;
  #isFormer = false;

  /** @param over told once, when another generation runs and the last exchange of this one has ended */
  constructor(plan: Plan, parts: Parts, way: Way, over: (generation: Generation) => void) {
    this.plan = plan;
    this.parts = parts;
    this.#way = way;
    this.#over = over;
  }

  /** An exchange begins: `finish` ends it. */
  begin(): this {
    this.#underWay++;
    return this;
  }

  travel(x: Exchange, send: (answer: Answer) => void): void {
    this.#way.travel(x, send);
  }

  refuse(x: Exchange, error: GatewayError): Answer {
    return this.#way.refuse(x, error);
  }

  finish(x: Exchange, ending: Ending): void {
    this.#way.finish(x, ending);
    this.#underWay--;
    this.#endIfOver();
  }

  /** Another generation runs from now on. */
  retire(): void {
    this.#isFormer = true;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#isFormer && this.#underWay === 0) this.#over(this);
  }
}
