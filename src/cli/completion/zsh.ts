// Completion for zsh, 5 and later: a function for its completion system, _sluice in a folder of $fpath.
import { COMMON, CONFIG_ENDINGS, firstWords, type FlagWord, type PlaceWord, type VerbWords } from "./command-words.ts";
import type { Meant } from "../verb.ts";

/** The completion script for zsh. */
export function zshCompletion(verbs: readonly VerbWords[]): string {
  const words = firstWords(verbs);
  const branches = words.map(({ name, seconds }) => {
    const verb = verbs.find((each) => each.name === name);
    if (verb !== undefined) return `    ${name})\n${spec(verb, 6)}\n      ;;`;
    const inner = seconds.map((second) => {
      const words = verbs.find((each) => each.name === `${name} ${second.name}`)!;
      return `        ${second.name})\n${spec(words, 10)}\n          ;;`;
    });
    return `    ${name})
      _arguments -C -S \\
        "$common[@]" \\
        '1: :((${seconds.map((second) => described(second.name, second.summary)).join(" ")}))' \\
        '*:: :->second' && ret=0
      [[ $state == second ]] && case $words[1] in
${inner.join("\n")}
      esac
      ;;`;
  });
  return `#compdef sluice
# Completion of sluice for zsh. Made by \`sluice completion zsh\`.

_sluice() {
  local curcontext=$curcontext context state line ret=1
  local -A opt_args
  local -a common=(
${COMMON.map((flag) => `    ${flagSpec(flag)}`).join("\n")}
  )
  _arguments -C -S \\
    "$common[@]" \\
    '1: :((${words.map(({ name, summary }) => described(name, summary)).join(" ")}))' \\
    '*:: :->verb' && ret=0
  [[ $state == verb ]] && case $words[1] in
${branches.join("\n")}
  esac
  return ret
}

# As a file of $fpath it is the function itself; read by source or eval it is bound here.
if [[ $funcstack[1] == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi
`;
}

/** The call of _arguments for a verb. */
function spec(verb: VerbWords, columns: number): string {
  const indent = " ".repeat(columns);
  const specs = [...verb.flags.map(flagSpec), ...verb.places.map(placeSpec)];
  return `${indent}state=\n${[`${indent}_arguments -S "$common[@]"`, ...specs.map((each) => `${indent}  ${each}`)].join(" \\\n")} && ret=0`;
}

function flagSpec(flag: FlagWord): string {
  const { name, aliases, takesValue, repeats, description } = flag;
  const spelled = [...aliases.map((alias) => (takesValue ? `${alias}+` : alias)), `--${name}${takesValue ? "=" : ""}`];
  const value = takesValue ? `:${escaped(name)}:${action(flag.means)}` : "";
  const body = `[${escaped(description)}]${value}`;
  if (spelled.length === 1) return repeats ? quote(`*${spelled[0]}${body}`) : quote(`${spelled[0]}${body}`);
  const excluded = repeats ? "*" : `(${[...aliases, `--${name}`].join(" ")})`;
  return `${quote(excluded)}{${spelled.join(",")}}${quote(body)}`;
}

function placeSpec({ means, required, description }: PlaceWord): string {
  return quote(`${required ? "" : ":"}:${escaped(description)}:${action(means)}`);
}

function action(means: Meant | undefined): string {
  if (means === undefined) return " ";
  if (means === "file") return "_files";
  if (means === "folder") return "_files -/";
  if (means === "config") return `_files -g "*.(${CONFIG_ENDINGS.join("|")})"`;
  return `(${means.join(" ")})`;
}

function described(name: string, summary: string): string {
  return `${name}\\:"${escaped(summary).replaceAll('"', '\\"').replaceAll("'", `'\\''`)}"`;
}

/** What would end a part of a specification. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll(/[:[\]]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
