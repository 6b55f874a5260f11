// npx bun tests/bench/retries.bench.ts: what the loop of attempts costs a request of which nothing fails, by what is asked of it.
import { Answer } from "../../src/answer.ts";
import { OwnBoard, TARGET_WORDS } from "../../src/board.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Deadlines } from "../../src/http/deadlines.ts";
import { Fields } from "../../src/http/fields.ts";
import { Attempt } from "../../src/upstream/attempt.ts";
import { Attempts } from "../../src/upstream/attempts.ts";
import { passageTo } from "../../src/upstream/passage.ts";
import { requestWriter } from "../../src/upstream/request.ts";
import { RetryBudget } from "../../src/upstream/budget.ts";
import { Upstream, type UpstreamTarget } from "../../src/upstream/upstream.ts";
import { anExchange } from "../balance/doubles.ts";
import { upstreamOf } from "../config/support.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

const REQUESTS = 500_000;
const ROUNDS = 9;
const ANSWER = new Answer(200, undefined, new Fields(), null);

/** Answered as soon as it is sent. */
class Answered extends Attempt {
  send(): void {
    this.attempts.answered(this, ANSWER);
  }

  withdraw(): void {}
}

function run(name: string, options: Partial<UpstreamOptions>): void {
  const plan = { ...upstreamOf({ targets: ["http://a.test", "http://b.test"], ...options }), name: "up" };
  const platform = new FakePlatform();
  let targets: readonly UpstreamTarget[] = [];
  const balancer = {
    use: (all: readonly UpstreamTarget[]) => void (targets = all),
    untried: () => 2,
    pick: () => targets[0],
  };
  const board = new OwnBoard(TARGET_WORDS);
  const deadlines = new Deadlines(platform);
  const upstream = new Upstream(plan, { balancer, watchers: [], board, platform, deadlines } as never);
  const way = { ...plan, upgrade: [] };
  const passage = {
    ...passageTo(upstream, way, requestWriter(plan, undefined, "gw"), platform),
    client: (...rest: ConstructorParameters<typeof Answered>) => new Answered(...rest),
  };
  const exchanges: Exchange[] = Array.from({ length: 256 }, () => anExchange({ peer: "192.0.2.1" }));
  const nothing = (): void => undefined;
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = Bun.nanoseconds();
    for (let i = 0; i < REQUESTS; i++) new Attempts(exchanges[i & 255]!, passage, "", nothing, nothing).start();
    least = Math.min(least, (Bun.nanoseconds() - began) / REQUESTS);
  }
  console.log(`${name.padEnd(32)}${least.toFixed(0).padStart(5)} ns a request`);
}

run("nothing", {});
run("retries", { retries: {} });
run("retries, hedging", { retries: {}, hedge: { after: "1s" } });
run("retries, hedging, whole", { retries: {}, hedge: { after: "1s" }, timeouts: { whole: "5s" } });
run("retries, perTry", { retries: { perTry: "1s" } });

const words = new Int32Array(new SharedArrayBuffer(64));
const budget = new RetryBudget(words, () => 1000);
let least = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  const began = Bun.nanoseconds();
  for (let i = 0; i < REQUESTS; i++) budget.count();
  least = Math.min(least, (Bun.nanoseconds() - began) / REQUESTS);
}
console.log(`${"the budget's count alone".padEnd(32)}${least.toFixed(0).padStart(5)} ns a request`);
