import {
  type CommandAt,
  type CommandDescription,
  commandsOf,
  type ValueDescription,
} from "./description.js";

/**
 * Completion for bash 3.2 and later, as macOS has it. A first pass over the words finds the command and
 * whether a flag awaits its value; `=` and `:` are words of their own in bash.
 */
export function bashCompletion(program: CommandDescription): string {
  const all = commandsOf(program);
  const name = `_${program.name.replaceAll("-", "_")}`;
  const commands = all.flatMap(({ path, command }) =>
    command.commands.map((child) => pattern(path, child.name)),
  );
  return `# Completion of ${program.name} for bash; "${program.name} completion --help" says how to install it.

${name}_words() {
  local IFS=$' \\t\\n'
  COMPREPLY+=($(compgen -W "$1" -- "$2"))
}

${name}_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen "$1" -- "$2"))
}

${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" command="" flag="" word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ $word == "=" ]]; then continue; fi
    if [[ -n $flag ]]; then flag=""; continue; fi
    case "$command $word" in
      ${commands.join("|")})
        command="\${command:+$command }$word" ;;
      ${all.flatMap(flagsWithValue).join("|")})
        flag="$word" ;;
    esac
  done
  if [[ $cur == "=" ]]; then cur=""; fi
  if [[ -n $flag ]]; then
    case "$command $flag" in
${indent(all.flatMap(flagCases), 6)}
    esac
    return 0
  fi
  if [[ $cur == -* ]]; then
    case "$command" in
${indent(all.map(flagsCase), 6)}
    esac
    return 0
  fi
  case "$command" in
${indent(all.flatMap(wordsCase), 4)}
  esac
  return 0
}

complete -F ${name} ${program.name}
`.replaceAll("NAME_", `${name}_`);
}

function pattern(path: readonly string[], word: string): string {
  return `"${path.join(" ")} ${word}"`;
}

function flagsWithValue({ path, command }: CommandAt): string[] {
  return command.options
    .filter(({ value }) => value !== null)
    .flatMap(({ flags }) => flags.map((flag) => pattern(path, flag)));
}

/** Flags whose values are known. */
function flagCases({ path, command }: CommandAt): string[] {
  return command.options.flatMap(({ flags, value }) => {
    const action = value === null ? "" : actionOf(value);
    const patterns = flags.map((flag) => pattern(path, flag)).join("|");
    return action === "" ? [] : [`${patterns}) ${action} ;;`];
  });
}

function flagsCase({ path, command }: CommandAt): string {
  const flags = command.options.flatMap((option) => option.flags);
  return `"${path.join(" ")}") NAME_words "${flags.join(" ")}" "$cur" ;;`;
}

function wordsCase({ path, command }: CommandAt): string[] {
  const names = command.commands.map(({ name }) => name);
  const actions = [
    names.length > 0 ? wordsOf(names) : "",
    ...command.arguments.map(({ value }) => actionOf(value)),
  ].filter((action) => action !== "");
  return actions.length === 0 ? [] : [`"${path.join(" ")}") ${actions.join("; ")} ;;`];
}

function actionOf({ choices, path }: ValueDescription): string {
  if (choices !== null) return wordsOf(choices);
  if (path === null) return "";
  return `NAME_paths ${path === "file" ? "-f" : "-d"} "$cur"`;
}

function wordsOf(words: readonly string[]): string {
  return `NAME_words "${words.join(" ")}" "$cur"`;
}

function indent(lines: readonly string[], spaces: number): string {
  return lines.map((line) => " ".repeat(spaces) + line).join("\n");
}
