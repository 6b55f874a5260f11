// `sluice completion <shell>`: prints the script that completes command lines of sluice in a shell.
import { bashCompletion } from "./completion/bash.ts";
import { type VerbWords, wordsOf } from "./completion/command-words.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";
import { checkChoice } from "./arguments.ts";
import { EXIT, usageError } from "./exit.ts";
import { defineVerb } from "./verb.ts";

/** What writes the script, by the name of the shell. */
export const SHELLS: Readonly<Record<string, (verbs: readonly VerbWords[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const NAMES = Object.keys(SHELLS);

/** `sluice completion`: prints the completion script of a shell. */
export const completion = defineVerb(
  {
    name: "completion",
    summary: "prints the completion script of a shell",
    notes: [
      "It completes verbs, flags, their values where these are known, and files. It belongs to this version of Sluice: put it",
      "where the shell looks after each update. The Debian package brings all three.",
    ],
    examples: [
      ["source <(sluice completion bash)", "for this bash; put the line into ~/.bashrc for all"],
      ["sluice completion zsh > ~/.zfunc/_sluice", "for zsh, with fpath+=~/.zfunc before compinit in ~/.zshrc"],
      ["sluice completion fish > ~/.config/fish/completions/sluice.fish", "for fish"],
    ],
    exits: [],
  },
  { shell: { type: "positional", required: false, means: NAMES, description: "bash, zsh or fish" } },
  async ({ shell }, { terminal, verbs }) => {
    if (shell === undefined) throw usageError(`Name a shell: ${NAMES.join(", ")}.`);
    checkChoice("The shell", shell, NAMES);
    terminal.out(SHELLS[shell]!((await verbs()).map(wordsOf)).trimEnd());
    return EXIT.ok;
  },
);
