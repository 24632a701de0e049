/** A command line as data: what completion scripts and the man page are made from. */
export interface CommandDescription {
  /** `celery-load` for the whole. */
  readonly name: string;
  readonly summary: string;
  /** What follows the name, as in `run [options] [FILE...]`. */
  readonly usage: string;
  readonly arguments: readonly ArgumentDescription[];
  readonly options: readonly OptionDescription[];
  readonly commands: readonly CommandDescription[];
  /** Name of the command that is meant when none is named. */
  readonly defaultCommand: string | null;
}

export interface ArgumentDescription {
  readonly value: ValueDescription;
  readonly summary: string;
  readonly isRepeated: boolean;
}

export interface OptionDescription {
  /** `-h`, `--help`. */
  readonly flags: readonly string[];
  /** null: a switch. */
  readonly value: ValueDescription | null;
  readonly isRepeated: boolean;
  readonly summary: string;
  /** The summary with choices, default and environment variable, as the help prints it. */
  readonly details: string;
}

export interface ValueDescription {
  /** As the help names it: `url`, `FILE`. */
  readonly name: string;
  /** All that it can be; null: anything. */
  readonly choices: readonly string[] | null;
  readonly path: "file" | "directory" | null;
}

/** A command with the names that lead to it, without that of the program. */
export interface CommandAt {
  readonly path: readonly string[];
  /** With the options and arguments of its default command. */
  readonly command: CommandDescription;
}

/** The program, then every command below it. */
export function commandsOf(
  command: CommandDescription,
  path: readonly string[] = [],
): readonly CommandAt[] {
  const standIn = command.commands.find(({ name }) => name === command.defaultCommand);
  const known = new Set(command.options.flatMap(({ flags }) => flags));
  const more = standIn?.options.filter(({ flags }) => !flags.some((flag) => known.has(flag))) ?? [];
  const complete: CommandDescription = {
    ...command,
    options: [...command.options, ...more],
    arguments: [...command.arguments, ...(standIn?.arguments ?? [])],
  };
  return [
    { path, command: complete },
    ...command.commands.flatMap((child) => commandsOf(child, [...path, child.name])),
  ];
}
