// The executable's verbs run from source, as those who work on Sluice run them.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "sluice-from-source-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a config that imports sluice, hono, jose and valibot is checked, though nothing has loaded them before", () => {
  const modules = ["hono", "jose", "valibot"].map((name) => `import * as ${name} from "${name}";`).join("\n");
  writeFileSync(
    join(folder, "gateway.config.ts"),
    `import { defineGateway } from "sluice";\n${modules}
export default defineGateway({ routes: { a: { match: "/a", answer: { body: typeof hono + typeof jose + typeof valibot } } } });\n`,
  );
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, "check"], { cwd: folder });
  expect([exitCode, stderr.toString(), stdout.toString()]).toEqual([
    0,
    "",
    "gateway.config.ts is right: 1 route, 0 upstreams.\n",
  ]);
});
