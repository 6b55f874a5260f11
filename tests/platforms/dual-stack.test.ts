// A name of both families that the runtime itself looks up (GW-26): where nobody listens at one address, the other is tried.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "sluice-dual-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HOSTS = join(folder, "hosts");
writeFileSync(HOSTS, "::1 dual.test\n127.0.0.2 dual.test\n127.0.0.1 localhost\n");

/** Runs a command with an `/etc/hosts` of its own. */
function withHosts(command: readonly string[]): string[] {
  return ["unshare", "--mount", "sh", "-c", `mount --bind ${HOSTS} /etc/hosts && exec "$@"`, "sh", ...command];
}

function mayUnshare(): boolean {
  try {
    return Bun.spawnSync(withHosts(["true"]), { stdout: "ignore", stderr: "ignore" }).success;
  } catch {
    return false;
  }
}

const lack = mayUnshare() ? undefined : "no mount namespace of its own may be had";

const RUNTIMES: [runtime: string, command: string[]][] = [
  ["Bun", [process.execPath]],
  ["Deno", [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-check"]],
];

describe.skipIf(lack !== undefined).each(RUNTIMES)(
  `on %s${lack === undefined ? "" : ` (skipped: ${lack})`}`,
  (_, command) => {
    test.each([
      ["::1", "::1"],
      ["127.0.0.2", "127.0.0.2"],
    ])("a name of ::1 and 127.0.0.2 is reached at %s when only that listens", async (host, address) => {
      const server = createServer((socket) => socket.end());
      await new Promise<void>((listening) => server.listen(0, host, listening));
      const { port } = server.address() as AddressInfo;
      const words = [...command, "tests/platforms/dual-stack-child.ts", "dual.test", String(port)];
      const child = Bun.spawn(withHosts(words), { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
      expect((await new Response(child.stdout).text()).trim()).toBe(address);
      await child.exited;
      server.close();
    });
  },
);
