// The examples of shaping, run as they stand.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import type { ReceivedResponse } from "../support/message-reader.ts";
import { answering, plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

const FOLDER = resolve(import.meta.dir, "../../examples/upstreams");

let one: RawOrigin;
let two: RawOrigin;
beforeAll(async () => {
  [one, two] = await Promise.all(
    ["one", "two"].map((name) => startOrigin(answering(plain(name)))) as [Promise<RawOrigin>, Promise<RawOrigin>],
  );
});
afterAll(() => Promise.all([one.stop(), two.stop()]));

/** Runs an example for as long as the story lasts. */
async function running(
  name: string,
  env: Readonly<Record<string, string>>,
  story: (send: (bytes: string) => Promise<ReceivedResponse>, gateway: Gateway) => Promise<void>,
): Promise<void> {
  const source = readFileSync(resolve(FOLDER, `${name}.config.ts`), "utf8").replace("port: 8080", "port: 0");
  const gateway = await startGateway(source, { env });
  try {
    await story((bytes) => exchange(gateway.port, bytes), gateway);
  } finally {
    await gateway.stop();
  }
}

test("split.config.ts: five in a hundred sessions and whoever has the cookie; sessions stay", async () => {
  await running("split", { STABLE: one.url, CANARY: two.url }, async (send) => {
    expect((await send(get("/x", "Cookie: session=a; canary=always"))).body.text).toBe("two");
    let canaries = 0;
    for (let i = 0; i < 200; i++) {
      const first = (await send(get("/x", `Cookie: session=${i}`))).body.text;
      if (first === "two") canaries++;
      if (i % 20 === 0) expect((await send(get("/y", `Cookie: session=${i}`))).body.text).toBe(first);
    }
    expect(canaries).toBeWithin(1, 30);
  });
});

test("mirror.config.ts: one in ten is copied, with what it carries", async () => {
  await running("mirror", { STABLE: one.url, NEXT: two.url }, async (send) => {
    for (let i = 0; i < 200; i++) expect((await send(request("PUT", "/mirrored", "abc"))).body.text).toBe("one");
    await until(() => two.requestsTo("/mirrored").length > 0, "a copy");
    expect(two.requestsTo("/mirrored").length).toBeWithin(1, 60);
    expect(one.requestsTo("/mirrored")).toHaveLength(200);
  });
});

test("fallback.config.ts: the old service while the new one is away, and what stands there when both are", async () => {
  const away = `http://127.0.0.1:${closedPort()}`;
  await running("fallback", { SEARCH: away, OLD: two.url }, async (send) => {
    expect((await send(get("/search?q=tea"))).body.text).toBe("two");
  });
  one.at("/search", answering(plain("later", "HTTP/1.1 503 No\r\n")));
  await running("fallback", { SEARCH: one.url, OLD: away }, async (send) => {
    const answer = await send(get("/search"));
    expect([answer.status, answer.body.text]).toEqual([200, '{"results":[],"partial":true}']);
  });
});

test("faults.config.ts: only who asks for faults meets some, and run warns", async () => {
  await running("faults", { ORDERS: one.url }, async (send, gateway) => {
    expect(gateway.stderr.text).toContain("FAULTS ARE MADE ON PURPOSE on orders");
    const statusesOf = async (...fields: string[]): Promise<Set<number>> => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => send(get("/orders/1", ...fields))));
      return new Set(answers.map(({ status }) => status));
    };
    expect(await statusesOf()).toEqual(new Set([200]));
    expect(await statusesOf("X-Test: faults")).toEqual(new Set([200, 503]));
  });
});
