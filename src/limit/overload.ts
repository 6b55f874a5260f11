// The cap on all that is under way: what comes over it is shed at once, before it costs anything.
import type { OverloadPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Tally } from "../http/tally.ts";
import type { Platform } from "../platform.ts";

/** Under this share of the cap the overload is over. */
const CALM = 0.9;

/** Counts exchanges under way. */
export class Overload {
  readonly #plan: OverloadPlan;
  readonly #platform: Platform;
  readonly #isExempt: (path: string) => boolean;
  readonly #underWay: Tally;
  /** Shed since the overload began; 0 while there is none. */
  #shed = 0;

  constructor(plan: OverloadPlan, platform: Platform) {
    this.#plan = plan;
    this.#platform = platform;
    this.#underWay = new Tally(platform.shared?.underWay, platform.shared?.worker);
    this.#isExempt = exemption(plan.exempt);
  }

  /**
   * Counts an exchange that begins. Its path has been read.
   * @throws GatewayError `overloaded`
   */
  begin(x: Exchange): void {
    const { maxInFlight, retryAfterSeconds } = this.#plan;
    if (this.#underWay.add(maxInFlight)) {
      x.isCounted = true;
      return;
    }
    if (this.#isExempt(x.path)) return;
    if (++this.#shed === 1) {
      const most = `${maxInFlight} exchanges are under way, the most that overload.maxInFlight allows`;
      this.#platform.notice("warn", `${most}: more are answered with 503`);
    }
    throw new GatewayError("overloaded", `overload.maxInFlight: ${maxInFlight} exchanges are under way`, {
      fields: [["Retry-After", String(retryAfterSeconds)]],
    });
  }

  /** An exchange has ended, in whatever way. */
  end(x: Exchange): void {
    if (!x.isCounted) return;
    x.isCounted = false;
    this.#underWay.remove();
    if (this.#shed === 0 || this.#underWay.sum >= this.#plan.maxInFlight * CALM) return;
    this.#platform.notice("info", `fewer exchanges are under way again; answered with 503 meanwhile: ${this.#shed}`);
    this.#shed = 0;
  }
}

/** Whether a path is one of these; a last `/*` takes the prefix itself and all below it. */
function exemption(paths: readonly string[]): (path: string) => boolean {
  const exact = new Set(paths.map((path) => path.replace(/\/\*$/, "")));
  const prefixes = paths.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1));
  return (path) => exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
}
