// Checks of passwords are costly by design: a few at once, some waiting, and no more.
import type { ConsumerPlan } from "../../config/auth/plan.ts";
import type { Platform } from "../../platform.ts";
import { FairQueue } from "./fair-queue.ts";
import { readHash } from "./password-rules.ts";

/** How many run at once: each takes a thread and up to 256 MiB. */
const AT_ONCE = 2;
/** Most password checks that wait for their turn; more are `busy`. */
const WAITING = 64;

/** What of a platform the checks need. */
export type PasswordNeeds = "verifyPassword" | "passwordForms" | "notice";

/** What came of a check: `busy` when too many wait, `unwanted` when nobody waits for it any more. */
export type Checked = boolean | "busy" | "unwanted";

/** Runs the checks of all schemes of a gateway. */
export class PasswordChecks {
  readonly #platform: Pick<Platform, PasswordNeeds>;
  #running = 0;
  readonly #waiting = new FairQueue(WAITING);

  /** Tells which of the consumers' hashes the runtime cannot check. */
  constructor(platform: Pick<Platform, PasswordNeeds>, consumers: readonly ConsumerPlan[]) {
    this.#platform = platform;
    for (const { consumer, password } of consumers) {
      const read = password && readHash(password.reveal());
      if (typeof read !== "object" || platform.passwordForms.includes(read.form)) continue;
      const what = `consumers.${consumer.name}.password: this runtime cannot check hashes of ${read.form}`;
      const hint = "`sluice password --bcrypt` makes one that it can.";
      platform.notice("error", `${what}; the consumer is answered with 503. ${hint}`);
    }
  }

  /**
   * Whether the password has this hash. Rejects when the runtime cannot check it.
   * @param holder who asks: of several holders each has its turn, however many passwords one of them tries
   * @param isWanted asked when its turn comes: clients that left cost nothing
   */
  async check(password: string, hash: string, holder: string, isWanted: () => boolean): Promise<Checked> {
    if (this.#running >= AT_ONCE) {
      if (!(await this.#waiting.turn(holder))) return "busy";
    } else this.#running++;
    try {
      return isWanted() ? await this.#platform.verifyPassword(password, hash) : "unwanted";
    } finally {
      // Whoever is next takes over the place.
      if (!this.#waiting.next()) this.#running--;
    }
  }
}
