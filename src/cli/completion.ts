import { bashCompletion } from "./bash.js";
import type { CommandDescription } from "./description.js";
import { fishCompletion } from "./fish.js";
import type { Shell } from "./shells.js";
import { zshCompletion } from "./zsh.js";

const SCRIPTS: Readonly<Record<Shell, (program: CommandDescription) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The script that completes commands, flags and their values; a newline at its end. */
export function completionScript(shell: Shell, program: CommandDescription): string {
  return SCRIPTS[shell](program);
}
