import { didYouMean } from "../did-you-mean.js";
import type { ValidParts } from "./cross-check.js";
import { type ConfigIssue, issue, listNames, unknownName } from "./faults/config-issue.js";
import { quote } from "./faults/quote.js";
import type { GuardPart } from "./guard-fields.js";
import { isWorkflow, measuredName } from "./tasks/task-schema.js";

type Section = Readonly<Record<string, unknown>>;

/** As they are written, wrong parts among them. */
interface Sections {
  readonly connections: Section | undefined;
  readonly tasks: Section | undefined;
  readonly scenarios: Section | undefined;
}

/** What of a guard no value shows by itself: names that refer to others. */
export function checkGuards(parts: ValidParts, sections: Sections): ConfigIssue[] {
  const names = new Set<string>();
  return [...parts.guards].flatMap(([index, guard]) => {
    const isRepeated = names.has(guard.name);
    names.add(guard.name);
    return [
      ...(isRepeated
        ? [issue(["guards", index, "name"], "must not be another guard's name", RENAME)]
        : []),
      ...checkName(index, "connection", guard.connection, sections.connections),
      ...checkName(index, "scenario", guard.scenario, sections.scenarios),
      ...(guard.scenarios ?? []).flatMap((name, place) =>
        isIn(name, sections.scenarios)
          ? []
          : [
              unknownName(
                ["guards", index, "scenarios", place],
                ...(["scenario", name, sections.scenarios ?? {}] as const),
              ),
            ],
      ),
      ...checkQueue(index, guard, parts, sections),
      ...checkTask(index, guard, parts, sections),
      ...checkEvents(index, guard, parts),
    ];
  });
}

const RENAME = { remedy: "Rename one of them: metrics and orders tell guards apart by name." };

function isIn(name: string, section: Section | undefined): boolean {
  return section === undefined || Object.hasOwn(section, name);
}

function checkName(
  index: number,
  kind: "connection" | "scenario",
  name: string | null,
  section: Section | undefined,
): ConfigIssue[] {
  if (name === null || isIn(name, section)) return [];
  return [unknownName(["guards", index, kind], kind, name, section ?? {})];
}

/** Only queues of ours are looked at. */
function checkQueue(
  index: number,
  { queue }: GuardPart,
  { tasks }: ValidParts,
  sections: Sections,
): ConfigIssue[] {
  // With a task that is wrong its queue may be the one.
  const areAllKnown = tasks.size === Object.keys(sections.tasks ?? {}).length;
  if (queue === null || !areAllKnown) return [];
  const queues = [...tasks.values()].flatMap((entry) => (isWorkflow(entry) ? [] : entry.queue));
  if (queues.includes(queue)) return [];
  const known = Object.fromEntries(queues.map((name) => [name, null]));
  return [unknownName(["guards", index, "queue"], "queue", queue, known)];
}

function checkTask(
  index: number,
  { task }: GuardPart,
  { tasks }: ValidParts,
  sections: Sections,
): ConfigIssue[] {
  const areAllKnown = tasks.size === Object.keys(sections.tasks ?? {}).length;
  if (task === null || !areAllKnown) return [];
  const names = [...new Set([...tasks].map(([key, entry]) => measuredName(key, entry)))];
  if (names.includes(task)) return [];
  const byKey = tasks.get(task);
  const meant = byKey === undefined ? didYouMean(task, names) : measuredName(task, byKey);
  const remedy =
    meant === undefined ? `Known here: ${listNames(names)}.` : `Did you mean ${quote(meant)}?`;
  const message = `there is no task ${quote(task)}; it is called by its registered name, a workflow by its key`;
  return [issue(["guards", index, "task"], message, { remedy, hidesValue: true })];
}

/** What other people's tasks are only the workers' events tell. */
function checkEvents(
  index: number,
  { watch, action, connection }: GuardPart,
  { connections }: ValidParts,
): ConfigIssue[] {
  if (watch !== "share" || action === "off") return [];
  const watched = [...connections].filter(([name]) => connection === null || name === connection);
  const deaf = watched.find(([, { events }]) => events === "off");
  if (deaf === undefined) return [];
  const message = `must be something else, as connection ${quote(deaf[0])} has events: off and only the workers' events tell our share`;
  const remedy = `Let that connection have events: on, or name another one in connection.`;
  return [issue(["guards", index, "watch"], message, { remedy, hidesValue: true })];
}
