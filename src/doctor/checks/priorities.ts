import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, ServerFacts, TaskFacts } from "../facts.js";
import { isBefore } from "../versions.js";
import { consumersOf } from "./tasks.js";

/**
 * On RabbitMQ it depends on the type of a queue and the version what a priority does without x-max-priority
 * (rabbitmq.com/docs/priority): nothing in a classic queue; in a quorum queue nothing before 4.0, then there are two
 * priorities, and levels by x-max-priority from 4.3 on.
 */
export function checkPriorities(facts: ConnectionFacts): Finding[] {
  if (facts.broker.fault !== null || facts.broker.kind !== "amqp") return [];
  return facts.tasks.flatMap((task) => checkPriority(facts, task));
}

function checkPriority(facts: ConnectionFacts, task: TaskFacts): Finding[] {
  const { connection, broker } = facts;
  const { key, name, queue, priority } = task;
  const declared = consumersOf(facts, queue).flatMap(({ queues }) =>
    queues.filter((each) => each.name === queue),
  );
  const isPlain = declared.length > 0 && declared.every(({ maxPriority }) => maxPriority === null);
  if (priority === 0 || !isPlain) return [];
  // What a worker declares is refused when the queue is of another type.
  const type =
    facts.queues.find((each) => each.name === queue)?.type ??
    declared.find((each) => each.type !== null)?.type ??
    null;
  const version = versionOf(broker);
  const about = { key, queue, priority, task: name };
  const unclear = (unknown: string) => [
    finding("priority-unclear", connection, { ...about, unknown }),
  ];
  if (type === "classic") return [finding("priority-ignored", connection, about)];
  if (type === "stream") return [finding("priority-of-stream", connection, about)];
  if (version === null)
    return unclear("the broker does not say that it is RabbitMQ, and of which version");
  // No type has priorities then without being declared with them.
  if (type === null && isBefore(version, [4])) {
    return [finding("priority-ignored", connection, about)];
  }
  if (type === null) return unclear("its type is not known");
  if (type !== "quorum") return unclear(`it is of the type ${type}`);
  if (isBefore(version, [4])) {
    return [finding("priority-of-quorum", connection, { ...about, version })];
  }
  if (!isBefore(version, [4, 3])) return unclear(`it is a quorum queue of RabbitMQ ${version}`);
  const isHigh = priority >= HIGH;
  return isHigh ? [] : [finding("priority-too-low", connection, { ...about, version })];
}

/** The higher priority of a quorum queue of RabbitMQ 4.0 to 4.2 begins here. */
const HIGH = 5;

/** Null for what is not known to be a RabbitMQ of that version. */
function versionOf({ about }: ServerFacts): string | null {
  const isKnown = about?.product === "RabbitMQ" && /^\d+\.\d+/.test(about.version);
  return isKnown ? about.version : null;
}
