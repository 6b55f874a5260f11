// Messages that cross between the gateway and the Web API.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Answer } from "../../src/answer.ts";
import { Exchange } from "../../src/exchange.ts";
import type { Arrival } from "../../src/exchange.ts";
import type { Body } from "../../src/http/body.ts";
import { Fields } from "../../src/http/fields.ts";
import { answerToResponse } from "../../src/http/web-answer.ts";
import { answerOf, requestOf, settledAnswerOf, urlOf } from "../../src/http/web-message.ts";
import { arrivalFromRequest } from "../../src/listen/web.ts";
import { chunkings, failingStream, ManualBody, pipedTo, settled, streamOf } from "./body-doubles.ts";

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
