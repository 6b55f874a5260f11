// The entry on Deno: what it refuses that the executable can do.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

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
