// What an operator does over the admin listener of the executable takes effect at once, in every worker.
import { afterEach, expect, test } from "bun:test";
import { type Config, type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { exchange } from "../support/raw-client.ts";

let running: Gateway | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A gateway, and who asks its admin listener. */
async function withAdmin(config: Config): Promise<{ gateway: Gateway; ask: (question: string) => Promise<unknown> }> {
  const gateway = (running = await startGateway(config));
  const ask = async (question: string): Promise<unknown> => {
    const [method = "", path = ""] = question.split(" ");
    return (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, { method })).json();
  };
  return { gateway, ask };
}

/** The statuses of so many requests, each on a connection of its own: any worker may have it. */
async function statuses({ port }: Gateway, count: number, fields: readonly string[] = []): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await exchange(port, get("/", ...fields))).status);
  return all;
}

test.each([1, 2])(
  "with %i workers a caller whose limit is reset begins anew, and nobody else does",
  async (workers) => {
    const { gateway, ask } = await withAdmin({
      workers,
      admin: { port: 0 },
      limits: {
        each: { limit: 3, window: "1h", by: { header: "x-who" } },
        all: { limit: 100, window: "1h", by: "route" },
      },
      routes: { r: { match: "/", answer: { status: 200 }, limits: ["each", "all"] } },
    });
    const of = (who: string, count = 4): Promise<number[]> => statuses(gateway, count, [`X-Who: ${who}`]);
    const three = [200, 200, 200, 429];
    expect([await of("ann"), await of("bob")]).toEqual([three, three]);
    const one = { limit: "each", caller: "ann", most: 3 };
    expect(await ask("GET /limits?limit=each&caller=ann")).toEqual({ ...one, left: 0 });
    expect(await ask("POST /limits/reset?limit=each&caller=ann")).toEqual({ limits: [{ ...one, left: 3, before: 0 }] });
    expect([await of("ann"), await of("bob", 1)]).toEqual([three, [429]]);
    expect(await ask("GET /limits?limit=all&caller=r")).toMatchObject({ left: 91 });
    expect(await ask("POST /limits/reset?caller=r")).toMatchObject({
      limits: [{ left: 3 }, { left: 100, before: 91 }],
    });
  },
);
