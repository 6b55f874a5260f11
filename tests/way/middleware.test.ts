// Hono middleware on the way to a target: what it may change, in which moment it may fail, and that the target is let go.
import { describe, expect, test } from "bun:test";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

/** A world with a target of one connection, and a route to it that passes this middleware. Afterwards that is free. */
function withUse(use: readonly MiddlewareHandler[], story: (world: World) => Promise<void>): Promise<void> {
  const routes = { all: { match: "/*", to: "up", use }, free: { match: "/free", to: "up" } } as const;
  return inWorldOf(toUpstream({ connections: { max: 1 } }, { routes }), async (world) => {
    await story(world);
    await world.rest();
    const client = world.ask("GET", "/free");
    world.a.last.answer(200, "free");
    world.settle();
    expect(client.answer.body).toBe("free");
  });
}

async function ask(world: World, method = "GET", fields: readonly string[] = [], content = ""): Promise<FakeClient> {
  const client = world.ask(method, "/it?q=1", fields, content);
  await world.rest();
  return client;
}

const pass: MiddlewareHandler = (_, next) => next();

describe("middleware that answers before its target", () => {
  const early: MiddlewareHandler = (c, next) => {
    next().catch(() => undefined);
    return Promise.resolve(c.text("early"));
  };

  test("leaves nothing waiting for it", async () => {
    await withUse([early], async (world) => {
      const client = await ask(world);
      expect(client.answer).toMatchObject({ status: 200, body: "early" });
      expect(world.a.open).toEqual([]);
    });
  });

  test("leaves nothing of what the target sends in the same moment", async () => {
    await withUse(
      [
        async (c, next) => {
          const late = next().catch(() => undefined);
          await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 1))]);
          return c.text("early");
        },
      ],
      async (world) => {
        const client = world.ask("GET", "/it");
        await world.rest();
        world.a.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${"x".repeat(200_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await world.rest();
        expect(client.answer.body).toBe("early");
        expect(world.a.open).toEqual([]);
      },
    );
  });
});

describe("middleware that only looks changes nothing", () => {
  test("of a request without content and its answer", async () => {
    await withUse([pass, pass], async (world) => {
      const fields = ["X-A: 1", "x-B: 2", "X-A: 3", "Cookie: a=1", "Cookie: b=2", "Accept: */*"];
      const client = await ask(world, "GET", fields);
      const { request } = world.a.last;
      expect(request.target).toBe("/it?q=1");
      const passed = request.fields.map(([name, value]) => `${name}: ${value}`);
      for (const field of fields) expect(passed).toContain(field);
      world.a.last.answer(203, "hello", ["Set-Cookie: a=1", "Set-Cookie: b=2", 'ETag: W/"x"']);
      await world.rest();
      expect(client.answer).toMatchObject({ status: 203, body: "hello", framing: "length", complete: true });
      const cookies = client.answer.fields.filter(([name]) => name.toLowerCase() === "set-cookie");
      expect(cookies.map(([, value]) => value)).toEqual(["a=1", "b=2"]);
    });
  });

  test.each([
    ["bytes", ["Content-Length: 5"], "hello", "length"],
    ["chunks", ["Transfer-Encoding: chunked"], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "chunked"],
    ["a large one", ["Content-Length: 200000"], "x".repeat(200_000), "length"],
  ] as const)("of content: %s", async (name, fields, content, framing) => {
    await withUse([pass], async (world) => {
      const client = await ask(world, "POST", fields, content);
      expect(world.a.last.request).toMatchObject({ framing, complete: true });
      expect(world.a.last.request.body).toBe(name === "chunks" ? "hello" : content);
      world.a.last.answer(200, "ok");
      await world.rest();
      expect(client.answer.body).toBe("ok");
    });
  });

  test("of an upload and an answer that go on together", async () => {
    await withUse([pass], async (world) => {
      const client = await ask(world, "POST", ["Transfer-Encoding: chunked"], "1\r\na\r\n");
      expect(world.a.last.request.body).toBe("a");
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
      await world.rest();
      expect(client.answer.body).toBe("x");
      client.send("1\r\nb\r\n0\r\n\r\n");
      world.a.last.send("1\r\ny\r\n0\r\n\r\n");
      await world.rest();
      expect(world.a.last.request).toMatchObject({ body: "ab", complete: true });
      expect(client.answer).toMatchObject({ body: "xy", complete: true });
    });
  });

  test("of HEAD, 204 and 304", async () => {
    await withUse([pass], async (world) => {
      for (const [method, status, head] of [
        ["HEAD", 200, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"],
        ["GET", 204, "HTTP/1.1 204 No Content\r\n\r\n"],
        ["GET", 304, 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
      ] as const) {
        const client = await ask(world, method);
        expect(world.a.last.request.method).toBe(method);
        world.a.last.send(head);
        await world.rest();
        expect(client.answer).toMatchObject({ status, complete: true });
        if (method === "HEAD") expect(fieldOf(client.answer, "content-length")).toBe("1234");
        expect(client.ending).toBe("open");
      }
    });
  });

  test("of an answer that breaks off: it is visibly broken", async () => {
    await withUse([pass], async (world) => {
      for (const head of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
        const client = await ask(world);
        world.a.last.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${head.startsWith("C") ? "abc" : "3\r\nabc\r\n"}`);
        await world.rest();
        world.a.last.reset();
        await world.rest();
        expect(client.answer).toMatchObject({ body: "abc", complete: false });
        expect(client.ending).toBe("reset");
        expect(world.records.at(-1)!["error.type"]).toBe("http_response_incomplete");
      }
    });
  });

  test("of a target that fails: the problem is the same, and a second try is made", async () => {
    await withUse([pass], async (world) => {
      const first = await ask(world);
      world.a.last.answer(200);
      await world.rest();
      expect(first.statuses).toEqual([200]);
      const again = await ask(world, "PUT", ["Content-Length: 3"], "abc");
      world.a.last.reset();
      await world.rest();
      expect(world.a.last.request).toMatchObject({ method: "PUT", body: "abc" });
      world.a.last.reset();
      await world.rest();
      expect(again.answer.status).toBe(502);
      expect(fieldOf(again.answer, "content-type")).toBe("application/problem+json");
      expect(world.records.at(-1)!["sluice.attempts"]).toBe(2);
    });
  });

  test("of a client that leaves: the target is let go", async () => {
    for (const answered of [false, true]) {
      await withUse([pass], async (world) => {
        const client = await ask(world);
        if (answered) {
          world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
          await world.rest();
        }
        client.reset();
        await world.rest();
        expect(world.a.last.over).toBe(true);
        expect(world.record["error.type"]).toBe("client_disconnect");
      });
    }
  });
});

describe("middleware changes", () => {
  test("fields of the request", async () => {
    const use: MiddlewareHandler = async (c, next) => {
      c.req.raw.headers.set("x-set", "new");
      c.req.raw.headers.delete("x-gone");
      c.req.raw.headers.append("x-more", "2");
      await next();
    };
    await withUse([use], async (world) => {
      await ask(world, "GET", ["X-Gone: 1", "X-Set: old", "X-More: 1", "X-Stays: 1"]);
      const { request } = world.a.last;
      expect(fieldOf(request, "x-gone")).toBeUndefined();
      expect(fieldOf(request, "x-set")).toBe("new");
      expect(fieldOf(request, "x-more")).toBe("1, 2");
      expect(request.fields.find(([name]) => name === "X-Stays")).toEqual(["X-Stays", "1"]);
      world.a.last.answer(200);
    });
  });

  test("fields and status of the answer", async () => {
    const use: MiddlewareHandler = async (c, next) => {
      await next();
      c.header("x-new", "1");
      c.res.headers.delete("x-gone");
      c.res = new Response(c.res.body, { status: 202, headers: c.res.headers });
    };
    await withUse([use], async (world) => {
      const client = await ask(world);
      world.a.last.answer(200, "hello", ["X-Gone: 1", "X-Stays: 2"]);
      await world.rest();
      expect(client.answer).toMatchObject({ status: 202, body: "hello", complete: true });
      expect(fieldOf(client.answer, "x-new")).toBe("1");
      expect(fieldOf(client.answer, "x-gone")).toBeUndefined();
      expect(fieldOf(client.answer, "x-stays")).toBe("2");
    });
  });

  test("the content of the answer, piece by piece", async () => {
    const upper: MiddlewareHandler = async (c, next) => {
      await next();
      const change = new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, controller) =>
          controller.enqueue(new TextEncoder().encode(new TextDecoder().decode(piece).toUpperCase())),
      });
      c.res = new Response(c.res.body!.pipeThrough(change), c.res);
    };
    await withUse([upper], async (world) => {
      const client = await ask(world);
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await world.rest();
      expect(client.answer.body).toBe("ABC");
      world.a.last.send("2\r\nde\r\n0\r\n\r\n");
      await world.rest();
      expect(client.answer).toMatchObject({ body: "ABCDE", complete: true });
    });
  });

  test("the content of the answer, read as a whole", async () => {
    const replace: MiddlewareHandler = async (c, next) => {
      await next();
      const text = await c.res.text();
      c.res = new Response(`<${text}>`, c.res);
    };
    await withUse([replace], async (world) => {
      const client = await ask(world);
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
      await world.rest();
      expect(client.answer).toMatchObject({ body: "<abc>", complete: true });
    });
  });

  test("nothing of the request's content by reading it", async () => {
    let seen = "";
    const read: MiddlewareHandler = async (c, next) => {
      seen = await c.req.text();
      await next();
    };
    await withUse([read], async (world) => {
      await ask(world, "POST", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n");
      expect(seen).toBe("abc");
      expect(world.a.last.request).toMatchObject({ body: "abc", framing: "length", complete: true });
      world.a.last.answer(200);
    });
  });

  test("the request's content by another request in its place", async () => {
    const replace: MiddlewareHandler = async (c, next) => {
      const text = await c.req.raw.text();
      c.req.raw = new Request(c.req.raw.url, { method: "POST", headers: c.req.raw.headers, body: `<${text}>` });
      await next();
    };
    await withUse([replace], async (world) => {
      await ask(world, "POST", ["Content-Length: 3"], "abc");
      expect(world.a.last.request).toMatchObject({ body: "<abc>", framing: "length", complete: true });
      world.a.last.answer(200);
    });
  });
});

/** Middleware that does this behind the target's answer. */
function behind(
  work: (c: Parameters<MiddlewareHandler>[0]) => Response | void | Promise<Response | void>,
): MiddlewareHandler {
  return async (c, next) => {
    await next();
    return work(c);
  };
}

describe("middleware that answers itself", () => {
  test("before the target: it hears nothing, and its upload stays with the client", async () => {
    await withUse([(c) => Promise.resolve(c.text("own", 401))], async (world) => {
      const client = await ask(world, "POST", ["Content-Length: 100000"], "abc");
      expect(client.answer).toMatchObject({ status: 401, body: "own", complete: true });
      expect(world.a.connections).toHaveLength(0);
      expect(world.record["sluice.attempts"] ?? 0).toBe(0);
    });
  });

  const cases: Readonly<Record<string, MiddlewareHandler>> = {
    "with a Response of its own": behind((c) => void (c.res = new Response("own"))),
    "with an HTTPException": behind(() => {
      throw new HTTPException(403, { message: "own" });
    }),
    "with an error": behind(() => {
      throw new Error("on purpose");
    }),
    "with what it has read of it": behind(async (c) => {
      const reader = c.res.body?.getReader();
      await reader?.read();
      await reader?.cancel();
      c.res = new Response("own");
    }),
  };

  test.each(Object.entries(cases))("in place of the target's, %s: the target is let go", async (_, use) => {
    for (const answer of [
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\nabc",
      `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${"x".repeat(200_000)}`,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "HTTP/1.1 200 OK\r\n\r\nuntil it closes",
      "HTTP/1.1 204 No Content\r\n\r\n",
    ]) {
      await withUse([use], async (world) => {
        const client = await ask(world);
        world.a.last.send(answer);
        await world.rest();
        const { status } = client.answer;
        expect(client.answer.complete).toBe(true);
        expect([200, 403, 500]).toContain(status);
        if (status !== 500) expect(client.answer.body).toBe("own");
        const whole = answer.endsWith("\r\n\r\nabc") && answer.includes(": 3\r") ? true : answer.includes("204");
        expect({ answer: answer.slice(0, 60), over: world.a.last.over }).toEqual({
          answer: answer.slice(0, 60),
          over: !whole,
        });
      });
    }
  });
});

describe("a client leaves while middleware works", () => {
  let go: (() => void) | undefined;
  const gate = (): Promise<void> => new Promise((resolve) => (go = resolve));

  test("before the target: it hears nothing", async () => {
    const use: MiddlewareHandler = async (_, next) => {
      await gate();
      await next();
    };
    await withUse([use], async (world) => {
      const client = await ask(world, "POST", ["Content-Length: 3"], "abc");
      client.reset();
      await world.rest();
      expect(world.record).toMatchObject({ "http.response.status_code": 499, "error.type": "client_disconnect" });
      go!();
      await world.rest();
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("behind the target's answer: what still comes of it is let go", async () => {
    await withUse([behind(gate)], async (world) => {
      const client = await ask(world);
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await world.rest();
      client.reset();
      await world.rest();
      expect(world.record["error.type"]).toBe("client_disconnect");
      go!();
      await world.rest();
      expect(world.a.last.over).toBe(true);
    });
  });
});
