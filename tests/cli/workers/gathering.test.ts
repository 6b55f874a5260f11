// What the main thread knows of its workers: readiness is what all that serve have said, and silence is no good news.
import { expect, test } from "bun:test";
import type { TargetControls } from "../../../src/admin/overseen.ts";
import { Gathering } from "../../../src/cli/workers/gathering.ts";
import type { Obstacle } from "../../../src/respond/readiness.ts";

const NO_CERTIFICATE: Obstacle = { name: "listen.tls.acme", reason: "no certificate yet for a.test" };

/** Workers of these numbers serve. */
function crew(...numbers: readonly number[]): { gathering: Gathering; living: Set<number>; told: () => string[] } {
  const living = new Set(numbers);
  const send = (): void => undefined;
  const gathering = new Gathering(() => new Map([...living].map((number) => [number, { send }])), {} as TargetControls);
  return { gathering, living, told: () => gathering.overseen.obstacles().map(({ name }) => name) };
}

const says = (gathering: Gathering, worker: number, obstacles: readonly Obstacle[]): void =>
  gathering.counted(worker, { kind: "counted", id: 0, changes: [], obstacles, seen: undefined });

test("without a worker nothing is ready", () => {
  expect(crew().told()).toEqual(["workers"]);
});

test("a worker that serves and has not told how it is stands in the way", () => {
  const { gathering, told } = crew(1, 2);
  expect(told()).toEqual(["workers"]);
  says(gathering, 1, []);
  expect(told()).toEqual(["workers"]);
  says(gathering, 2, []);
  expect(told()).toEqual([]);
});

test("what one of them tells stands in the way of all, once", () => {
  const { gathering, told } = crew(1, 2);
  says(gathering, 1, [NO_CERTIFICATE]);
  says(gathering, 2, [NO_CERTIFICATE]);
  expect(told()).toEqual(["listen.tls.acme"]);
  says(gathering, 1, []);
  expect(told()).toEqual(["listen.tls.acme"]);
  says(gathering, 2, []);
  expect(told()).toEqual([]);
});

test("a worker in the place of one that died is asked anew", () => {
  const { gathering, living, told } = crew(1, 2);
  for (const worker of living) says(gathering, worker, []);
  living.delete(2);
  gathering.gone(2);
  expect(told()).toEqual([]);
  living.add(2);
  expect(told()).toEqual(["workers"]);
});
