// What goes on over an upgrade, where it goes on, and what the process that leaves still does.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { accept, openWebSocket } from "../../cases/websocket-steps.ts";
import { receiver } from "../../support/datagram-receiver.ts";
import { until } from "../../support/deadline.ts";
import { EXECUTABLE } from "../../support/executable.ts";
import { get } from "../../support/messages.ts";
import { plain } from "../../support/origin-exchange.ts";
import { connect, exchange } from "../../support/raw-client.ts";
import { startOrigin } from "../../support/raw-origin.ts";
import { frame, OPCODE } from "../../support/websocket-frames.ts";
import { sluice } from "../cli/run-sluice.ts";
import { alone, ask, configOf, endAll, finish, left, rewrite, start, upgraded } from "./rig.ts";

afterEach(endAll);

const LIMITS = { few: { limit: 100, window: "1h", by: "address" } };
const HELLO = { limits: LIMITS, routes: { all: { match: "/*", limits: "few", answer: { body: "hello" } } } };
const once = async (port: number, path = "/"): Promise<string> =>
  (await exchange(port, get(path, "Connection: close"))).body.text;

describe.each([1, 2])("with workers: %i", (workers) => {
  test("a WebSocket stays with the process that it came to, which ends when it is closed", async () => {
    const origin = await startOrigin(async (x) => {
      const end = await accept(x);
      for (let next = await end.next(); next !== undefined; next = await end.next()) {
        await end.writer.send(frame(next.opcode, next.payload));
        if (next.opcode === OPCODE.close) break;
      }
      x.finish();
    });
    const routes = { ws: { match: "/ws", to: "u" }, all: { match: "/*", answer: { body: "hello" } } };
    const gateway = await start({ workers, upstreams: { u: { targets: [origin.url] } }, routes });
    using client = await connect(gateway.port);
    const end = await openWebSocket(client, "/ws");
    const last = await upgraded(gateway);
    for (const text of ["one", "two"]) {
      await client.send(frame(OPCODE.text, text, { mask: true }));
      expect((await end.next())?.payload.toString()).toBe(text);
    }
    expect(gateway.processes.sort()).toEqual([gateway.pid, last].sort());
    expect(await once(gateway.port)).toBe("hello");
    await client.send(frame(OPCODE.close, "", { mask: true }));
    await alone(gateway, last);
    await finish(gateway);
    await origin.stop();
  });

  test("what is under way is answered by the old process; connections that are idle are closed by it", async () => {
    let go: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => (go = resolve));
    const origin = await startOrigin(async (x) => {
      await waits;
      await x.send(plain("slow"));
    });
    const routes = { slow: { match: "/slow", to: "u" }, all: { match: "/*", answer: { body: "hello" } } };
    const gateway = await start({ workers, upstreams: { u: { targets: [origin.url] } }, routes });
    using slow = await connect(gateway.port);
    using idle = await connect(gateway.port);
    await idle.send(get("/"));
    expect((await idle.receive()).fields.one("connection")).toBeUndefined();
    await slow.send(get("/slow"));
    await until(() => origin.requestsTo("/slow").length === 1, "the request at the origin");
    const last = await upgraded(gateway);
    expect(await idle.closed()).toBe("fin");
    expect(gateway.alive).toBe(true);
    go();
    const { body, fields } = await slow.receive();
    expect([body.text, fields.one("connection")]).toEqual(["slow", "close"]);
    await alone(gateway, last);
    await finish(gateway);
    await origin.stop();
  });

  test("what the old process counts after it has handed over is counted in the new one, once; what it gives back, too", async () => {
    const gateway = await start({
      workers,
      limits: { ...LIMITS, failed: { limit: 100, window: "1h", by: "address", statuses: ["5xx"] } },
      routes: { all: { match: "/*", limits: ["few", "failed"], answer: { body: "hello" } } },
    });
    await once(gateway.port);
    using open = await connect(gateway.port);
    const asked = upgraded(gateway);
    // The connection is the old process's; its request comes when the new one has begun to be.
    await until(() => gateway.processes.length === 2, "the new process");
    await open.send("GET / HTTP/1.1\r\n");
    const last = await asked;
    await open.send("Host: localhost\r\n\r\n");
    expect((await open.receive()).fields.one("connection")).toBe("close");
    await alone(gateway, last);
    expect(await left(gateway, "few")).toBe(98);
    expect(await left(gateway, "failed")).toBe(100);
    await finish(gateway);
  });

  test("the snapshot is kept by the process that ends last, and not read by one that takes over", async () => {
    const gateway = await start({ ...HELLO, workers, limiting: { snapshot: "limits.snapshot" } });
    const file = join(gateway.folder, "limits.snapshot");
    await once(gateway.port);
    await alone(gateway, await upgraded(gateway));
    expect(existsSync(file)).toBe(false);
    await once(gateway.port);
    await alone(gateway, await upgraded(gateway));
    expect(await left(gateway, "few")).toBe(98);
    for (const pid of gateway.processes) process.kill(pid, "SIGINT");
    await until(() => gateway.processes.length === 0, "the end");
    expect(statSync(file).size).toBe(32 + 64 + 32);
    await finish(gateway);
  });
});

test("a config that has lost its limits, and has them again, begins to count anew", async () => {
  const gateway = await start(HELLO);
  await once(gateway.port);
  rewrite(gateway, { routes: { all: { match: "/*", answer: { body: "hello" } } } });
  await alone(gateway, await upgraded(gateway));
  rewrite(gateway, HELLO);
  await alone(gateway, await upgraded(gateway));
  expect(await left(gateway, "few")).toBe(100);
  await finish(gateway);
});

test("the admin listener goes with it: its file stays where it is, for its owner alone, until the last process ends", async () => {
  const gateway = await start(HELLO);
  const file = join(gateway.folder, "admin.sock");
  const { ino } = lstatSync(file);
  await alone(gateway, await upgraded(gateway));
  await alone(gateway, await upgraded(gateway));
  expect([lstatSync(file).ino, lstatSync(file).mode & 0o777]).toEqual([ino, 0o600]);
  for (const pid of gateway.processes) process.kill(pid, "SIGINT");
  await until(() => gateway.processes.length === 0, "the end");
  expect(existsSync(file)).toBe(false);
  await finish(gateway);
});

test("an admin listener on a port goes with it too, and the metrics are those of the new process", async () => {
  const gateway = await start({ ...HELLO, admin: { port: 0 } });
  const at = `http://127.0.0.1:${gateway.adminPort}`;
  const startOf = async (): Promise<string> =>
    /^process_start_time_seconds (.*)$/m.exec(await (await fetch(`${at}/metrics`)).text())![1]!;
  const before = await startOf();
  expect((await fetch(`${at}/upgrade`, { method: "POST" })).status).toBe(200);
  await until(() => !gateway.alive, "the end of the old process");
  expect(await startOf()).not.toBe(before);
  expect((await fetch(`${at}/upgrade`, { method: "POST" })).status).toBe(200);
  expect(await once(gateway.port)).toBe("hello");
  await finish(gateway);
});

describe.each([1, 2])("with workers: %i", (workers) => {
  test("what operators have said goes on: targets that are drained, keys that are revoked", async () => {
    const origin = await startOrigin((x) => x.send(plain("hello")));
    const key = "sluice_9f86d081884c7d659a2feaa0c55ad015";
    const hash = `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
    const gateway = await start(`import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { socket: "admin.sock" },
  workers: ${workers},
  upstreams: { u: { targets: ["${origin.url}", "http://127.0.0.1:9"] } },
  consumers: { acme: { keys: ["${hash}"] } },
  auth: { key: apiKey({ header: "X-API-Key" }) },
  routes: { all: { match: "/*", to: "u", auth: "key" } },
});
`);
    const status = async (): Promise<number> =>
      (await exchange(gateway.port, get("/", `X-API-Key: ${key}`, "Connection: close"))).status;
    const drained = encodeURIComponent("http://127.0.0.1:9");
    expect((await ask(gateway, `/targets/drain?upstream=u&target=${drained}`, "POST")).status).toBe(200);
    expect(await status()).toBe(200);
    expect((await ask(gateway, "/keys/revoke?consumer=acme", "POST")).status).toBe(200);
    const said = async (): Promise<unknown> => [
      await (await ask(gateway, "/keys/revoked")).json(),
      (
        (await (await ask(gateway, "/targets")).json()) as { upstreams: { targets: { state: string }[] }[] }
      ).upstreams[0]!.targets.map(({ state }) => state),
    ];
    const before = await said();
    await alone(gateway, await upgraded(gateway));
    expect(await said()).toEqual(before);
    expect(await status()).toBe(401);
    expect((await ask(gateway, "/keys/restore?consumer=acme", "POST")).status).toBe(200);
    expect(await status()).toBe(200);
    await finish(gateway);
    await origin.stop();
  });
});

test("the path is followed anew: where a link leads to another file, that one runs", async () => {
  const gateway = await start(HELLO);
  const link = join(gateway.folder, "sluice");
  const other = join(gateway.folder, "sluice-2");
  symlinkSync(EXECUTABLE, other);
  symlinkSync("sluice-2", `${link}.new`);
  renameSync(`${link}.new`, link);
  const last = await upgraded(gateway);
  await alone(gateway, last);
  // As the new process was started, so does it start the one after it.
  rmSync(other);
  symlinkSync(EXECUTABLE, other);
  await alone(gateway, await upgraded(gateway));
  expect(readFileSync(`/proc/${gateway.processes[0]}/cmdline`, "utf8").split("\0")[0]).toBe(link);
  await finish(gateway);
});

test("flags of the command line go on", async () => {
  const gateway = await start({ ...HELLO, listen: {} }, { args: ["--port=0", "--host=127.0.0.1"] });
  await alone(gateway, await upgraded(gateway));
  expect(await once(gateway.port)).toBe("hello");
  await finish(gateway);
});

test("the access log of both goes where it went, each line whole", async () => {
  const gateway = await start(configOf({ ...HELLO, log: { to: ["stdout", { file: "access.log" }] } }));
  await once(gateway.port, "/old");
  const last = await upgraded(gateway);
  await once(gateway.port, "/new");
  await alone(gateway, last);
  for (const pid of gateway.processes) process.kill(pid, "SIGINT");
  await until(() => gateway.processes.length === 0, "the end");
  const paths = (lines: readonly string[]): unknown[] =>
    lines.map((line) => (JSON.parse(line) as Record<string, unknown>)["url.path"]);
  expect(paths(readFileSync(join(gateway.folder, "access.log"), "utf8").trim().split("\n"))).toEqual(["/old", "/new"]);
  await finish(gateway);
  expect(paths(gateway.lines)).toEqual(["/old", "/new"]);
});

test("systemd hears of the new main process from the old one, and only then that it is ready", async () => {
  const folder = process.env["TMPDIR"] ?? "/tmp";
  const path = join(folder, `sluice-upgrade-${process.pid}`);
  const heard = receiver(path);
  const said: string[] = [];
  const listen = (): string[] => {
    for (let text = heard.next(); text !== undefined; text = heard.next()) said.push(text.split("\n")[0]!);
    return said;
  };
  const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" };
  const gateway = await start(HELLO, { env });
  const last = await upgraded(gateway);
  await alone(gateway, last);
  await until(() => listen().lastIndexOf("READY=1") > 0, "the second READY");
  const words = said.filter((word) => word !== "WATCHDOG=1");
  expect(words).toEqual(["READY=1", `MAINPID=${last}`, "READY=1"]);
  said.length = 0;
  await until(() => listen().includes("WATCHDOG=1"), "a sign of life of the new process");
  await finish(gateway);
  expect(listen()).toContain("STOPPING=1");
  heard.close();
  rmSync(path, { force: true });
});

test("sluice upgrade says who has taken over, or why nobody has, and ends accordingly", async () => {
  const gateway = await start(HELLO);
  const here = { cwd: gateway.folder };
  const done = await sluice(["upgrade"], here);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(done.stdout).toMatch(/^sluice \S+ \(process \d+\) has taken over\n$/);
  const json = await sluice(["upgrade", "--json"], here);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, exitCode: 0 });
  rmSync(join(gateway.folder, "sluice"));
  const failed = await sluice(["upgrade"], here);
  expect([failed.code, failed.stdout]).toEqual([71, ""]);
  expect(failed.stderr).toMatch(/sluice has not taken over: it cannot be started .*The gateway goes on as it was\.\n$/);
  rewrite(gateway, "export default {");
  expect((await sluice(["upgrade"], here)).code).toBe(78);
  const wrong = await sluice(["upgrade", "--json"], here);
  expect([wrong.code, wrong.stderr]).toEqual([78, ""]);
  expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, exitCode: 78, faults: [{ line: 1 }] });
  rewrite(gateway, HELLO);
  await finish(gateway);
  expect((await sluice(["upgrade"], { cwd: import.meta.dir })).code).toBe(66);
});
