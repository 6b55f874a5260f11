// Bodies that cross between Body and ReadableStream: whole, at the reader's pace, and never ended by a failure.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Answer, Exchange } from "../../src/exchange.ts";
import type { Arrival } from "../../src/exchange.ts";
import type { Body, BodySink } from "../../src/http/body.ts";
import { Fields } from "../../src/http/fields.ts";
import { bodyFromStream, streamFromContent } from "../../src/http/web-body.ts";
import { answerOf, requestOf, settledAnswerOf, urlOf } from "../../src/http/web-message.ts";
import { answerToResponse } from "../../src/http/web-answer.ts";
import { arrivalFromRequest } from "../../src/listen/web.ts";

const chunkings = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });

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

describe("an exchange as a Request", () => {
  const arrival: Arrival = {
    method: "POST",
    target: "/x?y=1",
    scheme: "https",
    authority: "api.example.com:8443",
    version: "1.1",
    fields: Fields.of(["Cookie", "a=1"], ["X-A", "1"], ["cookie", "b=2"], ["x-a", "2"]),
    content: new TextEncoder().encode("hello"),
    peer: "192.0.2.1",
  };

  test("carries URL, method, fields and content; cookies are joined by a semicolon", async () => {
    const x = new Exchange(arrival, 0);
    x.path = "/x";
    x.query = "?y=1";
    const request = requestOf(x);
    expect(request.url).toBe("https://api.example.com:8443/x?y=1");
    expect(request.method).toBe("POST");
    expect(request.headers.get("cookie")).toBe("a=1; b=2");
    expect(request.headers.get("x-a")).toBe("1, 2");
    expect(await request.text()).toBe("hello");
  });

  test("its signal aborts when the client leaves", () => {
    const x = new Exchange(arrival, 0);
    const request = requestOf(x);
    expect(request.signal.aborted).toBe(false);
    x.left.tell();
    expect(request.signal.aborted).toBe(true);
  });

  test("the URL parser changes nothing of the path that was matched", () => {
    const url = urlOf({ scheme: "http", authority: "a", path: "//x\\y/%2F/\xe9#z", query: "?q=\\#{}|\xff" });
    expect(url).toBe("http://a//x%5Cy/%2F/%E9%23z?q=\\%23{}|%FF");
    expect(new URL(url).pathname).toBe("//x%5Cy/%2F/%E9%23z");
    expect(new URL(urlOf({ scheme: "http", authority: "", path: "/x", query: "" })).pathname).toBe("/x");
  });
});

describe("a Response as an answer", () => {
  test("drops hop-by-hop fields and keeps each Set-Cookie apart", () => {
    const headers = new Headers({
      connection: "x-hop, close",
      "x-hop": "1",
      "transfer-encoding": "chunked",
      "x-b": "2",
    });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    const answer = answerOf(new Response("x", { status: 201, statusText: "Made", headers }));
    expect([answer.status, answer.reason]).toEqual([201, "Made"]);
    expect(answer.fields.all("set-cookie")).toEqual(["a=1", "b=2"]);
    expect(answer.fields.get("x-b")).toBe("2");
    for (const key of ["connection", "x-hop", "transfer-encoding"]) expect(answer.fields.has(key)).toBe(false);
  });

  test("a Content-Length becomes the length of the content, or what is announced without content", () => {
    const whole = answerOf(new Response("hello", { headers: { "content-length": "5" } }));
    expect(whole.fields.has("content-length")).toBe(false);
    expect(whole.content!.length).toBe(5);
    const head = answerOf(new Response(null, { headers: { "content-length": "5" } }));
    expect(head.announcedLength).toBe("5");
  });

  test("content that is here is taken whole, whatever Content-Length says", async () => {
    const answer = await settledAnswerOf(new Response("hello", { headers: { "content-length": "3" } }));
    expect(answer.content).toEqual(new TextEncoder().encode("hello"));
    const many = [new Uint8Array([1]), new Uint8Array([2, 3])];
    expect((await settledAnswerOf(new Response(streamOf(many)))).content).toEqual(new Uint8Array([1, 2, 3]));
    expect((await settledAnswerOf(Response.json({}))).content).toEqual(new TextEncoder().encode("{}"));
  });

  test("content that is still to come stays a stream, with all that was read of it", async () => {
    await fc.assert(
      fc.asyncProperty(chunkings, fc.nat(20), async (chunks, late) => {
        let next = 0;
        const stream = new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (next === late) await settled();
            if (next < chunks.length) controller.enqueue(chunks[next++]!);
            else controller.close();
          },
        });
        const { content } = await settledAnswerOf(new Response(stream));
        if (content instanceof Uint8Array) return expect(Buffer.from(content)).toEqual(Buffer.concat(chunks));
        const sink = pipedTo(content as Body);
        expect(await sink.outcome).toBe("end");
        expect(sink.bytes()).toEqual(Buffer.concat(chunks));
      }),
      { numRuns: 100 },
    );
  });

  test("content that fails at once stays a stream that fails", async () => {
    const failure = new Error("broken off");
    const answer = await settledAnswerOf(new Response(failingStream([new Uint8Array([1])], failure)));
    expect(await pipedTo(answer.content as Body).outcome).toBe(failure);
  });

  test("endless content that is always here is not waited for", async () => {
    let pulled = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => void ((pulled += 1), controller.enqueue(new Uint8Array(100_000))),
    });
    const answer = await settledAnswerOf(new Response(source));
    (answer.content as Body).cancel();
    expect(pulled).toBeLessThan(20);
  });

  test("goes back as the same response while nothing was changed", () => {
    const response = new Response("x", { headers: { "x-a": "1" } });
    expect(answerToResponse(answerOf(response))).toBe(response);
  });

  test("a changed field is sent, with the same body stream", async () => {
    const response = new Response(streamOf([new Uint8Array([120])]), { headers: { "x-a": "1" } });
    const answer = answerOf(response);
    answer.fields.add("X-Request-ID", "7");
    const sent = answerToResponse(answer);
    expect(sent.headers.get("x-request-id")).toBe("7");
    expect(await sent.text()).toBe("x");
  });

  test("content that was replaced is sent", async () => {
    const answer = answerOf(new Response("old"));
    answer.content = new TextEncoder().encode("new");
    expect(await answerToResponse(answer).text()).toBe("new");
  });

  test("a status without content sends none and cancels what there was", () => {
    const body = new ManualBody();
    const sent = answerToResponse(new Answer(204, "", Fields.of(["x-a", "1"]), body));
    expect(sent.status).toBe(204);
    expect(sent.body).toBeNull();
    expect(body.cancelled).toBe(true);
  });

  test("a status that a Response cannot carry becomes 502", () => {
    for (const status of [0, 199, 600, 999]) {
      expect(answerToResponse(new Answer(status, "", new Fields(), null)).status).toBe(502);
    }
  });
});

describe("a Request as an arrival", () => {
  test("tells target, scheme, authority, fields and peer", () => {
    const request = new Request("https://API.Example.com:8443//a/%2E%2e/b?q=1", { headers: { "x-a": "1" } });
    const arrival = arrivalFromRequest(request, "192.0.2.1");
    expect(arrival.scheme).toBe("https");
    expect(arrival.authority).toBe("api.example.com:8443");
    expect(arrival.target.endsWith("?q=1")).toBe(true);
    expect(arrival.fields.get("x-a")).toBe("1");
    expect([arrival.peer, arrival.version, arrival.content]).toEqual(["192.0.2.1", "1.1", null]);
  });

  test("a fragment is no part of the target", () => {
    expect(arrivalFromRequest(new Request("http://a/x?y#z"), "").target).toBe("/x?y");
  });

  test("its content has the length the client promised", () => {
    const request = new Request("http://a/", { method: "POST", body: "hello", headers: { "content-length": "5" } });
    expect(arrivalFromRequest(request, "").content!.length).toBe(5);
  });
});

/** Takes chunks, says "full" by turns, and tells how it ended. */
class CollectingSink implements BodySink {
  readonly outcome: Promise<"end" | Error>;
  writesWhileFull = 0;
  readonly #body: Body;
  readonly #room: readonly boolean[];
  readonly #chunks: Uint8Array[] = [];
  #settle: (outcome: "end" | Error) => void = () => {};
  #full = false;

  constructor(body: Body, room: readonly boolean[] = [true]) {
    this.#body = body;
    this.#room = room;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
  }

  write(chunk: Uint8Array): boolean {
    if (this.#full) this.writesWhileFull += 1;
    this.#chunks.push(chunk);
    const room = this.#room[this.#chunks.length % this.#room.length]!;
    if (!room) {
      this.#full = true;
      queueMicrotask(() => {
        this.#full = false;
        this.#body.resume();
      });
    }
    return room;
  }

  end(): void {
    this.#settle("end");
  }

  fail(error: Error): void {
    this.#settle(error);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** A body that the test pushes by hand. */
class ManualBody implements Body {
  readonly length = undefined;
  sink: BodySink | undefined = undefined;
  resumed = 0;
  wanted = true;
  cancelled: Error | true | undefined = undefined;
  readonly piped: Promise<void>;
  #begin: () => void = () => {};

  constructor() {
    this.piped = new Promise((resolve) => (this.#begin = resolve));
  }

  pipe(sink: BodySink): void {
    this.sink = sink;
    this.#begin();
  }

  resume(): void {
    this.resumed += 1;
    this.wanted = true;
  }

  cancel(reason?: Error): void {
    this.cancelled = reason ?? true;
  }
}

function pipedTo(body: Body): CollectingSink {
  const sink = new CollectingSink(body);
  body.pipe(sink);
  return sink;
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.close();
    },
  });
}

function failingStream(chunks: readonly Uint8Array[], failure: Error): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.error(failure);
    },
  });
}

function endless(pulled: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      pulled();
      controller.enqueue(new Uint8Array(1));
    },
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled();
}

/** Everything that is due has run. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
