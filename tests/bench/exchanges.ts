// Exchanges for the benches of what is kept of them, and how long something takes for each.
import type { Exchange } from "../../src/exchange.ts";
import { answer, exchange, route, UPSTREAM } from "../record/exchanges.ts";

const ROUNDS = 100;
const COUNT = 2000;
const orders = route("orders", "/api/orders/*");

/** One that has been forwarded, and answered with 200. */
export function exchangeAt(i: number): Exchange {
  const x = exchange({}, `/api/orders/${i}`, "");
  x.id = crypto.randomUUID();
  x.route = orders;
  x.match = orders.matches[0]!;
  x.upstream = UPSTREAM;
  const target = `http://127.0.0.1:${9001 + (i % 2)}`;
  x.attempts = [{ target, startedAt: 1, settledAt: 2, status: 200, error: undefined }];
  x.answer = answer(200);
  return x;
}

/**
 * Prints the least over the rounds, in nanoseconds a call: what disturbs only ever adds.
 * @param make gives each exchange, which is not timed
 */
export function measured(
  name: string,
  run: (x: Exchange) => unknown,
  make: (i: number) => Exchange = exchangeAt,
): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const exchanges = Array.from({ length: COUNT }, (_, i) => make(i));
    const before = Bun.nanoseconds();
    for (const x of exchanges) run(x);
    least = Math.min(least, (Bun.nanoseconds() - before) / COUNT);
  }
  console.log(`${name.padEnd(58)} ${least.toFixed(0).padStart(6)} ns`);
}
