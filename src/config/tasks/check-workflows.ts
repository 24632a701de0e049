import { beyondSerializer } from "../../celery/messages/arguments.js";
import { brokerTraits, likelyKindOf } from "../../celery/urls/server-url.js";
import type { ConnectionPart } from "../connections/connection-fields.js";
import { type ConfigIssue, issue, unknownName } from "../faults/config-issue.js";
import { quote } from "../faults/quote.js";
import { isWorkflow, type TaskConfig, WORKFLOW_KEYS, type WorkflowConfig } from "./task-schema.js";

type Entry = TaskConfig | WorkflowConfig;

/** What is wrong with the members of workflows and callbacks, which refer to other tasks by their keys. */
export function checkWorkflows(
  tasks: ReadonlyMap<string, Entry>,
  written: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  const names = new Set([...tasks.values()].flatMap((task) => (isWorkflow(task) ? [] : task.name)));
  return [...tasks].flatMap(([key, entry]) => {
    const references = referencesOf(entry, written[key]);
    return [
      ...references.flatMap(({ task, from }) => [
        ...checkMember(["tasks", key, from], task, tasks, written),
        ...checkCarried(["tasks", key, from], task, tasks, packerOf(key, entry, tasks)),
      ]),
      ...(isWorkflow(entry) ? checkAlone(key, written[key], names) : []),
    ];
  });
}

/** A chord needs a result backend that counts its tasks. */
export function checkChord(
  scenario: string,
  task: string,
  entry: Entry | undefined,
  connection: ConnectionPart,
): ConfigIssue[] {
  const isChord = entry !== undefined && isWorkflow(entry) && startsWithGroup(entry);
  const backend = connection.backend ?? connection.broker;
  const kind = likelyKindOf(backend);
  // What is no URL is told where URLs are checked.
  if (!isChord || kind === null || brokerTraits(backend)?.storesResults) return [];
  return [
    issue(
      ["tasks", task],
      `it is a chord, which scenario ${quote(scenario)} cannot run: its result backend has no chords`,
      { remedy: "Use a result backend on Redis.", hidesValue: true },
    ),
  ];
}

function startsWithGroup({ stages }: WorkflowConfig): boolean {
  return stages.length > 1 && stages[0]!.length > 1;
}

/** Where the references stand: the key that the user wrote. */
function referencesOf(entry: Entry, written: unknown): { task: string; from: string }[] {
  const named = (members: readonly { task: string }[], from: string) =>
    members.map(({ task }) => ({ task, from }));
  if (!isWorkflow(entry)) {
    return [...named(entry.link, "link"), ...named(entry.linkError, "linkError")];
  }
  const from = WORKFLOW_KEYS.find((key) => Object.hasOwn(written as object, key))!;
  return named(entry.stages.flat(), from);
}

function checkMember(
  path: readonly string[],
  task: string,
  tasks: ReadonlyMap<string, Entry>,
  written: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  if (!Object.hasOwn(written, task)) {
    return [{ ...unknownName(path, "task", task, written), code: "custom" }];
  }
  const member = tasks.get(task);
  if (member === undefined) return []; // its own faults are told
  const fault = faultOfMember(member);
  if (fault === undefined) return [];
  const details = { remedy: fault.remedy, hidesValue: true };
  return [issue(path, `task ${quote(task)} ${fault.message}`, details)];
}

/** The task whose message, in another serializer than json, carries what follows on it. */
function packerOf(
  key: string,
  entry: Entry,
  tasks: ReadonlyMap<string, Entry>,
): string | undefined {
  const first = isWorkflow(entry) ? entry.stages[0]!.map(({ task }) => task) : [key];
  return first.find((each) => {
    const task = tasks.get(each);
    return task !== undefined && !isWorkflow(task) && task.serializer !== "json";
  });
}

/** Arguments of what follows, in the message of what comes before. */
function checkCarried(
  path: readonly string[],
  member: string,
  tasks: ReadonlyMap<string, Entry>,
  packer: string | undefined,
): ConfigIssue[] {
  const task = tasks.get(member);
  // In the task itself it is told.
  if (packer === undefined || task === undefined || isWorkflow(task) || member === packer)
    return [];
  const carrier = (tasks.get(packer) as TaskConfig).serializer;
  const [beyond] = beyondSerializer(carrier, [task.args, task.kwargs]);
  if (beyond === undefined || task.serializer === carrier) return [];
  const [what] = beyond.message.split(" cannot be sent");
  const message = `task ${quote(member)} has ${what}, and travels in the message of task ${quote(packer)}, which is ${carrier}`;
  const remedy = "Write another value, or use serializer json there.";
  return [issue(path, message, { remedy, hidesValue: true })];
}

function faultOfMember(member: Entry): { message: string; remedy: string } | undefined {
  if (isWorkflow(member)) {
    return { message: "is a workflow itself", remedy: "Name its tasks here." };
  }
  if (member.link.length > 0 || member.linkError.length > 0) {
    return { message: "has callbacks of its own", remedy: "Make a task without them." };
  }
  if (member.protocol === 1) {
    return { message: "has protocol 1, which knows no workflows", remedy: "Remove protocol." };
  }
  if (member.ignoreResult === true) {
    return { message: "stores no result that could be awaited", remedy: "Remove ignoreResult." };
  }
  if (member.payload !== null) {
    return {
      message: "has a payload, and its arguments travel in the message of another task",
      remedy: "Make a task with args.",
    };
  }
  if (member.expect !== undefined) {
    return {
      message: "expects an answer, which is checked of single tasks only",
      remedy: "Make a task without expect.",
    };
  }
  return undefined;
}

/** A workflow has no options but its timeout, and a name that no task has. */
function checkAlone(key: string, written: unknown, names: ReadonlySet<string>): ConfigIssue[] {
  const others = Object.keys(written as object).filter(
    (name) => name !== "timeout" && !(WORKFLOW_KEYS as readonly string[]).includes(name),
  );
  const issues = others.map((name) =>
    issue(["tasks", key, name], "must not be set for a workflow", {
      remedy: "Set it on its tasks.",
      hidesValue: true,
    }),
  );
  if (names.has(key)) {
    const remedy = "Rename it: metrics tell workflows and tasks apart by name.";
    issues.push(
      issue(["tasks", key], "must not have the name of a task", { remedy, hidesValue: true }),
    );
  }
  return issues;
}
