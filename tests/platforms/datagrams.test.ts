// Lines as datagrams: each its own, over UDP and to a Unix socket, and a receiver that is slow or gone.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { udpOutput, unixOutput } from "../../src/platforms/datagram-output.ts";
import { receiver } from "../support/datagram-receiver.ts";
import { until } from "../support/deadline.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-datagrams-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("each line is a datagram of its own over UDP", async () => {
  const received: string[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_, data) => void received.push(data.toString()) },
  });
  const output = udpOutput({ name: "udp", host: "127.0.0.1", port: socket.port }, () => expect.unreachable());
  expect(await output.write(bytes("<14>1 one\n<14>1 two\n"))).toBe(0);
  await until(() => received.length === 2, "both");
  expect(received).toEqual(["<14>1 one", "<14>1 two"]);
  output.close?.();
  socket.close();
});

test("a receiver that is gone costs lines over UDP, which are counted as far as that is known, and nothing waits", async () => {
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1" });
  const { port } = socket;
  socket.close();
  const output = udpOutput({ name: "udp", host: "127.0.0.1", port }, () => expect.unreachable());
  expect(await output.write(bytes("one\ntwo\nthree\n"))).toBeLessThanOrEqual(3);
  output.close?.();
});

test("a name that is not found is told once and waited for over UDP; what waits when it is closed is counted as lost", async () => {
  const notices: string[] = [];
  const told = Promise.withResolvers<void>();
  const output = udpOutput({ name: "udp://nowhere.invalid:514", host: "nowhere.invalid", port: 514 }, (text) => {
    notices.push(text);
    told.resolve();
  });
  const writing = output.write(bytes("one\ntwo\n"));
  await told.promise;
  output.close?.();
  expect(await writing).toBe(2);
  expect(notices).toEqual([
    expect.stringMatching(/^udp:\/\/nowhere\.invalid:514 cannot be written \(.+\): lines of the access log wait$/),
  ]);
});

test("each line is a datagram of its own to a Unix socket", async () => {
  const path = join(folder, "log");
  const to = receiver(path);
  const output = unixOutput(path, () => expect.unreachable());
  expect(await output.write(bytes("one\ntwo\n"))).toBe(0);
  expect([to.next(), to.next(), to.next()]).toEqual(["one", "two", undefined]);
  output.close?.();
  to.close();
});

test("a Unix socket whose receiver is slow is waited for: nothing is lost", async () => {
  const path = join(folder, "slow");
  const to = receiver(path);
  const output = unixOutput(path, () => expect.unreachable());
  const sent = Array.from({ length: 3000 }, (_, i) => `line ${i}`);
  let lost: number | undefined;
  void output.write(bytes(sent.map((line) => `${line}\n`).join(""))).then((count) => (lost = count));
  const received: string[] = [];
  await until(() => {
    for (let line = to.next(); line !== undefined; line = to.next()) received.push(line);
    return lost !== undefined && received.length === sent.length;
  }, "all lines");
  expect(lost).toBe(0);
  expect(received).toEqual(sent);
  output.close?.();
  to.close();
});

test("a Unix socket that is not there is told once and waited for; a receiver that comes gets what waits", async () => {
  const path = join(folder, "late");
  const notices: string[] = [];
  const output = unixOutput(path, (text) => notices.push(text));
  const writing = output.write(bytes("one\n"));
  await until(() => notices.length > 0, "the notice");
  const to = receiver(path);
  expect(await writing).toBe(0);
  expect(to.next()).toBe("one");
  expect(notices).toHaveLength(2);
  output.close?.();
  to.close();
});
