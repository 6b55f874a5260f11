// What a worker has counted, on its way to the main thread: every second, when it is asked, and with its last breath.
import type { Gateway } from "../../gateway.ts";
import type { Metrics } from "../../record/metrics.ts";
import type { FromWorker } from "./messages.ts";

/** A worker that dies without a word loses what it has counted since. */
const EVERY_MS = 1000;

/** Tells what is counted. `tell` does so now: `id` is that of the question, 0 for none; `look` asks what was seen, too. */
export function tellCounts(
  metrics: Metrics,
  gateway: Gateway,
  post: (message: FromWorker) => void,
): (id: number, look: boolean) => void {
  const tell = (id: number, look: boolean): void => {
    const seen = look ? gateway.look() : undefined;
    post({ kind: "counted", id, changes: metrics.changes(), obstacles: gateway.obstacles(), seen });
  };
  setInterval(() => tell(0, false), EVERY_MS);
  process.on("exit", () => tell(0, false));
  return tell;
}
