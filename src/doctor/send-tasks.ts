import { setTimeout as sleep } from "node:timers/promises";
import { createClock } from "../clock.js";
import type { ConnectionConfig } from "../config/schema.js";
import { isFull } from "../connections/limit.js";
import type { RemoteControl } from "../connections/observe-ports.js";
import type { ConnectionRole } from "../connections/ports.js";
import type { EntryPlan } from "../engine/messages.js";
import { findTask } from "./ask-workers.js";
import type { HeardEvents } from "./event-log.js";
import type { ConnectionFacts, Probe, SentTask, ServerFault, StartFacts } from "./facts.js";
import { faultOf, type OpenParts } from "./open-parts.js";
import { END_EVENTS } from "./phases.js";
import { whyNotSent } from "./sendable.js";
import type { Start } from "./starts.js";
import { type FirstRow, TaskSender } from "./task-sender.js";
import { waitFor } from "./wait-for.js";

export interface SendOptions {
  readonly connection: ConnectionConfig;
  readonly starts: readonly Start[];
  /** Those of the whole configuration, to which workflows refer. */
  readonly entries: readonly EntryPlan[];
  readonly isSending: boolean;
  /** The longest wait for a result; a task's own timeout may be shorter. */
  readonly waitMs: number;
  /** Lines of the files that argument templates name. */
  readonly readLines: (name: string) => readonly string[];
  /** Of each data of the plan, what its tasks are tried with. */
  readonly firstRows: readonly FirstRow[];
  readonly parts: OpenParts;
}

/**
 * Events of a task that has ended are on their way; a worker with a pool of threads keeps them until
 * something else wakes it, at the latest its next heartbeat (2 s).
 */
const LAST_EVENTS_MS = 2_500;

/**
 * Sends what workers would take, one after another, so that none waits for another. `fault` says which
 * server does not let us although it can be looked at.
 */
export async function sendTasks(
  options: SendOptions,
  surroundings: ConnectionFacts,
  control: RemoteControl | null,
  log: HeardEvents,
): Promise<Sent> {
  const plans = options.starts.map((start) => {
    const waitMs = Math.min(options.waitMs, start.entry.timeoutMs);
    const why = options.isSending
      ? (madeByCode(start.entry) ?? whyNotSent(surroundings, start.tasks, waitMs))
      : "as asked";
    return { start, waitMs, why };
  });
  const opened = plans.some(({ why }) => why === null) ? await openInTurn(options, log) : null;
  const sender = opened?.sender ?? null;
  const fault = sender !== null && "cause" in sender ? sender : null;
  const madeRoom = opened?.madeRoom ?? null;
  const nodes = surroundings.workers.answered.map(({ node }) => node);
  const starts: StartFacts[] = [];
  for (const { start, waitMs, why } of plans) {
    const probe: Probe =
      why !== null || sender === null || "cause" in sender
        ? { sent: false, why: why ?? fault?.cause ?? "" }
        : await sendOne(sender, start.entry, waitMs, control, nodes);
    const { key, entry, tasks } = start;
    starts.push({ key, timeoutMs: entry.timeoutMs, tasks: tasks.map((task) => task.key), probe });
  }
  if (surroundings.workers.eventsFault === null && madeRoom === null) {
    const areToldOf = () => starts.every(({ probe }) => isToldOf(probe, log));
    await waitFor(areToldOf, performance.now() + LAST_EVENTS_MS);
  }
  const told = starts.map((start) => ({ ...start, probe: withEvents(start.probe, log) }));
  return { starts: told, fault, madeRoom };
}

/** Why there are no arguments to try it with; null: there are. */
function madeByCode({ payload, isScripted, args, kwargs }: EntryPlan): string | null {
  if (payload !== null) return "its payload makes the arguments, which is not run here";
  const hasNone = args.length === 0 && Object.keys(kwargs).length === 0;
  return isScripted && hasNone ? "the script gives its arguments" : null;
}

interface Sent {
  readonly starts: StartFacts[];
  readonly fault: RoleFault | null;
  /** The words of a server that was full, for which all other connections were closed; null: they were not. */
  readonly madeRoom: string | null;
}

/** A server may count a connection for a moment longer than it lasts. */
const LEAVING_MS = 300;
const ATTEMPTS = 5;

/** On a server that is full the connections that the load needs get the places of those that look on. */
async function openInTurn(
  options: SendOptions,
  log: HeardEvents,
): Promise<{ sender: TaskSender | RoleFault; madeRoom: string | null }> {
  let sender = await openSender(options, log);
  let madeRoom: string | null = null;
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    if (!("cause" in sender) || !isFull(sender.cause)) break;
    madeRoom ??= sender.cause;
    await options.parts.makeRoom();
    await sleep(LEAVING_MS);
    sender = await openSender(options, log);
  }
  return { sender, madeRoom };
}

type RoleFault = ServerFault & { readonly role: ConnectionRole };

async function openSender(
  { connection, starts, entries, parts, readLines, firstRows }: SendOptions,
  { idPrefix }: HeardEvents,
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
      const common = { connection, entries, clock, idPrefix, readLines, firstRows, report };
      return new TaskSender({ ...common, starts: starts.map(({ entry }) => entry) });
    });
  } catch (error) {
    return { ...faultOf(error), role };
  }
}

async function sendOne(
  sender: TaskSender,
  entry: EntryPlan,
  waitMs: number,
  control: RemoteControl | null,
  nodes: readonly string[],
): Promise<SentTask> {
  const sending = await sender.send(entry, waitMs);
  const { missingId, outcome } = sending;
  const place =
    missingId !== null && outcome === "accepted" && control !== null
      ? await findTask(control, nodes, missingId).catch(() => null) // then nobody says it
      : null;
  return { ...sending, place, events: [] };
}

/** Nothing more is to be heard of it: it has not been sent, is known to run on, or its end was told. */
function isToldOf(probe: Probe, log: HeardEvents): boolean {
  if (!probe.sent || probe.place !== null || probe.outcome !== "accepted") return true;
  const id = probe.missingId ?? probe.result?.id ?? "";
  return log.of(id).some(({ type }) => type in END_EVENTS);
}

function withEvents(probe: Probe, log: HeardEvents): Probe {
  return probe.sent ? { ...probe, events: probe.ids.flatMap((id) => log.of(id)) } : probe;
}
