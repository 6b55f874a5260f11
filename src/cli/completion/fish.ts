// Completion for fish, 3.0 and later.
import {
  COMMON,
  CONFIG_ENDINGS,
  firstWords,
  type FlagWord,
  spellingsOf,
  valuedSpellings,
  type VerbWords,
} from "./command-words.ts";
import type { Meant } from "../verb.ts";

/** The completion script for fish. */
export function fishCompletion(verbs: readonly VerbWords[]): string {
  const words = firstWords(verbs);
  const groups = words.filter(({ seconds }) => seconds.length > 0);
  const rules = [
    ...words.map(({ name, summary }) => `complete -c sluice -n '__sluice_at "" 0' -a ${name} -d ${text(summary)}`),
    ...groups.flatMap(({ name, seconds }) =>
      seconds.map(
        (second) => `complete -c sluice -n '__sluice_at ${name} 0' -a ${second.name} -d ${text(second.summary)}`,
      ),
    ),
    ...COMMON.map((flag) => flagRule("", flag)),
    ...verbs.flatMap((verb) => [
      "",
      ...verb.flags.map((flag) => flagRule(` -n '__sluice_at ${argument(verb.name)}'`, flag)),
      ...verb.places.flatMap(({ means, description }, place) =>
        means === undefined
          ? []
          : [
              `complete -c sluice -n '__sluice_at ${argument(verb.name)} ${place}'${values(means)} -d ${text(description)}`,
            ],
      ),
    ]),
  ];
  return `# Completion of sluice for fish. Made by \`sluice completion fish\`.

# Whether the words before the cursor are this verb, and so many words behind it where a number is given.
function __sluice_at
  set -l verb
  set -l place 0
  set -l valued ${valuedSpellings(COMMON).join(" ")}
  set -l skip 0
  set -l words (commandline -opc)
  for word in $words[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    if string match -q -- '-?*' $word
      contains -- $word $valued; and set skip 1
      continue
    end
    if test -z "$verb"
      set verb $word
${groups.map(({ name }) => `    else if test "$verb" = ${name}\n      set verb "${name} $word"\n`).join("")}    else
      set place (math $place + 1)
    end
    switch "$verb"
${verbs.map((verb) => `      case ${argument(verb.name)}\n        set valued ${valuedSpellings([...COMMON, ...verb.flags]).join(" ")}`).join("\n")}
    end
  end
  test "$verb" = "$argv[1]"; or return 1
  test (count $argv) -lt 2; or test $place = $argv[2]
end

# Files of a config's kind, and folders.
function __sluice_configs
  for file in (__fish_complete_path (commandline -ct))
    string match -q -r -- '(/|\\.(${CONFIG_ENDINGS.join("|")}))$' (string split -f1 \\t -- $file); and echo $file
  end
end

complete -c sluice -f
${rules.join("\n")}
`;
}

function flagRule(condition: string, flag: FlagWord): string {
  const spelled = spellingsOf(flag).map((each) =>
    each.startsWith("--") ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
  );
  const value = !flag.takesValue ? "" : flag.means === undefined ? " -x" : ` -r${values(flag.means)}`;
  return `complete -c sluice${condition} ${spelled.join(" ")}${value} -d ${text(flag.description)}`;
}

function values(means: Meant): string {
  if (means === "file") return " -F";
  if (means === "folder") return ` -f -a '(__fish_complete_directories (commandline -ct))'`;
  if (means === "config") return ` -f -a '(__sluice_configs)'`;
  return ` -f -a '${means.join(" ")}'`;
}

/** Inside single quotes of a condition. */
function argument(name: string): string {
  return name.includes(" ") ? `"${name}"` : name;
}

function text(description: string): string {
  return `'${description.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
