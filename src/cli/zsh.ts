import {
  type CommandAt,
  type CommandDescription,
  commandsOf,
  type OptionDescription,
  type ValueDescription,
} from "./description.js";

/** Completion for zsh: a function for each command, made of `_arguments` (zshcompsys(1)). */
export function zshCompletion(program: CommandDescription): string {
  const name = functionName(program, []);
  const functions = commandsOf(program).map((at) => functionText(program, at));
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh; "${program.name} completion --help" says how to install it.

${functions.join("\n\n")}

if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program.name}
fi
`;
}

function functionText(program: CommandDescription, { path, command }: CommandAt): string {
  const specs = command.options.map(optionSpec);
  const name = functionName(program, path);
  if (command.commands.length === 0) {
    const all = [...specs, ...command.arguments.map(argumentSpec)];
    return `${name}() {\n  _arguments -s ${all.join(" \\\n    ")}\n}`;
  }
  const commands = command.commands.map((child) =>
    quoted(`${child.name}:${child.summary.replaceAll(":", "\\:")}`),
  );
  const others = command.arguments.map(({ value }) =>
    quoted(`values:${value.name}:${action(value)}`),
  );
  return `${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -s -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(" \\\n    ")}
  case $state in
    command)
      local -a commands
      commands=(
        ${commands.join("\n        ")}
      )
      _alternative 'commands:command:{_describe command commands}' ${others.join(" ")}
      ;;
    rest)
      case $line[1] in
        ${command.commands.map((child) => `${child.name}) ${functionName(program, [...path, child.name])} ;;`).join("\n        ")}
        *) ${restAction(command)} ;;
      esac
      ;;
  esac
}`;
}

/** What follows a first word that is no command: more of the default command's. */
function restAction({ arguments: values }: CommandDescription): string {
  const repeated = values.find(({ isRepeated }) => isRepeated);
  return repeated?.value.path === "file" ? "_files" : "_message 'no more arguments'";
}

function functionName(program: CommandDescription, path: readonly string[]): string {
  return `_${[program.name, ...path].join("_").replaceAll("-", "_")}`;
}

function optionSpec({ flags, value, isRepeated, summary }: OptionDescription): string {
  const text = `[${summary.replace(/[[\]\\:]/g, "\\$&")}]`;
  const spec =
    value === null ? text : `${text}:${value.name.replaceAll(":", "\\:")}:${action(value)}`;
  const names =
    value === null ? flags : flags.map((flag) => (flag.startsWith("--") ? `${flag}=` : flag));
  if (isRepeated) return names.map((name) => quoted(`*${name}${spec}`)).join(" ");
  if (names.length === 1) return quoted(`${names[0]}${spec}`);
  return `'(${flags.join(" ")})'{${names.join(",")}}${quoted(spec)}`;
}

function argumentSpec({ value, isRepeated }: CommandDescription["arguments"][number]): string {
  return quoted(`${isRepeated ? "*" : ""}:${value.name}:${action(value)}`);
}

function action({ choices, path }: ValueDescription): string {
  if (choices !== null) return `(${choices.join(" ")})`;
  if (path === null) return " ";
  return path === "file" ? "_files" : "_files -/";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
