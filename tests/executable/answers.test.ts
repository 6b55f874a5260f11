// Answers in passing: status, reason, framing and content reach the client as the upstream meant them.
import { describe, expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import { ADDED_TO_RESPONSES, get, problemOf, request, without } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { ownPath, withGateway } from "../support/rig.ts";

withGateway(
  "an answer",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
  },
  (rig) => {
    const lines: [head: string, status: number, reason: string][] = [
      ["HTTP/1.1 200 OK", 200, "OK"],
      ["HTTP/1.1 200 Fine Day", 200, "Fine Day"],
      ["HTTP/1.1 201 caf\xe9", 201, "caf\xe9"],
      ["HTTP/1.1 299 Odd", 299, "Odd"],
      ["HTTP/1.1 300 Choices", 300, "Choices"],
      ["HTTP/1.1 302 Found", 302, "Found"],
      ["HTTP/1.1 401 No", 401, "No"],
      ["HTTP/1.1 418 I'm a teapot", 418, "I'm a teapot"],
      ["HTTP/1.1 451 Unavailable For Legal Reasons", 451, "Unavailable For Legal Reasons"],
      ["HTTP/1.1 500 Internal", 500, "Internal"],
      ["HTTP/1.1 503 Busy", 503, "Busy"],
      ["HTTP/1.1 599 Strange", 599, "Strange"],
      ["HTTP/1.0 200 Old", 200, "Old"],
    ];
    test.each(lines)("%j keeps its status and reason", async (head, status, reason) => {
      const path = ownPath();
      rig.origins.u1.at(path, plain("body", `${head}\r\nX-Own: 1\r\n`));
      const response = await rig.exchange(get(path));
      expect([response.status, response.reason, response.body.text]).toEqual([status, reason, "body"]);
      expect(without(response.fields.lines, ADDED_TO_RESPONSES)).toEqual([["X-Own", "1"]]);
    });

    test("an empty reason stays empty or becomes the usual one", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, plain("body", "HTTP/1.1 200 \r\n"));
      const response = await rig.exchange(get(path));
      expect([response.status, response.body.text]).toEqual([200, "body"]);
      expect(["", "OK"]).toContain(response.reason);
    });

    test.each([600, 700, 999])("status %i means nothing: 502", async (status) => {
      const path = ownPath();
      rig.origins.u1.at(path, plain("body", `HTTP/1.1 ${status} What\r\n`));
      const response = await rig.exchange(get(path));
      expect(response.status).toBe(502);
      expect(problemOf(response).code).toBe("http_protocol_error");
    });

    interface Row {
      readonly what: string;
      readonly method?: string;
      readonly sent: string;
      readonly status: number;
      readonly body?: string;
      readonly lengths: string[];
      readonly chunked?: boolean;
    }
    const ok = "HTTP/1.1 200 OK\r\n";
    const rows: Row[] = [
      { what: "a known length", sent: plain("hello"), status: 200, body: "hello", lengths: ["5"] },
      { what: "length 0", sent: plain(""), status: 200, lengths: ["0"] },
      {
        what: "chunks",
        sent: `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
        status: 200,
        body: "abcde",
        lengths: [],
        chunked: true,
      },
      {
        what: "no chunk at all",
        sent: `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        status: 200,
        lengths: [],
        chunked: true,
      },
      {
        what: "chunks with extensions",
        sent: `${ok}Transfer-Encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\n000\r\n\r\n`,
        status: 200,
        body: "abc",
        lengths: [],
        chunked: true,
      },
      {
        what: "HEAD with a length",
        method: "HEAD",
        sent: `${ok}Content-Length: 57\r\n\r\n`,
        status: 200,
        lengths: ["57"],
      },
      {
        what: "HEAD with length 0",
        method: "HEAD",
        sent: `${ok}Content-Length: 0\r\n\r\n`,
        status: 200,
        lengths: ["0"],
      },
      { what: "HEAD without a length", method: "HEAD", sent: `${ok}\r\n`, status: 200, lengths: [] },
      { what: "204", sent: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, lengths: [] },
      {
        what: "304 with a length",
        sent: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 57\r\nETag: "a"\r\n\r\n',
        status: 304,
        lengths: ["57"],
      },
      { what: "304 without", sent: "HTTP/1.1 304 Not Modified\r\n\r\n", status: 304, lengths: [] },
      { what: "205", sent: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", status: 205, lengths: ["0"] },
      {
        what: "an error with a body",
        sent: plain("sorry", "HTTP/1.1 500 Oh\r\n"),
        status: 500,
        body: "sorry",
        lengths: ["5"],
      },
      {
        what: "OPTIONS",
        method: "OPTIONS",
        sent: plain("", "HTTP/1.1 200 OK\r\nAllow: GET\r\n"),
        status: 200,
        lengths: ["0"],
      },
      { what: "an unknown method", method: "BREW", sent: plain("tea"), status: 200, body: "tea", lengths: ["3"] },
      { what: "a lower-case method", method: "patch", sent: plain("x"), status: 200, body: "x", lengths: ["1"] },
    ];
    test.each(rows.map((row) => [row.what, row] as const))("%s: framed as the upstream did", async (_, row) => {
      const path = ownPath();
      rig.origins.u1.at(path, row.sent);
      using client = await rig.connect();
      await client.send(request(row.method ?? "GET", path));
      const response = await client.receive({ method: row.method ?? "GET" });
      expect([response.status, response.body.text, response.complete]).toEqual([row.status, row.body ?? "", true]);
      expect(response.fields.all("content-length")).toEqual(row.lengths);
      if (row.chunked === true) expect(response.fields.all("transfer-encoding")).toEqual(["chunked"]);
      else if (row.method !== "HEAD") expect(response.fields.all("transfer-encoding")).toEqual([]);
      expect(response.body.extensions).toEqual([]);
      // The connection is in step: the next request of the client gets its own answer.
      const next = ownPath();
      rig.origins.u1.at(next, plain("next"));
      await client.send(get(next));
      expect((await client.receive()).body.text).toBe("next");
      expect((await rig.origins.u1.requestTo(path)).method).toBe(row.method ?? "GET");
    });

    test("one that only the upstream's close ends comes whole, and the client's connection stays", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await x.send(`${ok}\r\nall of `);
        await x.wait(30);
        await x.send("it");
        x.finish();
      });
      using client = await rig.connect();
      await client.send(get(path));
      const response = await client.receive();
      expect([response.body.text, response.complete, response.ending]).toEqual(["all of it", true, "open"]);
      expect(response.body.framing).toBe("chunked");
    });

    const sizes = [1, 1000, 64 * 1024, 1024 * 1024, 5 * 1024 * 1024];
    test.each(sizes)("%i bytes keep their length and every byte, in one piece or many", async (size) => {
      const body = Buffer.alloc(size);
      for (let i = 0; i < size; i++) body[i] = (i * 31 + (i >> 8)) & 0xff;
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await x.send(`${ok}Content-Length: ${size}\r\n\r\n`);
        const step = Math.ceil(size / 7);
        for (let at = 0; at < size; at += step) await x.send(body.subarray(at, at + step));
      });
      const response = await rig.exchange(get(path));
      expect(response.fields.all("content-length")).toEqual([String(size)]);
      expect(Buffer.compare(response.body.content, body)).toBe(0);
    });

    test("bytes behind the announced length are dropped with their connection, and answer nobody", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, `${plain("ok")}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`);
      using client = await rig.connect();
      for (let i = 0; i < 5; i++) {
        await client.send(get(path));
        expect((await client.receive()).body.text).toBe("ok");
        const { connection } = rig.origins.u1.requestsTo(path).at(-1)!;
        await until(() => connection.ending !== "open", "the poisoned connection to be closed");
        const next = ownPath();
        rig.origins.u1.at(next, plain("clean"));
        await client.send(get(next));
        expect((await client.receive()).body.text).toBe("clean");
      }
    });

    describe("interim answers", () => {
      test("never replace the final one", async () => {
        const path = ownPath();
        const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        rig.origins.u1.at(path, `HTTP/1.1 100 Continue\r\n\r\n${hints}HTTP/1.1 102 Processing\r\n\r\n${plain("end")}`);
        const response = await rig.exchange(get(path));
        expect([response.status, response.body.text]).toEqual([200, "end"]);
        for (const interim of response.interim) expect([100, 102, 103]).toContain(interim.status);
        expect(response.fields.all("link")).toEqual([]);
      });
      test("are not sent to HTTP/1.0 clients (RFC 9110 section 15.2)", async () => {
        const path = ownPath();
        rig.origins.u1.at(path, `HTTP/1.1 103 Early Hints\r\n\r\n${plain("end")}`);
        const response = await rig.exchange(`GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`);
        expect([response.status, response.interim.length]).toEqual([200, 0]);
      });
    });

    test("trailers go on as trailers or not at all, and are never merged (GW-17)", async () => {
      const path = ownPath();
      rig.origins.u1.at(
        path,
        `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\nSet-Cookie: a\r\n\r\n`,
      );
      const response = await rig.exchange(get(path));
      expect([response.body.text, response.complete]).toEqual(["ok", true]);
      for (const name of ["x-sum", "content-length", "set-cookie"]) expect(response.fields.all(name)).toEqual([]);
      expect([[], ["9"]]).toContainEqual(response.trailers.all("x-sum"));
      expect(response.trailers.all("content-length")).toEqual([]);
    });

    describe("for an HTTP/1.0 client", () => {
      const old: [what: string, sent: string, body: string][] = [
        ["a known length", plain("hello"), "hello"],
        ["chunks", `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, "abc"],
      ];
      test.each(old)("%s: no chunking, and the connection ends", async (_, sent, body) => {
        const path = ownPath();
        rig.origins.u1.at(path, sent);
        using client = await rig.connect();
        await client.send(`GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`);
        const response = await client.receive();
        expect([response.status, response.body.text, response.complete]).toEqual([200, body, true]);
        expect(response.fields.all("transfer-encoding")).toEqual([]);
        expect(await client.closed()).toBe("fin");
      });
    });
  },
);
