import type { UnknownSetting, UnknownWhy } from "../celery/events/worker-conf.js";
import type { Finding } from "./advice.js";
import { taskEvents } from "./checks/probes.js";
import { consumersOf, hasTask } from "./checks/tasks.js";
import type {
  ConnectionFacts,
  QueueFacts,
  SentTask,
  ServerFacts,
  StartFacts,
  TaskFacts,
  WorkerFacts,
} from "./facts.js";
import { phasesOf } from "./phases.js";
import { listText, measuredText } from "./texts.js";

/** Everything that was found, for people: a section for each connection, then the advice. */
export function findingsText(
  connections: readonly ConnectionFacts[],
  findings: readonly Finding[],
): string {
  const sections = connections.flatMap((facts) => [...connectionLines(facts), ""]);
  return [...sections, ...adviceLines(findings)].join("\n");
}

/** The same for programs: every fact, and the phases of what was sent. */
export function reportJson(
  connections: readonly ConnectionFacts[],
  findings: readonly Finding[],
): string {
  const withPhases = connections.map((facts) => ({
    ...facts,
    starts: facts.starts.map((start) => ({
      ...start,
      phases: start.probe.sent ? phasesOf(start.probe) : [],
    })),
  }));
  const report = { ok: isWell(findings), advice: findings, connections: withPhases };
  return JSON.stringify(report, null, 2);
}

/** Warnings and notes leave a deployment well. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== "problem");
}

function connectionLines(facts: ConnectionFacts): string[] {
  const { connection, broker, backend, workers, queues, starts } = facts;
  return [
    `connection ${connection}`,
    `  broker   ${serverText(broker)}`,
    `  backend  ${backendText(backend)}`,
    `  workers  ${workersText(facts)}`,
    ...workers.answered.flatMap(workerLines),
    ...(queues.length === 0 ? [] : ["  queues"]),
    ...queues.map((queue) => `    ${queueText(facts, queue)}`),
    "  tasks",
    ...starts.flatMap((start) => startLines(facts, start)),
  ];
}

function serverText({ url, fault, about, isTls }: ServerFacts): string {
  if (fault !== null) return `${url}: NOT USABLE`;
  const product = about === null ? "version unknown" : `${about.product} ${about.version}`;
  const policy = about?.evictionPolicy;
  return [
    `${url}: ${product}`,
    isTls ? "with TLS" : "without TLS",
    ...(policy ? [`maxmemory-policy ${policy}`] : []),
  ].join(", ");
}

function backendText(backend: ServerFacts): string {
  if (backend.kind === "disabled") return "disabled: outcomes come from events";
  return backend.kind === "rpc" ? rpcText(backend) : serverText(backend);
}

function rpcText({ url, fault }: ServerFacts): string {
  return fault === null ? `${url}: replies through the broker` : `${url}: NOT USABLE`;
}

function workersText(facts: ConnectionFacts): string {
  const { broker, workers } = facts;
  if (broker.fault !== null) return "not asked";
  if (workers.controlFault !== null) return "could not be asked";
  const silent = workers.silent.length > 0 ? `; silent: ${workers.silent.join(", ")}` : "";
  return `${workers.answered.length} answered${silent}; task events ${taskEvents(facts)}`;
}

function workerLines(worker: WorkerFacts): string[] {
  const { node, version, pool, concurrency, prefetch, queues, tasks, settings } = worker;
  const facts = [
    `Celery ${version ?? "of unknown version"}`,
    `${pool ?? "unknown"} pool`,
    ...(concurrency === null ? [] : [`concurrency ${concurrency}`]),
    ...(prefetch === null ? [] : [`prefetch ${prefetch === 0 ? "unlimited" : prefetch}`]),
  ];
  const own = tasks.map(({ name }) => name).filter((name) => !name.startsWith("celery."));
  return [
    `    ${node}: ${facts.join(", ")}`,
    `      queues: ${listText(queues.map(({ name }) => name))}`,
    `      tasks: ${listText(own)}`,
    ...unknownLines(settings.unknown),
  ];
}

function unknownLines(unknown: readonly UnknownSetting[]): string[] {
  if (unknown.length === 0) return [];
  const names = (why: UnknownWhy) =>
    unknown.filter((setting) => setting.why === why).map(({ name }) => name);
  const reasons = [...new Set(unknown.map(({ why }) => why))];
  const parts = reasons.map((why) => `${names(why).join(", ")} (${why})`);
  return [`      settings not known: ${parts.join("; ")}`];
}

function queueText(facts: ConnectionFacts, { name, depth, isMissing }: QueueFacts): string {
  if (isMissing) return `${name}: does not exist`;
  const nodes = consumersOf(facts, name).map(({ node }) => node);
  const waiting = depth === null ? "length unknown" : `${depth.ready} waiting`;
  return `${name}: ${waiting}, consumed by ${listText(nodes)}`;
}

/** Where each of its tasks is registered, then what became of the whole. */
function startLines(facts: ConnectionFacts, start: StartFacts): string[] {
  const { key, probe } = start;
  const tasks = facts.tasks.filter((task) => start.tasks.includes(task.key));
  const isAlone = tasks.length === 1 && tasks[0]!.key === key;
  const members = tasks.map((task) => `${task.key} ${taskText(facts, task)}`);
  return [
    ...(isAlone
      ? [`    ${members[0]}`]
      : [`    ${key}`, ...members.map((text) => `      ${text}`)]),
    ...(probe.sent ? sentLines(probe) : [`      not sent: ${probe.why}`]),
  ];
}

function taskText({ workers }: ConnectionFacts, { name, queue }: TaskFacts): string {
  const nodes = workers.answered.filter((worker) => hasTask(worker, name));
  const where = listText(nodes.map(({ node }) => node));
  return `(${name}, queue ${queue}): registered on ${where}`;
}

function sentLines(probe: SentTask): string[] {
  const phases = phasesOf(probe).map(({ name, ms }) => `${name} ${measuredText(ms)}`);
  return [`      ${outcomeText(probe)}`, `      ${phases.join(", ")}`];
}

function outcomeText({ outcome, reason, result, waitedMs }: SentTask): string {
  if (outcome !== "accepted" && result === null) return `not published: ${reason || outcome}`;
  if (result === null) return `no result within ${measuredText(waitedMs)}`;
  if (result.state === "SUCCESS") return "succeeded";
  const exception = result.exception === "" ? "" : ` with ${result.exception}`;
  return `${result.state === "FAILURE" ? "failed" : "revoked"}${exception}`;
}

function adviceLines(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ["Nothing is wrong."];
  return [
    "advice",
    ...findings.flatMap(({ level, connection, says, remedy }) => [
      `  ${level} (${connection}): ${says}`,
      `    → ${remedy}`,
    ]),
  ];
}
