import { readFileSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { templateFiles } from "../celery/arguments.js";
import { type ConfigIssue, unfit } from "../config/config-issue.js";
import { type Config, isWorkflow } from "../config/schema.js";

/** The lines of each file that a template names, and what is wrong with such files. */
export interface TemplateLines {
  readonly lines: Readonly<Record<string, readonly string[]>>;
  readonly issues: readonly ConfigIssue[];
}

/** Reads the files that templates name, which must lie in the first configuration file's folder. */
export function readTemplateLines(config: Config, firstFile: string | undefined): TemplateLines {
  const folder = firstFile === undefined ? process.cwd() : dirname(resolve(firstFile));
  const lines: Record<string, readonly string[]> = {};
  const issues: ConfigIssue[] = [];
  for (const [key, task] of Object.entries(config.tasks)) {
    if (isWorkflow(task)) continue;
    for (const part of ["args", "kwargs"] as const) {
      for (const { name, path } of templateFiles(task[part])) {
        const read = Object.hasOwn(lines, name) ? lines[name]! : readLines(folder, name);
        if ("fault" in read) {
          const message = `file(${JSON.stringify(name)}) ${read.fault}`;
          issues.push(unfit(["tasks", key, part, ...path], message, read.remedy));
        } else {
          lines[name] = read;
        }
      }
    }
  }
  return { lines, issues };
}

interface FileFault {
  readonly fault: string;
  readonly remedy: string;
}

function readLines(folder: string, name: string): readonly string[] | FileFault {
  const path = resolve(folder, name);
  const inside = relative(folder, path);
  if (inside.startsWith("..") || isAbsolute(inside)) {
    const remedy = "Move it there.";
    return { fault: "must lie in the folder of the configuration file", remedy };
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, remedy] = REASONS[code] ?? [`the system says ${code}`, "Check the file."];
    return { fault: `cannot be read: ${reason}`, remedy: remedy.replace("PATH", path) };
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  return lines.length > 0
    ? lines
    : { fault: "has no lines", remedy: "Put one value on each line." };
}

const REASONS: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOENT: ["there is no such file", "It is looked for at PATH."],
  ENOTDIR: ["a part of its path is no directory", "It is looked for at PATH."],
  EISDIR: ["it is a directory", "Name the file in it."],
  EACCES: ["permission denied", "Give this user the right to read it."],
};
