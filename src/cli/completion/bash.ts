// Completion for bash, 3.2 and later, with or without the bash-completion package.
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

/** The script. It sets COMPREPLY as bash's `complete -F` asks for. */
export function bashCompletion(verbs: readonly VerbWords[]): string {
  const words = firstWords(verbs);
  const groups = words.filter(({ seconds }) => seconds.length > 0);
  return `# Completion of sluice for bash. Made by \`sluice completion bash\`.

# Words that begin with what is typed.
_sluice_words() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}

# Files whose names fit, and folders.
_sluice_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    if [[ -d $file ]]; then
      COMPREPLY+=("$file")
    elif [[ $1 != folder ]]; then
      case $1:$file in file:* | ${CONFIG_ENDINGS.map((ending) => `config:*.${ending}`).join(" | ")}) COMPREPLY+=("$file") ;; esac
    fi
  done < <(compgen -f -- "$cur")
}

_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} verb="" flag="" before="" word i place=0 flags="" valued="${valuedSpellings(COMMON).join(" ")}"
  COMPREPLY=()

  # Which verb, and how many words stand behind it. "--flag=value" comes as three words where "=" parts words.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == -?* ]]; then
      [[ \${COMP_WORDS[i + 1]} == "=" ]] && ((i += 2)) && continue
      [[ " $valued " == *" $word "* ]] && ((i++))
    elif [[ -z $verb ]]; then
      verb=$word
${groups.map(({ name }) => `    elif [[ $verb == ${name} ]]; then\n      verb="${name} $word"\n`).join("")}    else
      ((place++))
    fi
    case $verb in
${verbs.map((verb) => `      ${quoted(verb.name)}) valued="${valuedSpellings([...COMMON, ...verb.flags]).join(" ")}" ;;`).join("\n")}
    esac
  done

  # The value of a flag: behind "=", or as a word of its own.
  flag=\${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $flag == "=" ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $cur == --*=* ]]; then
    flag=\${cur%%=*}
    before=$flag=
    cur=\${cur#*=}
  elif [[ " $valued " != *" $flag "* ]]; then
    flag=""
  fi
  if [[ $flag == -* ]]; then
    case "$verb $flag" in
${indented([...verbs.flatMap((verb) => values(verb.name, verb.flags)), ...values("*", COMMON)], 6)}
    esac
    # Where "=" does not part words, the flag is a part of the word.
    [[ -n $before ]] && for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=$before\${COMPREPLY[i]}; done
    return 0
  fi

  if [[ $cur == -* ]]; then
    case $verb in
${verbs.map((verb) => `      ${quoted(verb.name)}) flags="${flagList(verb.flags)}" ;;`).join("\n")}
    esac
    _sluice_words "$flags ${flagList(COMMON)}"
    [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
  fi

  case "$verb $place" in
    " 0") _sluice_words "${words.map(({ name }) => name).join(" ")}" ;;
${groups.map(({ name, seconds }) => `    "${name} 0") _sluice_words "${seconds.map((second) => second.name).join(" ")}" ;;\n`).join("")}${indented(
    verbs.flatMap((verb) =>
      verb.places.flatMap(({ means }, place) =>
        means === undefined ? [] : [`${quoted(`${verb.name} ${place}`)}) ${offer(means)} ;;`],
      ),
    ),
    4,
  )}
  esac
  return 0
}

complete -F _sluice sluice
`;
}

function values(verb: string, flags: readonly FlagWord[]): string[] {
  return flags.flatMap((flag) => {
    if (flag.means === undefined) return [];
    const patterns = spellingsOf(flag).map((spelled) => (verb === "*" ? `*" ${spelled}"` : `"${verb} ${spelled}"`));
    return [`${patterns.join(" | ")}) ${offer(flag.means)} ;;`];
  });
}

function offer(means: Meant): string {
  return typeof means === "string" ? `_sluice_files ${means}` : `_sluice_words "${means.join(" ")}"`;
}

function flagList(flags: readonly FlagWord[]): string {
  return flags.flatMap((flag) => [`--${flag.name}${flag.takesValue ? "=" : ""}`, ...flag.aliases]).join(" ");
}

function quoted(word: string): string {
  return word.includes(" ") ? `"${word}"` : word;
}

function indented(lines: readonly string[], columns: number): string {
  return lines.map((line) => " ".repeat(columns) + line).join("\n");
}
