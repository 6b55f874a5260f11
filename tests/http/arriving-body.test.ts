// Bodies that arrive: whole or failed, in order, at the reader's pace, and silent once nobody wants them.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { ArrivingBody, type BodySource } from "../../src/http/arriving-body.ts";
import type { BodySink } from "../../src/http/body.ts";
import { CHUNKED, type Malformed, UNTIL_CLOSE } from "../../src/http/message.ts";
import { bytesOf, linesOf, textOf } from "./wire.ts";

/** A connection that only remembers what was asked of it. */
class Source implements BodySource {
  readonly calls: string[] = [];
  paused = false;
  wanted(): void {
    this.calls.push("wanted");
  }
  pauseReading(): void {
    this.calls.push("pause");
    this.paused = true;
  }
  resumeReading(): void {
    this.calls.push("resume");
    this.paused = false;
  }
  abandoned(): void {
    this.calls.push("abandoned");
  }
  explain(fault: Malformed): GatewayError {
    return new GatewayError("http_request_error", fault.message);
  }
}

/** Takes what comes; full whenever `room` says so. */
class Sink implements BodySink {
  readonly calls: string[] = [];
  content = "";
  #room: (written: number) => boolean;
  #written = 0;
  constructor(room: (written: number) => boolean = () => true) {
    this.#room = room;
  }
  write(piece: Uint8Array): boolean {
    this.calls.push("write");
    this.content += textOf(piece);
    return this.#room(++this.#written);
  }
  end(trailers?: Parameters<BodySink["end"]>[0]): void {
    this.calls.push(trailers === undefined ? "end" : `end ${JSON.stringify(linesOf(trailers))}`);
  }
  fail(error: Error): void {
    this.calls.push(`fail ${error.message}`);
  }
}

const LEFT = new GatewayError("client_disconnect", "left");
const made = (length: number): { source: Source; body: ArrivingBody; feed: (text: string) => number } => {
  const source = new Source();
  const body = new ArrivingBody(length, source);
  return { source, body, feed: (text) => body.feed(bytesOf(text), 0) };
};

describe("a body with a reader", () => {
  test("is handed on as it comes, and ends with its last byte", () => {
    const { source, body, feed } = made(5);
    const sink = new Sink();
    body.pipe(sink);
    expect(source.calls[0]).toBe("wanted");
    expect([feed("he"), feed("lloGET /")]).toEqual([2, 3]);
    expect([sink.content, sink.calls]).toEqual(["hello", ["write", "write", "end"]]);
    expect([body.length, body.whole, body.received]).toEqual([5, true, 5]);
  });

  test("of unknown length tells its trailers", () => {
    const { body, feed } = made(CHUNKED);
    const sink = new Sink();
    body.pipe(sink);
    feed("2\r\nab\r\n0\r\nDigest: x\r\n\r\n");
    expect([body.length, sink.content, sink.calls]).toEqual([undefined, "ab", ["write", 'end [["Digest","x"]]']]);
  });

  test("whose reader is full pauses the socket, and resumes with it", () => {
    const { source, body, feed } = made(10);
    const sink = new Sink((written) => written !== 1);
    body.pipe(sink);
    feed("ab");
    expect(source.paused).toBe(true);
    body.resume();
    expect(source.paused).toBe(false);
    feed("cdefghij");
    expect([sink.content, source.paused]).toEqual(["abcdefghij", false]);
  });

  test("that is whole asks nothing more of the socket: the next request's bytes are not its business", () => {
    const { source, body, feed } = made(2);
    body.pipe(new Sink());
    feed("ab");
    source.calls.length = 0;
    body.resume();
    body.cancel();
    expect(source.calls).toEqual([]);
  });
});

describe("a body whose reader comes later", () => {
  test("waits, and is handed on in order with what comes after", () => {
    const { source, body, feed } = made(6);
    feed("ab");
    feed("cd");
    const sink = new Sink();
    body.pipe(sink);
    feed("ef");
    expect([sink.content, sink.calls.at(-1), source.paused]).toEqual(["abcdef", "end", false]);
  });

  test("that is whole by then is handed on and ended at once, and wants nothing", () => {
    const { source, body, feed } = made(CHUNKED);
    feed("2\r\nab\r\n0\r\n\r\n");
    const sink = new Sink();
    body.pipe(sink);
    expect([sink.calls, source.calls]).toEqual([["write", "end"], []]);
  });

  test("holds 64 KiB at most: then the socket is paused", () => {
    const { source, body } = made(UNTIL_CLOSE);
    const piece = new Uint8Array(1024);
    for (let i = 0; i < 63; i++) body.feed(piece, 0);
    expect(source.paused).toBe(false);
    body.feed(piece, 0);
    expect(source.paused).toBe(true);
    body.pipe(new Sink());
    expect(source.paused).toBe(false);
  });

  test("whose reader is full at once stays paused, or is paused then", () => {
    for (const early of [100_000, 1]) {
      const { source, body } = made(UNTIL_CLOSE);
      body.feed(new Uint8Array(early), 0);
      body.pipe(new Sink(() => false));
      expect(source.paused).toBe(true);
    }
  });

  test("whose reader wants no more after the first piece is not handed the second", () => {
    const { body, feed } = made(6);
    feed("ab");
    feed("cd");
    const sink = new Sink(() => {
      body.cancel();
      return false;
    });
    body.pipe(sink);
    feed("ef");
    expect([sink.content, sink.calls]).toEqual(["ab", ["write"]]);
  });
});

describe("a body that breaks off", () => {
  test("fails its reader once, and never ends", () => {
    const { body, feed } = made(5);
    const sink = new Sink();
    body.pipe(sink);
    feed("he");
    body.fail(LEFT);
    body.fail(new GatewayError("request_timeout", "again"));
    expect(feed("llo")).toBe(3);
    expect(body.endedByClose()).toBe(false);
    expect([sink.calls, body.whole]).toEqual([["write", "fail left"], false]);
  });

  test("before its reader came tells it when it comes, behind what had arrived", () => {
    const { source, body, feed } = made(5);
    feed("he");
    body.fail(LEFT);
    const sink = new Sink();
    body.pipe(sink);
    expect([sink.content, sink.calls, source.calls]).toEqual(["he", ["write", "fail left"], []]);
  });

  test("is not made whole by the end of the connection, though that would have ended it", () => {
    for (const early of [true, false]) {
      const { body, feed } = made(UNTIL_CLOSE);
      const sink = new Sink();
      if (!early) body.pipe(sink);
      feed("he");
      body.fail(LEFT);
      if (early) body.pipe(sink);
      expect([body.endedByClose(), body.whole]).toEqual([false, false]);
      expect(sink.calls).toEqual(["write", "fail left"]);
    }
  });

  test("after its last byte is whole all the same", () => {
    const { body, feed } = made(2);
    const sink = new Sink();
    feed("ab");
    body.fail(LEFT);
    body.pipe(sink);
    expect(sink.calls).toEqual(["write", "end"]);
  });

  test("by malformed chunks takes all bytes, so that nothing behind them is read as a request (GW-58)", () => {
    const { body, feed } = made(CHUNKED);
    const sink = new Sink();
    body.pipe(sink);
    const text = "0\r\nXXGET /smuggled HTTP/1.1\r\n\r\n";
    expect(feed(text)).toBe(text.length);
    expect(feed("GET /smuggled HTTP/1.1\r\n\r\n")).toBe(26);
    expect(sink.calls).toEqual(["fail a field value holds a CR"].map(() => expect.stringMatching(/^fail /)));
    expect(body.whole).toBe(false);
  });
});

test("the end of the connection makes a body whole that had no length, and no other", () => {
  for (const [length, text, whole] of [
    [UNTIL_CLOSE, "ab", true],
    [UNTIL_CLOSE, "", true],
    [5, "ab", false],
    [CHUNKED, "2\r\nab\r\n", false],
    [2, "ab", true],
  ] as const) {
    const { body, feed } = made(length);
    const sink = new Sink();
    body.pipe(sink);
    feed(text);
    expect(body.endedByClose()).toBe(whole);
    expect(sink.calls.filter((call) => call === "end")).toHaveLength(whole ? 1 : 0);
  }
});

describe("a cancelled body", () => {
  test("drops what comes, counts it, and says once that it is abandoned", () => {
    const { source, body, feed } = made(CHUNKED);
    const sink = new Sink();
    body.pipe(sink);
    feed("2\r\nab\r\n");
    body.cancel();
    body.cancel();
    feed("3\r\ncde\r\n");
    const text = "0\r\n\r\nGET /";
    expect(feed(text)).toBe(5);
    expect([body.whole, body.received, sink.calls]).toEqual([true, 5, ["write"]]);
    expect(source.calls.filter((call) => call === "abandoned")).toHaveLength(1);
  });

  test("may be cancelled before anybody reads", () => {
    const { source, body, feed } = made(UNTIL_CLOSE);
    feed("ab");
    body.cancel();
    body.feed(new Uint8Array(200_000), 0);
    expect([source.calls, body.received]).toEqual([["abandoned"], 200_002]);
  });
});

type Step =
  { readonly act: "feed"; readonly count: number } | { readonly act: "pipe" | "resume" | "cancel" | "fail" | "close" };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("feed" as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom("pipe" as const, "resume" as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("cancel" as const, "fail" as const, "close" as const) }) },
);

test("whatever happens in whatever order: the content in order, one end or one failure, nothing behind it", () => {
  const bodies: [wire: string, length: number, content: string][] = [
    ["hello, world", 12, "hello, world"],
    ["5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nDigest: x\r\n\r\n", CHUNKED, "hello, world"],
    ["hello, world", UNTIL_CLOSE, "hello, world"],
    ["5\r\nhello\r\n7\r\n, worldXX", CHUNKED, "hello, world"],
  ];
  const full = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.array(anyStep, { maxLength: 25, size: "max" }),
      full,
      ([wire, length, content], steps, room) => {
        const { body } = made(length);
        const bytes = bytesOf(wire);
        const sink = new Sink((written) => room[written % room.length]!);
        let at = 0;
        let piped = false;
        let cancelledAt: number | undefined;
        for (const step of steps) {
          if (step.act === "feed") {
            const end = Math.min(bytes.length, at + step.count);
            if (end > at) body.feed(bytes.subarray(at, end), 0);
            at = end;
          } else if (step.act === "pipe") {
            if (!piped) body.pipe(sink);
            piped = true;
          } else if (step.act === "resume") {
            if (piped) body.resume();
          } else if (step.act === "fail") body.fail(LEFT);
          else if (step.act === "close") {
            body.endedByClose();
            break;
          } else {
            body.cancel();
            cancelledAt ??= sink.calls.length;
          }
        }
        expect(content.startsWith(sink.content)).toBe(true);
        const last = sink.calls.filter((call) => call !== "write");
        expect(last.length).toBeLessThanOrEqual(1);
        if (last.length === 1) expect(sink.calls.at(-1)).toBe(last[0]!);
        if (last[0]?.startsWith("end") === true)
          expect(sink.content).toBe(length === UNTIL_CLOSE ? wire.slice(0, at) : content);
        if (cancelledAt !== undefined) expect(sink.calls).toHaveLength(cancelledAt);
        else if (piped && body.whole) expect(last).toHaveLength(1);
      },
    ),
    { numRuns: 1000 },
  );
});
