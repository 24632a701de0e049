import { createClock } from "../clock.js";
import type { ConnectionConfig, TaskConfig } from "../config/schema.js";
import type { Control } from "../connections/observe-ports.js";
import type { ConnectionRole } from "../connections/ports.js";
import { findTask } from "./ask-workers.js";
import type { EventLog } from "./event-log.js";
import type { ConnectionFacts, Probe, SentTask, ServerFault, TaskFacts } from "./facts.js";
import { faultOf, type OpenParts } from "./open-parts.js";
import { END_EVENTS } from "./phases.js";
import { whyNotSent } from "./sendable.js";
import { TaskSender } from "./task-sender.js";
import { waitFor } from "./wait-for.js";

export interface SendOptions {
  readonly connection: ConnectionConfig;
  /** By their name in the configuration. */
  readonly tasks: Readonly<Record<string, TaskConfig>>;
  readonly isSending: boolean;
  /** The longest wait for a result; a task's own timeout may be shorter. */
  readonly waitMs: number;
  /** Lines of the files that argument templates name. */
  readonly readLines: (name: string) => readonly string[];
  readonly parts: OpenParts;
}

/**
 * Events of a task that has ended are on their way; a worker with a pool of threads keeps them until
 * something else wakes it, at the latest its next heartbeat (2 s).
 */
const LAST_EVENTS_MS = 2_500;

/**
 * Sends the tasks that a worker would take, one after another, so that none waits for another. `fault` says
 * which server does not let us although it can be looked at.
 */
export async function sendTasks(
  options: SendOptions,
  surroundings: Omit<ConnectionFacts, "tasks">,
  control: Control | null,
  log: EventLog,
): Promise<{ tasks: TaskFacts[]; fault: RoleFault | null }> {
  const entries = Object.entries(options.tasks).map(([key, task]) => ({
    key,
    task,
    why: options.isSending ? whyNotSent(surroundings, task) : "as asked",
  }));
  const sender = entries.some(({ why }) => why === null) ? await openSender(options, log) : null;
  const fault = sender !== null && "cause" in sender ? sender : null;
  const nodes = surroundings.workers.answered.map(({ node }) => node);
  const tasks: TaskFacts[] = [];
  for (const { key, task, why } of entries) {
    const probe: Probe =
      why !== null || sender === null || "cause" in sender
        ? { sent: false, why: why ?? fault?.cause ?? "" }
        : await sendOne(sender, task, Math.min(options.waitMs, task.timeoutMs), control, nodes);
    const { name, queue, priority, timeoutMs, expiresMs } = task;
    tasks.push({ key, name, queue, priority, timeoutMs, expiresMs, probe });
  }
  if (surroundings.workers.eventsFault === null) {
    const areToldOf = () => tasks.every(({ probe }) => isToldOf(probe, log));
    await waitFor(areToldOf, performance.now() + LAST_EVENTS_MS);
  }
  return { tasks: tasks.map((task) => ({ ...task, probe: withEvents(task.probe, log) })), fault };
}

type RoleFault = ServerFault & { readonly role: ConnectionRole };

async function openSender(
  { connection, parts, readLines }: SendOptions,
  { idPrefix }: EventLog,
): Promise<TaskSender | RoleFault> {
  const clock = createClock();
  let role: ConnectionRole = "backend";
  try {
    return await parts.usable(connection.broker, ({ up, down }) => {
      const report = {
        up,
        down(failed: ConnectionRole, cause: string, isConfiguration: boolean) {
          role = failed;
          down(cause, isConfiguration);
        },
      };
      return new TaskSender({ connection, clock, idPrefix, readLines, report });
    });
  } catch (error) {
    return { ...faultOf(error), role };
  }
}

async function sendOne(
  sender: TaskSender,
  task: TaskConfig,
  waitMs: number,
  control: Control | null,
  nodes: readonly string[],
): Promise<SentTask> {
  const sending = await sender.send(task, waitMs);
  const isAway = sending.result === null && sending.outcome === "accepted";
  const place =
    isAway && control !== null
      ? await findTask(control, nodes, sending.id).catch(() => null) // then nobody says it
      : null;
  return { ...sending, place, events: [] };
}

/** Nothing more is to be heard of it: it has not been sent, is known to run on, or its end was told. */
function isToldOf(probe: Probe, log: EventLog): boolean {
  if (!probe.sent || probe.place !== null) return true;
  return probe.outcome !== "accepted" || log.of(probe.id).some(({ type }) => type in END_EVENTS);
}

function withEvents(probe: Probe, log: EventLog): Probe {
  return probe.sent ? { ...probe, events: log.of(probe.id) } : probe;
}
