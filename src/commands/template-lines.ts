import { resolve } from "node:path";
import { templateFiles } from "../celery/messages/arguments.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import { type Config, isWorkflow } from "../config/schema.js";
import { decodeUtf8, readFileAtMost } from "../config/sources/read-file.js";
import { type FileFault, folderOf, pathBeside, unreadable } from "./beside-configuration.js";

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
  const folder = folderOf(firstFile);
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

function readLines(folder: string, name: string): readonly string[] | FileFault {
  const found = pathBeside(folder, name);
  if ("fault" in found) return found;
  const file = readFileAtMost(found.path, MAX_LINES_BYTES + 1, "regular");
  if ("reason" in file) return unreadable(file, resolve(folder, name));
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
