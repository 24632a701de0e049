import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, SentTask, TaskFacts } from "../facts.js";
import { END_EVENTS, phasesOf, provenOffsetMs } from "../phases.js";
import { durationText } from "../texts.js";

/** Clocks that are less apart than this are as good as the network lets them be. */
const CLOCK_TOLERANCE_MS = 100;

/** What became of the tasks that were sent. */
export function checkProbes(facts: ConnectionFacts): Finding[] {
  return [
    ...facts.tasks.flatMap((task) => (task.probe.sent ? checkProbe(facts, task, task.probe) : [])),
    ...checkClocks(facts),
    ...checkEvents(facts),
  ];
}

function checkProbe(
  { connection, backend }: ConnectionFacts,
  { key, name, queue, timeoutMs }: TaskFacts,
  probe: SentTask,
): Finding[] {
  const { id, outcome, reason, result, place } = probe;
  const common = { key, task: name };
  if (outcome !== "accepted" && outcome !== "unknown") {
    return [finding("publish-failed", connection, { ...common, outcome, reason })];
  }
  if (result === null) {
    const waited = durationText(probe.waitedMs);
    const timeout = durationText(timeoutMs);
    const end = probe.events.find(({ type }) => type in END_EVENTS);
    if (end !== undefined) {
      const { hostname: node, type } = end;
      return [
        finding("result-missing", connection, { task: name, node, end: type, url: backend.url }),
      ];
    }
    if (place?.state === "active") {
      const { node } = place;
      return [finding("task-runs-on", connection, { task: name, node, waited, timeout })];
    }
    if (place?.state === "reserved") {
      return [finding("task-waits", connection, { task: name, node: place.node, waited })];
    }
    return [finding("task-lost", connection, { task: name, waited, queue, id })];
  }
  const exception = result.exception || "no exception";
  if (result.state === "FAILURE") {
    return [finding("task-failed", connection, { ...common, exception, id })];
  }
  if (result.state === "REVOKED") {
    return [finding("task-revoked", connection, { ...common, exception })];
  }
  return checkLatency(connection, common, timeoutMs, probe);
}

function checkLatency(
  connection: string,
  common: { key: string; task: string },
  timeoutMs: number,
  probe: SentTask,
): Finding[] {
  const latencyMs = phasesOf(probe).find(({ name }) => name === "latency")?.ms ?? 0;
  if (latencyMs <= timeoutMs / 2) return [];
  const values = { latency: durationText(latencyMs), timeout: durationText(timeoutMs) };
  return [finding("latency-near-timeout", connection, { ...common, ...values })];
}

/** The clock that is farthest off, of each worker that ran a task. */
function checkClocks({ connection, tasks, workers }: ConnectionFacts): Finding[] {
  const [only, ...others] = workers.answered;
  const offsets = new Map<string, number>();
  for (const { probe } of tasks) {
    if (!probe.sent) continue;
    const ranOn = probe.events.find(({ type }) => type === "task-started")?.hostname;
    const node = ranOn ?? (only !== undefined && others.length === 0 ? only.node : "a worker");
    const offsetMs = provenOffsetMs(probe);
    if (Math.abs(offsetMs) > Math.abs(offsets.get(node) ?? 0)) offsets.set(node, offsetMs);
  }
  return [...offsets].flatMap(([node, offsetMs]) => {
    if (Math.abs(offsetMs) < CLOCK_TOLERANCE_MS) return [];
    const direction = offsetMs > 0 ? "ahead of" : "behind";
    const offset = durationText(Math.abs(offsetMs));
    return [finding("clock-off", connection, { node, offset, direction })];
  });
}

function checkEvents(facts: ConnectionFacts): Finding[] {
  const { connection, broker, workers } = facts;
  if (broker.fault !== null) return [];
  const { eventsFault, malformedEvents } = workers;
  const findings: Finding[] = [];
  if (eventsFault !== null) {
    findings.push(finding("events-not-received", connection, { cause: eventsFault }));
  }
  if (malformedEvents > 0) {
    findings.push(finding("events-malformed", connection, { count: malformedEvents }));
  }
  if (taskEvents(facts) === "off") findings.push(finding("events-off", connection, {}));
  return findings;
}

/** Do workers send events of tasks? Known only of tasks that ended, or that passed by. */
export function taskEvents({ tasks, workers }: ConnectionFacts): "on" | "off" | "unknown" {
  if (workers.withTaskEvents.length > 0) return "on";
  const hasEnded = tasks.some(({ probe }) => probe.sent && probe.result !== null);
  return hasEnded && workers.eventsFault === null ? "off" : "unknown";
}
