import { didYouMean } from "../../did-you-mean.js";
import { BUDGET_WINDOW_DAYS, BURN_RATES, reachableBurnRates } from "../../slo/burn-rates.js";
import type { ConnectionPart } from "../connections/connection-fields.js";
import type { ScenarioPart, ValidParts } from "../cross-check.js";
import { type ConfigIssue, issue, listNames, unknownName } from "../faults/config-issue.js";
import { quote } from "../faults/quote.js";
import { formatDuration } from "../quantities.js";
import { type ConfigNode, nodeAt, placeOf } from "../sources/tree.js";
import {
  isWorkflow,
  measuredName,
  type TaskConfig,
  type WorkflowConfig,
} from "../tasks/task-schema.js";
import type { SloConfig } from "./slo-fields.js";

/** What of an SLO no value shows by itself. `scenarios` are all that are written. */
export function checkSlos(
  parts: ValidParts,
  scenarios: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  const names = new Set<string>();
  const subjects = new Map<string, readonly Subject[] | null>();
  if (parts.slos.size > 0) {
    for (const name of Object.keys(scenarios)) {
      subjects.set(name, subjectsOf(parts.scenarios.get(name), parts));
    }
  }
  return [...parts.slos].flatMap(([index, slo]) => {
    const isRepeated = names.has(slo.name);
    names.add(slo.name);
    return [
      ...(isRepeated
        ? [issue(["slos", index, "name"], "must not be another SLO's name", RENAME)]
        : []),
      ...checkSubject(index, slo, subjects, scenarios),
    ];
  });
}

const RENAME = { remedy: "Rename one of them: metrics and alerts tell SLOs apart by name." };

/** A start that an SLO is about: its key in `tasks`, and what stands there. */
interface Subject {
  readonly key: string;
  readonly entry: TaskConfig | WorkflowConfig;
  /** Its end can be known: by its result or, for a single task, by the workers' events. */
  readonly isHeard: boolean;
}

function checkSubject(
  index: number,
  slo: SloConfig,
  subjects: ReadonlyMap<string, readonly Subject[] | null>,
  scenarios: Readonly<Record<string, unknown>>,
): ConfigIssue[] {
  const { scenario, task } = slo;
  if (scenario !== null && !subjects.has(scenario)) {
    return [unknownName(["slos", index, "scenario"], "scenario", scenario, scenarios)];
  }
  const mixes = scenario === null ? [...subjects.values()] : [subjects.get(scenario) ?? null];
  if (mixes.includes(null)) return []; // a fault of theirs is told
  const all = mixes.flatMap((subjects) => subjects ?? []);
  const own = all.filter(({ key, entry }) => task === null || measuredName(key, entry) === task);
  if (own.length === 0 && task !== null) return [unknownTask(index, scenario, task, all)];
  return own.flatMap((subject) => checkReachable(index, slo, subject));
}

/** Null when something of it is wrong. */
function subjectsOf(
  scenario: ScenarioPart | undefined,
  { tasks, connections }: ValidParts,
): Subject[] | null {
  const [onlyConnection = ""] = connections.keys();
  const connection = connections.get(scenario?.connection ?? onlyConnection);
  if (scenario === undefined || connection === undefined) return null;
  if (scenario.mix === undefined && tasks.size > 1) return null;
  const keys = scenario.mix === undefined ? [...tasks.keys()] : Object.keys(scenario.mix);
  const subjects = keys.flatMap((key) => {
    const entry = tasks.get(key);
    return entry === undefined ? [] : [{ key, entry, isHeard: isHeard(entry, connection) }];
  });
  return subjects.length === keys.length ? subjects : null;
}

function isHeard(entry: TaskConfig | WorkflowConfig, { backend, events }: ConnectionPart): boolean {
  const hasResults = backend !== "disabled";
  if (isWorkflow(entry)) return hasResults;
  return events !== "off" || (hasResults && entry.ignoreResult !== true);
}

function unknownTask(
  index: number,
  scenario: string | null,
  task: string,
  subjects: readonly Subject[],
): ConfigIssue {
  const names = [...new Set(subjects.map(({ key, entry }) => measuredName(key, entry)))];
  const byKey = subjects.find(({ key }) => key === task);
  const meant = byKey === undefined ? didYouMean(task, names) : measuredName(task, byKey.entry);
  const where = scenario === null ? "a scenario" : `scenario ${quote(scenario)}`;
  const remedy =
    meant === undefined ? `Known there: ${listNames(names)}.` : `Did you mean ${quote(meant)}?`;
  return issue(
    ["slos", index, "task"],
    `there is no task ${quote(task)} in the mix of ${where}; it is called by its registered name, a workflow by its key`,
    { remedy, hidesValue: true },
  );
}

/** An objective that no event could meet is a mistake. */
function checkReachable(
  index: number,
  slo: SloConfig,
  { key, entry, isHeard }: Subject,
): ConfigIssue[] {
  if (!isHeard) {
    const message = `it is about task ${quote(key)}, whose end is never known: without a result (ignoreResult, or a disabled backend) and without the workers' events every event would be bad`;
    const remedy = "Name another task, or let its connection have events: auto.";
    return [issue(["slos", index], message, { remedy, hidesValue: true })];
  }
  if (slo.latencyMs === null || slo.latencyMs <= entry.timeoutMs) return [];
  const message = `must be at most the timeout of task ${quote(key)} (${formatDuration(entry.timeoutMs)}), after which no result is awaited`;
  return [issue(["slos", index, "latency"], message, { remedy: "Raise the timeout." })];
}

/** What works, but not as one might think. `root` is the configuration as it was written. */
export function warningsOfSlos(slos: readonly SloConfig[], root: ConfigNode): string[] {
  return slos.flatMap(({ name, objectiveRatio, windowMs }, index) => {
    const at = (key: string) => {
      const node = nodeAt(root, ["slos", index, key]) ?? nodeAt(root, ["slos", index]);
      return node === undefined ? "slos" : placeOf(node.origin);
    };
    const warnings: string[] = [];
    const reachable = reachableBurnRates(objectiveRatio);
    if (reachable.length < BURN_RATES.length) {
      const silent = BURN_RATES.filter((rate) => !reachable.includes(rate));
      const factors = silent.map(({ factor, long }) => `${factor} × over ${long}`).join(", ");
      warnings.push(
        `${at("objective")}: The objective of SLO ${quote(name)} is so low that burn alerts can never fire (${factors}): even if every event is bad its budget burns slower.`,
      );
    }
    if (!BUDGET_WINDOW_DAYS.includes(windowMs / 86_400_000)) {
      const days = BUDGET_WINDOW_DAYS.map((count) => `${count}d`).join(", ");
      warnings.push(
        `${at("window")}: The rules for Prometheus do not compute the budget left of SLO ${quote(name)}: they know windows of ${days}.`,
      );
    }
    return warnings;
  });
}
