// Retries where the runtime's fetch is the client: it does not tell what was sent, so only what bears repetition goes again.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { createGateway } from "../../src/gateway.ts";
import { planOf } from "../config/support.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { toUpstream } from "../support/fake-world.ts";

/** What one fetch comes to. */
type Outcome = number | Error | "hang";

/** What a client got, and what was fetched for it. */
interface Seen {
  readonly status: number;
  readonly fetched: { host: string; body: string; timeout: string | null }[];
  readonly aborted: number;
}

/** One request to a gateway whose fetches come to these in turn, the last for ever. */
async function ask(
  upstream: Partial<UpstreamOptions>,
  outcomes: readonly Outcome[],
  init: RequestInit = {},
): Promise<Seen> {
  const platform = Object.assign(new FakePlatform(), { runtime: "workers" as never, connect: undefined as never });
  const fetched: Seen["fetched"] = [];
  let aborted = 0;
  platform.fetch = async (request) => {
    const outcome = outcomes[Math.min(fetched.length, outcomes.length - 1)]!;
    const place = { host: new URL(request.url).host, body: "", timeout: request.headers.get("grpc-timeout") };
    fetched.push(place);
    place.body = await request.text();
    if (typeof outcome === "number") return new Response(`answer ${fetched.length}`, { status: outcome });
    if (outcome instanceof Error) throw outcome;
    return new Promise((_, reject) =>
      request.signal.addEventListener("abort", () => {
        aborted++;
        reject(new Error("aborted"));
      }),
    );
  };
  const options: GatewayOptions = toUpstream({
    targets: ["http://a.test", "http://b.test"],
    ejection: false,
    ...upstream,
  });
  const gateway = createGateway(planOf(options), platform);
  let answer: Response | undefined;
  void gateway.fetch(new Request("http://gw.test/it", init), "192.0.2.1").then((response) => (answer = response));
  for (let turn = 0; turn < 200 && answer === undefined; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    platform.clock.advance(25);
  }
  await answer?.text();
  gateway.close();
  return { status: answer?.status ?? 0, fetched, aborted };
}

const RESET = new Error("Network connection lost.");
const REFUSED = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
const PUT = { method: "PUT", body: "content" };
const POST = { method: "POST", body: "content" };
const hosts = ({ fetched }: Seen): string[] => fetched.map(({ host }) => host);

describe("by fetch", () => {
  test.each([
    ["a status", 503],
    ["a connection that breaks", RESET],
  ] as const)("%s: what bears repetition goes to another target, with all of its content", async (_, outcome) => {
    for (const init of [{}, PUT]) {
      const seen = await ask({ retries: {} }, [outcome, 200], init);
      expect({ status: seen.status, hosts: hosts(seen) }).toEqual({ status: 200, hosts: ["a.test", "b.test"] });
      expect(seen.fetched.map(({ body }) => body)).toEqual(Array(2).fill(init === PUT ? "content" : ""));
    }
  });

  test.each([
    ["a status", 503, 503],
    ["a connection that breaks", RESET, 502],
  ] as const)("%s: POST is fetched once", async (_, outcome, status) => {
    const seen = await ask({ retries: {} }, [outcome, 200], POST);
    expect({ status: seen.status, hosts: hosts(seen) }).toEqual({ status, hosts: ["a.test"] });
  });

  test("without `retries` a connection that breaks is told, for its content may have been acted on", async () => {
    expect(hosts(await ask({}, [RESET, 200]))).toEqual(["a.test"]);
  });

  test("no connection at all: any method goes to the next target", async () => {
    const seen = await ask({}, [REFUSED, 200], { method: "POST" });
    expect({ status: seen.status, hosts: hosts(seen) }).toEqual({ status: 200, hosts: ["a.test", "b.test"] });
  });

  test("an attempt that takes longer than perTry is aborted, and another follows", async () => {
    const seen = await ask({ retries: { perTry: "500ms" } }, ["hang", 200]);
    expect({ ...seen, fetched: hosts(seen) }).toEqual({ status: 200, fetched: ["a.test", "b.test"], aborted: 1 });
  });

  test("a slow one is hedged, and what loses is aborted", async () => {
    const seen = await ask({ hedge: { after: "500ms" } }, ["hang", 200]);
    expect({ ...seen, fetched: hosts(seen) }).toEqual({ status: 200, fetched: ["a.test", "b.test"], aborted: 1 });
  });

  test("all attempts together have one deadline", async () => {
    const seen = await ask({ timeouts: { whole: "2s" }, retries: { perTry: "1500ms" } }, ["hang"]);
    expect({ ...seen, fetched: hosts(seen) }).toEqual({ status: 504, fetched: ["a.test", "b.test"], aborted: 2 });
  });

  test("over HTTP/2 the deadline of gRPC is passed on, less what is gone, and kept", async () => {
    const h2 = { protocol: "h2", targets: ["https://a.test", "https://b.test"] } as const;
    const headers = { "grpc-timeout": "2S", "Content-Type": "application/grpc" };
    const kept = await ask(h2, ["hang"], { method: "POST", headers });
    expect({ ...kept, fetched: kept.fetched.map(({ timeout }) => timeout) }).toEqual({
      status: 504,
      fetched: ["2000m"],
      aborted: 1,
    });
    const again = await ask({ ...h2, retries: { perTry: "500ms" } }, ["hang", 200], { headers });
    const [first, second] = again.fetched.map(({ timeout }) => Number.parseInt(timeout ?? ""));
    expect(first).toBe(2000);
    expect(second! > 1000 && second! <= 1500).toBe(true);
    expect((await ask(h2, [200])).fetched[0]!.timeout).toBeNull();
  });
});
