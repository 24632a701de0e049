import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeFile } from "../config/code-file.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import { type Config, isWorkflow } from "../config/schema.js";
import { readFileAtMost } from "../config/sources/read-file.js";
import type { Path } from "../config/sources/tree.js";
import { type FileFault, folderOf, pathBeside, unreadable } from "./beside-configuration.js";

const MAX_CODE_BYTES = 4 * 1024 * 1024;
/** A module that is not loaded by then never will be. */
const LOAD_MS = 10_000;
const PROBE = fileURLToPath(new URL("../scripts/probe.js", import.meta.url));

/**
 * Looks at the files with code: the configuration with their paths and what is in them. Each is loaded once, in a process
 * of its own, as a fault in it is to be told now and with its line.
 */
export function findCode(
  config: Config,
  firstFile: string | undefined,
): { readonly config: Config; readonly issues: readonly ConfigIssue[] } {
  const folder = folderOf(firstFile);
  const found = new Map<string, CodeFile | FileFault>();
  const issues: ConfigIssue[] = [];
  const lookAt = (path: Path, code: CodeFile): CodeFile => {
    const looked = found.get(code.file) ?? look(folder, code);
    found.set(code.file, looked);
    if (!("fault" in looked)) return looked;
    issues.push(unfit(path, `${code.file}${looked.fault}`, looked.remedy));
    return code;
  };
  const tasks = Object.entries(config.tasks).map(([key, task]) => {
    if (isWorkflow(task) || task.payload === null) return [key, task] as const;
    return [key, { ...task, payload: lookAt(["tasks", key, "payload"], task.payload) }] as const;
  });
  const scenarios = Object.entries(config.scenarios).map(([name, scenario]) => {
    if (scenario.script === null) return [name, scenario] as const;
    const script = lookAt(["scenarios", name, "script"], scenario.script);
    return [name, { ...scenario, script }] as const;
  });
  if (found.size === 0) return { config, issues };
  return {
    config: {
      ...config,
      tasks: Object.fromEntries(tasks),
      scenarios: Object.fromEntries(scenarios),
    },
    issues,
  };
}

function look(folder: string, { file }: CodeFile): CodeFile | FileFault {
  const place = pathBeside(folder, file);
  if ("fault" in place) return { ...place, fault: ` ${place.fault}` };
  const read = readFileAtMost(place.path, MAX_CODE_BYTES, "regular");
  if ("reason" in read) {
    const { fault, remedy } = unreadable(read, resolve(folder, file));
    return { fault: ` ${fault}`, remedy };
  }
  const cause = probe(place.path);
  if (cause !== null) {
    const [fault, ...remedy] = cause.split(". ");
    return {
      fault: `: ${fault}`,
      remedy: remedy.length > 0 ? remedy.join(". ").replace(/[^.…]$/, "$&.") : "Mend it.",
    };
  }
  const digest = createHash("sha256").update(read.bytes).digest("hex").slice(0, 12);
  return { file, path: place.path, digest };
}

/** Why a module cannot be used; null: it can. */
function probe(path: string): string | null {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [PROBE, path], {
    encoding: "utf8",
    timeout: LOAD_MS,
    killSignal: "SIGKILL",
    maxBuffer: 1024 * 1024,
  });
  if (error !== undefined && "code" in error && error.code === "ETIMEDOUT") {
    return `it is not loaded after ${LOAD_MS / 1000} s. See that nothing at its top waits for ever`;
  }
  const [, answer] = /^celery-load-probe (.*)$/m.exec(stdout) ?? [];
  if (answer !== undefined) return JSON.parse(answer) as string | null;
  return `the process that loaded it ended (${status ?? error?.message}): ${stderr.trim().split("\n").at(-1) ?? ""}`;
}
