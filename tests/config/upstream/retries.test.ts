// `retries`, `hedge` and `timeouts` of upstreams and routes: what they mean, and what is wrong with them.
import { describe, expect, test } from "bun:test";
import { faultLines, planOf, withRoute, withUpstream } from "../support.ts";

const AT = "upstreams.orders";

type Row = readonly [options: unknown, path: string, words: string];

function refuses(rows: readonly Row[]): void {
  test.each(rows.map(([options, path, words], i) => [`${i} ${path}: ${words}`, options, path, words] as const))(
    "%s",
    (_, options, path, words) => {
      const lines = faultLines(options);
      expect(lines).toHaveLength(1);
      expect(lines[0]!.split(": ")[0]!).toBe(path);
      expect(lines[0]).toContain(words);
    },
  );
}

const retries = (written: unknown): unknown => withUpstream({ retries: written });
const onRoute = (written: object): unknown => withRoute({ match: "/", to: "orders", ...written });

describe("faults", () => {
  refuses([
    [retries(true), `${AT}.retries`, "true is not an object of options"],
    [retries({ attempts: 1 }), `${AT}.retries.attempts`, "a whole number from 2 to 10"],
    [retries({ attempts: 11 }), `${AT}.retries.attempts`, "a whole number from 2 to 10"],
    [retries({ tries: 3 }), `${AT}.retries.tries`, "Options here: attempts, on, perTry"],
    [retries({ on: [] }), `${AT}.retries.on`, "a list of at least one failure or status"],
    [retries({ on: "reset" }), `${AT}.retries.on`, "a list of at least one failure or status"],
    [retries({ on: ["rest"] }), `${AT}.retries.on.0`, 'Did you mean "reset"?'],
    [retries({ on: [200] }), `${AT}.retries.on.0`, "or a status from 400 to 599"],
    [retries({ on: ["503"] }), `${AT}.retries.on.0`, "or a status from 400 to 599"],
    [retries({ perTry: 300 }), `${AT}.retries.perTry`, 'such as "300s"'],
    [retries({ backoff: { base: "2s", max: "1s" } }), `${AT}.retries.backoff.max`, "a duration of at least `base`"],
    [retries({ retryAfter: "soon" }), `${AT}.retries.retryAfter`, "a duration"],
    [retries({ replay: true }), `${AT}.retries.replay`, "a size"],
    [retries({ replay: "2GiB" }), `${AT}.retries.replay`, "a size of at most"],
    [retries({ budget: { share: 20 } }), `${AT}.retries.budget.share`, "a share from 0 to 1"],
    [retries({ budget: { share: "20%" } }), `${AT}.retries.budget.share`, "a share from 0 to 1"],
    [retries({ budget: { min: -1 } }), `${AT}.retries.budget.min`, "a whole number from 0"],
    // The route says so, or nobody.
    [retries({ idempotencyKey: true }), `${AT}.retries.idempotencyKey`, "is not an option"],
    [onRoute({ retries: { idempotencyKey: "yes" } }), "routes.it.retries.idempotencyKey", "true or false"],
    [withUpstream({ hedge: {} }), `${AT}.hedge.after`, "a duration"],
    [withUpstream({ hedge: true }), `${AT}.hedge`, "true is not an object of options"],
    [onRoute({ hedge: { after: 1 } }), "routes.it.hedge.after", "a duration"],
    [withRoute({ match: "/", answer: {}, retries: {} }), "routes.it.retries", "Only a route"],
    [withRoute({ match: "/", answer: {}, hedge: false }), "routes.it.hedge", "Only a route"],
    [withUpstream({ timeouts: { send: "0s" } }), `${AT}.timeouts.send`, "a duration of at least 1ms"],
    [withUpstream({ timeouts: { whole: "25d" } }), `${AT}.timeouts.whole`, "a duration of at most 24 days"],
    [withUpstream({ timeouts: { header: "a b" } }), `${AT}.timeouts.header`, "a field name"],
    [withUpstream({ timeouts: { header: "Connection" } }), `${AT}.timeouts.header`, "a field that may be set"],
  ]);
});

/** The destination of a route to `orders` with these options. */
function leadsTo(upstream: object, route: object = {}): Record<string, unknown> {
  const { routes } = planOf({
    upstreams: { orders: { targets: ["https://a.test"], ...upstream } },
    routes: { it: { match: "/", to: "orders", ...route } },
  } as never);
  return routes[0]!.destination as never;
}

describe("what they mean", () => {
  test("an empty object has the documented defaults", () => {
    expect(leadsTo({ retries: {} })["retries"]).toEqual({
      attempts: 3,
      on: { failures: new Set(["connect", "reset", "timeout"]), statuses: new Set([502, 503, 504]) },
      idempotencyKey: false,
      perTryMs: 0,
      backoff: { baseMs: 25, mostMs: 250 },
      retryAfterMs: 1000,
      replay: 65_536,
      budget: { share: 0.2, least: 3 },
    });
  });

  test("a route's stand in place of its upstream's, one by one", () => {
    const upstream = { retries: { attempts: 5, perTry: "1s" }, hedge: { after: "1s" }, timeouts: { whole: "9s" } };
    const { retries, hedge, timeouts } = leadsTo(upstream, {
      retries: { perTry: "2s", replay: false },
      hedge: { after: "2s" },
      timeouts: { header: "X-Left" },
    });
    expect(retries).toMatchObject({ attempts: 5, perTryMs: 2000, replay: 0 });
    expect(hedge).toEqual({ afterMs: 2000, budget: { share: 0.2, least: 3 } });
    expect(timeouts).toMatchObject({
      wholeMs: 9000,
      deadlineFields: [{ name: "X-Left", key: "x-left", form: "plain" }],
    });
  });

  test("false is none, on an upstream and on a route", () => {
    expect(leadsTo({ retries: false, hedge: false })).toMatchObject({ retries: undefined, hedge: undefined });
    const none = leadsTo({ retries: {}, hedge: { after: "1s" } }, { retries: false, hedge: false });
    expect(none).toMatchObject({ retries: undefined, hedge: undefined });
  });

  test("a pause that begins above the usual bound is bounded by its beginning", () => {
    expect(leadsTo({ retries: { backoff: { base: "1s" } } })["retries"]).toMatchObject({
      backoff: { baseMs: 1000, mostMs: 1000 },
    });
  });

  test.each([
    [{}, []],
    [{ timeouts: { header: "X-Left" } }, ["x-left"]],
    [{ protocol: "h2" }, ["grpc-timeout"]],
    [{ protocol: "h2", timeouts: { header: "X-Left" } }, ["grpc-timeout", "x-left"]],
    [{ timeouts: { header: "Grpc-Timeout" } }, ["grpc-timeout"]],
  ])("%p: deadlines stand in %p", (upstream, keys) => {
    const timeouts = leadsTo(upstream)["timeouts"] as { deadlineFields: { key: string }[] };
    expect(timeouts.deadlineFields.map(({ key }) => key)).toEqual(keys);
  });
});
