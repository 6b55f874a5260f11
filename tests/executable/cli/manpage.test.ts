// The manual pages: readers of manuals find nothing wrong with them, and nothing is missing in them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_TEXTS } from "../../../src/cli/exit.ts";
import { VERBS } from "../../../src/cli/verbs.ts";
import { Declarations } from "../../../src/cli/reference/declarations.ts";
import { missing, pathOfTool } from "../../support/requirements.ts";
import { filesIn, ROOT } from "../../rules/source.ts";
import { cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const PAGES = ["sluice.1", "gateway.config.5"] as const;

/** Where both are written. */
let folder = "";
beforeAll(async () => {
  const cwd = folderWith({});
  folder = join(cwd, "man");
  const { code, stdout, stderr } = await sluice(["manpage", "-o", "man"], { cwd });
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: "wrote man/sluice.1\nwrote man/gateway.config.5\n",
    stderr: "",
  });
});

const page = (name: string): string => readFileSync(join(folder, name), "utf8");

/** The page without its macros and escapes, on one line. */
const plain = (name: string): string =>
  page(name)
    .replaceAll(/^\.\S+ ?/gm, "")
    .replaceAll(/\\f[BIR]|\\%|\\&/g, "")
    .replaceAll("\\-", "-")
    .replaceAll(/\\\[u([0-9A-F]{4})\]/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .replaceAll("\\(aq", "'")
    .replaceAll("\\(ti", "~")
    .replaceAll("\\(ha", "^")
    .replaceAll("\\e", "\\")
    .replaceAll(/\s+/g, " ");

function outputOf(command: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return `${stdout}${stderr}`;
}

const noGroff = missing("groff");
const noMandoc = missing("mandoc");

describe.each(PAGES)("%s", (name) => {
  test.skipIf(noGroff !== undefined)(`groff has no warning (${noGroff ?? "all of -ww"})`, () => {
    expect(outputOf([pathOfTool("groff"), "-ww", "-man", "-Tutf8", "-z", join(folder, name)])).toBe("");
  });

  test.skipIf(noMandoc !== undefined)(`mandoc has nothing to say (${noMandoc ?? "-Tlint"})`, () => {
    const said = outputOf([pathOfTool("mandoc"), "-Tlint", join(folder, name)]);
    // Where the sources are no repository nobody knows the day.
    expect(said.replace(/^mandoc: .*: WARNING: missing date, .*\n/m, "")).toBe("");
  });

  test("is printed as it is written", async () => {
    const { code, stdout } = await sluice(["manpage", name.replace(/\.\d$/, "")]);
    expect(code).toBe(0);
    expect(stdout).toBe(page(name));
  });
});

test("sluice(1) tells every verb with its flags, notes, examples and exit codes", async () => {
  const text = plain("sluice.1");
  for (const load of Object.values(VERBS)) {
    const verb = await load();
    expect(text).toContain(`sluice ${verb.name} `);
    expect(text).toContain(verb.notes.join(" ").replaceAll("`", ""));
    for (const [line] of verb.examples) expect(text).toContain(line);
    for (const [flag, arg] of Object.entries(verb.args)) {
      if (arg.type !== "positional") expect(text).toContain(`--${flag}`);
      if (arg.variable !== undefined) expect(text).toContain(`${arg.variable} As --${flag} of sluice ${verb.name}`);
    }
  }
  for (const [code, means] of Object.entries(EXIT_TEXTS)) expect(text).toContain(`${code}, ${means}`);
});

test("sluice(1) tells every variable of the environment that the command line reads", () => {
  const text = plain("sluice.1");
  const read = filesIn("src/cli", ".ts").flatMap((file) => {
    const source = readFileSync(join(ROOT, file), "utf8");
    const direct = [...source.matchAll(/\b(?:env|environment)\[(?:"([A-Z_]+)"|TOKEN_VARIABLE)\]/g)].map(
      (found) => found[1],
    );
    const taken = [...source.matchAll(/const \{ ([^}]*) \} = environment/g)].flatMap((found) =>
      found[1]!.split(/[,:]/),
    );
    return [...direct, ...taken.map((name) => name.trim()).filter((name) => /^[A-Z_]+$/.test(name))];
  });
  expect(read.length).toBeGreaterThan(5);
  // Of the watchdog's variables one stands for both.
  const told = read.filter((name) => name !== undefined && name !== "WATCHDOG_PID" && !text.includes(name));
  expect(told).toEqual([]);
});

test("gateway.config(5) tells every option that has a type of its own in sluice's exports", () => {
  const text = page("gateway.config.5");
  const declarations = new Declarations();
  const mod = declarations.file(join(ROOT, "src/mod.ts"));
  const names = [...mod.imported.keys()].filter((name) => name.endsWith("Options"));
  expect(names.length).toBeGreaterThan(40);
  const lacking = names.flatMap((name) => {
    const found = declarations.find(name, mod);
    if (found?.node.type !== "TSInterfaceDeclaration") return [];
    return found.node.body.body.flatMap((member) => {
      if (member.type !== "TSPropertySignature" || member.key.type !== "Identifier") return [];
      if (member.typeAnnotation?.typeAnnotation.type === "TSNeverKeyword") return [];
      return text.includes(`\\fB\\%${member.key.name}\\fR`) ? [] : [`${name}.${member.key.name}`];
    });
  });
  expect(lacking).toEqual([]);
});

test("gateway.config(5) has types and defaults as the sources have them", () => {
  const text = plain("gateway.config.5");
  for (const line of [
    "port?: number TCP port. 0 lets the system choose. Default: 8080.",
    'head?: Duration From the first byte of a request to the end of its head. Default: "10s".',
    'minVersion?: "1.2" | "1.3"',
    "routes: { NAME: {",
    'algorithms?: ("ES256" | "ES384" | "Ed25519" | "EdDSA" | "PS256" | "RS256")[]',
    "jwt(options)",
    "See upstreams.NAME.timeouts.",
    "And the options of upstreams.NAME.retries.",
  ]) {
    expect(text).toContain(line);
  }
  expect(text).not.toMatch(/@param|\{@link|GW-\d|\?: never|typeof/);
});

describe("a mistake", () => {
  const cases: readonly (readonly [words: string[], code: number, message: string])[] = [
    [["manpage", "gateway.conf"], 64, "Did you mean gateway.config?"],
    [["manpage", "sluice", "-o", "x"], 64, "--output writes all pages"],
    [["manpage", "-o"], 64, "-o needs a value: --output=<dir>."],
    [["manpage", "--output=file"], 64, "file is a file, not a folder."],
    [["manpage", "--output=file/below"], 71, "Cannot write in file/below"],
  ];
  test.each(cases)("%j ends with %d", async (words, expected, message) => {
    const cwd = folderWith({});
    writeFileSync(join(cwd, "file"), "");
    const { code, stdout, stderr } = await sluice(words, { cwd });
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
  });
});
