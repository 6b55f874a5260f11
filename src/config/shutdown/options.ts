// What a user writes about how the gateway leaves.
import type { Duration } from "../options.ts";

/** After SIGTERM: first it says that it is going, then it accepts no more, then it waits for what is under way. */
export interface ShutdownOptions {
  /**
   * How long it goes on to accept while readiness says 503 and answers say `Connection: close`: a load balancer needs that
   * long to send its traffic elsewhere. SIGINT (Ctrl-C) does without. Default: `"5s"` if somebody can ask for readiness (a
   * route answers `"readiness"`, or there is `admin`), else `"0s"`.
   */
  drainDelay?: Duration;
  /** How long exchanges under way may take to finish once it accepts no more. Default: `"25s"`. */
  grace?: Duration;
}
