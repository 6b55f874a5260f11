// Content that is read whole, and content that is too much for it: nothing is lost either way.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Body, BodySink } from "../../src/http/body.ts";
import { Fields } from "../../src/http/fields.ts";
import { gather } from "../../src/http/gather.ts";

/** A body that a test feeds by hand. */
class HandBody implements Body {
  sink: BodySink | undefined = undefined;
  resumed = 0;
  cancelled = false;
  readonly length: number | undefined;

  constructor(length?: number) {
    this.length = length;
  }

  pipe(sink: BodySink): void {
    this.sink = sink;
  }

  resume(): void {
    this.resumed++;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

/** A sink that keeps what comes. */
class KeepingSink implements BodySink {
  text = "";
  ending = "";
  room = true;

  write(piece: Uint8Array): boolean {
    this.text += Buffer.from(piece).toString();
    return this.room;
  }

  end(trailers?: Fields): void {
    this.ending = `end ${trailers?.get("x") ?? ""}`;
  }

  fail(error: Error): void {
    this.ending = `fail ${error.message}`;
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

test("content within the bound comes as bytes", async () => {
  const body = new HandBody(5);
  const gathered = gather(body, 5);
  expect(body.sink!.write(bytes("he"))).toBe(true);
  expect(body.sink!.write(bytes("llo"))).toBe(true);
  body.sink!.end();
  expect(await gathered).toEqual(new Uint8Array(bytes("hello")));
});

test("content that says it is too long is not touched", async () => {
  const body = new HandBody(6);
  expect(await gather(body, 5)).toBe(body);
  expect(body.sink).toBeUndefined();
});

test("content that breaks off rejects", async () => {
  const body = new HandBody();
  const gathered = gather(body, 5);
  body.sink!.write(bytes("he"));
  body.sink!.fail(new Error("gone"));
  expect(gathered).rejects.toThrow("gone");
});

describe("content over the bound", () => {
  test("goes on with all of it, in order, whatever the pieces are and however it ends", async () => {
    const piece = fc.string({ minLength: 1, maxLength: 6, unit: "grapheme-ascii" });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.nat(12),
        fc.constantFrom("end", "fail"),
        async (pieces, early, end) => {
          const body = new HandBody();
          const gathered = gather(body, 0);
          body.sink!.write(bytes("first"));
          for (const each of pieces.slice(0, early)) body.sink!.write(bytes(each));
          const finish = (): void => {
            if (end === "end") body.sink!.end(Fields.of(["X", "1"]));
            else body.sink!.fail(new Error("gone"));
          };
          const before = early >= pieces.length;
          if (before) finish();
          const rest = (await gathered) as Body;
          const sink = new KeepingSink();
          rest.pipe(sink);
          for (const each of pieces.slice(early)) body.sink!.write(bytes(each));
          if (!before) finish();
          expect(sink.text).toBe(`first${pieces.join("")}`);
          expect(sink.ending).toBe(end === "end" ? "end 1" : "fail gone");
        },
      ),
    );
  });

  test("is read no further until somebody reads, and then at the pace of the reader", async () => {
    const body = new HandBody();
    const gathered = gather(body, 4);
    expect(body.sink!.write(bytes("hello"))).toBe(false);
    const rest = (await gathered) as Body;
    expect(body.resumed).toBe(0);
    const sink = new KeepingSink();
    sink.room = false;
    rest.pipe(sink);
    expect(body.resumed).toBe(0);
    expect(body.sink!.write(bytes("!"))).toBe(false);
    rest.resume();
    expect(body.resumed).toBe(1);
    sink.room = true;
    expect(body.sink!.write(bytes("?"))).toBe(true);
    rest.cancel();
    expect(body.cancelled).toBe(true);
  });
});
