// What `sluice top` shows, as text: for narrow and wide terminals, with and without colour.
import { expect, test } from "bun:test";
import pico from "picocolors";
import { History } from "../../../src/admin/live/history.ts";
import { summaryOf } from "../../../src/cli/top/summary.ts";
import { type Order, type Size, viewText } from "../../../src/cli/top/view.ts";
import type { Tick } from "../../../src/admin/live/tick.ts";
import { BEGAN, BUSY, seenExchange, tickAt } from "./ticks.ts";

const PLAIN = pico.createColors(false);

function view(
  width: number | Size | undefined,
  order: Order = "r",
  colors = PLAIN,
  ticks: readonly Tick[] = BUSY,
): string {
  const history = new History();
  for (const tick of ticks) history.add(tick);
  return viewText(summaryOf(history)!, order, typeof width === "object" ? width : { width }, colors);
}

test("200 columns show all of it", () => {
  expect(view(200)).toMatchInlineSnapshot(`
    "sluice 1.2.3  up 2h 1m  2 workers  config loaded 2h 1m ago
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
    perConsumer  limit      150        8

    NEAR LIMIT   CALLER         USED   OF  MORE IN
    perConsumer  2001:db8::/64   100  100      59s
    perConsumer  acme             85  100      12s

    AGO    TOOK  STATUS  ERROR               REQUEST                                        ROUTE       CONSUMER  TARGET
     0s    13ms  200                         GET /orders/7                                  orders                http://10.0.0.7:9001
     0s    1.5s  200                         POST /orders/long/long/long/long/long/long/l…  orders      acme      http://10.0.0.7:9001
     0s  0.04ms  404     route_not_found     GET /?[2J                                      (no route)
    31s   1.2ms  502     connection_refused  GET /orders/8                                  orders                http://10.0.0.8:9001"
  `);
});

test("80 columns: what is too wide goes on below, wide characters count twice", () => {
  expect(view(80)).toMatchInlineSnapshot(`
    "sluice 1.2.3  up 2h 1m  2 workers  config loaded 2h 1m ago
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
    perConsumer  limit      150        8

    NEAR LIMIT   CALLER         USED   OF  MORE IN
    perConsumer  2001:db8::/64   100  100      59s
    perConsumer  acme             85  100      12s

    AGO    TOOK  STATUS  ERROR        REQUEST      ROUTE       CONSUMER  TARGET
     0s    13ms  200                  GET          orders                http://10.0
                                      /orders/7                          .0.7:9001
     0s    1.5s  200                  POST         orders      acme      http://10.0
                                      /orders/lon                        .0.7:9001
                                      g/long/long
                                      /long/long/
                                      long/l…
     0s  0.04ms  404     route_not_f  GET /?[2J    (no route)
                         ound
    31s   1.2ms  502     connection_  GET          orders                http://10.0
                         refused      /orders/8                          .0.8:9001"
  `);
});

test.each([40, 60, 80, 120, 200])("%d columns: all stays within", (width) => {
  const longest = Math.max(
    ...view(width)
      .split("\n")
      .map((line) => Bun.stringWidth(line)),
  );
  // Eight columns do not get narrower than they are.
  expect(longest).toBeLessThanOrEqual(Math.max(width, 78));
  const head = view(width).split("\n\n")[0]!.split("\n");
  expect(Math.max(...head.map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(width);
});

test.each([12, 20, 24, 30, 40, 60])("%d lines: all stays within, and what is left out is told", (height) => {
  const text = view({ width: 200, height });
  expect(text.split("\n").length).toBeLessThanOrEqual(height);
  const tables = text.split("\n\n").slice(1);
  const all = view(200).split("\n\n").slice(1);
  for (const [at, table] of tables.entries()) {
    const [lines, wanted] = [table, all[at]!].map((each) => each.split("\n")) as [string[], string[]];
    const left = /^… (\d+) more$/.exec(lines.at(-1)!)?.[1];
    const shown = left === undefined ? lines : lines.slice(0, -1);
    expect(shown).toEqual(wanted.slice(0, shown.length));
    expect(shown.length + Number(left ?? 0)).toBe(wanted.length);
    expect(shown.length).toBeGreaterThan(1);
  }
  if (height >= 30) expect(tables).toHaveLength(all.length);
});

test("a config that could not be loaded is told with the reason", () => {
  const lastLoad = { at: BEGAN - 100_000, ok: false, message: "gateway.config.ts:3:1  no\x07 routes\nand more" };
  const text = view(80, "r", PLAIN, [tickAt(0), tickAt(1, { lastLoad })]);
  expect(text.split("\n").slice(2)).toEqual(["config refused 1m ago: gateway.config.ts:3:1  no? routes"]);
});

test("among many exchanges that went well the last failures are seen", () => {
  const well = Array.from({ length: 50 }, (_, at) => seenExchange({ at: BEGAN + at, path: `/well/${at}` }));
  const failed = Array.from({ length: 20 }, (_, at) =>
    seenExchange({ at: BEGAN - 1000 + at, path: `/failed/${at}`, status: 500 }),
  );
  const ticks = [tickAt(0, { exchanges: failed }), tickAt(1, { exchanges: well })];
  const paths = [...view(200, "r", PLAIN, ticks).matchAll(/GET (\S+)/g)].map(([, path]) => path);
  expect(paths).toEqual([
    ...[49, 48, 47, 46, 45].map((at) => `/well/${at}`),
    ...[19, 18, 17, 16, 15].map((at) => `/failed/${at}`),
  ]);
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
    "sluice 1.2.3  up 2h 1m  2 workers  config loaded 2h 1m ago\n" +
      "0.0 req/s  0.0 failed/s  3 under way  12 connections  cpu 25%  memory 80 MiB",
  );
});
