import type { Argument, Command, Option } from "commander";
import type { CommandDescription, ValueDescription } from "./cli/description.js";

/**
 * A command line as data, read off the one that parses: a command or flag that is added there is
 * completed and in the man page. What the help hides is left out.
 */
export function describeCommand(
  command: Command,
  defaultCommand: string | null = null,
): CommandDescription {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) => ({
      value: describeValue(argument.name(), argument),
      summary: argument.description,
      isRepeated: argument.variadic,
    })),
    options: help.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      value: optionValue(option),
      isRepeated: option.variadic || Array.isArray(option.defaultValue),
      summary: option.description,
      details: help.optionDescription(option),
    })),
    commands: help.visibleCommands(command).map((child) => describeCommand(child)),
    defaultCommand,
  };
}

function optionValue(option: Option): ValueDescription | null {
  const [, name] = /[<[]([^>\]]+)[>\]]/.exec(option.flags) ?? [];
  return name === undefined ? null : describeValue(name, option);
}

/** What a value is called says whether it is a path. */
function describeValue(
  name: string,
  { argChoices }: Pick<Argument | Option, "argChoices">,
): ValueDescription {
  const isDirectory = /^(dir|directory|folder)$/i.test(name);
  const isFile = /^(file|path)(\.\.\.)?$/i.test(name);
  return {
    name,
    choices: argChoices ?? null,
    path: isDirectory ? "directory" : isFile ? "file" : null,
  };
}
