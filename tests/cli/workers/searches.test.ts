// The searches of the main thread over reloads, and what workers know of them: a plan has the targets of its own searches.
import { describe, expect, test } from "bun:test";
import { Searches } from "../../../src/cli/workers/searches.ts";
import { TargetSets } from "../../../src/cli/workers/target-sets.ts";
import type { TargetPlan, UpstreamPlan } from "../../../src/config/upstream/plan.ts";
import { planOf } from "../../config/support.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";

const OLD = "old.internal";
const NEW = "new.internal";

/** The main thread and one worker. */
class Threads {
  readonly platform = new FakePlatform();
  readonly sets = new TargetSets(new Map());
  readonly searches = new Searches(
    this.platform,
    () => undefined,
    (search, targets) => this.sets.put(search, targets),
  );

  /** The upstream `orders`, found by this name. */
  upstreams(name: string): UpstreamPlan[] {
    const targets = { dns: `http://${name}`, family: "ipv4" };
    const plan = planOf({ upstreams: { orders: { targets } }, routes: { all: { match: "/", to: "orders" } } });
    return Object.values(plan.upstreams);
  }

  say(name: string, ...addresses: string[]): void {
    this.platform.names.hosts.set(name, addresses);
  }

  advance(ms = 10_000): void {
    this.platform.clock.advance(ms);
  }

  /** What an upstream of a plan with these searches has, from now on. */
  follow(numbers: ReadonlyMap<string, number>): { hosts: string[] } {
    const followed = { hosts: [] as string[] };
    this.sets.of(numbers)("orders")((targets: readonly TargetPlan[]) => {
      followed.hosts = targets.map(({ host }) => host);
    });
    return followed;
  }

  end(): void {
    this.searches.close();
    this.platform.clock.settle();
    expect(this.platform.clock.timers).toBe(0);
  }
}

describe("while a config is prepared that searches elsewhere", () => {
  function story(): { threads: Threads; old: { hosts: string[] }; next: ReturnType<Searches["next"]> } {
    const threads = new Threads();
    threads.say(OLD, "10.0.0.1");
    threads.say(NEW, "10.0.0.9");
    const first = threads.searches.next(threads.upstreams(OLD));
    first.take();
    threads.advance();
    const old = threads.follow(first.numbers);
    const next = threads.searches.next(threads.upstreams(NEW));
    threads.advance();
    return { threads, old, next };
  }

  test("the one that runs keeps its own targets, and hears of their changes", () => {
    const { threads, old, next } = story();
    expect(old.hosts).toEqual(["10.0.0.1"]);
    threads.say(OLD, "10.0.0.2");
    threads.advance();
    expect(old.hosts).toEqual(["10.0.0.2"]);
    next.drop();
    threads.end();
  });

  test("and then dropped, its search ends and leaves nothing", () => {
    const { threads, old, next } = story();
    next.drop();
    threads.say(NEW, "10.0.0.8");
    threads.advance(60_000);
    expect(old.hosts).toEqual(["10.0.0.1"]);
    expect([...threads.searches.targets.values()].flat().map(({ host }) => host)).toEqual(["10.0.0.1"]);
    threads.end();
  });

  test("and then taken, the old search ends; a worker that begins is told of the new one alone", () => {
    const { threads, next } = story();
    next.take();
    threads.sets.keep(next.numbers);
    const asked = (): number => threads.platform.names.asked.filter((each) => each.includes(OLD)).length;
    const before = asked();
    threads.advance(60_000);
    expect(asked()).toBe(before);
    expect([...threads.searches.targets.keys()]).toEqual([...next.numbers.values()]);
    expect(threads.follow(next.numbers).hosts).toEqual(["10.0.0.9"]);
    threads.end();
  });
});

test("a search that another config asks for too goes on under its number", () => {
  const threads = new Threads();
  threads.say(OLD, "10.0.0.1");
  const first = threads.searches.next(threads.upstreams(OLD));
  first.take();
  threads.advance(0);
  const { length } = threads.platform.names.asked;
  const next = threads.searches.next(threads.upstreams(OLD));
  expect(next.numbers).toEqual(first.numbers);
  next.take();
  threads.advance(0);
  expect(threads.platform.names.asked).toHaveLength(length);
  threads.end();
});
