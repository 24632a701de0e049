import assert from "node:assert/strict";
import { test } from "node:test";
import { isWorkflow } from "../../../src/config/schema.js";
import { ConfigError } from "../../../src/errors.js";
import { configurationText } from "../../../src/init/configuration-text.js";
import { taskChoices } from "../../../src/init/task-choices.js";
import { loadTexts } from "../config/configurations.js";
import { WORKER } from "../doctor/facts.js";

const [PLAIN] = WORKER.tasks;
const BROKER = { value: "redis://127.0.0.1/0", comments: [], variable: null };
const NAMES = [
  "shop.tasks.resize",
  "shop.tasks.make.<locals>.inner",
  "<lambda>",
  "nightly report",
  "größe.ändern",
  "images.resize",
  "shop:tasks/resize",
  "true.null",
  "shop.tasks.send_mail",
  "celery.backend_cleanup",
];

/** One worker with tasks of these names. */
function worker(names: readonly string[], change: Partial<typeof WORKER> = {}) {
  return { ...WORKER, tasks: names.map((name) => ({ ...PLAIN!, name })), ...change };
}

const textOf = (...workers: (typeof WORKER)[]) =>
  configurationText({ broker: BROKER, backend: null, workers, silent: 0 });

/** The text with one block of comments made YAML, as an editor does it: `# ` off each of its lines. */
function uncommented(text: string, key: string): string {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.replaceAll('"', "").startsWith(`  # ${key}:`));
  assert.ok(first >= 0, `${key} in\n${text}`);
  for (let at = first; at === first || lines[at]!.startsWith("  #   "); at++) {
    lines[at] = lines[at]!.replace("# ", "");
  }
  return lines.join("\n");
}

test("as it is written it fails, and the message says what to do", () => {
  assert.throws(
    () => loadTexts([textOf(worker(NAMES))]),
    (error) =>
      error instanceof ConfigError &&
      /^load\.yml:\d+:\d+: Cannot read tasks: there is no task yet\. Uncomment one, or write .*\.$/.test(
        error.message,
      ),
  );
});

for (const { key, name } of taskChoices([worker(NAMES)])) {
  test(`it can be used with ${name} uncommented, as ${key}`, () => {
    const { config, warnings } = loadTexts([uncommented(textOf(worker(NAMES)), key)]);
    const task = config.tasks[key]!;
    assert.ok(!isWorkflow(task));
    assert.equal(task.name, name);
    assert.deepEqual({ ...config.scenarios.steady!.mix }, { [key]: 1 });
    assert.deepEqual(warnings, []);
  });
}

test("keys are short, unique, and only letters, digits, - and _; Celery's own tasks are left out", () => {
  const keys = Object.fromEntries(taskChoices([worker(NAMES)]).map(({ name, key }) => [name, key]));
  assert.deepEqual(keys, {
    "<lambda>": "lambda",
    "größe.ändern": "andern",
    "images.resize": "resize",
    "nightly report": "nightly_report",
    "shop.tasks.make.<locals>.inner": "inner",
    "shop.tasks.resize": "tasks_resize",
    "shop.tasks.send_mail": "send_mail",
    "shop:tasks/resize": "shop_tasks_resize",
    "true.null": "null",
  });
});

test("what may have side effects by its name stands apart and is marked", () => {
  const text = textOf(worker(["app.zip", "app.send_mail", "app.add"]));
  const lines = text.split("\n").filter((line) => /SIDE EFFECTS|^ {2}# \w+:/.test(line));
  assert.deepEqual(lines, [
    "  # add:",
    "  # zip:",
    "  # SIDE EFFECTS, by their names: these may send, charge or delete, in earnest, at the rate below.",
    '  # send_mail: # SIDE EFFECTS? "send"',
  ]);
});

test("names that would break the file cannot", () => {
  const evil = "app.a\nconnections: {}\n# \u0085\u2028x";
  const text = textOf(
    worker([evil, "app.add"], {
      node: "celery@a\nevil: 1",
      queues: [{ name: "a\nevil: 2", maxPriority: null, type: null }],
    }),
  );
  assert.doesNotMatch(text, /^(evil|connections: \{)/m);
  assert.match(
    text,
    /a configuration cannot hold the name of the task or of its queue:\n {2}# - "app/,
  );
});

/** What a worker says, and the queue and its note for app.add. */
const queueCases: [string, Partial<typeof WORKER>, string, string][] = [
  ["the default", {}, "celery", "the default"],
  [
    "a default of another name",
    withQueues(["default"], { defaultQueue: "default" }),
    "default",
    "the default",
  ],
  [
    "a route",
    withQueues(["celery", "images"], { routes: { "app.*": "images" } }),
    "images",
    "by task_routes",
  ],
  [
    "a queue of the task's own, before its route",
    {
      ...withQueues(["celery", "own"], { routes: { "app.*": "celery" } }),
      tasks: [{ ...PLAIN!, queue: "own" }],
    },
    "own",
    "the task's own",
  ],
  [
    "the only queue that is consumed, where the default is not",
    withQueues(["images"]),
    "images",
    "the one that its workers consume; the default",
  ],
  [
    "a route to where nobody is",
    withQueues(["celery", "images"], { routes: { "app.*": "gone" } }),
    "gone",
    "by task_routes, but its workers consume: celery, images",
  ],
  [
    "a function",
    withQueues(["celery", "images"], { routes: "shop.route" }),
    "celery",
    "not known, as task_routes has a function; its workers consume: celery, images",
  ],
];

function withQueues(
  names: string[],
  settings: Partial<(typeof WORKER)["settings"]> = {},
): Partial<typeof WORKER> {
  return {
    queues: names.map((name) => ({ name, maxPriority: null, type: null })),
    settings: { ...WORKER.settings, ...settings },
  };
}

for (const [name, change, queue, note] of queueCases) {
  test(`the queue by ${name}`, () => {
    const [choice] = taskChoices([{ ...WORKER, ...change }]);
    assert.deepEqual([choice!.queue, choice!.queueNote], [queue, note]);
  });
}

test("workers with other settings: the queue that is consumed wins", () => {
  const other = { ...WORKER, node: "celery@b", ...withQueues(["b"], { defaultQueue: "b" }) };
  const [choice] = taskChoices([{ ...WORKER, ...withQueues(["b"]) }, other]);
  assert.deepEqual([choice!.queue, choice!.queueNote], ["b", "the default"]);
});

test("each task has the queue of the workers that know it", () => {
  const images = worker(["app.resize"], { node: "celery@b", ...withQueues(["images"]) });
  images.tasks = [{ ...PLAIN!, name: "app.resize" }];
  const choices = taskChoices([worker(["app.add"]), images]);
  assert.deepEqual(
    choices.map(({ key, queue }) => [key, queue]),
    [
      ["add", "celery"],
      ["resize", "images"],
    ],
  );
});

/** Limits of the task, of the pool, of the settings, and the timeout. */
const limits: [Partial<typeof PLAIN>, number | null, number | null, number | null][] = [
  [{}, null, null, null],
  [{ timeLimitSeconds: 10 }, 90, 60, 40],
  [{}, 90, 60, 120],
  [{}, null, 60, 90],
  [{ softTimeLimitSeconds: 4.5 }, null, null, 35],
  [{ timeLimitSeconds: 0 }, null, null, null],
];
for (const [own, pool, setting, seconds] of limits) {
  test(`the timeout by limits of ${JSON.stringify(own)}, ${pool}, ${setting}`, () => {
    const [choice] = taskChoices([
      {
        ...WORKER,
        tasks: [{ ...PLAIN!, ...own }],
        timeLimits: { softSeconds: null, hardSeconds: pool },
        settings: { ...WORKER.settings, timeLimitSeconds: setting },
      },
    ]);
    assert.equal(choice!.timeout?.seconds ?? null, seconds);
  });
}

test("a task that ignores its result is measured all the same", () => {
  const text = textOf({
    ...WORKER,
    tasks: [{ ...PLAIN!, ignoresResult: true, rateLimit: "10/m" }],
  });
  const { config } = loadTexts([uncommented(text, "add")]);
  const task = config.tasks.add!;
  assert.ok(!isWorkflow(task) && task.ignoreResult === false);
  assert.match(text, /# add: # rate_limit 10\/m on each worker\n/);
});

test("who did not answer is said", () => {
  const facts = { broker: BROKER, backend: null, workers: [WORKER], silent: 2 };
  assert.match(configurationText(facts), /# 2 more did not answer/);
});
