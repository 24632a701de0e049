import {
  type CommandAt,
  type CommandDescription,
  commandsOf,
  type OptionDescription,
  type ValueDescription,
} from "./description.js";

/** Completion for fish 3 and later: a line for each command, flag and argument. */
export function fishCompletion(program: CommandDescription): string {
  const all = commandsOf(program);
  const find = `__${program.name.replaceAll("-", "_")}_at`;
  const commands = all.flatMap(({ path, command }) =>
    command.commands.map((child) => pattern(path, child.name)),
  );
  const flags = all.flatMap(({ path, command }) =>
    command.options
      .filter(({ value }) => value !== null)
      .flatMap((option) => option.flags.map((flag) => pattern(path, flag))),
  );
  return `# Completion of ${program.name} for fish; "${program.name} completion --help" says how to install it.

function ${find} --description 'Is this the command that is typed?'
    set --local command
    set --local is_value 0
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$command $word"
            case ${commands.join(" ")}
                set command "$command/$word"
            case ${flags.join(" ")}
                set is_value 1
        end
    end
    test "/$command" = $argv[1]
end

complete --command ${program.name} --no-files
${all.flatMap((at) => linesOf(program, find, at)).join("\n")}
`;
}

/** As the function above puts it together. */
function pattern(path: readonly string[], word: string): string {
  return quoted(`${path.map((name) => `/${name}`).join("")} ${word}`);
}

function linesOf(
  program: CommandDescription,
  find: string,
  { path, command }: CommandAt,
): string[] {
  const here = `/${path.map((name) => `/${name}`).join("")}`;
  const start = `complete --command ${program.name} --condition ${quoted(`${find} ${here}`)}`;
  return [
    ...command.commands.map(
      ({ name, summary }) => `${start} --arguments ${name} --description ${quoted(summary)}`,
    ),
    ...command.options.map((option) => `${start} ${optionText(option)}`),
    ...command.arguments.flatMap(({ value }) => {
      const text = valueText(value);
      return text === "" ? [] : [`${start} ${text}`];
    }),
  ];
}

function optionText({ flags, value, summary }: OptionDescription): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `--long-option ${flag.slice(2)}` : `--short-option ${flag.slice(1)}`,
  );
  const needs =
    value === null
      ? []
      : [value.path === "file" ? "--require-parameter" : "--exclusive", valueText(value)];
  return [...names, ...needs, "--description", quoted(summary)]
    .filter((text) => text !== "")
    .join(" ");
}

function valueText({ choices, path }: ValueDescription): string {
  if (choices !== null) return `--arguments ${quoted(choices.join(" "))}`;
  if (path === null) return "";
  return path === "file" ? "--force-files" : "--arguments '(__fish_complete_directories)'";
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
