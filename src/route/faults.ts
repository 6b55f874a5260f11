// The stage that makes faults on purpose, for tests: it waits, and it answers in the upstream's place.
import type { FaultsPlan } from "../config/shaping/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { chances } from "../http/chance.ts";
import type { Platform } from "../platform.ts";
import { whenHolds } from "./when.ts";

/** Makes the stage. Each fault is drawn for itself; a delay goes before an abort. What was made stands in `x.faults`. */
export function faultStage({ delay, abort, when }: FaultsPlan, platform: Platform): Stage {
  const chance = chances(platform.random(1)[0]!);
  const isMeant = when && whenHolds(when);
  const fail = (x: Exchange): never => {
    x.faults = [...x.faults, "abort"];
    throw new GatewayError("fault_injected", "faults.abort: made on purpose", { status: abort!.status });
  };
  return (x) => {
    if (isMeant?.(x) === false) return;
    const delayed = delay !== undefined && chance() < delay.share;
    const aborted = abort !== undefined && chance() < abort.share;
    if (delayed) {
      x.faults = ["delay"];
      const waited = wait(x, delay.ms, platform);
      return aborted ? waited.then(() => fail(x)) : waited;
    }
    if (aborted) fail(x);
  };
}

/** @throws GatewayError `client_disconnect` when the client leaves first */
function wait(x: Exchange, ms: number, platform: Platform): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      platform.clearTimer(timer);
      reject(new GatewayError("client_disconnect", "the client left during a delay that was made on purpose"));
    };
    const timer = platform.setTimer(() => {
      x.left.restore(before);
      resolve();
    }, ms);
    const before = x.left.also(leave);
    if (x.left.yes) leave();
  });
}
