import type { WorkerFacts } from "../doctor/facts.js";
import { escaped, type ServerText } from "./servers.js";
import { type TaskChoice, taskChoices } from "./task-choices.js";
import { isUsableTask } from "./usable-task.js";
import { comment, yamlLine as yaml } from "./yaml-line.js";

/** What is known of a deployment. */
export interface InitFacts {
  readonly broker: ServerText;
  /** Null: as the broker. */
  readonly backend: ServerText | null;
  /** Those that answered. */
  readonly workers: readonly WorkerFacts[];
  /** How many heard the question and did not answer all of it. */
  readonly silent: number;
}

/** A configuration to edit: every task is there, commented out, and one scenario that starts what is not. */
export function configurationText(facts: InitFacts): string {
  const choices = taskChoices(facts.workers);
  const usable = choices.filter(isUsableTask);
  const unusable = choices.filter((choice) => !usable.includes(choice));
  return [
    ...headLines(facts),
    "",
    ...connectionLines(facts),
    "",
    "tasks:",
    ...taskLines(facts, usable),
    ...unusableLines(unusable),
    "",
    "scenarios:",
    "  steady:",
    "    profile: 1/s # one task a second, until it is stopped",
    "    # As soon as there is more than one task, in which proportion:",
    "    # mix: { one: 3, other: 1 }",
    "",
  ].join("\n");
}

function headLines({ workers, silent }: InitFacts): string[] {
  const nodes = workers.map(({ node }) => node).join(", ");
  const missing =
    silent === 0 ? [] : [`# ${silent} more did not answer: what they alone know is missing here.`];
  return [
    `# Made by celery-load init from the answers of ${comment(nodes)}.`,
    ...missing,
    "# Uncomment a task and give it its arguments; then: celery-load check, doctor, run.",
    "# Every key: celery-load check --json-schema, and docs/configuration.md.",
  ];
}

function connectionLines({ broker, backend }: InitFacts): string[] {
  const server = (key: string, { value, comments }: ServerText) => [
    ...comments.map((text) => `    # ${comment(text)}`),
    `    ${yaml({ [key]: value })}`,
  ];
  return [
    "connections:",
    "  main:",
    ...server("broker", broker),
    ...(backend === null
      ? ["    # The workers do not say where they store results; without backend it is the broker."]
      : server("backend", backend)),
  ];
}

function taskLines({ workers }: InitFacts, tasks: readonly TaskChoice[]): string[] {
  const harmless = tasks.filter(({ sideEffect }) => sideEffect === null);
  const others = tasks.filter(({ sideEffect }) => sideEffect !== null);
  const hasRoutes = workers.some(({ settings }) => settings.routes !== null);
  return [
    "  # Registered tasks. Workers do not tell what a task takes: write its args or kwargs.",
    ...(hasRoutes
      ? ["  # Routes by functions and regular expressions are not told either: compare the queues."]
      : []),
    ...harmless.flatMap(choiceLines),
    ...(others.length === 0
      ? []
      : [
          "",
          "  # SIDE EFFECTS, by their names: these may send, charge or delete, in earnest, at the rate below.",
        ]),
    ...others.flatMap(choiceLines),
  ];
}

/** Each line becomes YAML without its first `# `, and what is said of the task stays a comment. */
function choiceLines(choice: TaskChoice): string[] {
  const { key, name, queue, queueNote, timeout, sideEffect, rateLimit, ignoresResult } = choice;
  const marks = [
    ...(sideEffect === null ? [] : [` # SIDE EFFECTS? "${sideEffect}"`]),
    ...(rateLimit === null ? [] : [` # rate_limit ${comment(rateLimit)} on each worker`]),
  ];
  return [
    "",
    `  # ${yaml(key)}:${marks.join("")}`,
    `  #   ${yaml({ name: escaped(name) })}`,
    `  #   ${yaml({ queue: escaped(queue) })} # ${comment(queueNote)}`,
    "  #   args: []",
    ...(timeout === null ? [] : [`  #   timeout: ${timeout.seconds}s # ${timeout.note}`]),
    ...(ignoresResult
      ? [
          "  #   ignoreResult: false # the task ignores it, and nothing would be measured; from Celery 5.3 on",
        ]
      : []),
  ];
}

function unusableLines(tasks: readonly TaskChoice[]): string[] {
  if (tasks.length === 0) return [];
  return [
    "",
    "  # These cannot be started, as a configuration cannot hold the name of the task or of its queue:",
    ...tasks.map(({ name, queue }) => `  # - ${yaml(name)} of queue ${yaml(queue)}`),
  ];
}
