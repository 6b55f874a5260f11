// The entry on Deno: what it refuses that the executable can do, and what the list of promises does not hold.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "../support/deadline.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const ROOT = resolve(import.meta.dir, "../..");

test.each([
  ["dns", '{ dns: "https://orders.internal" }'],
  ["srv", '{ srv: "_https._tcp.orders.internal", scheme: "https" }'],
])("HTTP/2 to targets by %s: the address would be verified in place of the name", async (_, targets) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-deno-main-"));
  try {
    const file = join(folder, "gateway.config.ts");
    const config = `{ upstreams: { orders: { targets: ${targets}, protocol: "h2" } }, routes: { all: { match: "/*", to: "orders" } } }`;
    writeFileSync(file, `export default ${config};\n`);
    const words = [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-check", "src/cli/deno-main.ts", file];
    const child = Bun.spawn(words, { cwd: ROOT, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toContain("upstreams.orders: Deno speaks HTTP/2 to no address");
    expect(await child.exited).toBe(78);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const lack = missing("curl");

test.skipIf(lack !== undefined)(
  `h2c: HTTP/2 is spoken beside HTTP/1.1${lack === undefined ? "" : ` (${lack})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-deno-main-"));
    const file = join(folder, "gateway.config.ts");
    const listen = '{ host: "127.0.0.1", port: 0, http2: { h2c: true } }';
    writeFileSync(
      file,
      `export default { listen: ${listen}, routes: { all: { match: "/*", answer: { body: "hello" } } } };\n`,
    );
    const words = [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-check", "src/cli/deno-main.ts", file];
    const child = Bun.spawn(words, { cwd: ROOT, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    let said = "";
    const reading = (async () => {
      for await (const piece of child.stderr) said += Buffer.from(piece).toString();
    })();
    try {
      const url = await until(
        () => /listening on (http:\S+)/.exec(said)?.[1],
        () => `the port: ${said}`,
        30_000,
      );
      for (const [how, version] of [
        ["--http2-prior-knowledge", "2"],
        ["--http1.1", "1.1"],
      ]) {
        const asked = Bun.spawnSync([
          pathOfTool("curl"),
          "-s",
          how!,
          "--max-time",
          "10",
          "-w",
          " %{http_version}",
          url,
        ]);
        expect(asked.stdout.toString()).toBe(`hello ${version}`);
      }
    } finally {
      child.kill("SIGTERM");
      await child.exited;
      await reading;
      rmSync(folder, { recursive: true });
    }
  },
);
