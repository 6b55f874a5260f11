// How long a collector is tried, and when it is left alone: on a clock moved by hand.
import { describe, expect, test } from "bun:test";
import type { OtlpEndpoint } from "../../../src/config/telemetry/plan.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { OtlpSender, type Sent } from "../../../src/record/otlp/sender.ts";

const PLAN: OtlpEndpoint = {
  url: "http://c.test/v1/traces",
  headers: [],
  gzip: false,
  timeoutMs: 10_000,
  tls: undefined,
};

/** A sender, and a collector that answers in turn; without an answer left it hangs. */
class Story {
  readonly platform = new FakePlatform();
  readonly sender: OtlpSender;
  /** When it was asked, in milliseconds since the beginning. */
  readonly tries: number[] = [];
  readonly #began = this.platform.now();

  constructor(...answers: readonly (() => Response)[]) {
    const waiting = [...answers];
    this.platform.fetch = (request) => {
      this.tries.push(this.now);
      return new Promise((resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(new Error("aborted")));
        const answer = waiting.shift();
        if (answer !== undefined) resolve(answer());
      });
    };
    this.sender = new OtlpSender(PLAN, undefined, "spans", this.platform);
  }

  get now(): number {
    return this.platform.now() - this.#began;
  }

  /** Sends; what came of it, and when, once it has come to an end. */
  send(forMs: number): { sent?: Sent; at?: number } {
    const what: { sent?: Sent; at?: number } = {};
    void this.sender.send("{}", forMs).then((sent) => Object.assign(what, { sent, at: this.now }));
    return what;
  }

  /** Lets time pass, a tenth of a second each step. */
  async pass(ms: number): Promise<void> {
    await this.rest();
    for (const end = this.now + ms; this.now < end;) {
      this.platform.clock.advance(100);
      await this.rest();
    }
  }

  async rest(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const patience =
  (seconds: number | string, status = 503) =>
  () =>
    new Response("", { status, headers: { "retry-after": String(seconds) } });
const ok = (): Response => Response.json({});

describe("what a collector asks for holds for all that is sent", () => {
  test("the next message waits until then", async () => {
    const story = new Story(patience(60), ok);
    const first = story.send(30_000);
    await story.pass(100);
    expect(first.sent?.outcome).toBe("failed");
    const second = story.send(90_000);
    await story.pass(59_000);
    expect(story.tries).toHaveLength(1);
    await story.pass(1000);
    expect(second.sent?.outcome).toBe("sent");
    expect(story.tries[1]! - story.tries[0]!).toBeGreaterThanOrEqual(60_000);
  });

  test("one that could not wait so long is not tried", async () => {
    const story = new Story(patience(60));
    story.send(30_000);
    await story.pass(100);
    const second = story.send(30_000);
    await story.pass(100);
    expect([second.sent?.outcome, story.tries.length]).toEqual(["failed", 1]);
  });

  test("`ready` is when it is over, or the sender is stopped", async () => {
    const story = new Story(patience(60));
    story.send(30_000);
    await story.pass(100);
    const ready: number[] = [];
    void story.sender.ready().then(() => ready.push(story.now));
    await story.pass(59_000);
    expect(ready).toEqual([]);
    await story.pass(1000);
    expect(ready).toHaveLength(1);

    const stopped = new Story(patience(60));
    stopped.send(30_000);
    await stopped.pass(100);
    void stopped.sender.ready().then(() => ready.push(stopped.now));
    stopped.sender.stop();
    await stopped.rest();
    expect(ready).toHaveLength(2);
  });

  test("a year is an hour", async () => {
    const story = new Story(patience(365 * 86_400), ok);
    story.send(30_000);
    await story.pass(100);
    const second = story.send(3_700_000);
    await story.pass(3_600_000);
    expect([second.sent?.outcome, story.tries.length]).toEqual(["sent", 2]);
  });

  test("but not what is said of a message that is refused for good", async () => {
    const story = new Story(patience(60, 400), ok);
    story.send(30_000);
    await story.pass(100);
    const second = story.send(30_000);
    await story.pass(100);
    expect([second.sent?.outcome, story.tries.length]).toEqual(["sent", 2]);
  });
});

test("all tries end when the time is over, the last one too", async () => {
  const story = new Story();
  const sent = story.send(12_000);
  await story.pass(20_000);
  expect(sent.sent?.outcome).toBe("failed");
  expect(story.tries).toHaveLength(2);
  expect(sent.at).toBeLessThanOrEqual(12_100);
});
