// Limits on Cloudflare's runtime, counted in Durable Objects.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Started } from "../conformance/conformance.ts";
import { startWorkerd } from "../conformance/workerd.ts";
import { until } from "../support/deadline.ts";
import { get, problemOf } from "../support/messages.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

const ENTRY = join(import.meta.dir, "limit-worker.ts");
let callers = 0;
const newCaller = (): string => `X-Caller: caller-${++callers}`;

describe("limits in Durable Objects", () => {
  let origin: RawOrigin;
  let worker: Started;
  beforeAll(async () => {
    origin = await startOrigin();
    worker = await startWorkerd(ENTRY, { APP: origin.url }, { LIMITS: "LimitStore" });
  });
  afterAll(async () => {
    await worker.stop();
    await origin.stop();
  });
  const ask = async (path: string, caller: string): Promise<number> =>
    (await exchange(worker.port, get(path, caller))).status;

  test("admit exactly the limit of requests at the same time, and each caller for itself", async () => {
    const [one, other] = [newCaller(), newCaller()];
    const statuses = await Promise.all(Array.from({ length: 150 }, () => ask("/wide", one)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(90);
    expect(origin.requestsTo("/wide")).toHaveLength(60);
    expect(await ask("/wide", other)).toBe(200);
  });

  test("of several the tightest answers, and what the others counted is given back", async () => {
    const caller = newCaller();
    for (let i = 0; i < 3; i++) expect(await ask("/both", caller)).toBe(200);
    for (let i = 0; i < 3; i++) {
      const response = await exchange(worker.port, get("/both", caller));
      expect([response.status, problemOf(response)["violated-policies"]]).toEqual([429, ["tight"]]);
    }
    await until(async () => {
      const { fields } = await exchange(worker.port, get("/wide", caller));
      // Three of /both, and each question here.
      return fields.one("ratelimit")!.startsWith(`"wide";r=${60 - 3 - ++asked};`);
    }, "what was given back");
  });
  let asked = 0;

  test("only answers that count are counted", async () => {
    const caller = newCaller();
    for (let i = 0; i < 6; i++) {
      await until(async () => (await ask("/failures", caller)) === 200, "what was given back");
    }
  });

  test("a window passes", async () => {
    const caller = newCaller();
    expect([await ask("/short", caller), await ask("/short", caller)]).toEqual([200, 429]);
    await until(async () => (await ask("/short", caller)) === 200, "the window to pass");
  });

  test("quotas and costs", async () => {
    const caller = newCaller();
    const first = await exchange(worker.port, get("/daily", caller));
    expect(first.fields.one("ratelimit")).toMatch(/^"daily";r=0;t=\d+$/);
    expect(await ask("/daily", caller)).toBe(429);
  });
});

test("without the binding nothing is let through, and the console says why once", async () => {
  const origin = await startOrigin();
  const worker = await startWorkerd(ENTRY, { APP: origin.url });
  for (let i = 0; i < 3; i++) {
    const response = await exchange(worker.port, get("/wide", newCaller()));
    expect([response.status, problemOf(response).code]).toEqual([503, "limit_store_unavailable"]);
    expect(response.fields.one("retry-after")).toBe("1");
  }
  expect(origin.requests).toHaveLength(0);
  await worker.stop();
  await origin.stop();
});
