import { runOf } from "../celery/events/task-run.js";
import type { SentTask } from "./facts.js";

/** A part of a task's life, in milliseconds. */
export interface Phase {
  readonly name: "dispatch" | "publish" | "queue" | "run" | "work" | "delivery" | "latency";
  readonly ms: number;
}

/**
 * The phases of a task that was sent, as the metrics name them. `queue` and `run` need events; without
 * them they are one, `work`. What lies between two clocks is not corrected here, and left out when they
 * contradict causality. A workflow has none between publish and its last result.
 */
export function phasesOf(task: SentTask): Phase[] {
  const { result } = task;
  const phases: Phase[] = [phase("dispatch", task.publishCallMs - task.plannedMs)];
  if (task.outcome === "accepted") {
    phases.push(phase("publish", task.answeredMs - task.publishCallMs));
  }
  const isWorkflow = task.ids.length > 1;
  const events = isWorkflow ? [] : task.events;
  const started = events.findLast(({ type }) => type === "task-started");
  const ended = events.findLast(({ type }) => type in END_EVENTS);
  if (started !== undefined && ended !== undefined) {
    const { runtime } = ended.fields;
    const { startMs, runMs } = runOf({
      startedUnixMs: started.unixMs,
      endedUnixMs: ended.unixMs,
      doneUnixMs: result?.doneUnixMs ?? Number.NaN,
      saidMs: typeof runtime === "number" ? runtime * 1000 : Number.NaN,
    });
    // It was not begun before it was published, unless its end says that the clocks differ.
    const publishedUnixMs = task.publishCallUnixMs;
    const endMs = startMs + runMs;
    const begunMs = endMs >= publishedUnixMs ? Math.max(startMs, publishedUnixMs) : startMs;
    phases.push(phase("queue", begunMs - publishedUnixMs), phase("run", endMs - begunMs));
  } else if (started !== undefined) {
    phases.push(phase("queue", started.unixMs - task.publishCallUnixMs));
    const doneUnixMs = result?.doneUnixMs ?? Number.NaN; // the event of the end may still come
    phases.push(phase("run", doneUnixMs - started.unixMs));
  } else if (!isWorkflow && result !== null && result.doneUnixMs !== null) {
    phases.push(phase("work", result.doneUnixMs - task.publishCallUnixMs));
  }
  if (result !== null) {
    // The event is sent after the result; it serves when the result has no date (rpc:// before 5.3).
    const doneUnixMs = result.doneUnixMs ?? ended?.unixMs;
    if (doneUnixMs !== undefined) {
      phases.push(phase("delivery", result.receivedUnixMs - doneUnixMs));
    }
    phases.push(phase("latency", result.receivedMs - task.plannedMs));
  }
  return phases.filter(({ ms }) => ms >= 0);
}

/** Events that end a task, and what Celery calls the end. */
export const END_EVENTS: Readonly<Record<string, string>> = {
  "task-succeeded": "SUCCESS",
  "task-failed": "FAILURE",
  "task-revoked": "REVOKED",
  "task-rejected": "REJECTED",
};

/**
 * How far the clock of the worker that ran it is from ours, in milliseconds, positive when it is ahead:
 * as far as causality proves it, 0 when it may be right. A task ends after it was published and before
 * its result is received.
 */
export function provenOffsetMs({ result, publishCallUnixMs }: SentTask): number {
  if (result === null || result.doneUnixMs === null) return 0;
  const least = result.doneUnixMs - result.receivedUnixMs;
  const most = result.doneUnixMs - publishCallUnixMs;
  if (least > 0) return least;
  return Math.min(most, 0);
}

function phase(name: Phase["name"], ms: number): Phase {
  return { name, ms };
}
