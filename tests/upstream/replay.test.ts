// Content that is sent again: each attempt reads all of it from its beginning, in whatever pieces and at whatever pace.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Body, BodySink } from "../../src/http/body.ts";
import { Fields } from "../../src/http/fields.ts";
import { Replay } from "../../src/upstream/replay.ts";

/** A source whose pieces come when the test says so. */
class Source implements Body {
  readonly length: number | undefined = undefined;
  sink: BodySink | undefined = undefined;
  cancelled = false;
  /** Whether its reader wants more. */
  open = false;

  pipe(sink: BodySink): void {
    if (this.sink !== undefined) throw new Error("read twice");
    this.sink = sink;
    this.open = true;
  }

  resume(): void {
    this.open = true;
  }

  cancel(): void {
    this.cancelled = true;
  }

  send(text: string): void {
    if (this.open && !this.sink!.write(new TextEncoder().encode(text))) this.open = false;
  }
}

/** A reader that keeps what it gets. */
class Reader implements BodySink {
  text = "";
  end_: Fields | "none" | Error | undefined = undefined;
  room = true;

  write(piece: Uint8Array): boolean {
    this.text += new TextDecoder().decode(piece);
    return this.room;
  }

  end(trailers?: Fields): void {
    this.end_ = trailers ?? "none";
  }

  fail(error: Error): void {
    this.end_ = error;
  }
}

function read(replay: Replay): { view: Body; reader: Reader } {
  const view = replay.view();
  const reader = new Reader();
  view.pipe(reader);
  return { view, reader };
}

describe("a replay", () => {
  test("gives a later attempt what an earlier one got, and what comes after it", () => {
    const source = new Source();
    const replay = new Replay(source, 100);
    const first = read(replay);
    source.send("abc");
    first.view.cancel();
    const second = read(replay);
    source.send("def");
    source.sink!.end();
    expect(first.reader.text).toBe("abc");
    expect(second.reader).toMatchObject({ text: "abcdef", end_: "none" });
    expect(read(replay).reader).toMatchObject({ text: "abcdef", end_: "none" });
    expect(source.cancelled).toBe(false);
  });

  test("keeps what comes while nobody reads, and tells the source to stop", () => {
    const source = new Source();
    const replay = new Replay(source, 4);
    read(replay).view.cancel();
    source.send("a piece that is longer than what is kept");
    expect(source.open).toBe(false);
    const { reader } = read(replay);
    expect(source.open).toBe(true);
    expect(reader.text).toBe("a piece that is longer than what is kept");
  });

  test("cannot be read again once it is longer than what is kept", () => {
    const source = new Source();
    const replay = new Replay(source, 4);
    const { reader } = read(replay);
    source.send("abcd");
    expect(replay.replayable).toBe(true);
    source.send("e");
    expect(replay.replayable).toBe(false);
    source.sink!.end();
    expect(reader.text).toBe("abcde");
  });

  test("tells later attempts with which trailers it ended, or how it broke", () => {
    const trailers = Fields.of(["X-Sum", "1"]);
    const whole = new Source();
    const ended = new Replay(whole, 9);
    read(ended);
    whole.sink!.end(trailers);
    expect(read(ended).reader.end_).toBe(trailers);
    const broken = new Source();
    const failed = new Replay(broken, 9);
    read(failed).view.cancel();
    const error = new Error("the client left");
    broken.sink!.fail(error);
    expect(read(failed).reader.end_).toBe(error);
  });

  test("says when all of it has come", () => {
    const source = new Source();
    const replay = new Replay(source, 9);
    let whole = 0;
    replay.whenWhole(() => whole++);
    read(replay);
    expect(whole).toBe(0);
    source.sink!.end();
    replay.whenWhole(() => whole++);
    expect(whole).toBe(2);
  });

  describe("lets the source go", () => {
    test("when it is decided and its reader leaves", () => {
      const source = new Source();
      const replay = new Replay(source, 9);
      const { view, reader } = read(replay);
      replay.decide();
      source.send("on");
      expect({ text: reader.text, cancelled: source.cancelled }).toEqual({ text: "on", cancelled: false });
      view.cancel();
      expect(source.cancelled).toBe(true);
    });

    test("when its reader has left and it is decided", () => {
      const source = new Source();
      const replay = new Replay(source, 9);
      read(replay).view.cancel();
      expect(source.cancelled).toBe(false);
      replay.decide();
      expect(source.cancelled).toBe(true);
    });

    test("not when nobody has ever read it: it is the listener's", () => {
      const source = new Source();
      const replay = new Replay(source, 9);
      replay.view();
      replay.decide();
      expect(source.cancelled).toBe(false);
    });

    test("not for the sake of a view that is not the last", () => {
      const source = new Source();
      const replay = new Replay(source, 9);
      const first = read(replay);
      const second = read(replay);
      replay.decide();
      first.view.cancel();
      source.send("x");
      expect({ cancelled: source.cancelled, text: second.reader.text }).toEqual({ cancelled: false, text: "x" });
    });
  });

  test("whatever the pieces, the pace and the attempts: the last one gets all of it, in order, once", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.string({ minLength: 1, maxLength: 12, unit: "grapheme-ascii" }) },
      { weight: 1, arbitrary: fc.constantFrom("again" as const, "full" as const, "room" as const, "leave" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const source = new Source();
        const replay = new Replay(source, 100_000);
        let sent = "";
        let at = read(replay);
        for (const each of steps) {
          if (each === "again") at = read(replay);
          else if (each === "leave") at.view.cancel();
          else if (each === "full") at.reader.room = false;
          else if (each === "room") {
            at.reader.room = true;
            at.view.resume();
          } else if (source.open) {
            source.send(each);
            sent += each;
          }
        }
        at = read(replay);
        expect(at.reader.text).toBe(sent);
        expect(source.open).toBe(true);
        source.sink!.end();
        expect(at.reader.end_).toBe("none");
      }),
    );
  });
});
