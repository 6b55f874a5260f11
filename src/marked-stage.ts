// A stage that notes when it had the exchange, for exchanges of which somebody wants to know.
import type { Stage, StageName } from "./exchange.ts";
import type { Platform } from "./platform.ts";

/** The stage, with a mark in `Exchange.marks` where that is a list. */
export function markedStage(stage: Stage, name: StageName, platform: Pick<Platform, "now">): Stage {
  return (x) => {
    if (x.marks === undefined) return stage(x);
    const mark = { stage: name, beganAt: platform.now(), endedAt: 0 };
    x.marks.push(mark);
    const end = (): void => void (mark.endedAt = platform.now());
    let outcome: ReturnType<Stage>;
    try {
      outcome = stage(x);
    } catch (thrown) {
      end();
      throw thrown;
    }
    if (outcome instanceof Promise) return outcome.finally(end);
    end();
    return outcome;
  };
}
