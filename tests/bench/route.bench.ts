// How long a look-up in the route table takes with 10, 1,000 and 10,000 routes: `bun tests/bench/route.bench.ts`.
import type { RoutePlan } from "../../src/config/plan.ts";
import { Fields } from "../../src/http/fields.ts";
import { readTarget } from "../../src/http/target.ts";
import { findRouteFaults } from "../../src/route/conflicts.ts";
import { compileRoutes } from "../../src/route/table.ts";
import { match, route } from "../route/plans.ts";

const FIELDS = new Fields();

/** Five kinds of routes, as an API of many services has them. */
function routesOf(count: number): RoutePlan[] {
  return Array.from({ length: count }, (_, index) => {
    const service = `/svc-${Math.floor(index / 5)}`;
    switch (index % 5) {
      case 0:
        return route(`r${index}`, `GET /api${service}/status`);
      case 1:
        return route(`r${index}`, `GET /api${service}/users/:id`);
      case 2:
        return route(`r${index}`, `/api${service}/users/:id/orders/:order`);
      case 3:
        return route(`r${index}`, `/api${service}/files/*`);
      default:
        return route(`r${index}`, match(`/${index}/:id`, { hosts: [`h${index}.example.com`] }));
    }
  });
}

/** Nanoseconds a call, the least of several rounds: other load on the machine only ever adds. */
function measure(call: (index: number) => unknown): number {
  const calls = 100_000;
  let best = Infinity;
  let kept: unknown;
  for (let round = 0; round < 7; round++) {
    const started = performance.now();
    for (let i = 0; i < calls; i++) kept = call(i);
    best = Math.min(best, ((performance.now() - started) * 1e6) / calls);
  }
  if (kept === Symbol.for("never")) console.log(kept);
  return best;
}

const rows: Record<string, string | number>[] = [];
for (const count of [10, 1_000, 10_000]) {
  const routes = routesOf(count);
  let started = performance.now();
  const table = compileRoutes(routes);
  const compileMs = performance.now() - started;
  started = performance.now();
  const faults = findRouteFaults(routes).length;
  const checkMs = performance.now() - started;

  const services = Array.from({ length: 64 }, (_, index) => Math.floor((index * count) / 5 / 64));
  const ask = (host: string, path: (service: number) => string, found: boolean): number => {
    const paths = services.map(path);
    for (const one of paths) {
      if ((table.find("GET", host, one, "", FIELDS) !== undefined) !== found) throw new Error(`unexpected: ${one}`);
    }
    return Math.round(measure((i) => table.find("GET", host, paths[i & 63]!, "", FIELDS)));
  };
  rows.push({
    routes: count,
    literal: ask("api.example.com", (service) => `/api/svc-${service}/status`, true),
    "one parameter": ask("api.example.com", (service) => `/api/svc-${service}/users/4711`, true),
    "two parameters": ask("api.example.com", (service) => `/api/svc-${service}/users/4711/orders/9`, true),
    rest: ask("api.example.com", (service) => `/api/svc-${service}/files/a/b/c.png`, true),
    encoded: ask("api.example.com", (service) => `/api/svc-${service}/users/a%20b`, true),
    "by host": ask("h4.example.com", () => "/4/x", true),
    none: ask("api.example.com", (service) => `/api/svc-${service}/nothing/here`, false),
    "compile ms": Math.round(compileMs * 10) / 10,
    "check ms": Math.round(checkMs * 10) / 10,
    faults,
  });
}
console.log("ns per look-up");
console.table(rows);

const targets = [
  "/",
  "/api/orders/42?page=2",
  "/api/svc-1/users/a%20b/c.png",
  `/${"long-segment/".repeat(20)}?q=${"x".repeat(200)}`,
];
console.log("ns per target read");
console.table(targets.map((target) => ({ bytes: target.length, ns: Math.round(measure(() => readTarget(target))) })));
