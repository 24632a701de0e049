import type { CallOutcome } from "./messages.js";

/** What became of a task that a script has sent, and that has no result to give. `name` is the class of its exception. */
export class TaskError extends Error {
  /** Key of the task. */
  readonly task: string;
  readonly outcome: CallOutcome;
  /** Class of the exception as the worker stored it; "" when there is none. */
  readonly exception: string;

  constructor(task: string, outcome: CallOutcome, exception = "", message = "") {
    super(message === "" ? `task ${task}: ${WORDS[outcome]}` : message);
    this.name = exception === "" ? "TaskError" : exception;
    this.task = task;
    this.outcome = outcome;
    this.exception = exception;
  }
}

const WORDS: Readonly<Record<CallOutcome, string>> = {
  succeeded: "it succeeded",
  failed: "it failed",
  revoked: "it was revoked",
  timed_out: "no result came within its timeout",
  unknown: "what became of it is not known",
  dropped: "it was not started, as there was no room for it or no connection",
  publish_failed: "the broker did not take it, or its message could not be made",
  stopped: "the scenario has ended",
};
