// The compiler itself on configs as users write them: right ones pass, each wrong one fails at its line and only there.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AUTH_RIGHT, AUTH_WRONG } from "./auth-snippets.ts";
import { JWT_RIGHT, JWT_WRONG } from "./jwt-snippets.ts";
import { LIMIT_RIGHT, LIMIT_WRONG } from "./limit-snippets.ts";
import { OAUTH_RIGHT, OAUTH_WRONG } from "./oauth-snippets.ts";
import { SHAPING_RIGHT, SHAPING_WRONG } from "./shaping-snippets.ts";
import { RIGHT as OTHERS_RIGHT, WRONG as OTHERS_WRONG } from "./snippets.ts";
import { TARGET_RIGHT, TARGET_WRONG } from "./target-snippets.ts";

const RIGHT = [
  ...OTHERS_RIGHT,
  ...AUTH_RIGHT,
  ...JWT_RIGHT,
  ...LIMIT_RIGHT,
  ...OAUTH_RIGHT,
  ...SHAPING_RIGHT,
  ...TARGET_RIGHT,
];
const WRONG = [
  ...OTHERS_WRONG,
  ...AUTH_WRONG,
  ...JWT_WRONG,
  ...LIMIT_WRONG,
  ...OAUTH_WRONG,
  ...SHAPING_WRONG,
  ...TARGET_WRONG,
];

const root = resolve(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "sluice-types-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler said of each file: line number to messages. */
function compile(sources: readonly string[]): Map<number, string>[] {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const options = { extends: join(root, "tsconfig.json"), include: ["*.ts"] };
  const paths = { sluice: [join(root, "src/mod.ts")] };
  const settings = { ...options, compilerOptions: { types: ["bun-types"], paths, noUnusedLocals: false } };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  sources.forEach((source, i) => writeFileSync(join(folder, `s${i}.ts`), source));
  const tsc = Bun.spawnSync([join(root, "node_modules/.bin/tsc"), "--noEmit", "--pretty", "false", "-p", folder]);
  const found = sources.map(() => new Map<number, string>());
  let last: { file: number; line: number } | undefined;
  for (const text of tsc.stdout.toString().split("\n").filter(Boolean)) {
    const head = /^.*?(?:s(\d+)\.ts)\((\d+),\d+\): error (.*)$/.exec(text);
    if (head) last = { file: Number(head[1]), line: Number(head[2]) };
    else if (!text.startsWith(" ") || last === undefined) throw new Error(`unexpected word of the compiler: ${text}`);
    const lines = found[last.file]!;
    lines.set(last.line, `${lines.get(last.line) ?? ""}${head?.[3] ?? text}\n`);
  }
  return found;
}

const said = compile([...RIGHT.map(([, source]) => source), ...WRONG.map(([, source]) => source)]);

describe("the compiler accepts", () => {
  RIGHT.forEach(([name], i) =>
    test(name, () => {
      expect(Object.fromEntries(said[i]!)).toEqual({});
    }),
  );
});

describe("the compiler refuses, at its line and only there,", () => {
  WRONG.forEach(([name, source, words], i) =>
    test(name, () => {
      const marked = source.split("\n").flatMap((line, at) => (line.includes("// wrong") ? [at + 1] : []));
      expect(marked).toHaveLength(1);
      const messages = said[RIGHT.length + i]!;
      expect([...messages.keys()]).toEqual(marked);
      expect(messages.get(marked[0]!)!).toContain(words);
      expect(messages.get(marked[0]!)!.match(/^TS\d+/gm)).toHaveLength(1);
    }),
  );
});
