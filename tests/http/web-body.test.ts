// Bodies that cross between Body and ReadableStream: whole, at the reader's pace, and never ended by a failure.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bodyFromStream, streamFromContent } from "../../src/http/web-body.ts";
import {
  chunkings,
  CollectingSink,
  endless,
  failingStream,
  ManualBody,
  pipedTo,
  settled,
  streamOf,
  until,
} from "./body-doubles.ts";

describe("a stream as a body", () => {
  test("arrives whole whatever the chunks and whenever the sink is full", async () => {
    await fc.assert(
      fc.asyncProperty(chunkings, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), async (chunks, room) => {
        const body = bodyFromStream(streamOf(chunks));
        const sink = new CollectingSink(body, room);
        body.pipe(sink);
        expect(await sink.outcome).toBe("end");
        expect(sink.bytes()).toEqual(Buffer.concat(chunks));
        expect(sink.writesWhileFull).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test("pauses its source while the sink is full", async () => {
    let pulled = 0;
    const source = endless(() => (pulled += 1));
    const body = bodyFromStream(source);
    let writes = 0;
    body.pipe({ write: () => ++writes < 3, end() {}, fail() {} });
    await settled();
    expect(writes).toBe(3);
    expect(pulled).toBeLessThanOrEqual(4);
    body.resume();
    await settled();
    expect(writes).toBe(4);
    body.cancel();
  });

  test("cancelling stops the source and silences the sink", async () => {
    let reason: unknown = "not cancelled";
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: (given) => void (reason = given),
    });
    const body = bodyFromStream(source);
    const calls: string[] = [];
    body.pipe({
      write: () => (calls.push("write"), false),
      end: () => void calls.push("end"),
      fail: () => void calls.push("fail"),
    });
    await settled();
    const why = new Error("the client left");
    body.cancel(why);
    body.cancel();
    body.resume();
    await settled();
    expect(reason).toBe(why);
    expect(calls).toEqual(["write"]);
  });

  test("can be cancelled before anybody reads, and then never calls a sink", async () => {
    let cancelled = false;
    const body = bodyFromStream(new ReadableStream({ cancel: () => void (cancelled = true) }));
    body.cancel();
    body.pipe({ write: () => expect.unreachable(), end: () => expect.unreachable(), fail: () => expect.unreachable() });
    await settled();
    expect(cancelled).toBe(true);
  });

  test("a failure surfaces as that error, never as an end", async () => {
    const failure = new Error("broken off");
    const body = bodyFromStream(failingStream([new Uint8Array([1, 2])], failure));
    const sink = new CollectingSink(body);
    body.pipe(sink);
    expect(await sink.outcome).toBe(failure);
    expect(sink.bytes()).toEqual(Buffer.from([1, 2]));
  });

  test("fails when it is shorter than the length it promised", async () => {
    const sink = pipedTo(bodyFromStream(streamOf([new Uint8Array(3)]), 5));
    expect(await sink.outcome).toBeInstanceOf(Error);
  });

  test("fails before a byte too many when it is longer than the length it promised", async () => {
    const sink = pipedTo(bodyFromStream(streamOf([new Uint8Array(3), new Uint8Array(3)]), 5));
    expect(await sink.outcome).toBeInstanceOf(Error);
    expect(sink.bytes().length).toBe(3);
  });

  test("fails when the stream gives something that is not bytes", async () => {
    const stream = new Response("x").body!.pipeThrough(
      new TextDecoderStream(),
    ) as unknown as ReadableStream<Uint8Array>;
    expect(await pipedTo(bodyFromStream(stream)).outcome).toBeInstanceOf(TypeError);
  });

  test("fails when the stream is locked by somebody else", async () => {
    const stream = streamOf([new Uint8Array(1)]);
    stream.getReader();
    expect(await pipedTo(bodyFromStream(stream)).outcome).toBeInstanceOf(TypeError);
  });
});

describe("content as a stream", () => {
  test("nothing stays nothing, and bytes stay the same bytes", () => {
    const bytes = new Uint8Array([1]);
    expect(streamFromContent(null)).toBeNull();
    expect(streamFromContent(bytes)).toBe(bytes);
  });

  test("a stream that was only carried comes out as the same object", () => {
    const stream = streamOf([new Uint8Array(1)]);
    expect(streamFromContent(bodyFromStream(stream))).toBe(stream);
  });

  test("arrives whole whatever the chunks", async () => {
    await fc.assert(
      fc.asyncProperty(chunkings, fc.boolean(), async (chunks, atOnce) => {
        const body = new ManualBody();
        const stream = streamFromContent(body) as ReadableStream<Uint8Array>;
        const whole = new Response(stream).bytes();
        await body.piped;
        for (const chunk of chunks) {
          while (!body.wanted && !atOnce) await settled();
          body.wanted = body.sink!.write(chunk);
        }
        body.sink!.end();
        expect(Buffer.from(await whole)).toEqual(Buffer.concat(chunks));
      }),
      { numRuns: 100 },
    );
  });

  test("a stream that nobody has read gives its body back", async () => {
    const body = new ManualBody();
    const stream = streamFromContent(body) as ReadableStream<Uint8Array>;
    expect(bodyFromStream(new Response(stream).body!)).toBe(body);
    expect(
      await stream
        .getReader()
        .read()
        .catch((error: unknown) => error),
    ).toBeInstanceOf(TypeError);
    expect(body.sink).toBeUndefined();
  });

  test("a stream that somebody has begun to read is read on", async () => {
    const body = new ManualBody();
    const stream = streamFromContent(body) as ReadableStream<Uint8Array>;
    const reader = stream.getReader();
    const first = reader.read();
    await body.piped;
    body.sink!.write(new Uint8Array([1]));
    await first;
    reader.releaseLock();
    const rest = pipedTo(bodyFromStream(stream));
    await until(() => body.resumed > 0);
    body.sink!.write(new Uint8Array([2]));
    body.sink!.end();
    expect(await rest.outcome).toBe("end");
    expect(rest.bytes()).toEqual(Buffer.from([2]));
  });

  test("a body is not read before somebody reads the stream", async () => {
    const body = new ManualBody();
    const stream = streamFromContent(body) as ReadableStream<Uint8Array>;
    await settled();
    expect(body.sink).toBeUndefined();
    void stream.getReader().read();
    await settled();
    expect(body.sink).toBeDefined();
  });

  test("a slow reader pauses the body, and reading on resumes it", async () => {
    const body = new ManualBody();
    const reader = (streamFromContent(body) as ReadableStream<Uint8Array>).getReader();
    const first = reader.read();
    await body.piped;
    expect(body.sink!.write(new Uint8Array([1]))).toBe(false);
    expect((await first).value).toEqual(new Uint8Array([1]));
    expect(body.sink!.write(new Uint8Array([2]))).toBe(false);
    expect(body.resumed).toBe(0);
    expect((await reader.read()).value).toEqual(new Uint8Array([2]));
    const third = reader.read();
    await settled();
    expect(body.resumed).toBe(1);
    body.sink!.write(new Uint8Array([3]));
    expect((await third).value).toEqual(new Uint8Array([3]));
  });

  test("waiting readers keep the body going", async () => {
    const body = new ManualBody();
    const reader = (streamFromContent(body) as ReadableStream<Uint8Array>).getReader();
    const reads = [reader.read(), reader.read()];
    await body.piped;
    if (!body.sink!.write(new Uint8Array([1]))) await until(() => body.resumed === 1);
    body.sink!.write(new Uint8Array([2]));
    expect((await Promise.all(reads)).map((read) => read.value![0])).toEqual([1, 2]);
  });

  test("cancelling the stream cancels the body with the same reason", async () => {
    const body = new ManualBody();
    const reader = (streamFromContent(body) as ReadableStream<Uint8Array>).getReader();
    void reader.read();
    await body.piped;
    const why = new Error("enough");
    await reader.cancel(why);
    expect(body.cancelled).toBe(why);
  });

  test("cancelling before anybody read cancels the body", async () => {
    const body = new ManualBody();
    await (streamFromContent(body) as ReadableStream<Uint8Array>).cancel();
    expect(body.cancelled).toBe(true);
  });

  test("a body that fails makes the stream fail with the same error, never end", async () => {
    const body = new ManualBody();
    const reader = (streamFromContent(body) as ReadableStream<Uint8Array>).getReader();
    const first = reader.read();
    await body.piped;
    body.sink!.write(new Uint8Array([1]));
    await first;
    const failure = new Error("broken off");
    body.sink!.fail(failure);
    expect(await reader.read().catch((error: unknown) => error)).toBe(failure);
  });
});
