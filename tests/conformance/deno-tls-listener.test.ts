// TLS of the listener on Deno: who gets which certificate, what is refused, what changes while it runs, and how answers end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { certificates } from "../support/certificates.ts";
import { elapse, until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing, pathOfTool } from "../support/requirements.ts";
import { connectSecurely } from "../support/tls-client.ts";
import { startChild } from "./child.ts";
import type { Started } from "./conformance.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DENO = [resolve(ROOT, "node_modules/.bin/deno"), "run", "-A", join(ROOT, "src/cli/deno-main.ts")];
const lacks = missing("openssl");

describe.skipIf(lacks !== undefined)(`TLS on the listener on Deno${lacks === undefined ? "" : `: ${lacks}`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-deno-tls-"));
  let origin: RawOrigin;
  let gateway: Started;

  const put = (from: "local" | "named", to: string): void => {
    copyFileSync(certificates()[from].certFile, join(folder, `${to}.pem`));
    copyFileSync(certificates()[from].keyFile, join(folder, `${to}.key`));
  };
  const config = (name: string, tls: object): string => {
    const file = join(folder, `${name}.config.json.ts`);
    const all = {
      listen: { host: "127.0.0.1", port: 0, timeouts: { head: "1s" }, tls },
      upstreams: { up: { targets: [origin.url] } },
      routes: { all: { match: "/*", to: "up" }, own: { match: "/own", answer: { body: "hello" } } },
    };
    writeFileSync(file, `export default ${JSON.stringify(all, null, 2)};\n`);
    return file;
  };
  const start = (file: string): Promise<Started> =>
    startChild({
      command: [...DENO, file],
      folder,
      env: {},
      port: (_, stderr) => Number(/listening.*?:(\d+)\b/.exec(stderr)?.[1] ?? 0) || undefined,
      ends: [0],
    });
  const shownTo = async (servername: string, port = gateway.port): Promise<string> => {
    const { shown, socket } = await connectSecurely(port, { servername });
    socket.destroy();
    return shown;
  };
  const sClient = async (...words: string[]): Promise<string> => {
    const command = [pathOfTool("openssl"), "s_client", "-connect", `127.0.0.1:${gateway.port}`, ...words];
    const { stdout, stderr } = Bun.spawn(command, { stdin: Buffer.from(""), stdout: "pipe", stderr: "pipe" });
    return `${await new Response(stdout).text()}${await new Response(stderr).text()}`;
  };

  beforeAll(async () => {
    origin = await startOrigin();
    put("local", "a");
    put("named", "b");
    const both = ["a", "b"].map((name) => ({ cert: `${name}.pem`, key: `${name}.key` }));
    gateway = await start(config("main", { certificates: both }));
  }, 30_000);
  afterAll(async () => {
    await gateway?.stop();
    await origin?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["up.internal.test", "named"],
    ["UP.internal.TEST", "named"],
    ["localhost", "local"],
    ["other.test", "local"],
    ["", "local"],
  ])("who asks for %j gets its certificate, or the first", async (name, shown) => {
    expect(await shownTo(name)).toBe(shown);
  });

  test("HTTP/2 is chosen before HTTP/1.1, who offers neither is closed, and so is who speaks less than 1.2", async () => {
    expect(await sClient("-alpn", "http/1.1,h2")).toContain("ALPN protocol: h2");
    expect(await sClient("-alpn", "http/1.1")).toContain("ALPN protocol: http/1.1");
    expect(await sClient("-tls1_2")).toContain("TLSv1.2, Cipher is ECDHE-");
    for (const words of [
      ["-alpn", "spdy/3"],
      ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    ]) {
      expect(await sClient(...words)).toContain("unexpected eof");
    }
  });

  test("1.3 as the oldest version refuses 1.2, whichever certificate is meant", async () => {
    const newest = await start(config("newest", { certificates: { cert: "a.pem", key: "a.key" }, minVersion: "1.3" }));
    try {
      for (const servername of ["", "localhost"]) {
        expect(await shownTo(servername, newest.port)).toBe("local");
        const old = connectSecurely(newest.port, { servername, maxVersion: "TLSv1.2" });
        expect(await old.then(() => "let in", () => "refused")).toBe("refused"); // prettier-ignore
      }
    } finally {
      await newest.stop();
    }
  }, 20_000);

  test("plain HTTP, bytes that are no TLS, and silence close the connection and harm nobody", async () => {
    for (const bytes of [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      `\x16\x03\x01\x40\x00${"\xff".repeat(20_000)}`,
      "\0",
      "",
    ]) {
      const client = await connect(gateway.port);
      if (bytes !== "") await client.send(bytes);
      await until(() => client.ending !== "open", "the gateway to close");
    }
    expect(await shownTo("localhost")).toBe("local");
  });

  test("an answer that ends well ends with close_notify, and one that breaks off does not look whole", async () => {
    const { client, socket } = await connectSecurely(gateway.port);
    await client.send("GET /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await client.receive()).body.text).toBe("hello");
    await until(() => client.ending !== "open", "the gateway to close");
    expect(client.ending).toBe("fin");
    socket.destroy();
    origin.at("/broken", async (exchange) => {
      await exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      exchange.reset();
    });
    const heard = await sClientReads("/broken");
    expect(heard).toContain("hello");
    expect(heard).not.toContain("\r\n0\r\n");
    expect(heard).toContain("unexpected eof");
    expect(await sClientReads("/own")).not.toContain("unexpected eof");
  });

  /** What openssl hears of an answer, and what it says of its end. */
  async function sClientReads(path: string): Promise<string> {
    const command = [pathOfTool("openssl"), "s_client", "-quiet", "-connect", `127.0.0.1:${gateway.port}`];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    void child.stdin.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await child.stdin.flush();
    const heard = `${await new Response(child.stdout).text()}${await new Response(child.stderr).text()}`;
    await child.exited;
    return heard;
  }

  test("certificates whose files change are shown, without a restart", async () => {
    put("local", "t");
    const running = await start(config("turning", { certificates: { cert: "t.pem", key: "t.key" } }));
    try {
      const kept = await connectSecurely(running.port);
      put("named", "t");
      await until(async () => (await shownTo("", running.port)) === "named", "the new certificate", 10_000);
      await kept.client.send(get("/own"));
      expect((await kept.client.receive()).body.text).toBe("hello");
      kept.socket.destroy();
    } finally {
      await running.stop();
    }
  }, 20_000);

  test("clients' certificates are refused, with line and column", async () => {
    const { cert } = certificates().ca;
    const file = config("asking", {
      certificates: { cert: "a.pem", key: "a.key" },
      clientCert: "request",
      clientCa: cert,
    });
    const child = Bun.spawn([...DENO, file], { cwd: folder, stdout: "ignore", stderr: "pipe" });
    const told = await new Response(child.stderr).text();
    expect(await child.exited).toBe(78);
    expect(told).toMatch(
      /asking\.config\.json\.ts:\d+:\d+ {2}listen\.tls\.clientCert: wanted "off"\. Deno does not tell/,
    );
  });

  test.skipIf(missing("curl") !== undefined)("curl speaks HTTP/2 to it", async () => {
    const url = `https://127.0.0.1:${gateway.port}/own`;
    const command = [pathOfTool("curl"), "-sk", "--http2", "-w", " %{http_version}", url];
    expect(await new Response(Bun.spawn(command, { stdout: "pipe" }).stdout).text()).toBe("hello 2");
  });

  test("a large answer arrives whole, however slowly it is read", async () => {
    const body = Buffer.alloc(3_000_000, "0123456789");
    origin.at("/large", plain(body.toString("latin1")));
    const { client, socket } = await connectSecurely(gateway.port);
    socket.pause();
    await client.send(get("/large"));
    await origin.requestTo("/large");
    socket.resume();
    expect((await client.receive()).body.content.equals(body)).toBe(true);
    socket.destroy();
  });

  test("an upload is taken at the pace of the upstream", async () => {
    const begun = Promise.withResolvers<void>();
    const allowed = Promise.withResolvers<void>();
    origin.at("/slow", async (exchange) => {
      begun.resolve();
      await allowed.promise;
      await exchange.body();
      await exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const { client, socket } = await connectSecurely(gateway.port);
    const piece = Buffer.alloc(1_000_000);
    const count = 100;
    let taken = 0;
    socket.write(`POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: ${count * piece.length}\r\n\r\n`);
    const upload = (): void => {
      while (taken < count && socket.write(piece)) taken++;
    };
    socket.on("drain", () => {
      taken++;
      upload();
    });
    upload();
    await begun.promise;
    // Until nobody takes any more.
    for (let before = -1, same = 0; same < 30; same = taken === before ? same + 1 : 0) {
      before = taken;
      await elapse(10);
    }
    expect(taken).toBeLessThan(50);
    allowed.resolve();
    expect((await client.receive()).body.text).toBe("ok");
    expect(taken).toBe(count);
    socket.destroy();
  }, 20_000);
});
