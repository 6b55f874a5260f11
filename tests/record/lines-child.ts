// A process that writes numbered lines to standard output. Arguments: what to do, how many lines, how long a line is.
import { stdoutLines } from "../../src/platforms/stdout.ts";

const [, , what = "", countText = "0", lengthText = "100"] = process.argv;
const count = Number(countText);
const notices: string[] = [];
const lines = stdoutLines({ mostWaiting: 1024 * 1024, notice: (text) => void notices.push(text) });

function line(number: number): string {
  return `${number} ${"é".repeat(number % 7)}`.padEnd(Number(lengthText), "x");
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Writes in bursts, a turn of the event loop apart, and tells the longest that a burst with its turn took. */
async function bursts(): Promise<number> {
  let slowest = 0;
  for (let i = 0; i < count;) {
    const before = performance.now();
    for (const end = Math.min(i + 100, count); i < end; i++) lines.write(line(i));
    await turn();
    slowest = Math.max(slowest, performance.now() - before);
  }
  return slowest;
}

let flushed: boolean | undefined;
let slowest = 0;
if (what === "flush") {
  for (let i = 0; i < count; i++) lines.write(line(i));
  flushed = lines.flush();
} else if (what === "bursts") {
  slowest = await bursts();
  process.stderr.write("written\n");
  flushed = lines.flush();
} else if (what === "wait") {
  // Writes, then leaves it to the timers until standard input ends; no flush.
  slowest = await bursts();
  process.stderr.write("written\n");
  for await (const _ of process.stdin);
  lines.write("last");
  flushed = lines.flush();
} else if (what === "until-gone") {
  // A reader that has not begun yet may let lines be dropped before: that is another notice.
  for (let i = 0; !notices.some((text) => text.includes("gone")); i++) {
    lines.write(line(i));
    if (i % 100 === 0) await turn();
  }
}
let late: number | undefined;
if (what === "batches-until-gone") {
  const batch = (): void => lines.writeBatch(new TextEncoder().encode("one\ntwo\n"), () => undefined);
  for (; !notices.some((text) => text.includes("gone")); await turn()) batch();
  const before = lines.dropped;
  batch();
  late = lines.dropped - before;
}
process.stderr.write(JSON.stringify({ flushed, slowest, late, dropped: lines.dropped, notices }) + "\n");
process.exit(0);
