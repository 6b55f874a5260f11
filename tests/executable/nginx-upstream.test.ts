// Real traffic to an upstream of another make: nginx serving files, behind the executable.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startGateway, type Gateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { startNginx, type Nginx } from "../support/nginx.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { missing } from "../support/requirements.ts";

const lack = missing("nginx");
const TEXT = "sluice before nginx\n".repeat(200);
const LARGE = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef");

describe.skipIf(lack !== undefined)(`nginx as upstream${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  let nginx: Nginx;
  let gateway: Gateway;
  beforeAll(async () => {
    nginx = await startNginx({ "a.txt": TEXT, "large.bin": LARGE });
    gateway = await startGateway({
      upstreams: { files: { targets: [nginx.url] } },
      routes: { files: { match: "/files/*", to: "files", rewrite: { stripPrefix: "/files" } } },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await nginx.stop();
  });

  test("a file comes whole, with its validators", async () => {
    const response = await exchange(gateway.port, get("/files/a.txt"));
    expect([response.status, response.body.text]).toEqual([200, TEXT]);
    expect(response.fields.one("content-length")).toBe(String(TEXT.length));
    expect(response.fields.one("etag")).toBeString();
    expect(response.fields.one("server")).toStartWith("nginx");
  });

  test("a condition that holds: 304; a range: 206; no such file: nginx's own 404", async () => {
    const etag = (await exchange(gateway.port, get("/files/a.txt"))).fields.one("etag");
    expect((await exchange(gateway.port, get("/files/a.txt", `If-None-Match: ${etag}`))).status).toBe(304);
    const part = await exchange(gateway.port, get("/files/large.bin", "Range: bytes=16-31"));
    expect([part.status, part.body.text]).toEqual([206, "0123456789abcdef"]);
    const none = await exchange(gateway.port, get("/files/none"));
    expect([none.status, none.body.text.includes("nginx")]).toEqual([404, true]);
  });

  test("HEAD, and gzip in chunks for who asks for it", async () => {
    const head = await exchange(gateway.port, request("HEAD", "/files/large.bin"));
    expect([head.status, head.fields.one("content-length"), head.body.bytes]).toEqual([200, String(LARGE.length), 0]);
    const zipped = await exchange(gateway.port, get("/files/a.txt", "Accept-Encoding: gzip"));
    expect([zipped.fields.one("content-encoding"), zipped.fields.one("transfer-encoding")]).toEqual([
      "gzip",
      "chunked",
    ]);
    expect(Buffer.from(Bun.gunzipSync(new Uint8Array(zipped.body.content))).toString()).toBe(TEXT);
  });

  test("3 MiB, byte for byte, ten at once", async () => {
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => exchange(gateway.port, get("/files/large.bin"))),
    );
    for (const response of responses) expect(Buffer.compare(response.body.content, LARGE)).toBe(0);
  });

  test("nginx understands what it gets: methods, lengths, chunks, and who the client is", async () => {
    const get1 = await exchange(gateway.port, get("/files/echo"));
    expect(get1.body.text).toBe("GET   127.0.0.1");
    const post = await exchange(gateway.port, request("POST", "/files/echo", "hello"));
    expect(post.body.text).toBe("POST 5  127.0.0.1");
    const chunked = "POST /files/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    expect((await exchange(gateway.port, chunked)).body.text).toStartWith("POST ");
    const large = await exchange(gateway.port, request("POST", "/files/upload", "x".repeat(2 * 1024 * 1024)));
    expect(large.body.text).toStartWith(`POST ${2 * 1024 * 1024}`);
    const over = await exchange(gateway.port, request("POST", "/files/upload", "x".repeat(5 * 1024 * 1024)));
    expect(over.status).toBe(413);
  });

  test("its connections are kept, and one it closes is not missed", async () => {
    using client = await connect(gateway.port);
    for (let i = 0; i < 20; i++) {
      await client.send(get(i % 5 === 4 ? "/files/close" : "/files/echo"));
      expect((await client.receive()).status).toBe(200);
    }
    const lines = (await nginx.log()).slice(-20);
    const connections = new Set(lines.map((line) => line.split(" ", 1)[0]));
    expect(connections.size).toBeLessThanOrEqual(5);
  });
});
