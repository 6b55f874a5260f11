// The command line: help, version, and one clear message with exit code 64 for every mistake.
import { afterAll, describe, expect, test } from "bun:test";
import manifest from "../../../package.json" with { type: "json" };
import { FIRST_WORDS } from "../../../src/cli/verbs.ts";
import { cleanUp, folderWith, RIGHT_CONFIG, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

describe("help and version", () => {
  test.each(["--version", "-V"])("%s prints the version on stdout", async (flag) => {
    const { code, stdout, stderr } = await sluice([flag]);
    expect(code).toBe(0);
    expect(stdout).toStartWith(`sluice ${manifest.version} (`);
    expect(stdout).toContain(`bun ${Bun.version}`);
    expect(stderr).toBe("");
  });

  test.each(["--help", "-h"])("%s names the verbs and shows examples on stdout", async (flag) => {
    const { code, stdout, stderr } = await sluice([flag]);
    expect(code).toBe(0);
    for (const word of ["run [file]", "check [file]", "init [dir]", "Examples", "sluice init", "78"]) {
      expect(stdout).toContain(word);
    }
    expect(stderr).toBe("");
  });
});

describe("a mistake on the command line is one message with the nearest right word, exit 64", () => {
  const mistakes: readonly (readonly [line: string, message: string])[] = [
    ["", `Name a verb: ${FIRST_WORDS.slice(0, -1).join(", ")} or ${FIRST_WORDS.at(-1)}.`],
    ["chek", "Did you mean sluice check?"],
    ["version", "Did you mean sluice --version?"],
    ["validate", "Here it is sluice check."],
    ["stop", "A signal ends it: systemctl stop sluice"],
    ["gateway.config.ts", "Did you mean sluice run gateway.config.ts?"],
    ["--verbose", "sluice has no flag --verbose."],
    ["check --jsn", "Did you mean --json?"],
    ["check -j", "sluice check has no flag -j."],
    ["check --no-json", "sluice check has no flag --no-json."],
    ["check --json=true", "--json takes no value."],
    ["check --json --json", "--json is given twice."],
    ["check a.ts b.ts", '"b.ts" is one too many.'],
    ["check -- a.ts b.ts", '"b.ts" is one too many.'],
    ["run --port", "--port needs a value: --port=<port>."],
    ["run --port --host=x", "--port needs a value: --port=<port>."],
    ["run --port=", "--port needs a value: --port=<port>."],
    ["run --port=http", '--port is a port from 0 to 65535, not "http".'],
    ["run --port=65536", '--port is a port from 0 to 65535, not "65536".'],
    ["run --prot=80", "Did you mean --port?"],
    ["check --color=allways", "Did you mean always?"],
    ["explain", "Name a URL."],
    ["explain GET /a /b", '"/b" is one too many.'],
    ["explain /a -H", "-H needs a value: --header=<name: value>."],
    ["explain /a -XGET -XPUT", "--request is given twice."],
    ["explain /a --form=127.0.0.1", "Did you mean --from?"],
    ["simulate --log=x --limit=100", "--limit is a number and a window from 1s to 24d"],
    ["simulate --limit=1/1s", "Name an access log"],
    ["diff old.ts --log=x", "--log takes two configs"],
    ["diff a.ts b.ts c.ts", '"c.ts" is one too many.'],
    ["init a b", '"b" is one too many.'],
  ];
  test.each(mistakes)("sluice %s", async (line, message) => {
    const { code, stdout, stderr } = await sluice(line.split(" ").filter((word) => word !== ""));
    expect(stderr).toContain(message);
    expect(stderr).toStartWith("sluice: error: ");
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
    expect(stdout).toBe("");
    expect(code).toBe(64);
  });

  test("SLUICE_PORT is held to the same", async () => {
    const { code, stderr } = await sluice(["run"], { env: { SLUICE_PORT: "eighty" } });
    expect(stderr).toContain('SLUICE_PORT is a port from 0 to 65535, not "eighty".');
    expect(code).toBe(64);
  });
});

describe("colour", () => {
  const ESCAPE = "\u001b[";
  const cases: readonly (readonly [name: string, args: string[], env: Record<string, string>, colored: boolean])[] = [
    ["none into a pipe", [], {}, false],
    ["FORCE_COLOR", [], { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR=0", [], { FORCE_COLOR: "0" }, false],
    ["CLICOLOR_FORCE", [], { CLICOLOR_FORCE: "1" }, true],
    ["NO_COLOR goes before FORCE_COLOR", [], { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ["an empty NO_COLOR says nothing", [], { NO_COLOR: "", FORCE_COLOR: "1" }, true],
    ["TERM=dumb", [], { TERM: "dumb" }, false],
    ["--color=always goes before NO_COLOR", ["--color=always"], { NO_COLOR: "1" }, true],
    ["--color never", ["--color", "never"], { FORCE_COLOR: "1" }, false],
    ["--no-color", ["--no-color"], { FORCE_COLOR: "1" }, false],
  ];
  test.each(cases)("%s", async (_, args, env, colored) => {
    const help = await sluice([...args, "--help"], { env });
    expect(help.stdout.includes(ESCAPE)).toBe(colored);
    const mistake = await sluice([...args, "chek"], { env });
    expect(mistake.stderr.includes(ESCAPE)).toBe(colored);
  });
});

describe("the config that is taken when none is named", () => {
  const fromWhere = async (cwd: string, env: Record<string, string> = {}): Promise<string> =>
    (await sluice(["check"], { cwd, env })).stdout;

  test("gateway.config.ts of the working directory goes before the user's", async () => {
    const user = folderWith({ "sluice/gateway.config.ts": "export default {}" });
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    expect(await fromWhere(cwd, { XDG_CONFIG_HOME: user })).toStartWith("gateway.config.ts is right");
  });

  test("else $XDG_CONFIG_HOME/sluice", async () => {
    const user = folderWith({ "sluice/gateway.config.ts": RIGHT_CONFIG });
    expect(await fromWhere(folderWith({}), { XDG_CONFIG_HOME: user })).toStartWith(`${user}/sluice/gateway.config.ts`);
  });

  test("else ~/.config/sluice", async () => {
    const home = folderWith({ ".config/sluice/gateway.config.ts": RIGHT_CONFIG });
    expect(await fromWhere(home)).toStartWith(".config/sluice/gateway.config.ts is right");
  });

  test("a config may be JSON", async () => {
    const cwd = folderWith({ "gateway.config.json": '{ "routes": { "a": { "match": "/a", "answer": {} } } }' });
    expect(await fromWhere(cwd)).toStartWith("gateway.config.json is right: 1 route, 0 upstreams.");
  });
});
