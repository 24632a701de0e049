import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { startsOver } from "../../../src/doctor/starts.js";
import { planEntries } from "../../../src/workload/entries.js";

const set = (path: string, value: unknown) => ({ path: path.split("."), value, flag: "test" });
const { config } = loadConfig({
  files: [],
  env: {},
  overrides: [
    set("connections.a.broker", "redis://a/0"),
    set("connections.b.broker", "redis://b/0"),
    set("tasks.one", { name: "app.one", urgency: 9, countdown: "2s" }),
    set("tasks.two", { name: "app.two", queue: "q2", expires: "none", timeout: "5s" }),
    set("tasks.linked", { name: "app.linked", link: ["two"], linkError: ["one"] }),
    set("tasks.flow", { chord: { header: ["one", "two"], body: "two" }, timeout: "30s" }),
    set("scenarios.first", { connection: "a", profile: "1/s", mix: ["one", "flow"] }),
    set("scenarios.other", { connection: "b", profile: "1/s", mix: ["two"] }),
    set("scenarios.last", { connection: "a", profile: "1/s", mix: ["one", "linked"] }),
  ],
});
const { entries } = planEntries(config, { numberOf: () => null });
const keysOf = (connection: string) =>
  startsOver(config, connection, entries).map(({ key, tasks }) => [key, tasks.map((t) => t.key)]);

test("each start of a connection's scenarios is there once, with all that workers run for it", () => {
  assert.deepEqual(keysOf("a"), [
    ["one", ["one"]],
    ["flow", ["one", "two", "two"]],
    ["linked", ["linked", "two", "one"]],
  ]);
  assert.deepEqual(keysOf("b"), [["two", ["two"]]]);
});

test("a task has the options of its own, and the timeout of what is started", () => {
  const [one, flow] = startsOver(config, "a", entries);
  assert.deepEqual(one!.tasks[0], {
    key: "one",
    name: "app.one",
    queue: "celery",
    priority: 0, // urgency 9 on Redis
    timeoutMs: 60_000,
    expiresMs: 60_000,
    delayMs: 2_000,
    ignoreResult: null,
    serializer: "json",
    peakPerSecond: 1.5, // half of the starts of both scenarios, and a member of the other half of one
  });
  assert.equal(flow!.entry.workflow?.stages.length, 2);
  const member = flow!.tasks[1]!;
  assert.deepEqual([member.name, member.queue, member.expiresMs], ["app.two", "q2", null]);
  assert.equal(member.timeoutMs, 30_000);
});
