// Durable Objects that are slow, fail, or sleep; and what an object keeps.
import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { defineGateway, durableObject } from "../../src/mod.ts";
import { LimitStore, workers } from "../../src/platforms/workers.ts";
import type { ObjectAsk, ObjectSaid, ObjectState } from "../../src/platforms/limit-object.ts";
import { until } from "../support/deadline.ts";

const silent = (): void => undefined;
const log = spyOn(console, "log").mockImplementation(silent);
const warnings = spyOn(console, "warn").mockImplementation(silent);
afterEach(() => {
  log.mockClear();
  warnings.mockClear();
});

/** A binding whose objects answer as told. */
function binding(answer: (ask: ObjectAsk, name: string) => Promise<Response> | Response): object {
  return {
    idFromName: (name: string) => name,
    get: (name: string) => ({
      fetch: async (_: string, { body }: { body: string }) => answer(JSON.parse(body) as ObjectAsk, name),
    }),
  };
}

const fits: ObjectSaid = { fits: true, remaining: 1, resetMs: 1000, takenAt: 42 };

function worker(onStoreError: "refuse" | "local", mode: "enforce" | "observe" = "enforce") {
  return workers(
    defineGateway({
      limits: {
        one: { limit: 2, window: "1m", by: "route", mode },
        two: { limit: 2, window: "1m", by: "route", mode },
      },
      limiting: { store: durableObject("LIMITS", { timeout: "50ms", onStoreError }) },
      routes: { all: { match: "/", answer: { body: "ok" }, limits: ["one", "two"] } },
    }),
  );
}

const ask = (entry: ReturnType<typeof worker>, LIMITS: object): Promise<Response> =>
  entry.fetch(new Request("http://gw.test/"), { LIMITS }, { waitUntil: silent });

describe("objects that cannot decide", () => {
  const rows: [what: string, answer: () => Promise<Response> | Response, reason: string][] = [
    ["do not answer", () => new Promise<Response>(silent), "no answer within 50 ms"],
    ["throw", () => Promise.reject(new Error("overloaded")), "overloaded"],
    ["answer with an error", () => new Response("", { status: 500 }), "status 500"],
  ];
  test.each(rows)("that %s: 503, told once", async (_, answer, reason) => {
    const entry = worker("refuse");
    for (let i = 0; i < 2; i++) {
      const response = await ask(entry, binding(answer));
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: "limit_store_unavailable" });
    }
    expect(warnings.mock.calls).toEqual([
      [`sluice: limiting.store: the Durable Objects of LIMITS cannot decide (${reason})`],
    ]);
  });

  test.each(rows)("that %s: counted in the isolate with onStoreError: local", async (_, answer) => {
    const entry = worker("local");
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await ask(entry, binding(answer))).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(JSON.parse(String(log.mock.calls[0]![0]))).toMatchObject({ "sluice.limit_store": "local" });
  });

  test("refuse nobody who is only observed", async () => {
    expect((await ask(worker("refuse", "observe"), binding(rows[1]![1]))).status).toBe(200);
  });

  test("while one has counted and another is late: what was counted is given back", async () => {
    const given: string[] = [];
    const objects = binding((asked, name) => {
      if (asked.takenAt !== undefined) given.push(`${name} ${asked.units} ${asked.takenAt}`);
      return name.startsWith("one") ? Response.json(fits) : new Promise<Response>(silent);
    });
    expect((await ask(worker("refuse"), objects)).status).toBe(503);
    await until(() => given.length > 0, "what was given back");
    expect(given).toEqual(["one all 1 42"]);
  });
});

describe("an object", () => {
  /** Storage that is kept while objects come and go. */
  function storage(): ObjectState["storage"] & { readonly kept: Map<string, unknown>; alarm: number | null } {
    const kept = new Map<string, unknown>();
    return {
      kept,
      alarm: null,
      get: (key) => Promise.resolve(structuredClone(kept.get(key))),
      put: (key, value) => Promise.resolve(void kept.set(key, structuredClone(value))),
      deleteAll: () => Promise.resolve(kept.clear()),
      getAlarm() {
        return Promise.resolve(this.alarm);
      },
      setAlarm(time) {
        this.alarm = time;
        return Promise.resolve();
      },
    };
  }
  const wake = async (of: ObjectState["storage"]): Promise<LimitStore> => {
    let loading: Promise<void> | undefined;
    const object = new LimitStore({ storage: of, blockConcurrencyWhile: (work) => (loading = work()) });
    await loading;
    return object;
  };
  const decide = async (object: LimitStore, ask: ObjectAsk): Promise<ObjectSaid> =>
    (await (
      await object.fetch(new Request("https://limits.invalid/", { method: "POST", body: JSON.stringify(ask) }))
    ).json()) as ObjectSaid;

  test("that sleeps and wakes goes on counting", async () => {
    const stored = storage();
    const question = { limit: 2, windowMs: 60_000, units: 1 };
    expect((await decide(await wake(stored), question)).fits).toBe(true);
    const { fits, takenAt } = await decide(await wake(stored), question);
    expect(fits).toBe(true);
    expect((await decide(await wake(stored), question)).fits).toBe(false);
    await decide(await wake(stored), { ...question, takenAt });
    expect((await decide(await wake(stored), question)).fits).toBe(true);
  });

  test("stores nothing more once the window has passed, and not before", async () => {
    const stored = storage();
    const object = await wake(stored);
    await decide(object, { limit: 2, windowMs: 100, units: 1 });
    expect(stored.alarm! - Date.now()).toBeWithin(1, 102);
    await object.alarm();
    expect(stored.kept.size).toBe(1);
    await until(() => Date.now() > stored.alarm!, "the window to pass");
    await object.alarm();
    expect(stored.kept.size).toBe(0);
  });

  test("that refuses writes nothing", async () => {
    const stored = storage();
    await decide(await wake(stored), { limit: 2, windowMs: 100, units: 3 });
    expect([stored.kept.size, stored.alarm]).toEqual([0, null]);
  });
});
