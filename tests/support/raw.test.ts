// The raw client and the raw origin, judged by each other: a rig that errs would acquit the gateway.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { elapse, until } from "./deadline.ts";
import { connect, exchange } from "./raw-client.ts";
import { answering, plain, type Behaviour } from "./origin-exchange.ts";
import { startOrigin, type RawOrigin } from "./raw-origin.ts";

let origin: RawOrigin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.stop());

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: o.test\r\n\r\n`;

describe("a response is told as it stood on the wire", () => {
  test("names, values, order, reason and repeated lines are kept", async () => {
    origin.at("/order", "HTTP/1.1 299 Quite  so\r\nB-x: 1\r\na-X:2  \r\nB-x: 3\r\nContent-Length: 0\r\n\r\n");
    const response = await exchange(origin.port, get("/order"));
    expect(response.status).toBe(299);
    expect(response.reason).toBe("Quite  so");
    expect(response.fields.lines.slice(0, 3)).toEqual([
      { name: "B-x", value: "1" },
      { name: "a-X", value: "2" },
      { name: "B-x", value: "3" },
    ]);
    expect(response.complete).toBe(true);
    expect(response.ending).toBe("open");
  });

  test("chunking is removed, chunks and extensions are noted, trailers are apart", async () => {
    origin.at(
      "/chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 9\r\n\r\n",
    );
    const response = await exchange(origin.port, get("/chunks"));
    expect(response.body.text).toBe("abcde");
    expect(response.body.chunks).toEqual([3, 2]);
    expect(response.body.extensions).toEqual([";a=b"]);
    expect(response.trailers.lines).toEqual([{ name: "X-Sum", value: "9" }]);
    expect(response.fields.all("x-sum")).toEqual([]);
    expect(response.complete).toBe(true);
  });

  test("interim answers are listed and never taken for the answer", async () => {
    origin.at("/interim", `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${plain("end")}`);
    const response = await exchange(origin.port, get("/interim"));
    expect(response.interim.map((interim) => interim.status)).toEqual([103, 100]);
    expect(response.interim[0]!.fields.one("link")).toBe("</a>");
    expect(response.body.text).toBe("end");
  });

  test("HEAD, 204 and 304 have no body whatever the fields say", async () => {
    origin.at("/head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    expect((await exchange(origin.port, "HEAD /head HTTP/1.1\r\nHost: o\r\n\r\n")).complete).toBe(true);
    origin.at("/304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    expect((await exchange(origin.port, get("/304"))).complete).toBe(true);
  });

  test("one that is delimited by close is complete after FIN, not after RST", async () => {
    const half: (end: "finish" | "reset") => Behaviour = (end) => async (x) => {
      await x.send("HTTP/1.1 200 OK\r\n\r\nbody");
      await x.wait(30);
      x[end]();
    };
    origin.at("/fin", half("finish"));
    origin.at("/rst", half("reset"));
    const [fin, rst] = await Promise.all([exchange(origin.port, get("/fin")), exchange(origin.port, get("/rst"))]);
    expect([fin.complete, fin.ending, fin.body.text]).toEqual([true, "fin", "body"]);
    expect([rst.complete, rst.ending]).toEqual([false, "reset"]);
  });

  const broken: [what: string, bytes: string, problem: RegExp][] = [
    ["a cut Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", /3 bytes of the body, then fin/],
    ["a cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", /3 bytes of the body/],
    ["a missing last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", /nothing, then fin/],
    ["a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", /bare LF/],
    ["both framings", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", /both/],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", /not a field line/],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", /not a field line/],
    ["no status line", "hello\r\n\r\n", /not a status line/],
    ["nothing", "", /nothing, then fin/],
  ];
  test.each(broken)("%s is seen", async (_, bytes, problem) => {
    origin.behaviour = async (x) => {
      await x.send(bytes);
      x.finish();
    };
    const response = await exchange(origin.port, get("/broken"));
    expect(response.complete).toBe(false);
    expect(response.problem).toMatch(problem);
  });
});

describe("a request is recorded as it stood on the wire", () => {
  test("target, fields, raw body, content and framing", async () => {
    origin.clear();
    const fields = "host: O.test\r\nX-a: 1\r\nx-A: 2\r\nTransfer-Encoding: chunked\r\n";
    const body = "3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    origin.at("/record", plain());
    await exchange(origin.port, `POST /record?%zz HTTP/1.1\r\n${fields}\r\n${body}`);
    const request = await origin.requestTo("/record");
    expect(request.target).toBe("/record?%zz");
    expect(request.fields.text).toBe(fields);
    expect(request.rawBody.toString()).toBe(body);
    expect(request.body.text).toBe("abc");
    expect(request.trailers.one("t")).toBe("1");
    expect(request.framingFields).toEqual(["transfer-encoding"]);
    expect(request.connection.number).toBe(1);
  });

  test("a cut body is not complete, and how the connection ended is known", async () => {
    origin.clear();
    origin.at("/cut", answering(plain()));
    using client = await connect(origin.port);
    await client.send("POST /cut HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\n\r\nab");
    await until(() => origin.requestsTo("/cut")[0]?.body.bytes === 2, "the two bytes");
    client.reset();
    const [request] = origin.requestsTo("/cut");
    await until(() => request!.connection.closed, "the connection to end");
    expect(request!.connection.ending).toBe("reset");
    expect(request!.complete).toBe(false);
  });

  test("several requests of a connection are numbered, pipelined ones too", async () => {
    origin.clear();
    origin.at("/n/*", async (x) => void (await x.send(plain(`${x.number}${x.request.target}`))));
    using client = await connect(origin.port);
    await client.send(get("/n/a") + get("/n/b"));
    expect((await client.receive()).body.text).toBe("1/n/a");
    expect((await client.receive()).body.text).toBe("2/n/b");
  });
});

describe("connections end as the test says", () => {
  test("a client that has shut down its sending side still receives", async () => {
    origin.at("/late", async (x) => {
      await elapse(50);
      await x.send(plain("late"));
    });
    using client = await connect(origin.port);
    await client.send(get("/late"));
    client.finish();
    expect((await client.receive()).body.text).toBe("late");
    expect(await client.closed()).toBe("fin");
  });

  test("the origin learns at once that the client has left", async () => {
    origin.clear();
    origin.at("/hang", (x) => x.hang());
    for (const [how, ending] of [
      ["reset", "reset"],
      ["close", "fin"],
    ] as const) {
      const client = await connect(origin.port);
      await client.send(get("/hang"));
      await until(() => origin.requestsTo("/hang").at(-1)?.connection.ending === "open", "the request");
      const left = performance.now();
      client[how]();
      const { connection } = origin.requestsTo("/hang").at(-1)!;
      await until(() => connection.closed, "the end");
      expect(connection.ending).toBe(ending);
      expect(connection.endedAt - left).toBeLessThan(50);
    }
  });

  test("a client that does not read stops the origin, and gets every byte later", async () => {
    const total = 64 * 1024 * 1024;
    origin.at("/much", async (x) => {
      await x.send(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      await x.writer.flood(total, 20_000);
    });
    using client = await connect(origin.port);
    await client.send(get("/much"));
    client.pause();
    const connection = await until(() => origin.requestsTo("/much").at(-1)?.connection, "the request");
    const { writer } = connection as unknown as { writer: { taken: number } };
    let before = -1;
    await until(async () => {
      const still = writer.taken === before && before > 0;
      before = writer.taken;
      await elapse(50);
      return still;
    }, "the origin to stall");
    expect(writer.taken).toBeLessThan(total / 4);
    client.resume();
    const response = await client.receive({ keep: 0, timeoutMs: 10_000 });
    expect([response.complete, response.body.bytes]).toEqual([true, total]);
  });

  test("silence is silence, and a byte breaks it", async () => {
    using client = await connect(origin.port);
    await client.expectSilence(50);
    origin.at("/noise", plain());
    await client.send(get("/noise"));
    await expect(client.expectSilence(500)).rejects.toThrow("bytes in the silence");
  });

  test("a wait that is in vain says what came instead", async () => {
    origin.at("/half", async (x) => {
      await x.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      await x.hang();
    });
    using client = await connect(origin.port);
    await client.send(get("/half"));
    await expect(client.receive({ timeoutMs: 100 })).rejects.toThrow("3 bytes (incomplete: so far) abc");
  });
});
