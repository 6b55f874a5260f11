// Places that several write to, as over a reload: each opened once, each lost line counted once.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineSinks, type LineSink } from "../../src/platforms/line-sinks.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-places-"));
const open: LineSink[] = [];
afterEach(() => {
  for (const sink of open.splice(0)) sink.close();
  rmSync(folder, { recursive: true, force: true });
});

/** More than may wait. */
const TOO_MUCH = "x".repeat(8 * 1024 * 1024);

function opener(): (keep: number) => LineSink {
  const sinks = new LineSinks(() => undefined);
  const path = join(folder, "log");
  return (keep) => {
    const sink = sinks.open({ name: path, kind: "file", path, rotate: { size: 65_536, keep } });
    open.push(sink);
    return sink;
  };
}

test("a line that is lost while two have the place is counted by one of them", () => {
  const sinkOf = opener();
  const first = sinkOf(1);
  first.write(TOO_MUCH);
  const second = sinkOf(2);
  first.write(TOO_MUCH);
  second.write(TOO_MUCH);
  expect(first.lost + second.lost).toBe(3);
  first.close();
  second.write(TOO_MUCH);
  const third = sinkOf(3);
  third.write(TOO_MUCH);
  expect(first.lost + second.lost + third.lost).toBe(5);
  third.close();
  second.write(TOO_MUCH);
  expect([first.lost + second.lost + third.lost, third.lost]).toEqual([6, 0]);
});

test("what has been counted never becomes less, whoever closes the place first", () => {
  const sinkOf = opener();
  const [first, second] = [sinkOf(1), sinkOf(2)];
  first.write(TOO_MUCH);
  const before = [first.lost, second.lost];
  first.close();
  first.close();
  second.write(TOO_MUCH);
  expect(first.lost).toBe(before[0]!);
  expect(second.lost).toBe(before[1]! + 1);
});
