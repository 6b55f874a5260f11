// A thread of the test of the clock: finds the main thread's time, then says what it takes the time to be when asked.
import { clockOffset } from "../../../src/cli/workers/clock.ts";

const scope = globalThis as unknown as {
  addEventListener(
    kind: "message",
    listener: (event: { readonly data: readonly [clock: SharedArrayBuffer, probe: SharedArrayBuffer] }) => void,
  ): void;
  postMessage(message: string): void;
};

scope.addEventListener("message", ({ data: [clock, probe] }) => {
  const offset = clockOffset(clock, () => scope.postMessage("clock"));
  scope.postMessage("probe");
  const word = new Int32Array(probe, 0, 1);
  const time = new Float64Array(probe, 8, 1);
  for (let round = 0; round < 20_000; round++) {
    while (Atomics.load(word, 0) !== 1);
    time[0] = performance.now() + offset;
    Atomics.store(word, 0, 2);
  }
});
