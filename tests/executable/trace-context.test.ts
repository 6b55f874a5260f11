// What strangers say of traces, as upstreams of the executable see it (case GW-53; W3C Trace Context, sections 3.2 and 4).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TracingOptions } from "../../src/config/telemetry/options.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const valid = (flags: string): string => `traceparent: 00-${ID}-${SPAN}-${flags}`;

interface Seen {
  readonly id: string;
  readonly span: string;
  readonly flags: string;
  readonly state: string;
}

describe.each<[title: string, options: TracingOptions, begins: "sampled" | "unsampled", strangers: "followed" | "not"]>(
  [
    ["all recorded", {}, "sampled", "followed"],
    ["none recorded", { sample: 0 }, "unsampled", "followed"],
    ["nobody trusted, all recorded", { trust: "nobody" }, "sampled", "not"],
    ["nobody trusted, none recorded", { trust: "nobody", sample: 0 }, "unsampled", "not"],
  ],
)("%s:", (_, tracing, begins, strangers) => {
  let gateway: Gateway;
  let origin: RawOrigin;
  beforeAll(async () => {
    origin = await startOrigin({ behaviour: (x) => x.send(plain("hello")) });
    const config = {
      listen: { host: "127.0.0.1", port: 0 },
      tracing,
      upstreams: { up: { targets: [origin.url] } },
      routes: { up: { match: "/*", to: "up" } },
    };
    gateway = await startGateway(
      `import { defineGateway } from "sluice";\nexport default defineGateway(${JSON.stringify(config)});\n`,
    );
  });
  afterAll(async () => {
    await gateway.stop();
    await origin.stop();
  });

  /** What the upstream sees of a request with these lines: one `traceparent`, and at most one `tracestate`. */
  async function seen(...lines: string[]): Promise<Seen> {
    expect((await exchange(gateway.port, get("/", ...lines, "Connection: close"))).status).toBe(200);
    const { fields } = origin.requests.at(-1)!;
    const [parent, ...others] = fields.all("traceparent");
    expect(others).toEqual([]);
    const [, id, span, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parent ?? "") ?? [];
    expect(/^0+$/.test(id!) || /^0+$/.test(span!)).toBe(false);
    expect(fields.all("tracestate").length).toBeLessThanOrEqual(1);
    return { id: id!, span: span!, flags: flags!, state: fields.all("tracestate").join() };
  }

  const isSampled = ({ flags }: Seen): boolean => (Number.parseInt(flags, 16) & 1) === 1;

  /** A trace that begins at the gateway, as its config says. */
  function expectNew(trace: Seen): void {
    expect(trace.id).not.toBe(ID);
    expect(isSampled(trace)).toBe(begins === "sampled");
    expect(trace.state).not.toContain("stranger");
  }

  test("without any a trace begins", async () => expectNew(await seen()));

  test.each(["01", "00", "03"])(
    "a valid one with the flags %s is followed where its sender is trusted",
    async (flags) => {
      const trace = await seen(valid(flags), "tracestate: stranger=1");
      if (strangers === "not") return expectNew(trace);
      expect(trace).toMatchObject({ id: ID, flags, state: "stranger=1" });
      expect(trace.span).not.toBe(SPAN);
    },
  );

  test.each([
    ["too short", `traceparent: 00-${ID.slice(1)}-${SPAN}-01`],
    ["too long", `${valid("01")}-00`],
    ["of zeros", `traceparent: 00-${"0".repeat(32)}-${SPAN}-01`],
    ["of a span of zeros", `traceparent: 00-${ID}-${"0".repeat(16)}-01`],
    ["of the version ff", `traceparent: ff-${ID}-${SPAN}-01`],
    ["in upper case", `traceparent: 00-${ID.toUpperCase()}-${SPAN}-01`],
    ["there twice", `${valid("01")}\r\n${valid("01")}`],
    ["two in one line", `${valid("01")}, 00-${ID}-${SPAN}-01`],
    ["empty", "traceparent: "],
  ])("one that is %s is as good as none, and its tracestate with it", async (_, lines) => {
    expectNew(await seen(lines, "tracestate: stranger=1"));
  });

  test("of forty members of tracestate at most 32 pass", async () => {
    const members = Array.from({ length: 40 }, (_, at) => `stranger${at}=x`);
    const { state } = await seen(valid("01"), `tracestate: ${members.join(",")}`);
    expect(state.split(",").length).toBeLessThanOrEqual(32);
    if (strangers === "not") expect(state).not.toContain("stranger");
  });
});
