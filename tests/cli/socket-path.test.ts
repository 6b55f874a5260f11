// Unix sockets to listen on: whoever starts at the same moment over what a dead process left, one listens, and stays.
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenAtPath } from "../../src/cli/socket-path.ts";
import { fileLock } from "../../src/platforms/file-lock.ts";

type Listener = ReturnType<typeof Bun.listen>;

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

function pathOfDead(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-socket-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "admin.sock");
  const code = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`;
  Bun.spawnSync([process.execPath, "-e", code]);
  expect(existsSync(path)).toBeTrue();
  return path;
}

/** Opens a listener that says who it is. */
const open = (path: string, name: string) => (): Listener => {
  const listener = Bun.listen({
    unix: path,
    socket: { open: (socket) => void socket.end(name), data: () => undefined },
  });
  undo.push(() => listener.stop(true));
  return listener;
};

const whoListens = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on("data", (bytes) => resolve(bytes.toString()));
    socket.on("error", reject);
  });

test("of twenty that start at once over a dead one's socket one listens, and nobody removes it", async () => {
  const path = pathOfDead();
  const names = Array.from({ length: 20 }, (_, i) => `${i}`);
  const came = await Promise.allSettled(names.map((name) => listenAtPath(path, open(path, name))));
  const listening = names.filter((_, i) => came[i]!.status === "fulfilled");
  expect(listening).toHaveLength(1);
  const [refused] = came.filter((each) => each.status === "rejected");
  expect(refused!.reason).toMatchObject({ code: "EADDRINUSE" });
  expect(await whoListens(path)).toBe(listening[0]!);
  expect(readdirSync(join(path, ".."))).toEqual(["admin.sock"]);
});

test("while another process has the lock, nothing is removed; when that takes too long, it is told", async () => {
  const path = pathOfDead();
  const letGo = fileLock(`${path}.lock`)!;
  undo.push(letGo);
  const refused = await listenAtPath(path, open(path, "one"), 30).catch((error: unknown) => error);
  expect(String(refused)).toContain(`Cannot listen on ${path}: another process holds ${path}.lock`);
  expect(existsSync(path)).toBeTrue();
});

test("a lock that a dead process left is no obstacle", async () => {
  const path = pathOfDead();
  writeFileSync(`${path}.lock`, "");
  await listenAtPath(path, open(path, "one"));
  expect(await whoListens(path)).toBe("one");
});
