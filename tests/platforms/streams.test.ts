// Lines over streams: each behind its length, over TCP, TLS and a Unix socket; receivers that are gone, slow or strange.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import tls from "node:tls";
import type { ClientTls } from "../../src/platform.ts";
import { AwaitedLines } from "../../src/platforms/awaited-lines.ts";
import { StreamOutput, type StreamTo } from "../../src/platforms/stream-output.ts";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { missing } from "../support/requirements.ts";
import { frames, type StreamReceiver, streamReceiver } from "../support/stream-receiver.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-streams-"));
afterAll(() => rmSync(folder, { recursive: true }));

const receivers: StreamReceiver[] = [];
const outputs: StreamOutput[] = [];
afterEach(async () => {
  for (const output of outputs.splice(0)) output.close();
  for (const each of receivers.splice(0)) await each.close();
});

async function receive(where: { port?: number; path?: string } = {}, server?: net.Server): Promise<StreamReceiver> {
  const receiver = await streamReceiver(where, server);
  receivers.push(receiver);
  return receiver;
}

const unexpected = (text: string): never => expect.unreachable(text);

function outputTo(to: StreamTo, notice: (text: string) => void = unexpected): StreamOutput {
  const output = new StreamOutput(to, notice);
  outputs.push(output);
  return output;
}

function tcp(port: number, wanted?: ClientTls): StreamTo {
  return { name: `tcp://127.0.0.1:${port}`, kind: "tcp", host: "127.0.0.1", port, tls: wanted };
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("each line stands behind its length in bytes (RFC 6587 section 3.4.1)", async () => {
  const receiver = await receive();
  expect(await outputTo(tcp(receiver.port)).write(bytes("<14>1 one\n\n<14>1 é\n"))).toBe(0);
  await until(() => receiver.text.length > 0, "the lines");
  expect(receiver.text).toBe("9 <14>1 one0 8 <14>1 Ã©");
});

test("a Unix socket is a stream as any other", async () => {
  const path = join(folder, "log");
  const receiver = await receive({ path });
  const to: StreamTo = { name: `unix-stream://${path}`, kind: "unix-stream", path };
  expect(await outputTo(to).write(bytes("one\ntwo\n"))).toBe(0);
  await until(() => frames(receiver.text).length === 2, "both");
  expect(frames(receiver.text)).toEqual(["one", "two"]);
});

test("a receiver that is not there is told once and waited for; one that comes gets what waits", async () => {
  const port = closedPort();
  const notices: string[] = [];
  const writing = outputTo(tcp(port), (text) => notices.push(text)).write(bytes("one\n"));
  await until(() => notices.length > 0, "the notice");
  const receiver = await receive({ port });
  expect(await writing).toBe(0);
  await until(() => receiver.text !== "", "the line");
  expect(receiver.text).toBe("3 one");
  expect(notices).toEqual([
    expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+ cannot be written \(.+\): lines of the access log wait$/),
    `tcp://127.0.0.1:${port} is written again`,
  ]);
});

test("a receiver that has left and come back is connected to anew", async () => {
  const first = await receive();
  const output = outputTo(tcp(first.port), () => undefined);
  expect(await output.write(bytes("one\n"))).toBe(0);
  await until(() => first.text !== "", "the first line");
  await first.close();
  const second = await receive({ port: first.port });
  await until(async () => {
    await output.write(bytes("two\n"));
    return second.text !== "";
  }, "a line");
  expect([first.text, second.text.slice(0, 5)]).toEqual(["3 one", "3 two"]);
});

test("a receiver that takes nothing costs lines beyond a bound, which are counted and told", async () => {
  const receiver = await receive();
  receiver.stands = true;
  const notices: string[] = [];
  const output = outputTo(tcp(receiver.port));
  const lines = new AwaitedLines(output, "the receiver", (text) => notices.push(text));
  const line = "x".repeat(1000);
  let written = 0;
  await until(() => {
    for (let i = 0; i < 1000; i++, written++) lines.write(line);
    return lines.dropped > 0;
  }, "lost lines");
  expect(notices).toEqual(["the receiver takes nothing: lines of the access log are lost until its reader goes on"]);
  receiver.goOn();
  await lines.flush();
  await until(() => frames(receiver.text).length === written - lines.dropped, "all others");
});

test("lines that wait for a receiver when it is closed are counted as lost", async () => {
  const output = outputTo(tcp(closedPort()), () => undefined);
  const writing = output.write(bytes("one\ntwo\n"));
  output.close();
  expect(await writing).toBe(2);
});

test("a connection that breaks amid a piece costs the lines of that piece", async () => {
  const receiver = await receive();
  receiver.stands = true;
  const writing = outputTo(tcp(receiver.port)).write(bytes("x".repeat(99_999).concat("\n").repeat(200)));
  await until(() => receiver.connections > 0, "the connection");
  receiver.cut();
  expect(await writing).toBe(200);
});

const lack = missing("openssl");
describe.if(lack === undefined)(lack === undefined ? "over TLS" : `over TLS (skipped: ${lack})`, () => {
  const secure = (): net.Server => {
    const { local } = certificates();
    return tls.createServer({ cert: local.cert, key: local.key });
  };
  const wanted = (ca: string): ClientTls => {
    return { serverName: "localhost", ca, cert: undefined, key: undefined, verify: true };
  };

  test("lines go to a receiver that its authority vouches for", async () => {
    const receiver = await receive({}, secure());
    expect(await outputTo(tcp(receiver.port, wanted(certificates().ca.cert))).write(bytes("one\n"))).toBe(0);
    await until(() => receiver.text !== "", "the line");
    expect(receiver.text).toBe("3 one");
  });

  test("a receiver that nobody vouches for gets no line", async () => {
    const receiver = await receive({}, secure());
    const notices: string[] = [];
    const output = outputTo(tcp(receiver.port, wanted(certificates().otherCa.cert)), (text) => notices.push(text));
    const writing = output.write(bytes("one\n"));
    await until(() => notices.length > 0, "the notice");
    output.close();
    expect(await writing).toBe(1);
    expect(receiver.text).toBe("");
  });

  test("Deno writes likewise, with TLS and without", async () => {
    const deno = resolve(import.meta.dir, "../../node_modules/.bin/deno");
    for (const receiver of [await receive(), await receive({}, secure())]) {
      const ca = receiver === receivers[0] ? "" : certificates().ca.cert;
      const child = Bun.spawn(
        [deno, "run", "-A", "--no-check", join(import.meta.dir, "stream-child.ts"), String(receiver.port), ca],
        { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
      );
      expect(await new Response(child.stdout).text()).toBe("0 lost\n");
      await until(() => frames(receiver.text).length === 1000, "the lines");
      expect(frames(receiver.text)).toEqual(Array.from({ length: 1000 }, (_, i) => `line ${i}`));
    }
  }, 30_000);
});
