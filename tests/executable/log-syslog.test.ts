// The access log to syslog from the executable: a real rsyslog over TCP, TLS, and receivers that are not there.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import type { LogOptions } from "../../src/config/log/options.ts";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";
import { connect } from "../support/raw-client.ts";
import { missing, pathOfTool } from "../support/requirements.ts";
import { frames, streamReceiver } from "../support/stream-receiver.ts";

const started: Gateway[] = [];
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const gateway of started.splice(0)) if (gateway.alive) gateway.signal("SIGKILL");
  for (const end of ends.splice(0)) await end();
});

async function start(to: LogOptions["to"], workers = 1, admin = false): Promise<Gateway> {
  const gateway = await startGateway({
    workers,
    routes: { all: { match: "/*", answer: { body: "here" } } },
    log: { to: to! },
    ...(admin && { admin: { port: 0 } }),
  });
  started.push(gateway);
  return gateway;
}

async function drive({ port }: Gateway, count: number): Promise<string[]> {
  using client = await connect(port);
  const paths = Array.from({ length: count }, (_, i) => `/${i}`);
  for (let at = 0; at < count; at += 20) {
    const some = paths.slice(at, at + 20);
    await client.send(some.map((path) => get(path)).join(""));
    for (let i = 0; i < some.length; i++) expect((await client.receive()).status).toBe(200);
  }
  return paths;
}

const pathIn = (message: string): string =>
  String((JSON.parse(message.slice(message.indexOf("{"))) as Record<string, unknown>)["url.path"]);

const lack = missing("rsyslogd");
describe.if(lack === undefined)(lack === undefined ? "a real rsyslog" : `a real rsyslog (skipped: ${lack})`, () => {
  /** Starts it; gives its port, and the messages that it has written. */
  async function rsyslog(): Promise<{ port: number; messages(): string[] }> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-rsyslog-"));
    const [file, portFile, conf] = ["messages", "port", "rsyslog.conf"].map((name) => join(folder, name));
    await Bun.write(
      conf!,
      `template(name="whole" type="string" string="%pri% %app-name% %procid% %msg%\\n")
ruleset(name="taken") { action(type="omfile" file="${file}" template="whole") }
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="${portFile}" ruleset="taken")
`,
    );
    const child = Bun.spawn([pathOfTool("rsyslogd"), "-n", "-f", conf!, "-i", join(folder, "pid")], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    ends.push(async () => {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    });
    const textOf = (path: string): string => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return "";
      }
    };
    await until(() => /^\d+$/.test(textOf(portFile!).trim()), "its port");
    return {
      port: Number(textOf(portFile!)),
      messages: () => textOf(file!).split("\n").slice(0, -1),
    };
  }

  test.each([1, 2])("gets every line over TCP, with %d workers", async (workers) => {
    const { port, messages } = await rsyslog();
    const gateway = await start({ syslog: `tcp://127.0.0.1:${port}`, facility: "local3", app: "edge" }, workers);
    const paths = await drive(gateway, 500);
    await gateway.stop();
    await until(() => messages().length === 500, "the lines");
    expect(messages()[0]).toMatch(/^158 edge \d+ \{"time"/);
    expect(messages().map(pathIn).sort()).toEqual(paths.sort());
  });
});

const noTls = missing("openssl");
test.if(noTls === undefined)("over TLS lines go to the one whom the authority vouches for", async () => {
  const { ca, local, named } = certificates();
  const [right, wrong] = await Promise.all(
    [local, named].map(({ cert, key }) => streamReceiver({}, tls.createServer({ cert, key }))),
  );
  ends.push(
    () => right!.close(),
    () => wrong!.close(),
  );
  const to = [right, wrong].map((receiver) => {
    return { syslog: `tls://127.0.0.1:${receiver!.port}`, tls: { ca: ca.certFile } } as const;
  });
  const gateway = await start(to);
  await drive(gateway, 100);
  await until(() => frames(right!.text).length === 100, "the lines");
  await until(() => gateway.stderr.text.includes("cannot be written"), "the notice");
  expect(wrong!.text).toBe("");
});

test("a receiver that comes late gets what waited, and costs nobody an answer", async () => {
  const port = closedPort();
  const gateway = await start({ syslog: `tcp://127.0.0.1:${port}` });
  await drive(gateway, 100);
  await until(() => gateway.stderr.text.includes("cannot be written"), "the notice");
  const receiver = await streamReceiver({ port });
  ends.push(() => receiver.close());
  await until(() => frames(receiver.text).length === 100, "the lines");
  expect(gateway.stderr.text.split("cannot be written")).toHaveLength(2);
  expect(gateway.stderr.text).toContain(`tcp://127.0.0.1:${port} is written again`);
});

test.each([1, 2])(
  "a name that is not found is told once, with %d workers, and costs nobody an answer",
  async (workers) => {
    const gateway = await start({ syslog: "udp://nowhere.invalid:514" }, workers);
    await drive(gateway, 100);
    await until(() => gateway.stderr.text.includes("udp://nowhere.invalid:514 cannot be written"), "the notice");
    await drive(gateway, 100);
    await gateway.stop();
    expect(gateway.stderr.text.split("cannot be written")).toHaveLength(2);
  },
);

test("lines beyond the bound are counted while nobody listens, with two workers", async () => {
  const gateway = await start({ syslog: `tcp://127.0.0.1:${closedPort()}` }, 2, true);
  const dropped = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`);
    return sumOf(readMetrics(await answer.text()), "sluice_log_lines_dropped_total");
  };
  const long = `/${"x".repeat(1900)}`;
  using client = await connect(gateway.port);
  await until(
    async () => {
      await client.send(get(long).repeat(50));
      for (let i = 0; i < 50; i++) expect((await client.receive()).status).toBe(200);
      return (await dropped()) > 0;
    },
    "lost lines",
    20_000,
  );
});
