import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import { compileBody } from "../../../src/celery/messages/task-body.js";
import {
  firstMessages,
  type Workflow,
  type WorkflowMember,
} from "../../../src/celery/messages/workflow.js";
import { type Captured, capturedCases, comparable, encoderFor } from "../engine/captured.js";
import { CONTEXT, messageSpec, taskOptions } from "./specs.js";

const member = (name: string, ...args: number[]): WorkflowMember => ({
  task: taskOptions({ name: `wire.${name}`, args }),
  isImmutable: false,
});
const workflow = (...stages: WorkflowMember[][]): Workflow => ({
  stages,
  callbacks: [],
  errbacks: [],
});

/** The workflows that were captured, by the text of their calls. */
const WORKFLOWS: Readonly<Record<string, Workflow>> = {
  "chain(add(1,2), add(3), add(4))": workflow(
    [member("add", 1, 2)],
    [member("add", 3)],
    [member("add", 4)],
  ),
  "chain(add(1,2), group(add(3), add(4)))": workflow(
    [member("add", 1, 2)],
    [member("add", 3), member("add", 4)],
  ),
  "chain(group(add, add), tsum, add(10))": workflow(
    [member("add", 1, 2), member("add", 3, 4)],
    [member("tsum")],
    [member("add", 10)],
  ),
  "chord([add(1,2), add(3,4)], tsum())": workflow(
    [member("add", 1, 2), member("add", 3, 4)],
    [member("tsum")],
  ),
  "group(add(1,2), add(3,4))": workflow([member("add", 1, 2), member("add", 3, 4)]),
};

interface Signature {
  readonly kwargs: { readonly tasks?: readonly Signature[] };
  readonly options: { readonly task_id: string; readonly chain?: readonly Signature[] };
}

interface Embedded {
  readonly chain: readonly Signature[] | null;
  readonly chord: Signature | null;
}

for (const each of capturedCases()) {
  const spec = WORKFLOWS[each.call?.canvas ?? ""];
  if (each.call?.canvas === undefined) continue;
  test(`${each.transport}, Celery ${each.version}: ${each.name} is reproduced`, () => {
    assert.ok(spec, "a workflow that this test does not know");
    const ids = idsOf(each.messages);
    const replyTo = String(each.messages[0]!.properties.reply_to);
    const members = [...spec.stages.flat(), ...spec.callbacks];
    const ours = firstMessages(spec, replyTo).map(({ member, embed, groupIndex }) => {
      const { task } = members[member]!;
      const text = compileBody(
        { ...task, embed, hasEta: false },
        { readLines: () => [], random: () => 0 },
      );
      const fill = {
        ...SAMPLE_FILL,
        id: ids.memberIds[member]!,
        group: ids.group,
        body: text.render({ ...CONTEXT, ...ids }),
      };
      const { argsrepr, kwargsrepr } = text;
      const own = messageSpec({ name: task.name, argsrepr, kwargsrepr, groupIndex });
      const ignoreResult = false; // as the callers of the vectors said
      return encoderFor(each, replyTo)
        .template({ ...own, ignoreResult }, null)
        .render(fill) as Captured;
    });
    assert.deepEqual(
      ours.map((message) => asIn(each.version, comparable(message, each))),
      each.messages.map((message) => asIn(each.version, comparable(message, each))),
    );
  });
}

/** Celery 5.2 left out the places in a group without a chord, and the group's id in a chord's body. */
function asIn(version: string, message: Captured): Captured {
  if (version === "5.7") return message;
  const text = JSON.stringify(message.body).replaceAll(/,"group_id":"[^"]*"/g, "");
  const body = JSON.parse(text);
  const isChord = body[2].chord !== null;
  const headers = isChord ? message.headers : { ...message.headers, group_index: null };
  return { ...message, body, headers };
}

/** The ids of the members in their order, and the one of the group. */
function idsOf(messages: readonly Captured[]): { group: string; memberIds: string[] } {
  const [, , embedded] = messages[0]!.body as [unknown, unknown, Embedded];
  const following = [
    ...(embedded.chord === null ? [] : [embedded.chord]),
    ...[...(embedded.chord?.options.chain ?? embedded.chain ?? [])].reverse(),
  ];
  const first = messages.map(({ properties }) => String(properties.correlation_id));
  const later = following.flatMap(({ kwargs, options }) =>
    kwargs.tasks === undefined ? [options.task_id] : kwargs.tasks.map((sig) => sig.options.task_id),
  );
  const innerGroup = following.find(({ kwargs }) => kwargs.tasks !== undefined)?.options.task_id;
  const group = String(messages[0]!.headers.group ?? innerGroup ?? "");
  return { group, memberIds: [...first, ...later] };
}
