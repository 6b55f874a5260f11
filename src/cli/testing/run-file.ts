// Runs one test file in a thread of its own, and ends the thread when it is held for too long.
import type { Embedded } from "../embedded.ts";
import type { FileFault, FromTestThread, TestResult, TestTask } from "./messages.ts";

/** How long a file may take to start and load: longer than a load itself may. */
const LOAD_MS = 12_000;
/** How much longer than its limit a test may hold its thread: what is bounded in there has ended by then. */
const MERCY_MS = 1000;

/** What became of one test file. */
export interface FileResult {
  readonly file: string;
  readonly tests: readonly TestResult[];
  /** Why it did not load; then there are no tests. */
  readonly faults: readonly FileFault[];
}

/** Runs it. Never rejects, and always ends. */
export function runFile(task: TestTask, embedded: Embedded): Promise<FileResult> {
  const { file } = task;
  const tests: TestResult[] = [];
  let faults: readonly FileFault[] = [];
  /** What holds the thread now: names of a test, or undefined while the file loads. */
  let now: readonly string[] | undefined;
  let timer: Timer | undefined;
  const worker = embedded.startTestThread();
  return new Promise((resolve) => {
    let over = false;
    const end = (): void => {
      over = true;
      clearTimeout(timer);
      worker.terminate();
      resolve({ file, tests, faults });
    };
    const broken = (message: string): void => {
      if (over) return;
      if (now === undefined) faults = [{ place: { file }, message }];
      else
        tests.push({ names: now, state: "failed", ms: 0, failure: { message, place: undefined, source: undefined } });
      end();
    };
    const expectWordWithin = (ms: number, text: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => broken(text), ms);
    };
    expectWordWithin(LOAD_MS, `the test did not finish loading within ${LOAD_MS / 1000} s: an endless loop?`);
    worker.addEventListener("message", ({ data }: MessageEvent<FromTestThread>) => {
      switch (data.kind) {
        case "ready":
          return worker.postMessage(task);
        case "began": {
          now = data.names;
          const seconds = data.limitMs / 1000;
          const text = `held its thread for more than ${seconds} s: an endless loop? What follows in this file did not run.`;
          return expectWordWithin(data.limitMs + MERCY_MS, text);
        }
        case "ended":
          return void tests.push(data.result);
        case "faults":
          faults = data.faults;
          return undefined;
        case "done":
          return end();
      }
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      broken(`the thread failed: ${event.message}`);
    });
    worker.addEventListener("close", () => broken("the thread has ended: what follows in this file did not run."));
  });
}
