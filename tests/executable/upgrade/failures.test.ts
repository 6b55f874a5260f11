// Upgrades that come to nothing: whatever is wrong with the new process, the gateway goes on as it was, and says why.
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closedPort } from "../../support/closed-port.ts";
import { until } from "../../support/deadline.ts";
import type { Gateway } from "../../support/executable.ts";
import { get } from "../../support/messages.ts";
import { exchange } from "../../support/raw-client.ts";
import { sluice } from "../cli/run-sluice.ts";
import { alone, ask, configOf, endAll, finish, left, rewrite, start, upgrade, upgraded } from "./rig.ts";

afterEach(endAll);

const CONFIG = {
  limits: { few: { limit: 100, window: "1h", by: "address" } },
  routes: { all: { match: "/*", limits: "few", answer: { body: "hello" } } },
};

/** Puts a script in the place of the executable. */
function script({ folder }: Gateway, text: string): void {
  rmSync(join(folder, "sluice"));
  writeFileSync(join(folder, "sluice"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

const rows: [what: string, spoil: (gateway: Gateway) => unknown, exitCode: number, says: RegExp][] = [
  [
    "a config that is wrong",
    (gateway) => rewrite(gateway, { ...CONFIG, limits: { few: {} } }),
    78,
    /^gateway\.config\.ts:\d+:\d+ .*limits\.few/s,
  ],
  ["a config that cannot be read", (gateway) => rewrite(gateway, "export default {"), 78, /gateway\.config\.ts:1:/],
  ["a config that is gone", ({ folder }) => rmSync(join(folder, "gateway.config.ts")), 66, /exit code 66/],
  ["a config that ends the process", (gateway) => rewrite(gateway, "process.exit(0);"), 71, /exit code 0 before/],
  ["an executable that ends", (gateway) => script(gateway, "exit 1"), 71, /\/sluice has not taken over: it ended with/],
  ["one that dies", (gateway) => script(gateway, "kill -9 $$"), 71, /was ended by signal SIGKILL before it served/],
  [
    "one that is none",
    ({ folder }) => writeFileSync(linkless(folder), "nonsense"),
    71,
    /it cannot be started \(EACCES/,
  ],
  ["none at all", ({ folder }) => rmSync(join(folder, "sluice")), 71, /it cannot be started \(ENOENT/],
  [
    "one that knows nothing of upgrades",
    (gateway) => script(gateway, `exec ${OLDER}`),
    71,
    /ended with exit code 71 before it served/,
  ],
  [
    "an admin listener that is gone from the config",
    (gateway) => rewrite(gateway, configOf({ ...CONFIG, admin: { socket: "nowhere/admin.sock" } })),
    71,
    /its folder is not there/,
  ],
];

/** As an executable of before: the variable means nothing to it. */
const OLDER = `env -u SLUICE_TAKES_OVER "$(readlink -f "$0.real")" "$@"`;

function linkless(folder: string): string {
  const path = join(folder, "sluice");
  rmSync(path);
  return path;
}

test.each(rows)("%s: the gateway goes on as it was", async (_, spoil, exitCode, says) => {
  const gateway = await start(CONFIG);
  symlinkSync(join(import.meta.dir, "../../../dist/sluice"), join(gateway.folder, "sluice.real"));
  await exchange(gateway.port, get("/", "Connection: close"));
  spoil(gateway);
  const outcome = await upgrade(gateway);
  expect(outcome).toEqual({ ok: false, exitCode, message: expect.stringMatching(says) });
  expect(outcome.message).toEndWith("The gateway goes on as it was.");
  expect(gateway.stderr.text).toContain("has not taken over");
  expect(gateway.processes).toEqual([gateway.pid]);
  expect((await exchange(gateway.port, get("/", "Connection: close"))).status).toBe(200);
  expect(await left(gateway, "few")).toBe(98);
  await finish(gateway);
});

test("a port that somebody else has: the gateway goes on, on its own", async () => {
  const gateway = await start(CONFIG);
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  rewrite(gateway, { ...CONFIG, listen: { host: "127.0.0.1", port: other.port } });
  expect(await upgrade(gateway)).toMatchObject({ exitCode: 71, message: expect.stringContaining(`:${other.port}`) });
  other.stop(true);
  expect((await exchange(gateway.port, get("/", "Connection: close"))).status).toBe(200);
  await finish(gateway);
});

test("a config with another port: the new process listens there, and the old port is let go of", async () => {
  const gateway = await start(CONFIG);
  const port = await closedPort();
  rewrite(gateway, { ...CONFIG, listen: { host: "127.0.0.1", port } });
  await alone(gateway, await upgraded(gateway));
  expect((await exchange(port, get("/", "Connection: close"))).status).toBe(200);
  expect(await exchange(gateway.port, get("/")).catch((error: Error) => error.message)).toContain("ECONNREFUSED");
  await finish(gateway);
});

/** A config that waits for a file before it is loaded. */
const waiting = (text: string): string => `import { existsSync } from "node:fs";
while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 5));
${text}`;

test("SIGTERM ends the gateway while a new process loads its config, and that one too", async () => {
  const gateway = await start(CONFIG);
  rewrite(gateway, waiting(configOf(CONFIG)));
  const asked = upgrade(gateway).catch(() => undefined);
  await until(() => gateway.processes.length === 2, "the new process");
  gateway.signal("SIGINT");
  await asked;
  await gateway.stop();
});

test("a gateway that is killed while a new process loads its config takes that one with it", async () => {
  const gateway = await start(CONFIG);
  rewrite(gateway, waiting(configOf(CONFIG)));
  const asked = upgrade(gateway).catch(() => undefined);
  await until(() => gateway.processes.length === 2, "the new process");
  gateway.signal("SIGKILL");
  await asked;
  await until(() => gateway.processes.length === 0, "the end of the new process");
});

test("the new process is ended by a signal before it serves: the gateway goes on, its socket too", async () => {
  const gateway = await start(CONFIG);
  rewrite(gateway, waiting(configOf(CONFIG)));
  const asked = upgrade(gateway);
  const other = await until(() => gateway.processes.find((pid) => pid !== gateway.pid), "the new process");
  process.kill(other, "SIGTERM");
  expect((await asked).ok).toBe(false);
  rewrite(gateway, CONFIG);
  await alone(gateway, await upgraded(gateway));
  await finish(gateway);
});

test("one upgrade at a time, and a reload waits for it", async () => {
  const gateway = await start(CONFIG);
  rewrite(gateway, waiting(configOf(CONFIG)));
  const first = upgrade(gateway);
  await until(() => gateway.processes.length === 2, "the new process");
  expect(await upgrade(gateway)).toMatchObject({ exitCode: 1, message: expect.stringContaining("is under way") });
  const reload = ask(gateway, "/reload", "POST");
  writeFileSync(join(gateway.folder, "go"), "");
  const { ok, message } = await first;
  expect(ok).toBe(true);
  expect(((await (await reload).json()) as { message: string }).message).toContain("the gateway is shutting down");
  await alone(gateway, Number(/process (\d+)/.exec(message)![1]));
  await finish(gateway);
});

test("a second gateway on the port is refused, during the life of each process", async () => {
  const gateway = await start({ ...CONFIG, workers: 2 });
  const again = async (): Promise<void> => {
    const { code, stderr } = await sluice(["run", `--port=${gateway.port}`], { cwd: folderOf(gateway) });
    expect([code, stderr]).toEqual([71, expect.stringContaining("another process listens there")]);
  };
  await again();
  await upgraded(gateway);
  await again();
  rewrite(gateway, { ...CONFIG, workers: 1 });
  await alone(gateway, await upgraded(gateway));
  await again();
  await finish(gateway);
});

/** A folder with the same config, but for the admin listener. */
function folderOf({ folder }: Gateway): string {
  const other = join(folder, "other");
  rmSync(other, { recursive: true, force: true });
  mkdirSync(other);
  writeFileSync(join(other, "gateway.config.ts"), configOf({ ...CONFIG, admin: undefined }));
  return other;
}
