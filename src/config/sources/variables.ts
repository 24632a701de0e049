import { resolve } from "node:path";
import type { ReadSecret } from "./secret-files.js";

/** Values of environment variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What ends the name of a variable that holds the path of a file, as in Docker's official images. */
export const FILE_SUFFIX = "_FILE";

/** A variable's value, and where it was found. */
export interface Variable {
  readonly value: string;
  /** NAME, or NAME_FILE when it is the content of that file. */
  readonly name: string;
  readonly isSecret: boolean;
}

/** Sentences that say why a variable cannot be used; they hold no value. */
export interface VariableProblem {
  readonly problem: string;
}

/** The environment, where each NAME may be in a file that NAME_FILE leads to. */
export interface Environment {
  readonly variables: Variables;
  /** undefined: neither NAME nor NAME_FILE is set. */
  lookUp(name: string): Variable | VariableProblem | undefined;
}

/** Paths in variables start from `cwd`. An empty NAME_FILE is none, and an empty NAME gives way to it. */
export function environmentOf(
  variables: Variables,
  readSecret: ReadSecret,
  cwd: string,
): Environment {
  const lookUp = (name: string): Variable | VariableProblem | undefined => {
    const fileName = `${name}${FILE_SUFFIX}`;
    const value = own(variables, name);
    const path = own(variables, fileName);
    if (!path) return value === undefined ? undefined : { value, name, isSecret: false };
    if (value) return { problem: bothAreSet(name) };
    const result = readSecret(resolve(cwd, path), path);
    if ("problem" in result) return { problem: `${result.problem} It is named by ${fileName}.` };
    return { value: result.text, name: fileName, isSecret: true };
  };
  return { variables, lookUp };
}

/** Which of the two is meant cannot be known. */
export function bothAreSet(name: string): string {
  return `Cannot use ${name} and ${name}${FILE_SUFFIX} together: both are set. Unset one of them.`;
}

function own(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
