// docs/config.md: values from the environment, where they are looked for, and what is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gatewayCommand } from "../../support/executable.ts";

const EXAMPLE = resolve(import.meta.dir, "../../../examples/config/environment.config.ts");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-environment-"));
  copyFileSync(EXAMPLE, join(folder, "gateway.config.ts"));
  writeFileSync(join(folder, "key.txt"), "from a file\n");
  mkdirSync(join(folder, "credentials"));
  writeFileSync(join(folder, "credentials/ORDERS_KEY"), "from systemd\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a verb on the example, with these variables and no others. */
function sluice(verb: string, env: Readonly<Record<string, string>>): { code: number; text: string } {
  const child = Bun.spawnSync([...gatewayCommand(), verb], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
    stdin: "ignore",
  });
  return { code: child.exitCode, text: `${child.stdout.toString()}${child.stderr.toString()}` };
}

describe("a value is found", () => {
  const places: [where: string, env: Record<string, string>][] = [
    ["in the variable", { ORDERS_KEY: "k" }],
    ["in the file that NAME_FILE names, relative to the config", { ORDERS_KEY_FILE: "key.txt" }],
  ];
  test.each(places)("%s", (_, env) => {
    expect(sluice("check", env)).toEqual({ code: 0, text: expect.stringContaining("is right") });
  });

  test("in $CREDENTIALS_DIRECTORY", () => {
    const env = { CREDENTIALS_DIRECTORY: join(folder, "credentials") };
    expect(sluice("check", env).code).toBe(0);
  });

  test("and its default holds where there is none", () => {
    expect(sluice("plan", { ORDERS_KEY: "k" }).text).toContain("http://127.0.0.1:9001");
    expect(sluice("plan", { ORDERS_KEY: "k", ORDERS: "http://10.0.0.7:80" }).text).toContain("http://10.0.0.7");
  });
});

describe("check refuses, with the place of the env() and without a value", () => {
  const faults: [what: string, env: Record<string, string>, said: string][] = [
    ["nothing anywhere", {}, "None of ORDERS_KEY, ORDERS_KEY_FILE, $CREDENTIALS_DIRECTORY/ORDERS_KEY and"],
    ["an empty value", { ORDERS_KEY: "" }, "ORDERS_KEY is there but empty."],
    ["blanks", { ORDERS_KEY: "  " }, "ORDERS_KEY is there but empty."],
    ["a placeholder of a shell", { ORDERS_KEY: "${ORDERS_KEY}" }, "holds a placeholder"],
    ["the word undefined", { ORDERS_KEY: "undefined" }, "holds a placeholder"],
    ["both", { ORDERS_KEY: "k", ORDERS_KEY_FILE: "key.txt" }, "are both set: unset one of them."],
    ["a file that is not there", { ORDERS_KEY_FILE: "no.txt" }, "does not name a file that can be read"],
  ];
  test.each(faults)("%s", (_, env, said) => {
    const { code, text } = sluice("check", env);
    expect(code).toBe(78);
    expect(text).toContain(said);
    expect(text).toMatch(/gateway\.config\.ts:\d+:\d+/);
  });
});

test("plan shows a secret nowhere", () => {
  const { code, text } = sluice("plan", { ORDERS_KEY: "s3cr3t-text" });
  expect(code).toBe(0);
  expect(text).not.toContain("s3cr3t");
});
