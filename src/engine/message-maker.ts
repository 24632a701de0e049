import type { BodySources, Row } from "../celery/messages/body-text.js";
import { delayedRoute } from "../celery/messages/delayed-delivery.js";
import { isoTime } from "../celery/messages/iso-time.js";
import { type MessageFill, SAMPLE_FILL, type TaskMessageSpec } from "../celery/messages/message.js";
import { type CompiledBody, compileBody, compileGivenBody } from "../celery/messages/task-body.js";
import { firstMessages, type Workflow } from "../celery/messages/workflow.js";
import type { Clock } from "../clock.js";
import type { Message, MessageTemplate, Publisher } from "../connections/ports.js";
import { type Share, WHOLE } from "../plan/share.js";
import type { EntryPlan, MemberPlan, WorkflowPlan } from "./messages.js";

/** The body of a message that starts an entry: of its only task, or of a member of its first stage. */
export interface FirstBody {
  /** The entry of the task that the message is of. */
  readonly entry: EntryPlan;
  /** Which of the workflow's members it is. */
  readonly member: number;
  readonly groupIndex: number | null;
  readonly body: CompiledBody;
  /** The same with arguments that code gives; null: it gives none. */
  readonly given: CompiledBody | null;
}

/** Messages of one body: all that is the same in them is made once. */
export interface EntryMessages extends Pick<EntryPlan, "expiresMs" | "countdownMs" | "eta"> {
  readonly template: MessageTemplate;
  readonly body: CompiledBody;
  readonly member: number;
}

/** What a start of the entry publishes; nothing for a member, which workers send or its workflow does. */
export function compileFirstBodies(
  entry: EntryPlan,
  entries: readonly EntryPlan[],
  replyTo: string,
  sources: BodySources,
): FirstBody[] {
  if (entry.memberOf !== null) return [];
  const workflow = workflowOf(entry, entries);
  const plans =
    entry.workflow === null
      ? [entry]
      : membersOf(entry.workflow).map((member) => entries[member.entry]!);
  return firstMessages(workflow, replyTo).map(({ member, embed, groupIndex }) => {
    const own = plans[member]!;
    const body = compileBody({ ...own, hasEta: hasEta(own), embed }, sources);
    const isGiven = own.isScripted || own.payload !== null;
    const isSingle = entry.workflow === null && own.protocol === 2;
    const given = isGiven && isSingle ? compileGivenBody(embed, sources) : null;
    return { entry: own, member, groupIndex, body, given };
  });
}

function workflowOf(entry: EntryPlan, entries: readonly EntryPlan[]): Workflow {
  const { workflow, errbacks } = entry;
  const member = (plan: MemberPlan) => ({
    task: entries[plan.entry]!,
    isImmutable: plan.isImmutable,
  });
  if (workflow === null) {
    return { stages: [[{ task: entry, isImmutable: false }]], callbacks: [], errbacks };
  }
  return {
    stages: workflow.stages.map((stage) => stage.map(member)),
    callbacks: workflow.callbacks.map(member),
    errbacks,
  };
}

/** A workflow's members in their order. */
export function membersOf({ stages, callbacks }: WorkflowPlan): MemberPlan[] {
  return [...stages.flat(), ...callbacks];
}

/** Prepares messages for the broker that will get them. */
export function prepareMessages(
  publisher: Publisher,
  { entry, member, groupIndex, body }: FirstBody,
  origin: string,
): EntryMessages {
  const spec: TaskMessageSpec = {
    ...entry,
    ...routeOf(entry),
    hasEta: hasEta(entry),
    argsrepr: entry.argsrepr ?? body.argsrepr,
    kwargsrepr: entry.kwargsrepr ?? body.kwargsrepr,
    origin,
    groupIndex,
  };
  const context = {
    seq: 0,
    plannedUnixSeconds: 0,
    nowUnixSeconds: 0,
    memberIds: [],
    row: null,
    given: "[], {}",
  };
  const fixedBody = body.isStatic ? body.render({ ...context, ...SAMPLE_FILL }) : null;
  const { expiresMs, countdownMs, eta } = entry;
  return {
    template: publisher.template(spec, fixedBody),
    body,
    member,
    expiresMs,
    countdownMs,
    eta,
  };
}

function hasEta({ countdownMs, eta }: EntryPlan): boolean {
  return countdownMs !== null || eta !== null;
}

/**
 * A task goes to its queue through the anonymous exchange, as every direct queue of Celery is published
 * to (`celery/app/amqp.py send_task_message`), or to the exchange that it names.
 */
function routeOf(entry: EntryPlan): { exchange: string; routingKey: string } {
  const exchange = entry.exchange ?? "";
  const routingKey = entry.routingKey ?? entry.queue;
  if (entry.nativeDelayedDelivery && entry.countdownMs !== null) {
    return delayedRoute(entry.countdownMs, routingKey);
  }
  return { exchange, routingKey };
}

const NO_MEMBERS: readonly string[] = [];

/** Fills in what differs from message to message. */
export class MessageMaker {
  readonly #clock: Clock;
  readonly #share: Share;
  readonly #times = new Map<number, string>();
  readonly #fill: MessageFill = { ...SAMPLE_FILL };
  #timesFromMs = Number.NaN;
  #templated = 0;

  /** `share`: which numbers of `{{ seq }}` are given out here. */
  constructor(clock: Clock, share: Share = WHOLE) {
    this.#clock = clock;
    this.#share = share;
  }

  /**
   * A message of the task `id`. Only messages of workflows have a `group` and `memberIds`.
   * @throws when a template of the arguments cannot be filled in
   */
  make(
    { template, body, expiresMs, countdownMs, eta }: EntryMessages,
    plannedMs: number,
    nowMs: number,
    id: string,
    group = "",
    memberIds: readonly string[] = NO_MEMBERS,
    row: Row | null = null,
    given: string | null = null,
  ): Message {
    const fill = this.#fill;
    fill.id = id;
    fill.group = group;
    if (expiresMs !== null) fill.expires = this.#timeText(expiresMs, nowMs);
    if (countdownMs !== null) fill.eta = this.#timeText(countdownMs, nowMs);
    else if (eta !== null) fill.eta = eta;
    if (!body.isStatic) {
      fill.body = body.render({
        seq: this.#share.index + this.#share.of * this.#templated++,
        plannedUnixSeconds: this.#clock.unixMs(plannedMs) / 1000,
        nowUnixSeconds: this.#clock.unixMs(nowMs) / 1000,
        id: fill.id,
        eta: fill.eta,
        expires: fill.expires,
        group,
        memberIds,
        row,
        given,
      });
    }
    return template.render(fill);
  }

  /** ISO text of now + `afterMs`, made once a turn: it costs as much as the rest of a message. */
  #timeText(afterMs: number, nowMs: number): string {
    if (nowMs !== this.#timesFromMs) {
      this.#times.clear();
      this.#timesFromMs = nowMs;
    }
    let text = this.#times.get(afterMs);
    if (text === undefined) {
      text = isoTime(this.#clock.unixMs(nowMs) + afterMs);
      this.#times.set(afterMs, text);
    }
    return text;
  }
}
