import { realpathSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { templateFiles } from "../celery/arguments.js";
import { type ConfigIssue, unfit } from "../config/config-issue.js";
import { CHECK_PATH, decodeUtf8, type FileProblem, readFileAtMost } from "../config/read-file.js";
import { type Config, isWorkflow } from "../config/schema.js";

/** The lines of each file that a template names, and what is wrong with such files. */
export interface TemplateLines {
  readonly lines: Readonly<Record<string, readonly string[]>>;
  readonly issues: readonly ConfigIssue[];
}

/** Largest file whose lines are taken: all of them are kept in memory, once for each engine. */
const MAX_LINES_BYTES = 16 * 1024 * 1024;

/**
 * Reads the files that templates name: regular ones of at most 16 MiB that really lie in the first
 * configuration file's folder, as their lines are sent to whoever runs the workers.
 */
export function readTemplateLines(config: Config, firstFile: string | undefined): TemplateLines {
  const folder = firstFile === undefined ? process.cwd() : dirname(resolve(firstFile));
  const reads = new Map<string, readonly string[] | FileFault>();
  const issues: ConfigIssue[] = [];
  for (const [key, task] of Object.entries(config.tasks)) {
    if (isWorkflow(task)) continue;
    for (const part of ["args", "kwargs"] as const) {
      for (const { name, path } of templateFiles(task[part])) {
        const read = reads.get(name) ?? readLines(folder, name);
        reads.set(name, read);
        if (!("fault" in read)) continue;
        const message = `file(${JSON.stringify(name)}) ${read.fault}`;
        issues.push(unfit(["tasks", key, part, ...path], message, read.remedy));
      }
    }
  }
  const lines = [...reads].flatMap(([name, read]) => ("fault" in read ? [] : [[name, read]]));
  return { lines: Object.fromEntries(lines) as TemplateLines["lines"], issues };
}

interface FileFault {
  readonly fault: string;
  readonly remedy: string;
}

function readLines(folder: string, name: string): readonly string[] | FileFault {
  const path = resolve(folder, name);
  if (!isInside(folder, path)) return OUTSIDE;
  const real = realPathOf(path);
  // Kubernetes mounts a folder whose files are links to others of it.
  if (real !== undefined && !isInside(realpathSync(folder), real)) {
    const fault = `is a symbolic link to ${JSON.stringify(real)}, and ${OUTSIDE.fault}`;
    return { fault, remedy: "Copy the file there." };
  }
  const file = readFileAtMost(real ?? path, MAX_LINES_BYTES + 1, "regular");
  if ("reason" in file) return unreadable(file, path);
  if (file.bytes.length > MAX_LINES_BYTES) {
    return { fault: "is larger than 16 MiB", remedy: "Shorten it." };
  }
  const text = decodeUtf8(file.bytes);
  if (text === undefined) return { fault: "is no text in UTF-8", remedy: "Save it as UTF-8." };
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  return lines.length > 0
    ? lines
    : { fault: "has no lines", remedy: "Put one value on each line." };
}

const OUTSIDE: FileFault = {
  fault: "must lie in the folder of the configuration file",
  remedy: "Move it there.",
};

function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/** The path without symbolic links; undefined when it leads to nothing, as reading it will tell. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function unreadable({ reason, remedy }: FileProblem, path: string): FileFault {
  // The path that is written is only the end of it.
  const where = remedy === CHECK_PATH ? `It is looked for at ${path}.` : remedy;
  return { fault: `cannot be read: ${reason}`, remedy: where };
}
