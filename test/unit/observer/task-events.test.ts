import assert from "node:assert/strict";
import { test } from "node:test";
import { REPORT, REPORT_SIZE, type TaskReports } from "../../../src/celery/events/task-reports.js";
import { taskId } from "../../../src/celery/messages/task-id.js";
import { TaskEvents } from "../../../src/observer/task-events.js";

const event = (uuid: string) => ({
  type: "task-started",
  uuid,
  hostname: "celery@h",
  unixMs: 1,
  fields: {},
});

test("each thread is told of its own tasks, and nobody of others", async () => {
  const slots = new Map<string, number[]>();
  const prefixes = ["0123abcd-0000", "0123abcd-0001"];
  const events = new TaskEvents(
    prefixes.map((idPrefix) => ({
      idPrefix,
      report({ numbers }: TaskReports) {
        const told = slots.get(idPrefix) ?? [];
        for (let at = 0; at < numbers.length; at += REPORT_SIZE)
          told.push(numbers[at + REPORT.slot]!);
        slots.set(idPrefix, told);
      },
      readClocks() {},
    })),
    ["celery"],
    () => ["celery"],
  );
  const add = (uuid: string) => events.add(event(uuid) as Parameters<typeof events.add>[0], 2);
  add(taskId(prefixes[0]!, 3, 1));
  add(taskId(prefixes[1]!, 4, 1));
  add(taskId("ffffffff-ffff", 5, 1));
  add(taskId(prefixes[0]!, 6, 2));
  assert.equal(events.unexplained, 1);
  assert.deepEqual(events.startedOn("celery"), { ours: 3, others: 1 });
  assert.equal(events.startedOn("other"), null);
  await new Promise((resolve) => setTimeout(resolve, 100));
  events.close();
  assert.deepEqual(Object.fromEntries(slots), { [prefixes[0]!]: [3, 6], [prefixes[1]!]: [4] });
});

test("what the clock of a worker showed is told to every thread, by the number that its tasks have", async () => {
  const told: unknown[] = [];
  const workers: number[] = [];
  const events = new TaskEvents(
    ["0123abcd-0000", "0123abcd-0001"].map((idPrefix) => ({
      idPrefix,
      report: ({ numbers }: TaskReports) => workers.push(numbers[REPORT.worker]!),
      readClocks: (readings: unknown) => told.push(readings),
    })),
    ["celery"],
    () => ["celery"],
  );
  const reading = { askedUnixMs: 1, unixMs: 2, heardUnixMs: 3 };
  events.readClock("other@h", reading);
  events.readClock("celery@h", reading);
  events.add(event(taskId("0123abcd-0001", 3, 1)), 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  events.close();
  const both = [
    { worker: 0, ...reading },
    { worker: 1, ...reading },
  ];
  assert.deepEqual(told, [both, both]);
  assert.deepEqual(workers, [1]);
  assert.equal(events.nameOf(1), "celery@h");
});
