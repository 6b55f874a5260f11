// The cap on all that is under way: what comes over it is shed at once, before it costs anything.
import type { OverloadPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Tally } from "../http/tally.ts";
import type { Platform, Timer } from "../platform.ts";

/** An overload is over when nothing has been shed for so long. At the very cap it would come and go all the time. */
const QUIET_MS = 5000;

/** Counts exchanges under way, and refuses those above `overload.maxInFlight` (503 `overloaded`). */
export class Overload {
  readonly #plan: OverloadPlan;
  readonly #platform: Platform;
  readonly #isExempt: (path: string) => boolean;
  readonly #underWay: Tally;
  /** Shed since the overload began; 0 while there is none. */
  #shed = 0;
  /** How many of them had been shed when the timer was set. */
  #seen = 0;
  #timer: Timer | undefined = undefined;

  constructor(plan: OverloadPlan, underWay: Tally, platform: Platform) {
    this.#plan = plan;
    this.#platform = platform;
    this.#underWay = underWay;
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
    if (++this.#shed === 1) this.#tell();
    throw new GatewayError("overloaded", `overload.maxInFlight: ${maxInFlight} exchanges are under way`, {
      fields: [["Retry-After", String(retryAfterSeconds)]],
      members: { type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity" },
    });
  }

  /** An exchange has ended, in whatever way. */
  end(x: Exchange): void {
    if (!x.isCounted) return;
    x.isCounted = false;
    this.#underWay.remove();
  }

  /** The gateway ends: an overload is over. */
  close(): void {
    if (this.#timer === undefined) return;
    this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#platform.notice("info", `fewer exchanges are under way again; answered with 503 meanwhile: ${this.#shed}`);
    this.#shed = 0;
  }

  #tell(): void {
    const most = `${this.#plan.maxInFlight} exchanges are under way, the most that overload.maxInFlight allows`;
    this.#platform.notice("warn", `${most}: more are answered with 503`);
    this.#wait();
  }

  #wait(): void {
    this.#seen = this.#shed;
    this.#timer = this.#platform.setTimer(() => {
      if (this.#shed > this.#seen) this.#wait();
      else this.close();
    }, QUIET_MS);
  }
}

/** Whether a path is one of these; a last `/*` takes the prefix itself and all below it. */
function exemption(paths: readonly string[]): (path: string) => boolean {
  const exact = new Set(paths.map((path) => path.replace(/\/\*$/, "")));
  const prefixes = paths.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1));
  return (path) => exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
}
