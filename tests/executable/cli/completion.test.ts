// Completions, as the shells themselves give them: what is offered behind a line that is typed so far.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIRST_WORDS, VERBS } from "../../../src/cli/verbs.ts";
import { flagsOf } from "../../../src/cli/flags.ts";
import { missing, pathOfTool } from "../../support/requirements.ts";
import { cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

/** What is typed behind `sluice`, and the words that are offered then. */
const LINES: readonly (readonly [typed: string, offered: readonly string[]])[] = [
  ["", FIRST_WORDS],
  ["ch", ["check"]],
  ["keys ", ["new", "verify"]],
  ["keys v", ["verify"]],
  ["run --po", ["--port"]],
  ["run --port=", []],
  ["run ", ["conf", "gateway.config.ts"]],
  ["run gateway.config.ts ", []],
  ["run --host 127.0.0.1 gate", ["gateway.config.ts"]],
  ["run --host=127.0.0.1 gate", ["gateway.config.ts"]],
  ["run --watch gate", ["gateway.config.ts"]],
  ["logs no", ["notes.txt"]],
  ["init ", ["conf"]],
  ["simulate --log no", ["notes.txt"]],
  ["simulate --log=no", ["notes.txt"]],
  ["simulate --by ", ["address", "consumer", "route"]],
  ["simulate --by=c", ["consumer"]],
  ["keys verify --config gate", ["gateway.config.ts"]],
  ["--color al", ["always"]],
  ["--color=ne", ["never"]],
  ["--color always ch", ["check"]],
  ["run --color=n", ["never"]],
  ["explain PO", ["POST"]],
  ["explain -H x PO", ["POST"]],
  ["completion ", ["bash", "fish", "zsh"]],
  ["bogus ", []],
];

/** Every flag of every verb, whichever verbs there are. */
const FLAGS = await Promise.all(
  Object.values(VERBS).map(async (load): Promise<readonly [string, readonly string[]]> => {
    const verb = await load();
    const names = [...flagsOf(verb).map(([name]) => name), "color", "help", "version"];
    return [`${verb.name} --`, names.map((name) => `--${name}`)];
  }),
);

const ALL = [...LINES, ...FLAGS];

/** The working directory, and where the scripts are. */
let folder = "";
let scripts = "";
beforeAll(async () => {
  folder = folderWith({ "gateway.config.ts": "", "notes.txt": "" });
  scripts = folderWith({});
  mkdirSync(join(folder, "conf"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await sluice(["completion", shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    mkdirSync(join(scripts, shell));
    writeFileSync(join(scripts, shell, "_sluice"), stdout);
  }
});

/** Runs a script for all lines; it prints, for each, what was offered, and a line "END". */
async function offersOf(command: readonly string[], script: string): Promise<string[][]> {
  const file = join(scripts, "harness");
  writeFileSync(file, script);
  const child = Bun.spawn([...command, file], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A shell that waits for what never comes is no process to leave behind.
    timeout: 25_000,
    killSignal: "SIGKILL",
    env: { PATH: process.env["PATH"] ?? "", HOME: scripts, SCRIPTS: scripts, TERM: "dumb", LC_ALL: "C.UTF-8" },
  });
  const [stdout, stderr] = await Promise.all([child.stdout, child.stderr].map((each) => new Response(each).text()));
  await child.exited;
  expect(stderr).toBe("");
  return stdout!
    .split(/^END\n/m)
    .slice(0, -1)
    .map((part) => part.split("\n").filter((line) => line !== ""));
}

/** Without what the shells put around a word: the flag before its value, "=" and "/" behind. */
function bare(words: readonly string[]): string[] {
  return [...new Set(words.map((word) => word.replace(/^--[\w-]+=(?=.)/, "").replace(/[=/]$/, "")))].toSorted();
}

function expectOffers(offers: readonly (readonly string[])[]): void {
  const found = ALL.map(([typed], i) => [typed, bare(offers[i] ?? ["(no answer)"])]);
  expect(found).toEqual(ALL.map(([typed, offered]) => [typed, [...offered].toSorted()]));
}

const QUOTE = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

describe("bash", () => {
  const scriptFor = (split: (typed: string) => string[]): string => `
source $SCRIPTS/bash/_sluice
${ALL.map(([typed]) => {
  const words = ["sluice", ...split(typed)];
  return `COMP_WORDS=(${words.map(QUOTE).join(" ")}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _sluice; printf '%s\\n' "\${COMPREPLY[@]}" END`;
}).join("\n")}
`;

  test("offers verbs, flags, values and files where = parts words, as it does by default", async () => {
    // "a=" ends in the word "=", "a=b" is three words.
    const split = (typed: string): string[] =>
      typed
        .split(" ")
        .flatMap((word) => (word.includes("=") ? word.split(/(=)/).filter((part) => part !== "") : [word]));
    expectOffers(await offersOf(["bash", "--norc"], scriptFor(split)));
  });

  test("offers the same where = is taken out of COMP_WORDBREAKS", async () => {
    expectOffers(
      await offersOf(
        ["bash", "--norc"],
        scriptFor((typed) => typed.split(" ")),
      ),
    );
  });
});

const titled = (title: string, lack: string | undefined): string =>
  lack === undefined ? title : `${title} (skipped: ${lack})`;

const noZsh = missing("zsh");
test.skipIf(noZsh !== undefined)(titled("zsh offers verbs, flags, values and files", noZsh), async () => {
  // A shell at a terminal of its own, in which the Tab key prints what is offered.
  const script = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PROMPT=; unsetopt zle_bracketed_paste; fpath=($SCRIPTS/zsh $fpath); autoload -Uz compinit; compinit -D -u'
zpty -w z 'compadd() { [[ $* == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return; }; local -a hits; builtin compadd -A hits "$@"; builtin compadd "$@"; local r=$?; (( $#hits )) && print -rl -- "<HIT>"$^hits"</HIT>"; return r; }'
zpty -w z 'probe() { _main_complete; compstate[insert]=; compstate[list]=; print -r -- "<E""ND>" }; zle -C probe complete-word probe; bindkey "^I" probe; print -r -- "<REA""DY>"'
zpty -r z out '*<READY>*'
for line in ${ALL.map(([typed]) => QUOTE(`sluice ${typed}`)).join(" ")}; do
  zpty -n -w z $'\\x15'"$line"$'\\t'
  zpty -r z out '*<END>*'
  while [[ $out == *'<HIT>'*'</HIT>'* ]]; do
    out=\${out#*'<HIT>'}
    print -r -- "\${out%%'</HIT>'*}"
  done
  print END
done
zpty -d z
`;
  const offers = await offersOf([pathOfTool("zsh"), "-f"], script);
  // Where nothing else fits it offers the flags, though no dash is typed.
  expectOffers(
    offers.map((words, i) => (/(?:^| )-\S*$/.test(ALL[i]![0]) ? words : words.filter((word) => !word.startsWith("-")))),
  );
});

const noFish = missing("fish");
test.skipIf(noFish !== undefined)(titled("fish offers verbs, flags, values and files", noFish), async () => {
  const script = `
source $SCRIPTS/fish/_sluice
${ALL.map(([typed]) => `complete -C ${QUOTE(`sluice ${typed}`)} | string split -f1 \\t\necho END`).join("\n")}
`;
  expectOffers(await offersOf([pathOfTool("fish"), "--no-config"], script));
});

test("a shell that is not known is refused with those that are", async () => {
  for (const [words, message] of [
    [["completion"], "Name a shell: bash, zsh, fish."],
    [["completion", "powershell"], 'The shell is one of bash, zsh, fish, not "powershell".'],
    [["completion", "fishy"], "Did you mean fish?"],
  ] as const) {
    const { code, stdout, stderr } = await sluice(words);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
  }
});
