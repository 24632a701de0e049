import { brokerTraits } from "../celery/server-url.js";
import type { TaskOptions } from "../celery/task-options.js";
import type { Config, TaskConfig } from "../config/schema.js";
import { isWorkflow, measuredName } from "../config/schema.js";
import type { EntryPlan, MemberPlan } from "../engine/messages.js";

/** A mix entry or a member of one, while its workflow's members have no numbers yet. */
interface Draft {
  readonly key: string;
  readonly scenario: number;
  readonly connection: number;
  /** Resolves a task's priority for the scenario's broker. */
  readonly optionsOf: (key: string) => TaskOptions;
}

/**
 * What the engine starts, one entry for each task of each scenario's mix, and behind them all members of
 * their workflows; `startCount` is how many are starts.
 */
export function planEntries(config: Config): {
  readonly entries: readonly EntryPlan[];
  readonly startCount: number;
} {
  const connectionIndexes = new Map(
    Object.keys(config.connections).map((name, index) => [name, index]),
  );
  const drafts = Object.values(config.scenarios).flatMap(({ connection, mix }, scenario) => {
    const { broker } = config.connections[connection]!;
    const optionsOf = (key: string) => taskOptions(config.tasks[key] as TaskConfig, broker);
    const place = { scenario, connection: connectionIndexes.get(connection)!, optionsOf };
    return Object.keys(mix).map((key): Draft => ({ key, ...place }));
  });
  const members: EntryPlan[] = [];
  const starts = drafts.map((draft, index) =>
    planStart(config, draft, (member) => drafts.length + members.push(member(index)) - 1),
  );
  return { entries: [...starts, ...members], startCount: starts.length };
}

/** `addMember` gives the number of the new entry. */
function planStart(
  config: Config,
  { key, scenario, connection, optionsOf }: Draft,
  addMember: (member: (start: number) => EntryPlan) => number,
): EntryPlan {
  const entry = config.tasks[key]!;
  const { timeoutMs } = entry;
  const name = measuredName(key, entry);
  const place = { scenario, connection, timeoutMs };
  const plain = { ...place, errbacks: [], workflow: null, memberOf: null };
  const member = ({ task, isImmutable }: { task: string; isImmutable: boolean }): MemberPlan => ({
    entry: addMember((memberOf) => ({ ...optionsOf(task), ...plain, memberOf })),
    isImmutable,
  });
  if (isWorkflow(entry)) {
    const stages = entry.stages.map((stage) => stage.map(member));
    const first = optionsOf(entry.stages[0]![0]!.task);
    return { ...first, ...plain, name, workflow: { stages, callbacks: [] } };
  }
  const errbacks = entry.linkError.map(({ task, isImmutable }) => ({
    task: optionsOf(task),
    isImmutable,
  }));
  const own = { ...optionsOf(key), ...plain, errbacks };
  if (entry.link.length === 0) return { ...own, expect: entry.expect };
  // The task itself is the first member, so that it is measured apart from what follows.
  const itself = addMember((memberOf) => ({ ...own, memberOf }));
  const workflow = {
    stages: [[{ entry: itself, isImmutable: false }]],
    callbacks: entry.link.map(member),
  };
  return { ...own, name, workflow };
}

function taskOptions(task: TaskConfig, broker: string): TaskOptions {
  const { urgency, timeoutMs, link, linkError, expect, ...options } = task;
  if (urgency === null) return options;
  return { ...options, priority: brokerTraits(broker)!.priorityOf(urgency) };
}
