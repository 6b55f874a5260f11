// The fetch client, on Bun and on Deno: bytes unchanged, failures in the one vocabulary, and nothing left running.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { certificates } from "../support/certificates.ts";
import { until } from "../support/deadline.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing } from "../support/requirements.ts";
import { ownPath } from "../support/rig.ts";
import { type Outcome, run, type Spec } from "./fetch-run.ts";

const ROOT = resolve(import.meta.dir, "../..");
const lack = missing("openssl");
const textOf = (outcome: Outcome): string => Buffer.from(outcome.content, "base64").toString("latin1");
const all = (outcome: Outcome, key: string): string[] =>
  outcome.fields.filter(([name]) => name === key).map(([, v]) => v);

/** A runtime that makes attempts. */
interface Attempter {
  attempt(spec: Spec): Promise<Outcome>;
  stop(): Promise<void>;
}

fetches("Bun", () => {
  const platform = bunPlatform();
  return { attempt: (spec) => run(platform, spec), stop: () => Promise.resolve() };
});

fetches("Deno", () => {
  const command = [resolve(ROOT, "node_modules/.bin/deno"), "run", "-A", "tests/upstream/fetch-deno.ts"];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const waiting = new Map<number, (outcome: Outcome) => void>();
  let count = 0;
  void (async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const lines = (text + decoder.decode(bytes, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const { id, outcome } = JSON.parse(line) as { id: number; outcome: Outcome };
        waiting.get(id)?.(outcome);
      }
    }
  })();
  return {
    attempt: (spec) =>
      new Promise((settle) => {
        const id = count++;
        waiting.set(id, settle);
        void child.stdin.write(`${JSON.stringify({ id, spec })}\n`);
        void child.stdin.flush();
      }),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
});

function fetches(runtime: "Bun" | "Deno", start: () => Attempter): void {
  describe(`the fetch client on ${runtime}`, () => {
    let origin: RawOrigin;
    let attempter: Attempter;
    const attempt = (spec: Spec): Promise<Outcome> => attempter.attempt(spec);
    const at = (path: string, more: Partial<Spec> = {}): Promise<Outcome> =>
      attempt({ url: origin.url + path, ...more });

    beforeAll(async () => {
      origin = await startOrigin();
      attempter = start();
    });
    afterAll(async () => {
      await attempter.stop();
      await origin.stop();
    });

    test("method, target and fields reach the target; nothing that changes the answer is invented", async () => {
      const path = `${ownPath()}/a%2Fb;c/%41`;
      const fields = [
        ["Host", "else.test"],
        ["X-A", "1"],
        ["Cookie", "a=1"],
        ["cookie", "b=2"],
      ] as const;
      expect((await at(`${path}?q=%20&r=\\`, { method: "DELETE", fields })).status).toBe(200);
      const request = await origin.requestTo(path);
      expect([request.method, request.target]).toEqual(["DELETE", `${path}?q=%20&r=\\`]);
      expect(request.fields.one("x-a")).toBe("1");
      expect(request.fields.one("host")).toBe("else.test");
      expect(request.fields.one("cookie")).toBe("a=1; b=2");
      expect(request.fields.all("user-agent").filter((value) => value !== "")).toEqual([]);
      expect(request.fields.all("accept-encoding").filter((value) => value !== "identity")).toEqual([]);
    });

    test("a path is sent as the one that was matched, whatever the URL parser makes of its bytes", async () => {
      const path = ownPath();
      await at(`${path}/a\\b#c`);
      expect((await origin.requestTo(`${path}/a%5Cb%23c`)).complete).toBe(true);
    });

    test("content passes, at once or in pieces", async () => {
      for (const content of ["hello world", ["hello", " ", "world"]]) {
        const path = ownPath();
        expect((await at(path, { method: "POST", content })).status).toBe(200);
        expect((await origin.requestTo(path)).body.text).toBe("hello world");
      }
    });

    test("answers pass: status, each Set-Cookie, content", async () => {
      const path = ownPath();
      origin.at(path, "HTTP/1.1 404 Gone\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nno");
      const answer = await at(path);
      expect([answer.status, textOf(answer), all(answer, "set-cookie")]).toEqual([404, "no", ["a=1", "b=2"]]);
      expect(all(answer, "content-length")).toEqual([]);
    });

    test("a redirect is not followed", async () => {
      const path = ownPath();
      origin.at(path, "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
      const answer = await at(path);
      expect([answer.status, all(answer, "location")]).toEqual([302, ["/x"]]);
    });

    test("coded content is not decoded", async () => {
      const path = ownPath();
      const coded = gzipSync("text ".repeat(100));
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`;
      origin.at(path, Buffer.concat([Buffer.from(head), coded]));
      const answer = await at(path, { fields: [["Accept-Encoding", "gzip"]] });
      expect([answer.content, answer.broken]).toEqual([coded.toString("base64"), undefined]);
      expect(all(answer, "content-encoding")).toEqual(["gzip"]);
    });

    test("HEAD keeps the length it announces", async () => {
      const path = ownPath();
      origin.at(path, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
      const answer = await at(path, { method: "HEAD" });
      expect([answer.content, answer.announcedLength]).toEqual(["", "1234"]);
    });

    test("204 and 304 have no content", async () => {
      for (const status of [204, 304]) {
        const path = ownPath();
        origin.at(path, `HTTP/1.1 ${status} Any\r\nETag: "x"\r\n\r\n`);
        const answer = await at(path);
        expect([answer.status, answer.content, all(answer, "etag")]).toEqual([status, "", ['"x"']]);
      }
    });

    test("a target that is down is connection_refused, a name that does not exist dns_error", async () => {
      const down = await startOrigin();
      const { url } = down;
      await down.stop();
      expect((await attempt({ url: `${url}/` })).error).toBe("connection_refused");
      expect((await attempt({ url: "http://no-such-name.invalid/" })).error).toBe("dns_error");
    });

    test("a target that closes without an answer is connection_terminated", async () => {
      for (const how of ["finish", "reset"] as const) {
        const path = ownPath();
        origin.at(path, async (x) => {
          await x.body();
          x[how]();
        });
        expect((await at(path, { method: "POST", content: "x" })).error).toBe("connection_terminated");
      }
    });

    test("an answer with two lengths is http_protocol_error, one with too large a head says so", async () => {
      const two = ownPath();
      origin.at(two, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
      expect((await at(two)).error).toBe("http_protocol_error");
      const large = ownPath();
      origin.at(large, `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(2_000_000)}\r\nContent-Length: 0\r\n\r\n`);
      expect((await at(large)).error).toBe("http_response_header_section_size");
    });

    test("an answer that breaks off is http_response_incomplete, never whole", async () => {
      for (const head of ["Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"]) {
        const path = ownPath();
        origin.at(path, async (x) => {
          await x.send(`HTTP/1.1 200 OK\r\n${head}`);
          // Bytes that come together with the end may be lost by fetch.
          await x.wait(50);
          x.finish();
        });
        const answer = await at(path);
        expect([answer.status, textOf(answer), answer.broken]).toEqual([200, "part", "http_response_incomplete"]);
      }
    });

    test("a target that does not begin to answer in time is http_response_timeout, and the request ends", async () => {
      const path = ownPath();
      origin.at(path, (x) => x.hang());
      expect((await at(path, { firstByteMs: 100 })).error).toBe("http_response_timeout");
      const { connection } = await origin.requestTo(path);
      await until(() => connection.ending !== "open", "the connection to end");
    });

    test("a target that stands still in its answer is connection_read_timeout, and the connection ends", async () => {
      const path = ownPath();
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        await x.hang();
      });
      expect((await at(path, { idleMs: 100 })).broken).toBe("connection_read_timeout");
      const { connection } = await origin.requestTo(path);
      await until(() => connection.ending !== "open", "the connection to end");
    });

    test("a client that leaves before the answer ends the request", async () => {
      const path = ownPath();
      origin.at(path, (x) => x.hang());
      expect((await at(path, { leaveMs: 50 })).error).toBe("client_disconnect");
      const { connection } = await origin.requestTo(path);
      await until(() => connection.ending !== "open", "the connection to end");
    });

    test("what fetch would lose is refused and not sent", async () => {
      const before = origin.requests.length;
      const refused = [
        at(ownPath(), { content: "x" }),
        at(ownPath(), {
          fields: [
            ["Upgrade", "websocket"],
            ["Connection", "upgrade"],
          ],
        }),
        ...(runtime === "Bun" ? [at("//x/y")] : []),
      ];
      for (const { error } of await Promise.all(refused)) expect(error).toBe("protocol_not_supported");
      expect(origin.requests.length).toBe(before);
    });

    describe.skipIf(lack !== undefined)(`over TLS${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
      const seen: string[] = [];
      let server: Http2SecureServer;
      let url = "";
      const tls = (more: object = {}) => ({
        serverName: "127.0.0.1",
        ca: certificates().ca.cert,
        cert: undefined,
        key: undefined,
        verify: true,
        ...more,
      });

      beforeAll(async () => {
        const { cert, key } = certificates().local;
        server = createSecureServer({ cert, key, allowHTTP1: false }, (request, response) => {
          seen.push(`${request.httpVersion} ${request.method} ${request.url}`);
          response.setHeader("x-h2", "yes");
          response.end("over h2");
        });
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
        url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      });
      afterAll(() => void server?.close());

      test("HTTP/2 is spoken where the config says so", async () => {
        const answer = await attempt({ url: `${url}/a?b`, http2: true, tls: tls() });
        expect([answer.status, textOf(answer), answer.error]).toEqual([200, "over h2", undefined]);
        expect(all(answer, "x-h2")).toEqual(["yes"]);
        expect(seen).toContain("2.0 GET /a?b");
      });

      test("an authority that is not trusted is tls_certificate_error", async () => {
        const answer = await attempt({ url, http2: true, tls: tls({ ca: certificates().otherCa.cert }) });
        expect(answer.error).toBe("tls_certificate_error");
      });

      test("a target that speaks no TLS is refused", async () => {
        const plain = origin.url.replace("http:", "https:");
        // It depends on whether the target answers or hangs up.
        const codes = ["tls_protocol_error", "connection_terminated"];
        expect(codes).toContain((await attempt({ url: plain, tls: tls() })).error!);
      });
    });
  });
}
