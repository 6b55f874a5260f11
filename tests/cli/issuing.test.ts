// Certificates by ACME over the plans of a process: what goes on, what ends, and what gateways are told.
import { expect, test } from "bun:test";
import { Issuing } from "../../src/cli/issuing.ts";
import type { AcmePlan } from "../../src/config/listen/plan.ts";
import type { IssuedState } from "../../src/issued.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

const plan = (more: Partial<AcmePlan> = {}): AcmePlan => ({
  domains: ["a.test"],
  directory: "https://ca.test/dir",
  contact: [],
  externalAccount: undefined,
  storage: "/state",
  ca: undefined,
  ...more,
});

test("without a plan that asks for it nothing runs, and nothing is told", async () => {
  const platform = new FakePlatform();
  const told: IssuedState[] = [];
  const issuing = new Issuing(platform, "1", (state) => void told.push(state));
  issuing.start();
  await issuing.use(undefined);
  expect([platform.clock.timers, told]).toEqual([0, []]);
});

test("each plan holds from then on: other host names, another authority, none at all, and again", async () => {
  const platform = new FakePlatform();
  const asked: string[] = [];
  platform.fetch = ({ url }) => {
    asked.push(url);
    return Promise.resolve(new Response("", { status: 500 }));
  };
  const told: IssuedState[] = [];
  const issuing = new Issuing(platform, "1", (state) => void told.push(state));
  const awaited = (): readonly string[] => {
    // Workers and the gateway of this thread are told the same.
    expect(told.at(-1)).toEqual(issuing.issued.state);
    return issuing.issued.state.awaited;
  };
  await issuing.use(plan());
  expect(awaited()).toEqual(["a.test"]);
  // Nobody can reach the gateway yet.
  expect(platform.clock.timers).toBe(0);
  issuing.start();
  expect(platform.clock.timers).toBe(1);
  await issuing.use(plan({ domains: ["b.test", "a.test"] }));
  expect([platform.clock.timers, awaited()]).toEqual([1, ["b.test", "a.test"]]);
  await issuing.use(plan({ directory: "https://other.test/dir" }));
  expect([platform.clock.timers, awaited()]).toEqual([1, ["a.test"]]);
  expect(issuing.issued.state.answersFile).toBe("/state/other.test-dir/answers.json");
  await issuing.use(undefined);
  expect([platform.clock.timers, awaited()]).toEqual([0, []]);
  await issuing.use(plan());
  expect([platform.clock.timers, awaited()]).toEqual([1, ["a.test"]]);
  issuing.close();
  expect([platform.clock.timers, asked]).toEqual([0, []]);
});

test("followers are told when what is shown changes, and not of tokens", async () => {
  const issuing = new Issuing(new FakePlatform(), "1");
  let changes = 0;
  const unfollow = issuing.issued.follow(() => changes++);
  await issuing.use(plan());
  expect(changes).toBe(1);
  issuing.issued.put({ ...issuing.issued.state, answers: new Map([["t", "t.x"]]) });
  expect(changes).toBe(1);
  issuing.issued.put({ ...issuing.issued.state, awaited: [] });
  expect(changes).toBe(2);
  unfollow();
  issuing.issued.put({ ...issuing.issued.state, awaited: ["a.test"] });
  expect(changes).toBe(2);
});
