import type { TaskOptions } from "../celery/messages/task-options.js";
import { brokerTraits } from "../celery/urls/server-url.js";
import { dataOfStart } from "../config/data/check-data.js";
import type { Config, TaskConfig } from "../config/schema.js";
import { isWorkflow, measuredName } from "../config/schema.js";
import type { EntryPlan, MemberPlan } from "../engine/messages.js";
import { recordedKinds } from "../plan/profile.js";
import type { RecordedKind } from "../plan/profiles/replay.js";
import type { Modules } from "./modules.js";

/** A mix entry or a member of one, while its workflow's members have no numbers yet. */
interface Draft {
  readonly key: string;
  readonly scenario: number;
  readonly connection: number;
  readonly broker: string;
  readonly data: number | null;
  readonly userRow: number | null;
  /** How the rows of a replay name it; null: they do not. */
  readonly recorded: RecordedKind | null;
  readonly isScripted: boolean;
}

/**
 * What the engine starts, one entry for each task of each scenario's mix, and behind them all members of
 * their workflows; `startCount` is how many are starts.
 */
export function planEntries(
  config: Config,
  modules: Pick<Modules, "numberOf">,
): {
  readonly entries: readonly EntryPlan[];
  readonly startCount: number;
} {
  const connectionIndexes = new Map(
    Object.keys(config.connections).map((name, index) => [name, index]),
  );
  const dataOf = dataIndexes(config);
  let userRows = 0;
  const drafts = Object.values(config.scenarios).flatMap(
    ({ connection, mix, profile, script }, scenario) => {
      const { broker } = config.connections[connection]!;
      const place = { scenario, connection: connectionIndexes.get(connection)!, broker };
      const kinds = recordedKinds(profile) ?? Object.keys(mix).map(() => null);
      return kinds.map((recorded, index): Draft => {
        const key = recorded?.task ?? Object.keys(mix)[index]!;
        return {
          ...{ key, ...place, data: dataOf(key), recorded },
          userRow: profile.kind === "users" ? userRows++ : null,
          isScripted: script !== null,
        };
      });
    },
  );
  const members: EntryPlan[] = [];
  const starts = drafts.map((draft, index) =>
    planStart(config, draft, modules, (member) => drafts.length + members.push(member(index)) - 1),
  );
  return { entries: [...starts, ...members], startCount: starts.length };
}

/** Of what data the starts of a task take rows. */
function dataIndexes(config: Config): (key: string) => number | null {
  const names = Object.keys(config.data);
  if (names.length === 0) return () => null;
  const tasks = new Map(Object.entries(config.tasks));
  return (key) => {
    const [name] = dataOfStart(key, tasks);
    return name === undefined ? null : names.indexOf(name);
  };
}

/** `addMember` gives the number of the new entry. */
function planStart(
  config: Config,
  { key, scenario, connection, broker, data, userRow, recorded, isScripted }: Draft,
  modules: Pick<Modules, "numberOf">,
  addMember: (member: (start: number) => EntryPlan) => number,
): EntryPlan {
  const entry = config.tasks[key]!;
  const { timeoutMs } = entry;
  const place = { scenario, connection, timeoutMs, data, isScripted, payload: null };
  const plain: Plain = { ...place, userRow: null, errbacks: [], workflow: null, memberOf: null };
  const optionsOf = <More>(task: string, more: More) =>
    taskOptions(config.tasks[task] as TaskConfig, broker, more);
  const member = ({ task, isImmutable }: { task: string; isImmutable: boolean }): MemberPlan => ({
    entry: addMember((memberOf) => optionsOf(task, { ...plain, memberOf })),
    isImmutable,
  });
  const name = measuredName(key, entry);
  if (isWorkflow(entry)) {
    const stages = entry.stages.map((stage) => stage.map(member));
    const first = entry.stages[0]![0]!.task;
    return {
      ...optionsOf(first, { ...plain, userRow }),
      name,
      workflow: { stages, callbacks: [] },
    };
  }
  const errbacks = entry.linkError.map(({ task, isImmutable }) => ({
    task: optionsOf(task, {}),
    isImmutable,
  }));
  if (entry.link.length === 0) {
    const own = withRecorded(entry, recorded);
    const payload = modules.numberOf(entry.payload);
    const more = { ...plain, userRow, errbacks, payload, expect: entry.expect };
    return taskOptions(own, broker, more);
  }
  const own = optionsOf(key, { ...plain, errbacks });
  // The task itself is the first member, so that it is measured apart from what follows.
  const itself = addMember((memberOf) => ({ ...own, memberOf }));
  const workflow = {
    stages: [[{ entry: itself, isImmutable: false }]],
    callbacks: entry.link.map(member),
  };
  return { ...own, userRow, name, workflow };
}

function withRecorded(task: TaskConfig, recorded: RecordedKind | null): TaskConfig {
  if (recorded === null) return task;
  const { queue, priority } = recorded;
  return {
    ...task,
    queue: queue ?? task.queue,
    ...(priority === null ? {} : { priority, urgency: null }),
  };
}

/** What an entry is beside its task's options. */
type Plain = Omit<EntryPlan, keyof TaskOptions>;

/**
 * A task's options with its priority for the broker, and what is said beside them. Each key by its name: what a rest
 * of keys is spread into takes several times the memory and the time.
 */
function taskOptions<More>(task: TaskConfig, broker: string, more: More): TaskOptions & More {
  const { urgency } = task;
  return {
    name: task.name,
    args: task.args,
    kwargs: task.kwargs,
    queue: task.queue,
    exchange: task.exchange,
    routingKey: task.routingKey,
    priority: urgency === null ? task.priority : brokerTraits(broker)!.priorityOf(urgency),
    isPersistent: task.isPersistent,
    expiresMs: task.expiresMs,
    countdownMs: task.countdownMs,
    eta: task.eta,
    nativeDelayedDelivery: task.nativeDelayedDelivery,
    timeLimitSeconds: task.timeLimitSeconds,
    softTimeLimitSeconds: task.softTimeLimitSeconds,
    retries: task.retries,
    ignoreResult: task.ignoreResult,
    shadow: task.shadow,
    stamps: task.stamps,
    headers: task.headers,
    argsrepr: task.argsrepr,
    kwargsrepr: task.kwargsrepr,
    serializer: task.serializer,
    compression: task.compression,
    protocol: task.protocol,
    ...more,
  };
}
