import { DROPS, meaningsOf, OUTCOMES, PUBLISH_FAILURES } from "../ledger/ends.js";

/**
 * Every metric of the daemon, once: name, type, labels, help. Data only; the docs page, the dashboards'
 * test and the exposition all read it. Names follow prometheus.io/docs/practices/naming.
 */
export interface MetricSpec {
  /** Without the prefix `celery_load_`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

export const METRIC_PREFIX = "celery_load_";

export const METRICS = {
  planned: {
    name: "tasks_planned_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Task starts that the plan asked for. Equals publishing + published + dropped + publish failures.",
  },
  published: {
    name: "tasks_published_total",
    type: "counter",
    labels: ["scenario", "task", "queue"],
    help: "Tasks that a worker may have: accepted by the broker, or written without an answer. Equals in flight + outcomes.",
  },
  dropped: {
    name: "tasks_dropped_total",
    type: "counter",
    labels: ["scenario", "task", "reason"],
    help: `Planned starts that were never sent: ${meaningsOf(DROPS)}.`,
  },
  publishFailures: {
    name: "publish_failures_total",
    type: "counter",
    labels: ["scenario", "task", "kind"],
    help: `Tasks that are provably not queued: ${meaningsOf(PUBLISH_FAILURES)}.`,
  },
  outcomes: {
    name: "task_outcomes_total",
    type: "counter",
    labels: ["scenario", "task", "outcome"],
    help: `What became of published tasks: ${meaningsOf(OUTCOMES)}.`,
  },
  errors: {
    name: "task_errors_total",
    type: "counter",
    labels: ["scenario", "task", "exception"],
    help: "Failed and revoked tasks by exception class; `check`: succeeded with another answer than expect says.",
  },
  retries: {
    name: "task_retries_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Retries that workers reported. A retry does not end a task.",
  },
  late: {
    name: "late_results_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Results that came after the task had timed out or the run had ended it. They change no outcome.",
  },
  duplicates: {
    name: "duplicate_results_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Further final results of a task that was already settled. They change no outcome.",
  },
  recovered: {
    name: "results_recovered_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Results found by asking the backend after its stream was away. In the outcomes, not in the latencies.",
  },
  unchecked: {
    name: "unchecked_results_total",
    type: "counter",
    labels: ["scenario", "task"],
    help: "Results of tasks with `expect` that are larger than 1 MiB, or have no JSON (pickled objects): only their state is read, and their answer counts as right.",
  },
  latency: {
    name: "task_latency_seconds",
    type: "histogram",
    labels: ["scenario", "task", "outcome"],
    help: "Planned start to result received, without warm-up, revoked, timed out and recovered tasks.",
  },
  compensated: {
    name: "task_latency_compensated_seconds",
    type: "histogram",
    labels: ["scenario", "task"],
    help: "Of tasks that users start (a closed loop): their latencies, and those of the starts that did not come as the users were waiting, each as if its user had kept its pace.",
  },
  phase: {
    name: "task_phase_seconds",
    type: "histogram",
    labels: ["scenario", "task", "phase"],
    help: "Parts of the latency: dispatch (planned start to publish call), publish (to the broker's reply), work (publish call to the worker's date_done, by both clocks as they are). With task events also queue (publish call to the start on a worker), run (on the worker) and delivery (its end to the result received), by clocks that are set against each other.",
  },
  uncertainPhase: {
    name: "task_phase_uncertain_total",
    type: "counter",
    labels: ["scenario", "task", "phase"],
    help: "Samples of the phases queue and delivery of which more than half is uncertain, as the worker's clock is. They are in the histograms.",
  },
  leftOutPhase: {
    name: "task_phases_left_out_total",
    type: "counter",
    labels: ["scenario", "task", "phase"],
    help: "Samples of the phases between two clocks that are in no histogram, as our clock or the worker's was set (by more than a second) while the task was under way.",
  },
  membersPublished: {
    name: "workflow_members_published_total",
    type: "counter",
    labels: ["scenario", "workflow", "task"],
    help: "Tasks of published workflows, by the workflow's key and the task's name. Equals in flight + outcomes.",
  },
  memberOutcomes: {
    name: "workflow_member_outcomes_total",
    type: "counter",
    labels: ["scenario", "workflow", "task", "outcome"],
    help: "What became of the tasks of workflows: as task_outcomes_total, and not_run, when what came before had failed.",
  },
  memberLatency: {
    name: "workflow_member_latency_seconds",
    type: "histogram",
    labels: ["scenario", "workflow", "task", "outcome"],
    help: "From the planned start, or from the last result of the stage before, to the task's own result.",
  },
  membersInFlight: {
    name: "workflow_members_in_flight",
    type: "gauge",
    labels: ["scenario", "workflow", "task"],
    help: "Tasks of published workflows that wait for their result now, or for their turn.",
  },
  publishing: {
    name: "tasks_publishing",
    type: "gauge",
    labels: ["scenario", "task"],
    help: "Tasks that wait for the broker's answer now.",
  },
  inFlight: {
    name: "tasks_in_flight",
    type: "gauge",
    labels: ["scenario", "task"],
    help: "Published tasks that wait for their result now.",
  },
  targetRate: {
    name: "target_rate",
    type: "gauge",
    labels: ["scenario"],
    help: "Task starts a second that the plan wants now. NaN for a closed loop (`max`, users), which has no rate.",
  },
  users: {
    name: "users",
    type: "gauge",
    labels: ["scenario"],
    help: "Users of a closed loop that are there now: those who wait for a task (tasks_in_flight, tasks_publishing) and those between two.",
  },
  scenarioState: {
    name: "scenario_state",
    type: "gauge",
    labels: ["scenario", "state"],
    help: "1 for the scenario's current state, 0 for the others: waiting (startAfter, closed windows), warming, running, paused, draining, stopped.",
  },
  scenarioRemaining: {
    name: "scenario_remaining_seconds",
    type: "gauge",
    labels: ["scenario"],
    help: "How long until the scenario plans its last start: by its own end and --for exactly, by --count as its pace was so far; +Inf without an end, 0 from the last start on.",
  },
  stageInfo: {
    name: "stage_info",
    type: "gauge",
    labels: ["scenario", "stage", "kind"],
    help: "1 for the profile's current stage, 0 for the others.",
  },
  stageRemaining: {
    name: "stage_remaining_seconds",
    type: "gauge",
    labels: ["scenario", "stage", "kind"],
    help: "How long the current stage still lasts, 0 for the other stages; +Inf when it has no end.",
  },
  connectionUp: {
    name: "connection_up",
    type: "gauge",
    labels: ["connection", "role"],
    help: "1 while the connection is usable.",
  },
  reconnects: {
    name: "reconnects_total",
    type: "counter",
    labels: ["connection", "role"],
    help: "Times that a connection came back after it was lost.",
  },
  dataLoss: {
    name: "broker_data_loss_total",
    type: "counter",
    labels: ["connection", "evidence"],
    help: "Times that the broker provably lost what it held while tasks were in flight: restarted_empty, failover (another Redis took over without the last writes), purged (FLUSHALL), reply_queue_deleted (replies of the rpc backend).",
  },
  blocked: {
    name: "broker_blocked",
    type: "gauge",
    labels: ["connection"],
    help: "1 while the broker is connected and accepts nothing: RabbitMQ's memory or disk alarm.",
  },
  queueLength: {
    name: "queue_length",
    type: "gauge",
    labels: ["connection", "queue"],
    help: "Messages in a queue of the configuration that no worker has fetched, of all priorities. Read every 5 s; absent while it is not known.",
  },
  eventsReceived: {
    name: "events_received_total",
    type: "counter",
    labels: ["connection"],
    help: "Events of workers and tasks that were received, anybody's; those that could not be read are not among them. Absent with events: off.",
  },
  queueUnacked: {
    name: "queue_unacked",
    type: "gauge",
    labels: ["connection", "queue"],
    help: 'Messages that workers have fetched and not acknowledged: on Redis those of all queues of the database, which it keeps together, as queue="*". RabbitMQ tells it of each queue, by its management API only, with a delay of up to 5 s.',
  },
  queueConsumers: {
    name: "queue_consumers",
    type: "gauge",
    labels: ["connection", "queue"],
    help: "Consumers of a queue, by RabbitMQ's word; on Redis, workers that are up and said that they consume it. Absent while it is not known.",
  },
  workerUp: {
    name: "worker_up",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "1 while the worker gives signs of life. 0 from its goodbye, or two of its heartbeats and 2 s after the last sign, for 30 min; then the series goes. Absent while nobody can hear it. Of `other`: how many.",
  },
  workerActive: {
    name: "worker_active_tasks",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "Tasks that the worker runs, by its last heartbeat.",
  },
  workerPool: {
    name: "worker_pool_size",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "Tasks that the worker can run at the same time, by its own word every 10 s.",
  },
  workerProcessed: {
    name: "worker_processed_total",
    type: "counter",
    labels: ["connection", "worker"],
    help: "Tasks that the worker has taken up since it started, everybody's.",
  },
  workerHeartbeat: {
    name: "worker_last_heartbeat_timestamp_seconds",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "Unix time at which the last heartbeat was received, by our clock.",
  },
  workerPrefetch: {
    name: "worker_prefetch_limit",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "Messages that the worker may hold unacknowledged, by its own word every 10 s; 0 is without limit.",
  },
  workerClockOffset: {
    name: "worker_clock_offset_seconds",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "How far the worker's clock is ahead of ours, as far as its heartbeats and the times of our tasks tell. Absent when it sends no events.",
  },
  workerClockUncertainty: {
    name: "worker_clock_uncertainty_seconds",
    type: "gauge",
    labels: ["connection", "worker"],
    help: "How far the true offset may be from worker_clock_offset_seconds, either way.",
  },
  queueFalls: {
    name: "queue_falls_total",
    type: "counter",
    labels: ["connection", "queue"],
    help: "Times that a queue lost at least 20 messages and half of what was in it while no worker says that it took them: purged, deleted, emptied with its database (FLUSHDB), or expired. A suspicion and no proof, so not in broker_data_loss_total; not looked for where workers without task events, or unknown consumers, take messages.",
  },
  unexplained: {
    name: "unexplained_tasks_total",
    type: "counter",
    labels: ["connection"],
    help: "Times that a worker of the configuration's queues began a task that this daemon has not sent: other people's traffic, or tasks that tasks send. Absent without task events.",
  },
  backendMemory: {
    name: "result_backend_memory_bytes",
    type: "gauge",
    labels: ["connection"],
    help: "Memory that the data of the result backend takes, everybody's, by Redis' word (used_memory) every 5 s. Absent while it is not known, and for other backends.",
  },
  drift: {
    name: "drift_per_hour",
    type: "gauge",
    labels: ["what", "task", "connection", "queue"],
    help: "How much a level changes in an hour: the slope over driftWindow, in seconds (latency_p50, latency_p99), starts a second (rate), retries a task (retries), messages (queue_length), places (worker_pool_size) or bytes (result_backend_memory, resident_memory: of this daemon). Labels that do not apply are empty. Absent until there is data for a third of the window.",
  },
  driftSignificant: {
    name: "drift_significant",
    type: "gauge",
    labels: ["what", "task", "connection", "queue"],
    help: "1 when chance hardly makes the slope that drift_per_hour says, else 0.",
  },
  bottleneck: {
    name: "bottleneck",
    type: "gauge",
    labels: ["task", "side"],
    help: "1 for the side that makes the task slow, by the last 30 s, 0 for the others: generator, broker, workers_busy, workers_idle_but_waiting, code, backend, or none.",
  },
  malformed: {
    name: "malformed_messages_total",
    type: "counter",
    labels: ["source"],
    help: "Messages that could not be read: results, whose tasks end by events or as unknown, events of workers, and their replies to questions. They change nothing else.",
  },
  unmatched: {
    name: "unmatched_results_total",
    type: "counter",
    labels: [],
    help: "Results of tasks so old that their place in the table has been taken again; late or duplicate.",
  },
  seriesFolded: {
    name: "series_folded_total",
    type: "counter",
    labels: ["label"],
    help: "Counts that went to `other` because limits.series is reached.",
  },
  saturated: {
    name: "generator_saturated",
    type: "gauge",
    labels: ["cause"],
    help: "1 while this daemon itself is the bottleneck: dispatch_lag (starts are over 100 ms late), event_loop (its thread is over 95 % busy, or stood still for over 200 ms).",
  },
  guardState: {
    name: "guard_state",
    type: "gauge",
    labels: ["guard", "state"],
    help: "1 for the guard's current state, 0 for the others: ok, pending (above its limit, not yet for so long), fired. Of a guard with several subjects the worst.",
  },
  guardHeadroom: {
    name: "guard_headroom_ratio",
    type: "gauge",
    labels: ["guard"],
    help: "How far away the guard's limit is, as a share of it: 1 at nothing, 0 at the limit, negative beyond. Of several subjects the least. Absent while the value is not known; the guard then stays as it is.",
  },
  guardFired: {
    name: "guard_fired_total",
    type: "counter",
    labels: ["guard"],
    help: "Times that the guard has fired.",
  },
  sloObjective: {
    name: "slo_objective_ratio",
    type: "gauge",
    labels: ["slo", "scenario", "task"],
    help: "Share of the SLO's events that must be good; the same for each scenario and task that it is about.",
  },
  sloLatencyThreshold: {
    name: "slo_latency_threshold_seconds",
    type: "gauge",
    labels: ["slo", "scenario", "task"],
    help: "Planned start to result beyond which an event is bad, of SLOs that have a latency.",
  },
  sloWindow: {
    name: "slo_window_seconds",
    type: "gauge",
    labels: ["slo", "scenario", "task"],
    help: "Period that the SLO's error budget is for.",
  },
  sloEvents: {
    name: "slo_events_total",
    type: "counter",
    labels: ["slo", "scenario", "task"],
    help: "Starts that count for the SLO, good and bad. One for a latency is settled by its result or when its threshold has passed, others at their end.",
  },
  sloBadEvents: {
    name: "slo_bad_events_total",
    type: "counter",
    labels: ["slo", "scenario", "task"],
    help: "Events that were bad: failed, revoked, timed out, unknown, too late, refused by the broker, or dropped because the system under test was too slow or away.",
  },
  sloExcluded: {
    name: "slo_excluded_events_total",
    type: "counter",
    labels: ["slo", "reason"],
    help: "Starts that do not count for the SLO, through no fault of the system under test: warmup, saturated (this daemon was late when they were planned or settled), stopped (in flight when the daemon stopped), invalid (the message could not be built).",
  },
  eventLoop: {
    name: "event_loop_utilization",
    type: "gauge",
    labels: ["thread"],
    help: "Busy share of the thread's event loop over the last second.",
  },
  dispatchLag: {
    name: "dispatch_lag_seconds",
    type: "gauge",
    labels: ["thread"],
    help: "Largest delay from planned start to publish call since the last scrape.",
  },
  lastChange: {
    name: "last_change_timestamp_seconds",
    type: "gauge",
    labels: ["scenario", "kind"],
    help: "Unix time of the last start, of the last change of stage, of the last override that was made or undone, of the last pause that began or ended, and of the last reload; 0 before the first.",
  },
  orders: {
    name: "orders_total",
    type: "counter",
    labels: ["kind", "actor"],
    help: "Orders that were followed while it runs, by what they are and who gave them; `ttl`: something ended when its time was over.",
  },
  overridesActive: {
    name: "overrides_active",
    type: "gauge",
    labels: ["scenario"],
    help: "Overrides of the rate and the mix that are neither undone nor over. Of each kind the last one is in force.",
  },
  killSwitch: {
    name: "kill_switch",
    type: "gauge",
    labels: [],
    help: "1 from stop-all to release: nothing starts.",
  },
  stateWriteFailures: {
    name: "state_write_failures_total",
    type: "counter",
    labels: [],
    help: "Times that the state file could not be written. The run goes on; what was ordered since would be lost by a restart.",
  },
  downtime: {
    name: "downtime_seconds_total",
    type: "counter",
    labels: [],
    help: "How long nothing ran between the last sign of life in the state file and this start. What would have started meanwhile was not planned.",
  },
  dataRows: {
    name: "data_rows_total",
    type: "counter",
    labels: ["data", "kind"],
    help: "Rows of data that starts came to: used by a message, or skipped as the start was dropped.",
  },
  scriptIterations: {
    name: "script_iterations_total",
    type: "counter",
    labels: ["scenario", "outcome"],
    help: "Times that a user went through the script to its end, or that it threw.",
  },
  scriptChecks: {
    name: "script_checks_total",
    type: "counter",
    labels: ["scenario", "check", "outcome"],
    help: "Checks of the script, by what they are about; of more than 50 names the others are `other`.",
  },
  moduleFaults: {
    name: "module_faults_total",
    type: "counter",
    labels: ["module"],
    help: "Errors of the user's code that it did not catch itself: of scripts, of promises that nobody awaits.",
  },
  moduleRestarts: {
    name: "module_restarts_total",
    type: "counter",
    labels: ["module"],
    help: "Threads with the user's code that were started again, as they did not come back, died or used too much memory.",
  },
  leaseHeld: {
    name: "lease_held",
    type: "gauge",
    labels: ["scenario", "segment"],
    help: "1 while this daemon has the scenario's lease and may start its tasks, 0 while it stands by. Only of scenarios with `lease`; over all daemons the sum is at most 1.",
  },
  configInfo: {
    name: "config_info",
    type: "gauge",
    labels: ["revision", "hash"],
    help: "1; which configuration is in force: its SHA-256, shortened. The revision is 1 at the start, and one more after each reload that has changed it.",
  },
  reloadSuccessful: {
    name: "config_last_reload_successful",
    type: "gauge",
    labels: [],
    help: "1 when the last reload of the configuration was done, 0 when it was refused: the one before is in force.",
  },
  reloadTime: {
    name: "config_last_reload_success_timestamp_seconds",
    type: "gauge",
    labels: [],
    help: "Unix time at which the configuration that is in force was read.",
  },
  buildInfo: {
    name: "build_info",
    type: "gauge",
    labels: ["version", "node", "commit"],
    help: "1; what is running.",
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricKey = keyof typeof METRICS;

/** Sets of labels that metrics have, of which each holds all of `Label`. */
type LabelsWith<Label extends string> = (typeof METRICS)[MetricKey]["labels"] extends infer Labels
  ? Labels extends readonly string[]
    ? [Label] extends [Labels[number]]
      ? Labels
      : never
    : never
  : never;

/** Series of a metric of the table that has these labels, for queries: a misspelt one does not compile. */
export interface Series<Label extends string = never> {
  readonly name: string;
  readonly labels: LabelsWith<Label>;
}

/** The full name of one of our metrics. */
export function metric({ name }: Series): string {
  return METRIC_PREFIX + name;
}

/** What a histogram is on a page; "" is itself, as servers with native histograms keep it. */
export type HistogramPart = "" | "bucket" | "sum" | "count";

/** One kind of a histogram's series. */
export function partOf<Histogram extends { readonly name: string; readonly type: "histogram" }>(
  histogram: Histogram,
  part: HistogramPart,
): Omit<Histogram, "name"> & { readonly name: string } {
  return { ...histogram, name: part === "" ? histogram.name : `${histogram.name}_${part}` };
}
