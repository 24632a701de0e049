import type { TaskOptions } from "../celery/messages/task-options.js";
import { kindOf } from "../celery/urls/server-url.js";
import { type Config, isWorkflow, type ScenarioConfig } from "../config/schema.js";
import { membersOf } from "../engine/message-maker.js";
import type { EntryPlan } from "../engine/messages.js";
import { recordedKinds } from "../plan/profile.js";
import type { TaskFacts } from "./facts.js";
import { peakRates } from "./planned-rates.js";

/** A task or a workflow that scenarios start over one connection. */
export interface Start {
  /** Its name in the configuration. */
  readonly key: string;
  readonly entry: EntryPlan;
  /** What workers run for it: itself, or its members, and what follows on its success or failure. */
  readonly tasks: readonly TaskFacts[];
}

/**
 * What the scenarios of a connection start, each once. `entries` are those of the whole configuration, of
 * which the first are the starts, in the order of the scenarios and their mixes.
 */
export function startsOver(
  config: Config,
  connection: string,
  entries: readonly EntryPlan[],
): Start[] {
  const starts = Object.values(config.scenarios)
    .flatMap((scenario) => keysOf(scenario).map((key) => ({ key, scenario })))
    .map(({ key, scenario }, index) => ({ key, scenario, entry: entries[index]! }))
    .filter(({ scenario }) => scenario.connection === connection);
  const byKey = new Map(starts.map((start) => [start.key, start]));
  const hasResults = kindOf(config.connections[connection]!.backend) !== "disabled";
  const peaks = peakRates(config, connection);
  return [...byKey.values()].map(({ key, entry }) => ({
    key,
    entry,
    tasks: tasksOf(config, key, entry, entries).map((task) => ({
      ...task,
      ignoreResult: hasResults ? task.ignoreResult : true,
      peakPerSecond: jsonRate(peaks.get(task.key) ?? 0),
    })),
  }));
}

/** Of its entries: those of the mix, or those that the file of a replay names. */
function keysOf({ mix, profile }: ScenarioConfig): readonly string[] {
  return recordedKinds(profile)?.map(({ task }) => task) ?? Object.keys(mix);
}

/** JSON has no Infinity. */
function jsonRate(perSecond: number): number | null {
  return perSecond === Number.POSITIVE_INFINITY ? null : perSecond;
}

function tasksOf(
  config: Config,
  key: string,
  entry: EntryPlan,
  entries: readonly EntryPlan[],
): Omit<TaskFacts, "peakPerSecond">[] {
  const own = config.tasks[key]!;
  const keys = isWorkflow(own)
    ? own.stages.flat().map(({ task }) => task)
    : [key, ...own.link.map(({ task }) => task)];
  const members =
    entry.workflow === null
      ? [entry]
      : membersOf(entry.workflow).map((member) => entries[member.entry]!);
  const onError = isWorkflow(own) ? [] : own.linkError;
  return [
    ...keys.map((name, index) => taskFacts(name, members[index]!, entry.timeoutMs)),
    ...onError.map(({ task }, index) =>
      taskFacts(task, entry.errbacks[index]!.task, entry.timeoutMs),
    ),
  ];
}

function taskFacts(
  key: string,
  options: TaskOptions,
  timeoutMs: number,
): Omit<TaskFacts, "peakPerSecond"> {
  const { name, queue, priority, expiresMs, countdownMs, eta, ignoreResult, serializer } = options;
  const delayMs = eta === null ? (countdownMs ?? 0) : Math.max(0, Date.parse(eta) - Date.now());
  return { key, name, queue, priority, timeoutMs, expiresMs, delayMs, ignoreResult, serializer };
}
