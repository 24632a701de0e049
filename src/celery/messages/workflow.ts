import { Filled } from "./body-text.js";
import { type Embed, NOTHING_EMBEDDED } from "./task-body.js";
import type { TaskOptions } from "./task-options.js";

/** A task as a member of a workflow. */
export interface WorkflowMember {
  readonly task: TaskOptions;
  /** True: the result of what ran before is not put in front of its arguments. */
  readonly isImmutable: boolean;
}

/**
 * What Celery calls a canvas (`celery/canvas.py`): stages run one after the other, the members of one
 * stage side by side. Only the first and the last stage can have more than one member, and not one right
 * after the other.
 *
 *     chain(a, b)            [[a], [b]]
 *     group(a, b)            [[a, b]]
 *     chord([a, b], c)       [[a, b], [c]]
 *     chain(a, group(b, c))  [[a], [b, c]]
 *
 * Members are numbered through the stages and then the callbacks.
 */
export interface Workflow {
  readonly stages: readonly (readonly WorkflowMember[])[];
  /** Follow on the success of the only member (`link`), and on its failure (`link_error`). */
  readonly callbacks: readonly WorkflowMember[];
  readonly errbacks: readonly WorkflowMember[];
}

/** A message that starts a workflow, or a part of its first stage. */
export interface FirstMessage {
  readonly member: number;
  readonly embed: Embed;
  /** Its place in the group of the first stage; null when the stage is one task. */
  readonly groupIndex: number | null;
}

/** True when the first stage is the header of a chord: its size must be stored before it is published. */
export function isChord({ stages }: Workflow): boolean {
  return stages[0]!.length > 1 && stages.length > 1;
}

/**
 * What is published to start a workflow; workers send the rest (`celery/app/trace.py`). Ids are open:
 * they are filled in from the context's `memberIds` and `group`.
 */
export function firstMessages(workflow: Workflow, replyTo: string): FirstMessage[] {
  const sign = new Signer(workflow, replyTo);
  const [first = [], ...rest] = workflow.stages;
  if (first.length === 1) {
    const embed: Embed = {
      callbacks: sign.callbacks(),
      errbacks: sign.errbacks(),
      chain: sign.chain(rest, 1),
      chord: null,
    };
    return [{ member: 0, embed, groupIndex: null }];
  }
  const chord = rest.length === 0 ? null : sign.chordBody(rest, first.length);
  return first.map((_, index) => ({
    member: index,
    embed: { ...NOTHING_EMBEDDED, chord },
    groupIndex: index,
  }));
}

/** Writes members as signatures (`celery/canvas.py Signature`). */
class Signer {
  readonly #workflow: Workflow;
  readonly #replyTo: string;

  constructor(workflow: Workflow, replyTo: string) {
    this.#workflow = workflow;
    this.#replyTo = replyTo;
  }

  /** The stages that follow, the last one first, as a worker takes the next one off the end. */
  chain(stages: Workflow["stages"], firstNumber: number): readonly unknown[] | null {
    let number = firstNumber;
    const steps = stages.map((stage) => {
      const step = stage.length === 1 ? this.#one(stage[0]!, number) : this.#group(stage, number);
      number += stage.length;
      return step;
    });
    return steps.length === 0 ? null : steps.reverse();
  }

  /** The body of a chord; what follows on it travels in its options. */
  chordBody(stages: Workflow["stages"], firstNumber: number): unknown {
    const [[body] = [], ...rest] = stages;
    const chain = this.chain(rest, firstNumber + 1);
    return this.#one(body!, firstNumber, {
      ...(chain === null ? {} : { chain, root_id: null }),
      group_id: GROUP,
    });
  }

  callbacks(): readonly unknown[] | null {
    const { stages, callbacks } = this.#workflow;
    if (callbacks.length === 0) return null;
    return callbacks.map((member, index) => this.#one(member, stages[0]!.length + index));
  }

  /**
   * Without ids of ours: an errback that takes three arguments is called inside the worker and has no
   * result of its own (`celery/backends/base.py _call_task_errbacks`).
   */
  errbacks(): readonly unknown[] | null {
    const { errbacks } = this.#workflow;
    if (errbacks.length === 0) return null;
    return errbacks.map(({ task, isImmutable }) =>
      signature(task, { ...optionsOf(task) }, isImmutable),
    );
  }

  #one({ task, isImmutable }: WorkflowMember, number: number, more = {}): unknown {
    const options = {
      task_id: new Filled(({ memberIds }) => memberIds[number]!),
      reply_to: this.#replyTo,
      ...optionsOf(task),
      ...more,
    };
    return signature(task, options, isImmutable);
  }

  /** A group that a worker is to expand. */
  #group(stage: readonly WorkflowMember[], firstNumber: number): unknown {
    return {
      task: "celery.group",
      args: [],
      kwargs: {
        tasks: stage.map((member, index) =>
          this.#one(member, firstNumber + index, { group_index: index }),
        ),
      },
      options: { task_id: GROUP, root_id: null, parent_id: null },
      subtask_type: "group",
      immutable: false,
    };
  }
}

const GROUP = new Filled(({ group }) => group);

function signature(task: TaskOptions, options: object, isImmutable: boolean): unknown {
  const { name, args, kwargs } = task;
  return { task: name, args, kwargs, options, subtask_type: null, immutable: isImmutable };
}

/**
 * Options of `apply_async` that differ from Celery's defaults. A member on the default queue is left to
 * the worker's own routing, as a Python producer leaves it.
 */
function optionsOf(task: TaskOptions): Record<string, unknown> {
  const isDefaultQueue = task.queue === "celery" || task.exchange !== null;
  const options: Record<string, unknown> = {
    queue: isDefaultQueue ? null : task.queue,
    exchange: task.exchange,
    routing_key: task.exchange === null ? null : (task.routingKey ?? task.queue),
    priority: task.priority === 0 ? null : task.priority,
    delivery_mode: task.isPersistent ? null : 1,
    expires: seconds(task.expiresMs),
    countdown: seconds(task.countdownMs),
    eta: task.eta,
    time_limit: task.timeLimitSeconds,
    soft_time_limit: task.softTimeLimitSeconds,
    retries: task.retries === 0 ? null : task.retries,
    shadow: task.shadow,
    headers: Object.keys(task.headers).length === 0 ? null : task.headers,
    argsrepr: task.argsrepr,
    kwargsrepr: task.kwargsrepr,
    serializer: task.serializer === "json" ? null : task.serializer,
    compression: task.compression,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
