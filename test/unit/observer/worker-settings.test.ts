import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteControl } from "../../../src/connections/observe-ports.js";
import { type SettingsUse, WorkerSettings } from "../../../src/observer/worker-settings.js";

type Conf = Readonly<Record<string, unknown>>;
const USE: SettingsUse = { results: { isStored: true, isLeftToWorkers: true }, queues: ["celery"] };

/** Workers with these answers to `conf`, and who has been asked. */
function fleet(confs: Readonly<Record<string, Conf>>) {
  const asked: (readonly string[])[] = [];
  const control = {
    ask: async ({ method, destination }: { method: string; destination: readonly string[] }) => {
      assert.equal(method, "conf");
      asked.push(destination);
      const replies = destination
        .filter((node) => node in confs)
        .map((node) => ({ node, answer: confs[node] }));
      return { replies, heardBy: null };
    },
  } as unknown as RemoteControl;
  return { control, asked };
}

const processesOf = (confs: object, pid = 1) =>
  new Map(Object.keys(confs).map((node) => [node, pid]));
const SERVED = new Map([["celery", 1]]);

async function noticesOf(
  confs: Readonly<Record<string, Conf>>,
  { use = USE, consumes = true, consumers = SERVED as ReadonlyMap<string, number> | null } = {},
) {
  const { control } = fleet(confs);
  return new WorkerSettings(use).ask(control, processesOf(confs), () => consumes, consumers);
}

const cases: [name: string, conf: Conf, says: RegExp | null, isProblem?: boolean][] = [
  ["Celery's defaults", {}, null],
  ["msgpack", { result_serializer: "msgpack", accept_content: ["json", "msgpack"] }, null],
  ["gzip", { result_compression: "gzip" }, null],
  [
    "pickle",
    { result_serializer: "pickle", result_accept_content: ["pickle"] },
    /^Results of w1 are pickled/,
    false,
  ],
  ["auth", { result_serializer: "auth", accept_content: ["auth"] }, /serializer auth\)/, true],
  ["bzip2", { result_compression: "bzip2" }, /result_compression bzip2\)/, true],
  [
    "YAML that is not accepted",
    { result_serializer: "yaml" },
    /^Results of w1 are written in yaml/,
    true,
  ],
  ["arguments beside results", { result_extended: true }, /each result of w1 /, false],
  ["no results", { task_ignore_result: true }, /task_ignore_result/, true],
  ["names of before Celery 4", { CELERY_IGNORE_RESULT: true }, /task_ignore_result/, true],
  ["an error", { error: "KeyError('conf')", task_ignore_result: true }, null],
];
for (const [name, conf, says, isProblem] of cases) {
  test(`of a worker with ${name} it is told ${says === null ? "nothing" : "once"}`, async () => {
    const notices = await noticesOf({ w1: conf });
    assert.equal(notices.length, says === null ? 0 : 1);
    if (says === null) return;
    assert.match(notices[0]!.says, says);
    assert.equal(notices[0]!.isProblem, isProblem);
    assert.doesNotMatch(notices[0]!.says + notices[0]!.remedy, /\{\w*\}|undefined/);
  });
}

test("nothing is told of who has none of our queues, or whose results nobody waits for", async () => {
  const confs = { w1: { result_compression: "bzip2", task_ignore_result: true } };
  assert.deepEqual(await noticesOf(confs, { consumes: false }), []);
  assert.deepEqual(await noticesOf(confs, { use: { ...USE, results: null } }), []);
  const use = { ...USE, results: { isStored: false, isLeftToWorkers: false } };
  assert.deepEqual(await noticesOf(confs, { use }), []);
});

test("another default queue is told where ours is known to have no worker", async () => {
  const confs = { w1: { task_default_queue: "shop" }, w2: { task_default_queue: "celery" } };
  const options = { consumes: false, consumers: new Map([["shop", 1]]) };
  const notices = await noticesOf(confs, options);
  assert.deepEqual(
    notices.map(({ remedy }) => remedy),
    ["Set defaults.tasks.queue to shop."],
  );
  assert.deepEqual(await noticesOf(confs), []);
  assert.deepEqual(await noticesOf(confs, { consumes: false, consumers: null }), []);
  assert.deepEqual(await noticesOf(confs, { ...options, use: { ...USE, queues: ["own"] } }), []);
});

test("what is the same of several workers is one notice", async () => {
  const names = Array.from({ length: 7 }, (_, index) => `w${index}`);
  const notices = await noticesOf(
    Object.fromEntries(names.map((name) => [name, { result_extended: true }])),
  );
  assert.equal(notices.length, 1);
  assert.match(notices[0]!.says, /result of w0, w1, w2, w3, w4 and 2 more /);
});

test("each process is asked once, whoever is silent again, and nothing is told twice", async () => {
  const confs = { w1: { result_extended: true }, w2: {} };
  const { control, asked } = fleet(confs);
  const settings = new WorkerSettings(USE);
  const ask = (processes: ReadonlyMap<string, unknown>) =>
    settings.ask(control, processes, () => true, SERVED);
  const all = new Map([...processesOf(confs), ["silent", 1]]);
  assert.equal((await ask(all)).length, 1);
  assert.equal((await ask(all)).length, 0);
  assert.equal((await ask(new Map([["w1", 2]]))).length, 0);
  assert.equal((await ask(new Map([["w1", 2]]))).length, 0);
  assert.deepEqual(asked, [["w1", "w2", "silent"], ["silent"], ["w1"]]);
});

test("a worker that is gone is forgotten, and told of anew when it is back", async () => {
  const confs = { w1: { result_extended: true } };
  const { control, asked } = fleet(confs);
  const settings = new WorkerSettings(USE);
  const ask = (processes: ReadonlyMap<string, unknown>) =>
    settings.ask(control, processes, () => true, SERVED);
  assert.equal((await ask(processesOf(confs))).length, 1);
  assert.equal((await ask(new Map())).length, 0);
  assert.equal((await ask(processesOf(confs))).length, 1);
  assert.equal(asked.length, 2);
});
