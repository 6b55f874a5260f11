// A search for targets in the fake world: what it hands over, and what the operator is told.
import { planOf } from "../config/support.ts";
import type { TargetSource } from "../../src/config/upstream/options.ts";
import type { TargetPlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { type Discovery, discover } from "../../src/discover/discover.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

/** One search. */
export class Search {
  readonly platform = new FakePlatform();
  /** All sets so far, by URL, with the weight where it is not 1. */
  readonly sets: string[][] = [];
  /** The last set. */
  targets: readonly TargetPlan[] = [];
  discovery!: Discovery;
  readonly #where: TargetSource;
  readonly #files: Readonly<Record<string, string>>;

  /** @param files texts by path */
  constructor(where: TargetSource, files: Readonly<Record<string, string>> = {}) {
    this.#where = where;
    this.#files = files;
    for (const [path, text] of Object.entries(files)) this.platform.files.write(path, text);
  }

  /** Begins, and waits for what comes at once. */
  begin(protocol: UpstreamPlan["protocol"] = "http1"): this {
    const options = {
      upstreams: { orders: { targets: this.#where, protocol } },
      routes: { all: { match: "/*", to: "orders" } },
    };
    const plan = planOf(options, { files: this.#files }).upstreams["orders"]!;
    this.targets = plan.targets;
    this.discovery = discover(plan, this.platform);
    const known = this.targets;
    this.discovery.follow((targets) => {
      if (targets === known) return;
      this.targets = targets;
      this.sets.push(targets.map(shown));
    });
    this.settle();
    return this;
  }

  settle(): void {
    this.platform.clock.settle();
  }

  advance(ms: number): void {
    this.platform.clock.advance(ms);
  }

  /** The last set, by URL. */
  get urls(): string[] {
    return this.targets.map(shown);
  }

  /** What the operator was told since the last look. */
  get told(): string[] {
    return this.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);
  }

  /** Ends it; nothing may be left. */
  end(): void {
    this.discovery.close();
    this.settle();
    if (this.platform.clock.timers > 0) throw new Error(`${this.platform.clock.timers} timers are left`);
  }
}

function shown({ url, weight }: TargetPlan): string {
  return weight === 1 ? url : `${url} ×${weight}`;
}
