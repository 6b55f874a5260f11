// Lines to an output that loses some of them: what is told of that, when, and who counts it.
import { expect, test } from "bun:test";
import { AwaitedLines } from "../../src/platforms/awaited-lines.ts";
import { linesIn } from "../../src/platforms/stdout.ts";

const LOSING = "the receiver takes nothing: lines of the access log are lost until its reader goes on";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Lines to an output that loses all of a piece, or nothing. */
function begin() {
  const notices: string[] = [];
  const output = {
    isGone: false,
    write: (lines: Uint8Array) => Promise.resolve(output.isGone ? linesIn(lines) : 0),
    reopen: () => undefined,
  };
  const lines = new AwaitedLines(output, "the receiver", (text) => notices.push(text));
  /** Writes a line in a piece of its own. */
  const piece = async (): Promise<void> => {
    lines.write("line");
    await lines.flush();
  };
  return { output, lines, notices, piece };
}

test("lines that the output itself loses are told once, and their end only with a piece that is not lost", async () => {
  const { output, lines, notices, piece } = begin();
  output.isGone = true;
  await piece();
  await piece();
  expect(notices).toEqual([LOSING]);
  lines.reopen();
  await lines.flush();
  expect(notices).toEqual([LOSING]);
  output.isGone = false;
  await piece();
  expect(notices).toEqual([LOSING, "the receiver takes lines again; 2 lines of the access log are lost"]);
  expect(lines.dropped).toBe(2);
});

test("lines that others have put together are told when they are lost, and counted by those others", async () => {
  const { output, lines, notices } = begin();
  const counted: number[] = [];
  output.isGone = true;
  lines.writeBatch(bytes("one\ntwo\n"), (lost) => counted.push(lost));
  await lines.flush();
  output.isGone = false;
  lines.writeBatch(bytes("three\n"), (lost) => counted.push(lost));
  await lines.flush();
  expect(counted).toEqual([2, 0]);
  expect(notices).toEqual([LOSING, "the receiver takes lines again; 2 lines of the access log are lost"]);
  expect(lines.dropped).toBe(0);
});
