// What `sluice top` shows, as text: for narrow and wide terminals, with and without colour.
import { expect, test } from "bun:test";
import pico from "picocolors";
import { History } from "../../../src/admin/live/history.ts";
import { summaryOf } from "../../../src/cli/top/summary.ts";
import { type Order, viewText } from "../../../src/cli/top/view.ts";
import { BUSY, tickAt } from "./ticks.ts";

const PLAIN = pico.createColors(false);

function view(width: number | undefined, order: Order = "r", colors = PLAIN, ticks = BUSY): string {
  const history = new History();
  for (const tick of ticks) history.add(tick);
  return viewText(summaryOf(history)!, order, width, colors);
}

test("200 columns show all of it", () => {
  expect(view(200)).toMatchInlineSnapshot(`
    "sluice 1.2.3  up 2h 1m  2 workers
    125 req/s  2.5 failed/s  3 under way  12 connections  cpu 25%  memory 80 MiB
    not ready: auth.token: its keys cannot be had

    ROUTE       REQ/S    P50   P90   P99  4XX/S  5XX/S  TOTAL
    orders        124  1.0ms  19ms  1.5s    1.5    2.0   1251
    (no route)    1.0      -     -     -    1.0    0.0      2
    users         0.5    11s   11s   11s    0.0    0.5      1

    ERROR                STATUS  ROUTE       PER S  TOTAL
    connection_refused   502     orders        2.0      8
    rate_limit_exceeded  429     orders        1.5      3
    route_not_found      404     (no route)    1.0      2
                         500     users         0.5      1

    UPSTREAM  CIRCUIT  TARGET                STATE    TRIES/S  FAILED/S  CONNS  WHY
    orders    open     http://10.0.0.7:9001  up           120       0.0    3+1
    orders    open     http://10.0.0.8:9001  down         2.0       2.0    0+0  GET /健康 answers 503 instead of 200 to 299
    users              http://u.test         ejected      3.5       2.5    0+1  5 failures?[2J in a row, for 30 s

    LIMIT        KIND   ALLOWED  REFUSED
    perConsumer  limit      150        8"
  `);
});

test("80 columns: what is too wide goes on below, wide characters count twice", () => {
  expect(view(80)).toMatchInlineSnapshot(`
    "sluice 1.2.3  up 2h 1m  2 workers
    125 req/s  2.5 failed/s  3 under way  12 connections  cpu 25%  memory 80 MiB
    not ready: auth.token: its keys cannot be had

    ROUTE       REQ/S    P50   P90   P99  4XX/S  5XX/S  TOTAL
    orders        124  1.0ms  19ms  1.5s    1.5    2.0   1251
    (no route)    1.0      -     -     -    1.0    0.0      2
    users         0.5    11s   11s   11s    0.0    0.5      1

    ERROR                STATUS  ROUTE       PER S  TOTAL
    connection_refused   502     orders        2.0      8
    rate_limit_exceeded  429     orders        1.5      3
    route_not_found      404     (no route)    1.0      2
                         500     users         0.5      1

    UPSTREAM  CIRCUIT  TARGET        STATE    TRIES/S  FAILED/S  CONNS  WHY
    orders    open     http://10.0.  up           120       0.0    3+1
                       0.7:9001
    orders    open     http://10.0.  down         2.0       2.0    0+0  GET /健康
                       0.8:9001                                         answers 503
                                                                        instead of
                                                                        200 to 299
    users              http://u.tes  ejected      3.5       2.5    0+1  5
                       t                                                failures?[2J
                                                                        in a row,
                                                                        for 30 s

    LIMIT        KIND   ALLOWED  REFUSED
    perConsumer  limit      150        8"
  `);
});

test.each([40, 60, 80, 120, 200])("%d columns: tables stay within", (width) => {
  const tables = view(width).split("\n\n").slice(1).join("\n");
  const longest = Math.max(...tables.split("\n").map((line) => Bun.stringWidth(line)));
  // Eight columns of numbers do not get narrower than they are.
  expect(longest).toBeLessThanOrEqual(Math.max(width, 78));
});

test.each([
  ["r", ["orders", "(no route)", "users"]],
  ["p", ["users", "orders", "(no route)"]],
  ["e", ["orders", "users", "(no route)"]],
  ["t", ["orders", "(no route)", "users"]],
] as const)("the key %s sorts routes", (order, wanted) => {
  const table = view(200, order).split("\n\n")[1]!;
  expect(
    table
      .split("\n")
      .slice(1)
      .map((line) => /^(\(no route\)|\S+)/.exec(line)![1]!),
  ).toEqual([...wanted]);
});

test("texts of others steer no terminal, coloured or not", () => {
  expect(view(200)).not.toMatch(/\x1b/);
  const coloured = view(200, "r", pico.createColors(true));
  expect(coloured.replaceAll(/\x1b\[\d+m/g, "")).toBe(view(200));
  expect(coloured).toContain("\x1b[31mdown\x1b[39m");
});

test("a gateway that does nothing has a head and no empty tables", () => {
  expect(view(80, "r", PLAIN, [tickAt(0), tickAt(1)])).toBe(
    "sluice 1.2.3  up 2h 1m  2 workers\n" +
      "0.0 req/s  0.0 failed/s  3 under way  12 connections  cpu 25%  memory 80 MiB",
  );
});
