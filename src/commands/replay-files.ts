import { createHash } from "node:crypto";
import { dataOfStart } from "../config/data/check-data.js";
import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import {
  type Config,
  isWorkflow,
  measuredName,
  type ScenarioConfig,
  type TaskConfig,
  type WorkflowConfig,
} from "../config/schema.js";
import { formatOf } from "../data/data-source.js";
import { type RecordableTask, Recorder } from "../data/recording.js";
import { StartRows } from "../data/start-row.js";
import type { RatedSpec } from "../plan/profile.js";
import type { Recording } from "../plan/profiles/replay.js";
import { type FileFault, folderOf } from "./beside-configuration.js";
import { readRowFile } from "./row-files.js";

/** Reads the files of all replays: the configuration with what is in them. */
export function readReplays(
  config: Config,
  firstFile: string | undefined,
): { readonly config: Config; readonly issues: readonly ConfigIssue[] } {
  const folder = folderOf(firstFile);
  const scenarios: Record<string, ScenarioConfig> = {};
  const issues: ConfigIssue[] = [];
  for (const [name, scenario] of Object.entries(config.scenarios)) {
    scenarios[name] = scenario;
    const { profile } = scenario;
    if (profile.kind !== "replay") continue;
    const path = ["scenarios", name, "profile", "replay", "file"];
    const recording = readRecording(folder, profile, tasksOf(scenario, config));
    if ("fault" in recording) {
      issues.push(unfit(path, `${profile.file}${recording.fault}`, recording.remedy));
      continue;
    }
    scenarios[name] = { ...scenario, profile: { ...profile, recording } };
    issues.push(...unlike(name, scenario, recording, config));
  }
  return { config: { ...config, scenarios }, issues };
}

function readRecording(
  folder: string,
  { file, speed, maxGapMs }: RatedSpec<"replay">,
  tasks: readonly RecordableTask[],
): Recording | FileFault {
  const format = formatOf(file);
  const rows = new StartRows(format);
  const recorder = new Recorder({ speed, maxGapMs, tasks });
  const hash = createHash("sha256").update(JSON.stringify([speed, maxGapMs, tasks]));
  const read = readRowFile(folder, file, format, {
    onChunk: (bytes) => hash.update(bytes),
    onRow: (text) => {
      const row = rows.read(text);
      if (row !== null) recorder.add(row);
    },
  });
  if ("fault" in read) return read;
  try {
    return recorder.finish(hash.digest("hex").slice(0, 12));
  } catch (error) {
    const [fault = "", ...remedy] = String((error as Error).message).split(". ");
    return { fault: ` ${fault}`, remedy: `${remedy.join(". ")}.` };
  }
}

function tasksOf({ mix }: ScenarioConfig, config: Config): RecordableTask[] {
  return Object.keys(mix).map((key) => {
    const entry = config.tasks[key]!;
    return { key, name: measuredName(key, entry), ...routeOf(entry) };
  });
}

function routeOf(entry: TaskConfig | WorkflowConfig): Pick<RecordableTask, "queue" | "isFixedAs"> {
  if (isWorkflow(entry)) return { queue: "", isFixedAs: "which is a workflow" };
  const { queue, link, exchange } = entry;
  if (link.length > 0) return { queue, isFixedAs: "which has link" };
  return { queue, isFixedAs: exchange === null ? null : "which is sent to an exchange" };
}

/** What of a scenario does not go with what its file says. */
function unlike(
  name: string,
  { arrival, choose, mix }: ScenarioConfig,
  { counts, tasks }: Recording,
  config: Config,
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const at = (key: string) => ["scenarios", name, key];
  if (arrival !== "even" && counts === null) {
    const fault = "must be left out: the file of the replay says when each start is";
    issues.push(unfit(at("arrival"), fault, "Remove arrival."));
  }
  if (choose !== "exact" && tasks !== null) {
    const fault = "must be left out: the file of the replay says which task each start is of";
    issues.push(unfit(at("choose"), fault, "Remove choose."));
  }
  const weights = new Set(Object.values(mix));
  if (tasks !== null && weights.size > 1) {
    const fault = "must be a list: the file of the replay says how often each task is started";
    issues.push(unfit(at("mix"), fault, `Write [${Object.keys(mix).join(", ")}].`));
  }
  const entries = new Map(Object.entries(config.tasks));
  const keys = Object.keys(mix);
  const once = keys
    .flatMap((key) => dataOfStart(key, entries))
    .find((data) => config.data[data]?.take === "once");
  if (tasks !== null && keys.length > 1 && once !== undefined) {
    const fault = `must not take each row of ${once} once: which start is the last is known of a mix, and the file of the replay names the task of each start`;
    issues.push(unfit(at("mix"), fault, "Make a scenario of the tasks that take its rows."));
  }
  return issues;
}
