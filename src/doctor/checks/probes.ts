import { isFull } from "../../connections/limit.js";
import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, SentTask, StartFacts } from "../facts.js";
import { END_EVENTS, phasesOf, provenOffsetMs } from "../phases.js";
import { measuredText } from "../texts.js";

/** Clocks that are less apart than this are as good as the network lets them be. */
const CLOCK_TOLERANCE_MS = 100;

/** What became of the tasks that were sent. */
export function checkProbes(facts: ConnectionFacts): Finding[] {
  return [
    ...facts.starts.flatMap((start) =>
      start.probe.sent ? checkProbe(facts, start, start.probe) : [],
    ),
    ...checkClocks(facts),
    ...checkEvents(facts),
  ];
}

function checkProbe(facts: ConnectionFacts, start: StartFacts, probe: SentTask): Finding[] {
  const { connection } = facts;
  const { outcome, reason, result } = probe;
  const common = { key: start.key, task: nameOf(facts, start) };
  if (outcome !== "accepted" && result === null) {
    const [words, ...todo] = reason.split("\n");
    const values = { ...common, outcome, reason: words! };
    if (todo.length === 0) return [finding("publish-failed", connection, values)];
    return [finding("publish-refused", connection, { ...values, todo: todo.join(" ") })];
  }
  if (result === null) return checkMissing(facts, start, probe);
  if (result.state === "MALFORMED") return [finding("result-unreadable", connection, common)];
  const exception = result.exception || "no exception";
  const { id } = result;
  if (result.state === "FAILURE") {
    return [finding("task-failed", connection, { ...common, exception, id })];
  }
  if (result.state === "REVOKED") {
    return [finding("task-revoked", connection, { ...common, exception })];
  }
  return checkLatency(connection, common, start.timeoutMs, probe);
}

/** A task is called as workers call it, a workflow as the configuration does. */
export function nameOf({ tasks }: ConnectionFacts, start: StartFacts): string {
  return tasks.find(({ key }) => key === start.key)?.name ?? start.key;
}

/** No result came in time: what do workers say of the task? */
function checkMissing(facts: ConnectionFacts, start: StartFacts, probe: SentTask): Finding[] {
  const { connection, backend, tasks } = facts;
  const { missingId, events, place } = probe;
  const common = { key: start.key, task: nameOf(facts, start) };
  const waited = measuredText(probe.waitedMs);
  const end = events.find(({ type, uuid }) => uuid === missingId && type in END_EVENTS);
  if (end !== undefined) {
    const values = { ...common, node: end.hostname, end: end.type, url: backend.url };
    return [finding("result-missing", connection, values)];
  }
  if (place?.state === "active") {
    const values = { ...common, node: place.node, waited, timeout: measuredText(start.timeoutMs) };
    return [finding("task-runs-on", connection, values)];
  }
  if (place?.state === "reserved") {
    return [finding("task-waits", connection, { ...common, node: place.node, waited })];
  }
  const queues = tasks.filter(({ key }) => start.tasks.includes(key)).map(({ queue }) => queue);
  const queue = [...new Set(queues)].join(", ");
  return [finding("task-lost", connection, { ...common, waited, queue, id: missingId ?? "" })];
}

function checkLatency(
  connection: string,
  common: { key: string; task: string },
  timeoutMs: number,
  probe: SentTask,
): Finding[] {
  const latencyMs = phasesOf(probe).find(({ name }) => name === "latency")?.ms ?? 0;
  if (latencyMs <= timeoutMs / 2) return [];
  const values = { latency: measuredText(latencyMs), timeout: measuredText(timeoutMs) };
  return [finding("latency-near-timeout", connection, { ...common, ...values })];
}

/** The clock that is farthest off, of each worker that ran a task. */
function checkClocks({ connection, starts, workers }: ConnectionFacts): Finding[] {
  const [only, ...others] = workers.answered;
  const offsets = new Map<string, number>();
  for (const { probe } of starts) {
    if (!probe.sent) continue;
    const ranOn = probe.events.find(
      ({ type, uuid }) => type === "task-started" && uuid === probe.result?.id,
    )?.hostname;
    const node = ranOn ?? (only !== undefined && others.length === 0 ? only.node : "a worker");
    const offsetMs = provenOffsetMs(probe);
    if (Math.abs(offsetMs) > Math.abs(offsets.get(node) ?? 0)) offsets.set(node, offsetMs);
  }
  return [...offsets].flatMap(([node, offsetMs]) => {
    if (Math.abs(offsetMs) < CLOCK_TOLERANCE_MS) return [];
    const direction = offsetMs > 0 ? "ahead of" : "behind";
    const offset = measuredText(Math.abs(offsetMs));
    return [finding("clock-off", connection, { node, offset, direction })];
  });
}

function checkEvents(facts: ConnectionFacts): Finding[] {
  const { connection, broker, workers } = facts;
  if (broker.fault !== null) return [];
  const { eventsFault, malformedEvents } = workers;
  const findings: Finding[] = [];
  // The servers' checks tell of one that is full.
  if (eventsFault !== null && !isFull(eventsFault)) {
    findings.push(finding("events-not-received", connection, { cause: eventsFault }));
  }
  if (malformedEvents > 0) {
    findings.push(finding("events-malformed", connection, { count: malformedEvents }));
  }
  if (taskEvents(facts) === "off") findings.push(finding("events-off", connection, {}));
  return findings;
}

/** Do workers send events of tasks? Known only of tasks that ended, or that passed by. */
export function taskEvents({ starts, workers }: ConnectionFacts): "on" | "off" | "unknown" {
  if (workers.withTaskEvents.length > 0) return "on";
  const hasEnded = starts.some(({ probe }) => probe.sent && probe.result !== null);
  return hasEnded && workers.eventsFault === null ? "off" : "unknown";
}
