// Lines out on Deno: whole and in order, never waiting for the reader, bounded, and told when lines are lost.
import { expect, test } from "bun:test";
import type { DenoOutput } from "../../src/platforms/deno-api.ts";
import { linesOnDeno } from "../../src/platforms/deno-lines.ts";
import { until } from "../support/deadline.ts";

/** An output that takes so many bytes at a time, only while it is open. */
class Output implements DenoOutput {
  text = "";
  open = true;
  broken: Error | undefined = undefined;
  readonly #step: number;
  #release: () => void = () => undefined;

  constructor(step = Infinity) {
    this.#step = step;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (!this.open) await new Promise<void>((resolve) => (this.#release = resolve));
    if (this.broken !== undefined) throw this.broken;
    const size = Math.min(bytes.length, this.#step);
    this.text += new TextDecoder().decode(bytes.subarray(0, size));
    return size;
  }

  isTerminal(): boolean {
    return false;
  }

  release(): void {
    this.open = true;
    this.#release();
  }
}

test("lines are written whole and in order, whatever the output takes at once", async () => {
  const output = new Output(7);
  const lines = linesOnDeno(output, () => expect.unreachable());
  const written = Array.from({ length: 500 }, (_, i) => `line ${i}`);
  for (const line of written) lines.write(line);
  await lines.flush();
  expect(output.text).toBe(written.map((line) => `${line}\n`).join(""));
});

test("lines go out by themselves, soon", async () => {
  const output = new Output();
  linesOnDeno(output, () => expect.unreachable()).write("one");
  await until(() => output.text === "one\n", "the line");
});

test("a reader that stands still costs lines, not memory, and both its stop and its return are told", async () => {
  const output = new Output();
  output.open = false;
  const notices: string[] = [];
  const lines = linesOnDeno(output, (text) => notices.push(text));
  const line = "x".repeat(1000);
  for (let i = 0; i < 5000; i++) lines.write(line);
  expect(notices.length).toBe(1);
  output.release();
  await lines.flush();
  expect(output.text.length).toBeLessThanOrEqual(4 * 1024 * 1024);
  const kept = output.text.length / (line.length + 1);
  expect(notices[1]).toContain(`${5000 - kept} lines`);
  lines.write("after");
  await lines.flush();
  expect(output.text.endsWith("\nafter\n")).toBe(true);
});

test("a reader that is gone is told once, and nothing more is written", async () => {
  const output = new Output();
  output.broken = new Error("Broken pipe");
  const notices: string[] = [];
  const lines = linesOnDeno(output, (text) => notices.push(text));
  lines.write("one");
  await lines.flush();
  lines.write("two");
  await lines.flush();
  expect(notices.length).toBe(1);
  expect(notices[0]).toContain("Broken pipe");
});

test("flush gives up on a reader that takes nothing", async () => {
  const output = new Output();
  output.open = false;
  const lines = linesOnDeno(output, () => undefined);
  lines.write("one");
  const began = performance.now();
  await lines.flush();
  expect(performance.now() - began).toBeGreaterThan(900);
});
