import { startDaemon } from "./daemon.js";
import { assertBalanced, type LedgerRow, type Metrics } from "./metrics.js";

/** One task as it stands in a configuration. */
export type TaskSettings = Readonly<Record<string, unknown>> & { readonly name: string };

export interface RunSettings {
  readonly broker: string;
  /** Default: the broker. */
  readonly backend?: string;
  /** How often each task is sent. Default: once. */
  readonly count?: number;
  /** How long to wait for results, as a duration. Default: 20s, which is more than any should take. */
  readonly gracefulStop?: string;
  readonly logLevel?: string;
  /** What is done to the text of the configuration, for what JSON.stringify cannot write. */
  readonly edit?: (text: string) => string;
}

export interface TaskRun {
  /** What became of each task, in their order. */
  readonly rows: readonly LedgerRow[];
  /** The last page of metrics; the scenarios are `t0`, `t1` and so on. */
  readonly page: Metrics;
  readonly log: string;
}

/** Starts are 20 ms apart. */
const RATE_PER_SECOND = 50;

/**
 * Sends tasks with a real daemon, each by a scenario of its own, so that its counts are its own, and keeps
 * their results in the backend.
 * @throws Error when the configuration is refused, or when the ledger does not balance
 */
export async function runTasks(
  tasks: readonly TaskSettings[],
  settings: RunSettings,
): Promise<TaskRun> {
  await using daemon = await startDaemon({
    configText: (settings.edit ?? String)(configTextOf(tasks, settings)),
    logLevel: settings.logLevel ?? "info",
  });
  const page = await daemon.waitFor(
    (metrics) => metrics.sum("celery_load_scenario_state", { state: "stopped" }) === tasks.length,
    120_000,
    "all tasks to end",
  );
  assertBalanced(page);
  const rowOf = new Map(page.ledger().map((row) => [row.scenario, row]));
  return { rows: tasks.map((_, index) => rowOf.get(nameOf(index))!), page, log: daemon.stderr() };
}

function nameOf(index: number): string {
  return `t${index}`;
}

/** The configuration as JSON, which is YAML. */
export function configTextOf(tasks: readonly TaskSettings[], settings: RunSettings): string {
  const { broker, backend, count = 1, gracefulStop = "20s" } = settings;
  const named = <T>(values: readonly T[]) =>
    Object.fromEntries(values.map((value, index) => [nameOf(index), value]));
  const config = {
    connections: {
      main: { broker, ...(backend === undefined ? {} : { backend }), forget: false },
    },
    tasks: named(tasks),
    scenarios: named(
      tasks.map((_, index) => ({
        profile: { steps: [`${RATE_PER_SECOND}/s for ${(count + 0.5) / RATE_PER_SECOND}s`] },
        mix: nameOf(index),
        // On a busy machine a daemon that has just begun may be too late for starts that are due at once.
        startAfter: "500ms",
        gracefulStop,
      })),
    ),
    buckets: ["1s"],
    limits: { series: 1_000_000 },
    server: { linger: "10s" },
  };
  // A dollar sign would begin a variable.
  return JSON.stringify(config, (_, value) =>
    typeof value === "string" ? value.replaceAll("$", "$$$$") : value,
  );
}
