// The lint keeps ambient names of a runtime out of the core: here it is seen to refuse each of them.
import { afterAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "./source.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-lint-"));
copyFileSync(join(ROOT, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the lint says of a file with this text at this place. */
function lint(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const command = [join(ROOT, "node_modules/.bin/oxlint"), "--format=unix", path];
  const { stdout, stderr } = Bun.spawnSync(command, { cwd: folder, stdin: "ignore" });
  return `${stdout}${stderr}`;
}

const FORBIDDEN = [
  "Bun.version",
  "Deno.version",
  "process.pid",
  'console.log("")',
  'fetch("http://127.0.0.1/")',
  "performance.now()",
  "crypto.randomUUID()",
  "setTimeout(String, 1)",
  "clearTimeout(1)",
  "setInterval(String, 1)",
  "clearInterval(1)",
  "queueMicrotask(String)",
  "Date.now()",
  "Math.random()",
  "Buffer.alloc(1)",
];

test.each(FORBIDDEN)("%s is refused in the core", (expression) => {
  const text = `// Probe for the lint.\nexport const probe = [${expression}];\n`;
  expect(lint("src/route/probe.ts", text)).toMatch(/no-restricted-(?:globals|properties)/);
});

test.each(["src/platforms/probe.ts", "src/cli/probe.ts"])("the edge %s may use them", (path) => {
  const text = `// Probe for the lint.\nexport const probe = [${FORBIDDEN.join(", ")}];\n`;
  expect(lint(path, text)).not.toMatch(/no-restricted/);
});

test("a method or a local name that is spelled like one is allowed", () => {
  const text =
    "// Probe for the lint.\nexport interface Probe {\n  fetch(text: string): void;\n}\n" +
    "export function probe(platform: Probe, process: string): void {\n  platform.fetch(process);\n}\n";
  expect(lint("src/route/probe.ts", text)).not.toMatch(/no-restricted/);
});

test.each(["node:fs", "bun", "cloudflare:workers"])("an import of %s is refused in the core", (name) => {
  expect(lint("src/route/probe.ts", `// Probe for the lint.\nexport * from "${name}";\n`)).toMatch(
    /no-restricted-imports/,
  );
});
