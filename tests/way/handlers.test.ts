// Handlers of the user's own: what they are given, what they may give back, and what becomes of both when things break.
import { describe, expect, test } from "bun:test";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import type { Handler } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorldOf, type World } from "../support/fake-world.ts";

/** A world with one route, `/it/:id/*`, that this handler answers. */
function withHandler(handler: Handler, story: (world: World) => Promise<void>): Promise<void> {
  return inWorldOf({ routes: { it: { match: "/it/:id/*", handler } } }, story);
}

async function ask(
  world: World,
  method = "GET",
  fields: readonly string[] = [],
  content = "",
  target = "/it/7/a?b",
): Promise<FakeClient> {
  const client = world.ask(method, target, fields, content);
  await world.rest();
  return client;
}

test("a handler is given the request as it came", async () => {
  await withHandler(
    ({ request, params, client, id }) =>
      Response.json({
        method: request.method,
        url: request.url,
        seen: request.headers.get("x-seen"),
        params,
        client,
        id,
      }),
    async (world) => {
      const client = await ask(world, "PUT", ["X-Seen: a", "X-Seen: b"]);
      expect(JSON.parse(client.answer.body)).toEqual({
        method: "PUT",
        url: "http://gw.test/it/7/a?b",
        seen: "a, b",
        params: { id: "7", "*": "a" },
        client: client.socket.peer.remoteAddress,
        id: fieldOf(client.answer, "x-request-id")!,
      });
      expect(fieldOf(client.answer, "content-type")).toMatch(/^application\/json/);
    },
  );
});

describe("a handler reads the content", () => {
  const echo: Handler = async ({ request }) => new Response(await request.text());
  const big = "0123456789".repeat(30_000);

  test.each([
    ["none", [], ""],
    ["bytes", ["Content-Length: 5"], "hello"],
    ["an empty one", ["Content-Length: 0"], ""],
    ["chunks", ["Transfer-Encoding: chunked"], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"],
    ["a large one", [`Content-Length: ${big.length}`], big],
  ])("%s", async (name, fields, content) => {
    await withHandler(echo, async (world) => {
      const client = await ask(world, "POST", fields, content);
      expect(client.answer.body).toBe(name === "chunks" ? "hello" : content);
      expect(client.answer.framing).toBe("length");
      // The connection serves again.
      client.request("POST", "/it/7/again", ["Content-Length: 3"], "abc");
      await world.rest();
      expect(client.answers[1]!.body).toBe("abc");
      expect(world.records.map((record) => record["http.request.body.size"])).toEqual([
        client.answers[0]!.body.length,
        3,
      ]);
    });
  });

  test("piece by piece as it comes, and answers meanwhile", async () => {
    const encoder = new TextEncoder();
    await withHandler(
      ({ request }) => {
        const reader = request.body!.getReader();
        return new Response(
          new ReadableStream<Uint8Array>({
            async pull(controller) {
              const { done, value } = await reader.read();
              if (done) controller.close();
              else controller.enqueue(encoder.encode(`<${new TextDecoder().decode(value)}>`));
            },
          }),
        );
      },
      async (world) => {
        const client = await ask(world, "POST", ["Content-Length: 6"], "ab");
        expect(client.answer.body).toBe("<ab>");
        client.send("cd");
        await world.rest();
        expect(client.answer.body).toBe("<ab><cd>");
        client.send("ef");
        await world.rest();
        expect(client.answer).toMatchObject({ body: "<ab><cd><ef>", complete: true });
      },
    );
  });

  test.each([
    ["a reset", (client: FakeClient) => client.reset(), undefined, "client_disconnect"],
    ["FIN", (client: FakeClient) => client.end(), undefined, "client_disconnect"],
    ["chunks that are none", (client: FakeClient) => client.send("zz\r\n"), 400, "http_request_error"],
    ["silence", (_: FakeClient, world: World) => world.advance(30_000), 408, "request_timeout"],
  ] as const)("that breaks off by %s: reading fails, and the client learns why", async (_, breakOff, status, error) => {
    let told: unknown;
    const handler: Handler = async ({ request }) => {
      try {
        return new Response(await request.text());
      } catch (thrown) {
        told = thrown;
        throw thrown;
      }
    };
    await withHandler(handler, async (world) => {
      const client = await ask(world, "POST", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n");
      breakOff(client, world);
      await world.rest();
      expect(told).toBeInstanceOf(Error);
      expect(client.statuses).toEqual(status === undefined ? [] : [status]);
      expect(world.record["error.type"]).toBe(error);
    });
  });

  test("or does not: the client is answered and the connection closes", async () => {
    await withHandler(
      () => new Response("not read"),
      async (world) => {
        const client = await ask(world, "POST", ["Content-Length: 100000"], "abc");
        expect(client.answer).toMatchObject({ body: "not read", complete: true });
        expect(client.ending).toBe("fin");
      },
    );
  });
});

describe("a handler gives back", () => {
  const cases: Readonly<Record<string, readonly [Handler, object]>> = {
    text: [({ c }) => c.text("hello"), { status: 200, body: "hello", framing: "length" }],
    bytes: [() => new Response(new Uint8Array([104, 105])), { body: "hi", framing: "length" }],
    "JSON with a status": [({ c }) => c.json({ a: 1 }, 201), { status: 201, body: '{"a":1}' }],
    nothing: [() => new Response(null), { status: 200, body: "", framing: "length" }],
    "204": [() => new Response(null, { status: 204 }), { status: 204, framing: "none" }],
    "304": [() => new Response(null, { status: 304, headers: { etag: '"x"' } }), { status: 304, framing: "none" }],
    "a redirect": [({ c }) => c.redirect("/other"), { status: 302 }],
    "a stream": [() => new Response(streamOf(["ab", "cd"])), { body: "abcd", framing: "chunked" }],
    "a stream of a known length": [
      () => new Response(streamOf(["ab", "cd"]), { headers: { "content-length": "4" } }),
      { body: "abcd", framing: "length" },
    ],
    "an empty stream": [() => new Response(streamOf([])), { body: "" }],
    "a promise": [() => Promise.resolve(new Response("later")), { body: "later" }],
  };

  test.each(Object.entries(cases))("%s", async (_, [handler, expected]) => {
    await withHandler(handler, async (world) => {
      const client = await ask(world);
      expect(client.answer).toMatchObject({ complete: true, ...expected });
      expect(client.ending).toBe("open");
      expect(world.record).toMatchObject({ "http.response.body.size": client.answer.body.length });
    });
  });

  test("several cookies, which stay apart, and no field of one hop", async () => {
    await withHandler(
      () =>
        new Response("x", {
          headers: [
            ["set-cookie", "a=1; Path=/"],
            ["set-cookie", "b=2"],
            ["connection", "x-named"],
            ["x-named", "1"],
            ["transfer-encoding", "chunked"],
            ["keep-alive", "timeout=9"],
          ],
        }),
      async (world) => {
        const { fields } = (await ask(world)).answer;
        expect(fields.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value)).toEqual([
          "a=1; Path=/",
          "b=2",
        ]);
        const names = fields.map(([name]) => name.toLowerCase());
        for (const hop of ["x-named", "transfer-encoding", "keep-alive", "connection"])
          expect(names).not.toContain(hop);
      },
    );
  });

  test("an answer to HEAD: the head that GET would have, and nothing behind it", async () => {
    await withHandler(
      ({ c }) => c.text("hello"),
      async (world) => {
        const client = await ask(world, "HEAD");
        expect(client.answer).toMatchObject({ status: 200, complete: true });
        client.request("GET", "/it/7/again");
        await world.rest();
        expect(client.answers[1]!.body).toBe("hello");
      },
    );
  });

  test("events, each when it is there (GW-11)", async () => {
    const waiting: (() => void)[] = [];
    await withHandler(
      ({ c }) =>
        streamSSE(c, async (stream) => {
          for (let i = 0; i < 3; i++) {
            await stream.writeSSE({ data: String(i) });
            await new Promise<void>((resolve) => waiting.push(resolve));
          }
        }),
      async (world) => {
        const client = await ask(world);
        for (let i = 0; i < 3; i++) {
          expect(client.answer.body.match(/data: \d/g)).toHaveLength(i + 1);
          expect(client.answer.complete).toBe(false);
          waiting.shift()!();
          await world.rest();
        }
        expect(client.answer.complete).toBe(true);
      },
    );
  });

  test.each([
    ["a stream that fails", () => new Response(failing()), "proxy_internal_error"],
    ["less than it announced", () => new Response(streamOf(["ab"]), { headers: { "content-length": "9" } }), undefined],
    [
      "more than it announced",
      () => new Response(streamOf(["ab", "cd", "ef"]), { headers: { "content-length": "3" } }),
      undefined,
    ],
  ] as const)("%s: the client sees that it is not whole", async (_, handler) => {
    await withHandler(handler, async (world) => {
      const client = await ask(world);
      expect(client.ending).toBe("reset");
      expect(client.answers.filter(({ complete }) => complete)).toEqual([]);
      expect(world.record["http.response.status_code"]).toBe(200);
      expect(world.record["error.type"]).toBeDefined();
    });
  });
});

describe("a handler fails", () => {
  const cases: Readonly<Record<string, readonly [Handler, number]>> = {
    "by throwing": [
      () => {
        throw new Error("secret");
      },
      500,
    ],
    "by rejecting": [() => Promise.reject(new Error("secret")), 500],
    "with something that is no Error": [() => Promise.reject("secret"), 500], // oxlint-disable-line typescript/prefer-promise-reject-errors
    "with nothing": [() => undefined as never, 500],
    "with something that is no Response": [() => "secret" as never, 500],
    "with a Response whose body is used up": [
      async () => {
        const response = new Response("secret");
        await response.text();
        return response;
      },
      500,
    ],
    "with Response.error()": [() => Response.error(), 500],
    "with a status that is none of an answer": [() => new Response(null, { status: 101 }), 500],
    "with an HTTPException": [
      () => {
        throw new HTTPException(401, { message: "who are you" });
      },
      401,
    ],
    "with an HTTPException that has its own Response": [
      () => {
        throw new HTTPException(418, { res: new Response("tea", { status: 418 }) });
      },
      418,
    ],
  };

  test.each(Object.entries(cases))("%s", async (_, [handler, status]) => {
    await withHandler(handler, async (world) => {
      const client = await ask(world);
      expect(client.answer).toMatchObject({ status, complete: true });
      expect(client.received).not.toContain("secret");
      if (status === 500) {
        expect(fieldOf(client.answer, "content-type")).toBe("application/problem+json");
        expect(world.record["error.type"]).toBe("proxy_internal_error");
      }
      // One failure does not stop the next request.
      client.request("GET", "/it/7/again");
      await world.rest();
      expect(client.statuses).toEqual([status, status]);
    });
  });
});

describe("the client of a handler leaves", () => {
  test.each(["reset", "leave"] as const)("while it works: its signal aborts (%s)", async (how) => {
    let signal: AbortSignal | undefined;
    let answer: ((response: Response) => void) | undefined;
    let cancelled = false;
    await withHandler(
      ({ request }) => {
        ({ signal } = request);
        return new Promise<Response>((resolve) => (answer = resolve));
      },
      async (world) => {
        const client = await ask(world);
        expect(signal!.aborted).toBe(false);
        client[how]();
        await world.rest();
        expect(signal!.aborted).toBe(true);
        expect(world.record).toMatchObject({ "http.response.status_code": 499, "error.type": "client_disconnect" });
        // Its answer comes too late, and is let go.
        answer!(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
        await world.rest();
        expect(cancelled).toBe(true);
      },
    );
  });

  test("while its content comes: reading fails", async () => {
    let failed = false;
    await withHandler(
      async ({ request }) => {
        await request.text().catch(() => (failed = true));
        return new Response("too late");
      },
      async (world) => {
        const client = await ask(world, "POST", ["Content-Length: 9"], "abc");
        client.reset();
        await world.rest();
        expect(failed).toBe(true);
      },
    );
  });

  test("in its answer: the stream is cancelled", async () => {
    let cancelled = false;
    const stream = (): ReadableStream =>
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(3)),
        cancel: () => void (cancelled = true),
      });
    await withHandler(
      () => new Response(stream()),
      async (world) => {
        const client = await ask(world);
        client.reset();
        await world.rest();
        expect(cancelled).toBe(true);
        expect(world.record).toMatchObject({ "http.response.status_code": 200, "error.type": "client_disconnect" });
      },
    );
  });
});

test("a client that takes its answer slowly holds the handler's stream back", async () => {
  let pulled = 0;
  const stream = (): ReadableStream =>
    new ReadableStream({
      pull(controller) {
        pulled += 10_000;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
  await withHandler(
    () => new Response(stream()),
    async (world) => {
      const client = world.client();
      client.hold();
      client.request("GET", "/it/7/a");
      await world.rest();
      expect(pulled).toBeGreaterThan(200_000);
      // What the kernel takes, what is read to learn the length of a short answer, and a piece or two.
      expect(pulled).toBeLessThan(256 * 1024 + 1024 * 1024 + 50_000);
      const before = pulled;
      await world.rest();
      expect(pulled).toBe(before);
      client.reset();
      await world.rest();
    },
  );
});

function streamOf(pieces: readonly string[]): ReadableStream<Uint8Array> {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  return new ReadableStream({
    async pull(controller) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

function failing(): ReadableStream<Uint8Array> {
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (count++ === 0) controller.enqueue(new Uint8Array(3));
      else controller.error(new Error("on purpose"));
    },
  });
}

test("a handler that says c.notFound() answers 404, once", async () => {
  let calls = 0;
  const handler: Handler = async ({ c }) => {
    if (++calls > 1) throw new Error("asked again");
    return c.notFound();
  };
  await withHandler(handler, async (world) => {
    const client = await ask(world);
    expect([client.answer.status, calls]).toEqual([404, 1]);
  });
});

test("the log tells the class of what a handler threw, the client does not", async () => {
  const handler: Handler = () => {
    throw new RangeError("no such shelf");
  };
  await withHandler(handler, async (world) => {
    const client = await ask(world);
    expect(client.answer.status).toBe(500);
    expect(client.answer.body).not.toContain("shelf");
    expect(world.record).toMatchObject({ "sluice.error.detail": "RangeError: no such shelf" });
  });
});
