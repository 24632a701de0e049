import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config, GuardConfig } from "../config/schema.js";
import type { EntryPlan } from "../engine/messages.js";
import type { FeedPlan } from "../feeds/feed-plan.js";
import type { GuardPlan, GuardSubject } from "../guards/guard-plan.js";
import type { Subject } from "../readings/subject.js";

/** What guards are planned from. */
export interface GuardSources {
  readonly config: Config;
  readonly subject: Subject;
  /** Those of the subject, and behind them their members. */
  readonly entries: readonly EntryPlan[];
  /** By connection: queues that something is sent to. */
  readonly queues: readonly (readonly string[])[];
}

/** What each guard watches and holds back, or which of them watch nothing. Pure. */
export function planGuards(
  sources: GuardSources,
): { readonly guards: readonly GuardPlan[] } | { readonly issues: readonly ConfigIssue[] } {
  const concerned = concernedBy(sources);
  const guards: GuardPlan[] = [];
  let watched = 0;
  for (const guard of sources.config.guards) {
    const { name, watch, quantile, limit, resumeBelow, forMs, coolDownMs, action } = guard;
    const subjects = subjectsOf(guard, sources, concerned);
    watched += subjects.length;
    if (watched > MAX_WATCHED) return { issues: [TOO_MUCH_WATCHED] };
    const times = { forMs, coolDownMs };
    guards.push({ name, watch, quantile, limit, resumeBelow, ...times, action, subjects });
  }
  const issues = guards
    .filter(({ subjects }) => subjects.length === 0)
    .map(({ name }) =>
      unfit(
        ["guards"],
        `must watch something: of guard ${name} no scenario has the queue, connection or task`,
        "Send such a task in a scenario, or remove the guard.",
      ),
    );
  return issues.length > 0 ? { issues } : { guards };
}

/** Queues, connections, scenarios and tasks that guards watch, at most: each of them is looked at every second. */
const MAX_WATCHED = 100_000;

const TOO_MUCH_WATCHED = unfit(
  ["guards"],
  `the guards watch more than ${MAX_WATCHED.toLocaleString("en-US")} queues, connections and scenarios`,
  "Use fewer guards, or name the queue, the connection or the scenario of each.",
);

function subjectsOf(
  guard: GuardConfig,
  { subject, queues }: GuardSources,
  concerned: Concerned,
): GuardSubject[] {
  const named = subject.connections.flatMap((name, connection) =>
    guard.connection === null || guard.connection === name ? { name, connection } : [],
  );
  const held = (scenarios: readonly string[] | undefined) => guard.scenarios ?? scenarios ?? [];
  switch (guard.watch) {
    case "queueLength":
    case "share":
      return named.flatMap(({ name, connection }) =>
        queues[connection]!.filter((queue) => guard.queue === null || guard.queue === queue).map(
          (queue) => ({
            ...NOTHING,
            text: `queue ${queue} of ${name}`,
            ...{ connection, queue },
            scenarios: held(concerned.byQueue[connection]?.get(queue)),
          }),
        ),
      );
    case "brokerMemory":
    case "brokerBlocked":
      return named.map(({ name, connection }) => ({
        ...NOTHING,
        text: `the broker of ${name}`,
        connection,
        scenarios: held(concerned.byConnection[connection]),
      }));
    case "backlogSlope":
    case "failedShare":
    case "latency":
      return subject.scenarios.flatMap(({ name }, scenario) => {
        if (guard.scenario !== null && guard.scenario !== name) return [];
        const all = concerned.entries[scenario]!;
        const entries =
          guard.task === null
            ? all
            : all.filter((entry) => subject.entries[entry]!.task === guard.task);
        if (entries.length === 0) return [];
        const text = guard.task === null ? name : `${guard.task} of ${name}`;
        return { ...NOTHING, text, scenario, entries, scenarios: held([name]) };
      });
    case "scrapeAge":
      return [{ ...NOTHING, text: "/metrics", scenarios: held(concerned.everywhere) }];
  }
}

const NOTHING = { scenario: null, connection: null, queue: null, entries: [] } as const;

/** Scenarios by what their tasks, and the members of their workflows, have to do with; in their order. */
interface Concerned {
  /** By connection. */
  readonly byQueue: readonly ReadonlyMap<string, readonly string[]>[];
  readonly byConnection: readonly (readonly string[])[];
  readonly everywhere: readonly string[];
  /** By scenario: its tasks in the subject. */
  readonly entries: readonly (readonly number[])[];
}

function concernedBy({ subject, entries }: GuardSources): Concerned {
  const own = subject.scenarios.map((): number[] => []);
  for (const [entry, { scenario }] of subject.entries.entries()) own[scenario]!.push(entry);
  const byQueue = subject.connections.map(() => new Map<string, Set<number>>());
  const byConnection = subject.connections.map(() => new Set<number>());
  for (const { connection, queue, scenario } of entries) {
    const known = byQueue[connection]!.get(queue);
    if (known === undefined) byQueue[connection]!.set(queue, new Set([scenario]));
    else known.add(scenario);
    byConnection[connection]!.add(scenario);
  }
  const named = (numbers: ReadonlySet<number>) =>
    [...numbers].sort((a, b) => a - b).map((number) => subject.scenarios[number]!.name);
  return {
    byQueue: byQueue.map(
      (queues) => new Map([...queues].map(([queue, numbers]) => [queue, named(numbers)])),
    ),
    byConnection: byConnection.map(named),
    everywhere: subject.scenarios.flatMap(({ name }, number) =>
      own[number]!.length > 0 ? name : [],
    ),
    entries: own,
  };
}

const LOOK_EVERY_MS = 5_000;
const MOST_OFTEN_MS = 1_000;

/**
 * How often a connection's queues and memory are looked at: twice in the `for` of its guards, every second where a rate
 * follows one, and every 5 s at least.
 */
export function lookEveryMs(
  guards: readonly GuardPlan[],
  feeds: readonly FeedPlan[],
  connection: number,
): number {
  if (feeds.some((feed) => feed.connection === connection)) return MOST_OFTEN_MS;
  const times = guards
    .filter(({ watch }) => watch === "queueLength" || watch === "brokerMemory")
    .filter(({ subjects }) => subjects.some((subject) => subject.connection === connection))
    .map(({ forMs }) => forMs / 2);
  return Math.max(MOST_OFTEN_MS, Math.min(LOOK_EVERY_MS, ...times));
}
