// Certificates by ACME, for as long as the process runs: each plan that takes over is told to it.
import type { Issuer } from "../acme/issuer.ts";
import { isSame } from "../carried.ts";
import type { AcmePlan } from "../config/listen/plan.ts";
import { type IssuedState, LatestIssued } from "../issued.ts";
import type { Platform } from "../platform.ts";
import { FAMILIES } from "../record/families.ts";
import type { Metrics } from "../record/metrics.ts";

/** Has certificates issued. Without a plan that asks for it nothing is loaded, and nothing runs. */
export class Issuing {
  /** What a gateway of this thread knows. */
  readonly issued = new LatestIssued();
  /** Orders so far, by how they have ended. */
  readonly counts = { success: 0, failure: 0 };
  readonly #platform: Platform;
  readonly #agent: string;
  readonly #spread: (state: IssuedState) => Promise<void> | void;
  #plan: AcmePlan | undefined = undefined;
  #issuer: Issuer | undefined = undefined;
  /** Where it is to be counted, until it is. */
  #metrics: Metrics | undefined = undefined;
  #isStarted = false;
  #isClosed = false;

  /** @param version of the gateway @param spread passes it to other threads; resolves once they know */
  constructor(
    platform: Platform,
    version: string,
    spread: (state: IssuedState) => Promise<void> | void = () => undefined,
  ) {
    this.#platform = platform;
    this.#agent = `sluice/${version}`;
    this.#spread = spread;
  }

  /** Takes over what this plan asks for. What is on the disk is known when it resolves. */
  async use(plan: AcmePlan | undefined): Promise<void> {
    const before = this.#plan;
    this.#plan = plan;
    if (
      plan !== undefined &&
      this.#issuer !== undefined &&
      isSame({ ...plan, domains: [] }, { ...before, domains: [] })
    ) {
      return this.#issuer.serve(plan.domains);
    }
    this.#issuer?.close();
    this.#issuer = undefined;
    if (plan === undefined) {
      if (before !== undefined) await this.#publish(new LatestIssued().state);
      return;
    }
    const { Issuer } = await import("../acme/issuer.ts");
    if (this.#isClosed) return;
    this.#issuer = new Issuer(plan, {
      platform: this.#platform,
      files: this.#platform.files!,
      agent: this.#agent,
      publish: (state) => this.#publish(state),
      ended: (result) => this.counts[result]++,
    });
    this.#count();
    if (this.#isStarted) this.#issuer.start();
  }

  /** From now on the authority can reach the gateway. */
  start(): void {
    this.#isStarted = true;
    this.#issuer?.start();
  }

  /** Ends what is under way. Certificates stay as they are. */
  close(): void {
    this.#isClosed = true;
    this.#issuer?.close();
  }

  /** Lets be read how orders have ended, and when host names are seen to next; from the first plan on that asks for it. */
  meter(metrics: Metrics): void {
    this.#metrics = metrics;
    this.#count();
  }

  #count(): void {
    const metrics = this.#metrics;
    if (metrics === undefined || this.#issuer === undefined) return;
    this.#metrics = undefined;
    for (const result of ["success", "failure"] as const) {
      metrics.count(FAMILIES.acmeOrders, { result }, () => this.counts[result]);
    }
    metrics.read(FAMILIES.acmeNext, () =>
      (this.#issuer?.next ?? []).map(([domain, at]) => [{ domain }, Math.round(at / 1000)] as const),
    );
  }

  #publish(state: IssuedState): Promise<void> | void {
    this.issued.put(state);
    return this.#spread(state);
  }
}
