// HTTP/2 on the listener of the running executable, asked by clients that others wrote: curl, nghttp, h2load.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates } from "../support/certificates.ts";
import { until, within } from "../support/deadline.ts";
import { type Config, type Gateway, configText, startGateway } from "../support/executable.ts";
import { plain } from "../support/origin-exchange.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing, pathOfTool, type Tool } from "../support/requirements.ts";

const lack = missing("openssl", "curl", "nghttp", "h2load");
const MIB = 1024 * 1024;

/** What a program prints, and how it ends. */
async function run(tool: Tool, ...words: string[]): Promise<{ out: string; code: number }> {
  const child = Bun.spawn([pathOfTool(tool), ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const ended = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  const [out, , code] = await within(ended, `${tool} to end`, 30_000);
  return { out: out.replace(/\x1b\[[0-9;]*m/g, ""), code };
}

const curl = (...words: string[]): Promise<{ out: string; code: number }> =>
  run("curl", "-sk", "--max-time", "20", ...words);

describe.skipIf(lack !== undefined)(`HTTP/2 on the listener${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  let origin: RawOrigin;
  let gateway: Gateway;
  let url = "";
  const config = (listen: object = {}): Config => ({
    listen: { tls: { certificates: { cert: "shown.pem", key: "shown.key" } }, ...listen },
    upstreams: { up: { targets: [origin.url] } },
    routes: {
      all: { match: "/*", to: "up" },
      hello: { match: "/hello", answer: { body: "hello" } },
      nowhere: { match: "/nowhere", answer: { status: 404, body: "nowhere" } },
    },
  });
  const start = (listen: object = {}): Promise<Gateway> => {
    const { local } = certificates();
    return startGateway(config(listen), { files: { "shown.pem": local.cert, "shown.key": local.key } });
  };

  beforeAll(async () => {
    origin = await startOrigin({ keep: 16 * MIB });
    gateway = await start();
    url = `https://127.0.0.1:${gateway.port}`;
  });
  afterAll(async () => {
    await gateway?.stop();
    await origin?.stop();
  });

  test("curl is answered by HTTP/2, and the record says so", async () => {
    const { out } = await curl("-w", " %{http_version} %{response_code}", `${url}/hello`);
    expect(out).toBe("hello 2 200");
    await until(() => gateway.log.some((line) => line["url.path"] === "/hello"), "a record");
    expect(gateway.log.at(-1)).toMatchObject({ "network.protocol.version": "2", "url.scheme": "https" });
  });

  test("curl that offers HTTP/1.1 alone is answered by it", async () => {
    expect((await curl("--http1.1", "-w", " %{http_version}", `${url}/hello`)).out).toBe("hello 1.1");
  });

  test("8 MiB come to the target byte for byte, with their length", async () => {
    origin.at("/up", plain("got it"));
    const bytes = Buffer.alloc(8 * MIB);
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
    const file = join(gateway.folder, "upload.bin");
    writeFileSync(file, bytes);
    expect((await curl("--data-binary", `@${file}`, `${url}/up`)).out).toBe("got it");
    const request = await origin.requestTo("/up");
    expect(request.fields.all("content-length")).toEqual([String(bytes.length)]);
    expect(request.body.content.equals(bytes)).toBe(true);
  });

  test.each([
    ["refused", 404, "/nowhere", 8 * MIB],
    ["answered by the config", 200, "/hello", 500_000],
  ])("an upload that is %s before it has ended is no failure to curl: %i", async (_, status, path, size) => {
    const file = join(gateway.folder, "early.bin");
    writeFileSync(file, Buffer.alloc(size));
    const { out, code } = await curl("-T", file, "-o", "/dev/null", "-w", "%{http_code}", `${url}${path}`);
    expect({ out, code }).toEqual({ out: `${status}`, code: 0 });
  });

  test.each([
    ["as wide as it likes", []],
    ["of 2 KiB", ["-w", "11", "-W", "11"]],
  ])("4 MiB come to a client with windows %s", async (_, windows) => {
    origin.at("/down", plain("x".repeat(4 * MIB)));
    const { out, code } = await run("nghttp", ...windows, `${url}/down`);
    expect({ length: out.length, code }).toEqual({ length: 4 * MIB, code: 0 });
  });

  test("trailers pass", async () => {
    origin.at(
      "/trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n",
    );
    const { out } = await run("nghttp", "-nv", `${url}/trailers`);
    expect(out).toMatch(/recv DATA frame <length=3[^]*\) grpc-status: 0\n[^]*END_STREAM/);
  });

  test("an answer that the target breaks off is an error to the client", async () => {
    origin.at("/broken", async (x) => {
      await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      x.reset();
    });
    const { out, code } = await curl(`${url}/broken`);
    // CURLE_HTTP2_STREAM
    expect({ out, code }).toEqual({ out: "abc", code: 92 });
  });

  test("a client that leaves takes its request back at the target", async () => {
    const path = "/held";
    origin.at(path, () => undefined);
    const asked = curl("--max-time", "1", `${url}${path}`);
    const seen = await until(() => origin.requestsTo(path)[0], "the request");
    expect((await asked).code).toBe(28);
    await until(() => seen.connection.ending !== "open", "the gateway to close");
    await until(() => gateway.log.some((line) => line["url.path"] === path), "a record");
    expect(gateway.log.find((line) => line["url.path"] === path)!["error.type"]).toBe("client_disconnect");
  });

  test("a thousand requests of 4 clients, 50 at a time, are answered", async () => {
    origin.at("/many", plain("many"));
    const { out } = await run("h2load", "-n", "1000", "-c", "4", "-m", "50", `${url}/many`, `${url}/hello`);
    expect(out).toContain("1000 succeeded, 0 failed, 0 errored");
    expect(out).toContain("1000 2xx");
  });

  test("when the gateway ends, connections that wait are told and closed", async () => {
    const ending = await start();
    const held = `https://127.0.0.1:${ending.port}/last`;
    origin.at("/last", async (x) => {
      ending.signal("SIGTERM");
      await until(() => ending.stderr.text.includes("SIGTERM") || !ending.alive, "the signal").catch(() => undefined);
      await x.send(plain("last"));
    });
    const { out } = await run("nghttp", "-v", held);
    expect(out).toContain("last");
    expect(out).toContain("recv GOAWAY frame");
    expect(await ending.ended()).toBe(0);
  });

  test("a reload takes HTTP/2 away from handshakes to come, and gives it back", async () => {
    const turning = await start();
    const asked = async (): Promise<string> =>
      (await curl("-w", " %{http_version}", `https://127.0.0.1:${turning.port}/hello`)).out;
    const put = async (http2: boolean): Promise<void> => {
      const told = turning.stderr.text.length;
      writeFileSync(join(turning.folder, "gateway.config.ts"), configText(config({ http2 })));
      turning.signal("SIGHUP");
      await until(() => turning.stderr.text.slice(told).includes("reloaded"), "the reload");
    };
    expect(await asked()).toBe("hello 2");
    await put(false);
    expect(await asked()).toBe("hello 1.1");
    expect((await run("nghttp", `https://127.0.0.1:${turning.port}/hello`)).out).not.toContain("hello");
    await put(true);
    expect(await asked()).toBe("hello 2");
    await turning.stop();
  });

  test("without TLS it is spoken where h2c says so, beside HTTP/1.1, by every worker", async () => {
    const open = await startGateway({
      listen: { http2: { h2c: true } },
      workers: 2,
      routes: { hello: { match: "/hello", answer: { body: "hello" } } },
    });
    const at = `http://127.0.0.1:${open.port}/hello`;
    for (let i = 0; i < 6; i++) {
      expect((await curl("--http2-prior-knowledge", "-w", " %{http_version}", at)).out).toBe("hello 2");
    }
    expect((await curl("-w", " %{http_version}", at)).out).toBe("hello 1.1");
    // An upgrade to HTTP/2 is not what RFC 9113 knows any more: the answer is by HTTP/1.1.
    expect((await curl("--http2", "-w", " %{http_version}", at)).out).toBe("hello 1.1");
    await open.stop();
  });
});
