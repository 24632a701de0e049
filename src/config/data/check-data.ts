import { rowUses } from "../../celery/messages/arguments.js";
import type { Choose } from "../../plan/mix.js";
import { type ConfigIssue, issue, unknownName } from "../faults/config-issue.js";
import { quote } from "../faults/quote.js";
import { isWorkflow, type TaskConfig, type WorkflowConfig } from "../tasks/task-schema.js";
import type { DataConfig } from "./data-fields.js";

type Tasks = ReadonlyMap<string, TaskConfig | WorkflowConfig>;

/** What of a scenario decides which rows it takes. */
interface MixPart {
  readonly mix?: Readonly<Record<string, number>> | undefined;
  readonly choose: Choose;
  readonly script: unknown;
  /** Of which its script takes rows. */
  readonly data: string | null;
}

/** What is wrong with the rows that tasks take, as far as the files are not looked at. Pure. */
export function checkData(
  tasks: Tasks,
  scenarios: ReadonlyMap<string, MixPart>,
  data: ReadonlyMap<string, DataConfig>,
  written: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  return [
    ...[...tasks].flatMap(([key, task]) => checkTask(key, task, written)),
    ...[...tasks.keys()].flatMap((key) => checkTogether(key, tasks)),
    ...[...data].flatMap(([name, source]) => [
      ...checkTypes(name, source),
      ...checkOnce(name, source, tasks, scenarios),
    ]),
  ];
}

function checkTask(
  key: string,
  task: TaskConfig | WorkflowConfig,
  written: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  if (isWorkflow(task)) return [];
  if (task.data !== null) {
    return Object.hasOwn(written, task.data)
      ? []
      : [unknownName(["tasks", key, "data"], "data", task.data, written)];
  }
  const names = Object.keys(written);
  const remedy = names[0] === undefined ? "Name a file in data." : `Write data: ${names[0]}.`;
  return (["args", "kwargs"] as const).flatMap((part) =>
    rowUses(task[part]).map(({ path }) =>
      issue(["tasks", key, part, ...path], "takes a row, and the task names no data", {
        remedy,
        hidesValue: true,
      }),
    ),
  );
}

/** The data of the tasks that one start sends: its own, and those that travel in its messages. */
export function dataOfStart(key: string, tasks: Tasks): string[] {
  const entry = tasks.get(key);
  if (entry === undefined) return [];
  const members = isWorkflow(entry) ? entry.stages.flat() : [...entry.link, ...entry.linkError];
  const keys = [key, ...members.map(({ task }) => task)];
  const names = keys.flatMap((each) => {
    const task = tasks.get(each);
    return task === undefined || isWorkflow(task) ? [] : (task.data ?? []);
  });
  return [...new Set(names)];
}

function checkTogether(key: string, tasks: Tasks): ConfigIssue[] {
  const names = dataOfStart(key, tasks);
  if (names.length < 2) return [];
  const message = `takes rows of ${names.map(quote).join(" and ")}, and a start has one row`;
  return [issue(["tasks", key], message, { remedy: "Put them into one file.", hidesValue: true })];
}

function checkTypes(name: string, { format, types }: DataConfig): ConfigIssue[] {
  if (format === "csv" || Object.keys(types).length === 0) return [];
  const remedy = "Remove types: JSON has types of its own, and a line has no columns.";
  return [
    issue(["data", name, "types"], `must be left out of ${format}`, { remedy, hidesValue: true }),
  ];
}

/** Each scenario counts its own starts, so each would take every row. */
function checkOnce(
  name: string,
  { take }: DataConfig,
  tasks: Tasks,
  scenarios: ReadonlyMap<string, MixPart>,
): ConfigIssue[] {
  if (take !== "once") return [];
  const payloads = [...tasks].filter(
    ([, task]) => !isWorkflow(task) && task.payload !== null && task.data === name,
  );
  if (payloads.length > 0) {
    const message = `must not be once for task ${quote(payloads[0]![0])}, whose payload is made ahead of the starts`;
    const remedy = "Write take: inOrder, or take its rows by args.";
    return [issue(["data", name, "take"], message, { remedy, hidesValue: true })];
  }
  const users = [...scenarios].filter(([, { mix, data }]) => {
    if (data === name) return true;
    const keys = mix === undefined ? [...tasks.keys()].slice(0, 1) : Object.keys(mix);
    return keys.some((key) => dataOfStart(key, tasks).includes(name));
  });
  const drawn = users.filter(([, { mix, choose }]) => choose === "random" && countOf(mix) > 1);
  if (users.length < 2) {
    return drawn.map(([scenario]) =>
      issue(
        ["scenarios", scenario, "choose"],
        `must be exact, as ${quote(name)} gives each row once: where rows end, threads that share them must know without drawing`,
        { remedy: "Leave choose out, or write take: inOrder.", hidesValue: true },
      ),
    );
  }
  const names = users.map(([scenario]) => quote(scenario)).join(" and ");
  return [
    issue(
      ["data", name, "take"],
      `must not be once for scenarios ${names}, each of which takes every row`,
      {
        remedy: "Give each a file of its own, or put the tasks into one scenario.",
        hidesValue: true,
      },
    ),
  ];
}

function countOf(mix: MixPart["mix"]): number {
  return Object.keys(mix ?? {}).length;
}
