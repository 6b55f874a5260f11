// The unit file under a real systemd: the gateway starts, reloads, begins again and stops as the unit says.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { LogOptions } from "../../src/config/log/options.ts";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { configText } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect, exchange, refuses } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { missing } from "../support/requirements.ts";
import { bootSystemd, type Systemd } from "../support/systemd.ts";

const booted = await bootSystemd();
const systemd = booted as Systemd;
const why = typeof booted === "string" ? ` (skipped: ${booted})` : "";

const CONFIG = "/etc/sluice/gateway.config.ts";
const PATIENCE_MS = 15_000;

afterAll(() => (typeof booted === "string" ? undefined : booted.end()));

/** A config that answers with this body. */
function answering(body: string, log: LogOptions = {}): string {
  return configText({ routes: { all: { match: "/*", answer: { body } } }, shutdown: { drainDelay: "0s" }, log });
}

/** Starts the unit with a config that is right. Gives where it listens, as it has told systemd. */
async function started(config = answering("hello")): Promise<number> {
  await systemd.write(CONFIG, config);
  expect(await systemd.run("systemctl", "start", "sluice")).toEqual({ code: 0, text: "" });
  return port();
}

async function port(): Promise<number> {
  const { StatusText = "" } = await systemd.show("StatusText");
  return Number(/:(\d+) \(/.exec(StatusText)?.[1]);
}

async function bodyAt(at: number): Promise<string> {
  return (await exchange(at, get("/"))).body.text;
}

/** Waits until systemd has started it anew so often, and it serves. */
async function restarted(times: number): Promise<void> {
  await until(
    async () => {
      const { NRestarts, ActiveState } = await systemd.show("NRestarts", "ActiveState");
      return NRestarts === String(times) && ActiveState === "active";
    },
    "the restart",
    PATIENCE_MS,
  );
}

describe.skipIf(why !== "")(`under systemd${why}`, () => {
  beforeAll(async () => {
    // Before the journal: it takes its sockets when it starts. No link to it in /dev, which is this machine's.
    const name = "systemd-journald-dev-log.socket";
    await systemd.write(`/etc/systemd/system/${name}.d/test.conf`, "[Socket]\nSymlinks=\n");
    await systemd.run("systemctl", "daemon-reload");
    await systemd.run("systemctl", "start", name);
  });

  beforeEach(async () => {
    await systemd.run("systemctl", "stop", "sluice");
    await systemd.run("systemctl", "reset-failed", "sluice");
  });

  test("start returns once it serves, as nobody's account, without any right of root's but low ports", async () => {
    expect(await bodyAt(await started())).toBe("hello");
    const { MainPID, ActiveState } = await systemd.show("MainPID", "ActiveState");
    expect(ActiveState).toBe("active");
    const { text } = await systemd.run("grep", "-E", "^(Uid|CapEff|NoNewPrivs|Seccomp):", `/proc/${MainPID}/status`);
    expect(text).not.toMatch(/^Uid:\s0/m);
    // CAP_NET_BIND_SERVICE is bit 10.
    expect(text).toMatch(/^CapEff:\s0{13}400$/m);
    expect(text).toMatch(/^NoNewPrivs:\s1$/m);
    expect(text).toMatch(/^Seccomp:\s2$/m);
  });

  test("it takes a port below 1024", async () => {
    expect(await bodyAt(await started(answering("low").replace('"port": 0', '"port": 81')))).toBe("low");
  });

  test("reload takes the new config in the same process; a broken one changes nothing and is told", async () => {
    const at = await started();
    const { MainPID } = await systemd.show("MainPID");
    await systemd.write(CONFIG, answering("changed"));
    expect((await systemd.run("systemctl", "reload", "sluice")).code).toBe(0);
    await until(async () => (await bodyAt(at)) === "changed", "the new config");
    await systemd.write(CONFIG, "export default {");
    await systemd.run("systemctl", "reload", "sluice");
    await until(
      async () => /last reload failed/.test((await systemd.show("StatusText"))["StatusText"]!),
      "the refusal",
    );
    expect(await bodyAt(at)).toBe("changed");
    expect(await systemd.show("MainPID", "ActiveState")).toEqual({ MainPID: MainPID!, ActiveState: "active" });
  });

  test("a config that is wrong is not started again and again: the unit fails with 78, and the journal says why", async () => {
    await systemd.write(CONFIG, answering("x").replace('"/*"', '"no-slash"'));
    expect((await systemd.run("systemctl", "start", "sluice")).code).not.toBe(0);
    const state = await systemd.show("ExecMainStatus", "NRestarts", "ActiveState");
    expect(state).toEqual({ ExecMainStatus: "78", NRestarts: "0", ActiveState: "failed" });
    const said = async (): Promise<string> => (await systemd.run("journalctl", "-u", "sluice", "-o", "cat")).text;
    await until(async () => /gateway\.config\.ts:\d+:\d+/.test(await said()), "the place of the fault in the journal");
  });

  const lack = missing("logrotate");
  const rotates = `the access log in a file has a folder, and logrotate rotates it as the docs say${lack === undefined ? "" : ` (skipped: ${lack})`}`;
  test.skipIf(lack !== undefined)(rotates, async () => {
    const file = "/var/log/sluice/access.log";
    const at = await started(answering("hello", { to: { file } }));
    const textOf = async (path: string): Promise<string> => (await systemd.run("cat", path)).text;
    await exchange(at, get("/before"));
    await until(async () => (await textOf(file)).includes("/before"), "the line");
    expect((await systemd.run("stat", "-Lc", "%a", "/var/log/sluice")).text).toBe("750\n");
    const docs = await Bun.file(join(import.meta.dir, "../../docs/access-log.md")).text();
    await systemd.write("/etc/sluice/logrotate.conf", /^\/var\/log\/sluice\/access\.log \{[^}]*\}$/m.exec(docs)![0]);
    expect(await systemd.run("logrotate", "--force", "/etc/sluice/logrotate.conf")).toEqual({ code: 0, text: "" });
    await until(async () => (await systemd.run("test", "-e", file)).code === 0, "the new file");
    await exchange(at, get("/after"));
    await until(async () => (await textOf(file)).includes("/after"), "the line in the new file");
    expect(await textOf(`${file}.1`)).not.toContain("/after");
  });

  test("the access log to the journal's socket is read by it: name, process, severity, and the line as it is", async () => {
    const syslog = "unix:///run/systemd/journal/dev-log";
    const at = await started(answering("hello", { to: { syslog, app: "edge", facility: "local3" } }));
    await exchange(at, get("/told"));
    const read = async (): Promise<string> => (await systemd.run("journalctl", "-t", "edge", "-o", "json")).text;
    await until(async () => (await read()).includes("/told"), "the line");
    const entry = JSON.parse((await read()).split("\n")[0]!) as Record<string, string>;
    const { MainPID } = await systemd.show("MainPID");
    expect(entry).toMatchObject({ SYSLOG_PID: MainPID!, SYSLOG_FACILITY: "19", PRIORITY: "6" });
    expect(JSON.parse(entry["MESSAGE"]!)).toMatchObject({ "url.path": "/told" });
  });

  test("one that dies is started again", async () => {
    await started();
    await systemd.run("systemctl", "kill", "--signal=KILL", "sluice");
    await restarted(1);
    expect(await bodyAt(await port())).toBe("hello");
  });

  test("one whose event loop stands still is ended and started again", async () => {
    await systemd.write(
      "/etc/systemd/system/sluice.service.d/test.conf",
      "[Service]\nWatchdogSec=1\nWatchdogSignal=KILL\n",
    );
    await systemd.run("systemctl", "daemon-reload");
    await started();
    const heard = async (): Promise<number> =>
      Number((await systemd.show("WatchdogTimestampMonotonic"))["WatchdogTimestampMonotonic"]);
    const first = await heard();
    await until(async () => (await heard()) > first + 1.5e6, "a word after more than the time without one");
    expect(await systemd.show("NRestarts")).toEqual({ NRestarts: "0" });
    await systemd.run("systemctl", "kill", "--signal=STOP", "sluice");
    await restarted(1);
    expect(await bodyAt(await port())).toBe("hello");
    await systemd.run("rm", "-r", "/etc/systemd/system/sluice.service.d");
    await systemd.run("systemctl", "daemon-reload");
  });

  test.each([
    ["one that was started", false],
    ["one that has taken over", true],
  ])("stop lets what is under way finish: of %s", async (_, takesOver) => {
    const origin = await startOrigin(async (x) => {
      await x.body();
      await x.wait(300);
      await x.send(plain("whole"));
    });
    const config = configText({
      admin: { socket: "/run/sluice/admin.sock" },
      shutdown: { drainDelay: "0s" },
      upstreams: { u1: { targets: [origin.url] } },
      routes: { all: { match: "/*", to: "u1" } },
    });
    const at = await started(config);
    if (takesOver) expect((await systemd.run("sluice", "upgrade", CONFIG)).code).toBe(0);
    using client = await connect(at);
    await client.send(get("/"));
    await until(() => origin.requestsTo("/").length === 1, "the request at the origin");
    const stopped = systemd.run("systemctl", "stop", "sluice");
    await refuses(at);
    expect((await client.receive()).body.text).toBe("whole");
    expect((await stopped).code).toBe(0);
    expect(await systemd.show("Result", "ExecMainStatus")).toEqual({ Result: "success", ExecMainStatus: "0" });
    await origin.stop();
  });

  test("sluice upgrade gives the unit another main process, which is reloaded, watched and stopped as the first was", async () => {
    const config = (body: string): string =>
      configText({
        admin: { socket: "/run/sluice/admin.sock" },
        routes: { all: { match: "/*", answer: { body } } },
        shutdown: { drainDelay: "0s" },
      });
    const at = await started(config("hello"));
    const { MainPID: first } = await systemd.show("MainPID");
    for (let time = 0; time < 2; time++) {
      const { code, text } = await systemd.run("sluice", "upgrade", CONFIG);
      expect([code, text]).toEqual([0, expect.stringMatching(/^sluice \S+ \(process \d+\) has taken over\s*$/)]);
      const other = /process (\d+)/.exec(text)![1]!;
      await until(async () => (await systemd.show("MainPID"))["MainPID"] === other, "the other main process");
      expect(await bodyAt(at)).toBe("hello");
    }
    expect(await systemd.show("ActiveState", "NRestarts")).toEqual({ ActiveState: "active", NRestarts: "0" });
    await until(async () => (await systemd.run("pgrep", "-xc", "sluice")).text.trim() === "1", "the end of the others");
    expect((await systemd.run("test", "-d", `/proc/${first}`)).code).not.toBe(0);

    await systemd.write(CONFIG, config("changed"));
    expect((await systemd.run("systemctl", "reload", "sluice")).code).toBe(0);
    await until(async () => (await bodyAt(at)) === "changed", "the new config");
    await systemd.run("systemctl", "kill", "--signal=KILL", "sluice");
    await restarted(1);
    expect((await systemd.run("sluice", "upgrade", CONFIG)).code).toBe(0);
    expect((await systemd.run("systemctl", "stop", "sluice")).code).toBe(0);
    expect(await systemd.show("Result", "ActiveState")).toEqual({ Result: "success", ActiveState: "inactive" });
  });

  test("an upgrade that comes to nothing leaves the unit as it is", async () => {
    const at = await started(
      configText({
        admin: { socket: "/run/sluice/admin.sock" },
        routes: { all: { match: "/*", answer: { body: "hello" } } },
      }),
    );
    const { MainPID } = await systemd.show("MainPID");
    await systemd.write(CONFIG, "process.exit(9);");
    const asked = "curl -sX POST --unix-socket /run/sluice/admin.sock http://localhost/upgrade";
    const { text } = await systemd.run("sh", "-c", asked);
    expect(text).toContain("it ended before it served");
    expect(await bodyAt(at)).toBe("hello");
    expect(await systemd.show("MainPID", "ActiveState")).toEqual({ MainPID: MainPID!, ActiveState: "active" });
  });
});
