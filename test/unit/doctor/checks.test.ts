import assert from "node:assert/strict";
import { test } from "node:test";
import { ADVICE, type AdviceCode, finding } from "../../../src/doctor/advice.js";
import { check } from "../../../src/doctor/checks/checks.js";
import type { ConnectionFacts, TaskFacts, WorkerFacts } from "../../../src/doctor/facts.js";
import {
  RABBITMQ,
  REDIS,
  RESULT,
  SENT,
  START,
  TASK,
  WELL,
  WORKER,
  WORKERS,
  withProbe,
  withResult,
  withSettings,
  withTask,
  withWorker,
} from "./facts.js";

const FAULT = { cause: "connect ECONNREFUSED", isConfiguration: false };
const FULL = "NOT_ALLOWED - connection refused for user 'a': user connection limit (2) is reached";
const NOBODY = { ...WORKERS, answered: [], heardBy: 0, withTaskEvents: [] };
const NOT_SENT = { sent: false, why: "as asked" } as const;
const [EMPTY] = WELL.queues;
const [PLAIN] = WORKER.tasks;
const OTHER = { ...WORKER, node: "celery@b" };
const lost = { result: null, missingId: SENT.ids[0]!, waitedMs: 10_000, events: [] };
const UNTRIED = { starts: [{ ...START, probe: NOT_SENT }] };
const evicting = (evictionPolicy: string) => ({
  ...REDIS,
  about: { product: "Redis", version: "7.0.15", evictionPolicy },
});
/** The one task with a rate limit, on one worker or more of its queue. */
const limited = (
  rateLimit: string,
  task: Partial<TaskFacts>,
  settings: Partial<WorkerFacts["settings"]> = {},
  more: string[] = [],
): ConnectionFacts => {
  const tasks = [{ ...PLAIN!, rateLimit }];
  const others = more.map((node) => ({ ...WORKER, node, tasks }));
  return {
    ...withWorker({ tasks, settings: { ...WORKER.settings, ...settings } }, others),
    tasks: [{ ...TASK, ...task }],
  };
};
const onRabbitmq = (facts: ConnectionFacts, version = "3.10.8"): ConnectionFacts => ({
  ...facts,
  broker: { ...RABBITMQ, about: { ...RABBITMQ.about!, version } },
});
const ofType = (type: string, facts: ConnectionFacts): ConnectionFacts => ({
  ...facts,
  queues: facts.queues.map((queue) => ({ ...queue, type })),
});

/** A sentence, the facts, the advice that they bring, and a part of what it says. */
const cases: [string, ConnectionFacts, AdviceCode[], RegExp?][] = [
  ["nothing where nothing is wrong", WELL, []],

  // servers
  [
    "a broker that cannot be reached, once if it is the backend as well",
    { ...WELL, broker: { ...REDIS, fault: FAULT }, backend: { ...REDIS, fault: FAULT } },
    ["server-unreachable"],
    /broker at redis:\/\/broker:6379\/0 cannot be reached: connect ECONNREFUSED/,
  ],
  [
    "a backend that refuses our account",
    {
      ...WELL,
      backend: {
        ...REDIS,
        url: "redis://results/0",
        fault: { cause: "WRONGPASS", isConfiguration: true },
      },
    },
    ["server-refuses"],
    /backend at redis:\/\/results\/0 refuses us: WRONGPASS\./,
  ],
  [
    "a broker that takes no more connections",
    {
      ...WELL,
      broker: { ...WELL.broker, fault: { cause: FULL, isConfiguration: false } },
      tasks: [],
      starts: [],
    },
    ["server-full"],
    /takes no more connections: .*limit \(2\) is reached\./,
  ],
  [
    "a server with places for the load alone",
    {
      ...WELL,
      workers: { ...NOBODY, controlFault: FULL, eventsFault: FULL },
      noPlace: { parts: ["questions to workers", "events of workers"], cause: FULL },
    },
    ["server-nearly-full"],
    /no place on .* for questions to workers, events of workers: /,
  ],
  [
    "a broker that evicts whole queues, and a backend that evicts results",
    { ...WELL, broker: evicting("allkeys-lru"), backend: evicting("volatile-lru") },
    ["server-evicts", "server-evicts"],
    /whole queues/,
  ],
  ["a broker that evicts only what expires", { ...WELL, broker: evicting("volatile-ttl") }, []],

  // workers
  [
    "that a queue was emptied meanwhile",
    { ...WELL, queueFalls: [{ queue: "celery", from: 500, to: 0, taken: 0, atMs: 1 }] },
    ["queue-fell"],
  ],
  ["that no worker answers", { ...WELL, workers: NOBODY, tasks: [], starts: [] }, ["no-worker"]],
  [
    "that nobody answers although tasks are done",
    { ...WELL, workers: { ...NOBODY, withTaskEvents: ["celery@a"] } },
    ["workers-not-asked"],
  ],
  [
    "that workers could not be asked",
    { ...WELL, workers: { ...NOBODY, controlFault: "NOPERM" }, tasks: [], starts: [] },
    ["workers-not-asked"],
    /NOPERM/,
  ],
  [
    "a worker that sends heartbeats only, and nothing of its queues",
    { ...withTask({ queue: "x", name: "y" }), workers: { ...WORKERS, silent: ["celery@b"] } },
    ["worker-silent"],
    /celery@b/,
  ],
  [
    "a subscriber that did not answer",
    { ...WELL, workers: { ...WORKERS, heardBy: 3 } },
    ["question-unanswered"],
    /3 subscribers.* only 1 answered/,
  ],
  [
    "two workers with one name",
    { ...WELL, workers: { ...WORKERS, heardBy: 2, sameNames: ["celery@a"] } },
    ["same-node-name"],
  ],

  // settings of workers
  ["a worker that takes no JSON", withSettings({ acceptContent: ["pickle"] }), ["content-refused"]],
  [
    "a worker that takes JSON by its type",
    withSettings({ acceptContent: ["application/json"] }),
    [],
  ],
  [
    "results that are stored elsewhere",
    { ...withSettings({ resultBackend: "db+postgresql://db/celery" }), ...UNTRIED },
    ["results-elsewhere"],
    /db\+postgresql/,
  ],
  [
    "nothing of results that arrived, whatever the settings say: the environment says otherwise",
    withSettings({ resultBackend: "db+postgresql://db/celery" }),
    [],
  ],
  [
    "results that are stored elsewhere by one of two workers, not by the one that was tried",
    withWorker({}, [
      { ...OTHER, settings: { ...WORKER.settings, resultBackend: "db+postgresql://db/celery" } },
    ]),
    ["results-elsewhere"],
    /^Results of celery@b are/,
  ],
  [
    "results by rpc:// that are waited for in Redis",
    { ...withSettings({ resultBackend: "rpc" }), ...UNTRIED },
    ["results-elsewhere"],
  ],
  [
    "another database on which no result has arrived",
    {
      ...withSettings({ resultBackend: "redis://broker:6379/1" }),
      ...UNTRIED,
    },
    ["results-elsewhere"],
  ],
  [
    "results in another database",
    withSettings({ resultBackend: "redis://:********@same-server:6379/1" }),
    ["results-in-other-database"],
    /database 1 .* looks in 0/,
  ],
  ["another name of the same server", withSettings({ resultBackend: "redis://alias:6379/0" }), []],
  [
    "results that are not stored",
    withSettings({ resultBackend: "disabled://" }),
    ["results-disabled"],
  ],
  ["nothing of a backend that is not said", withSettings({ resultBackend: null }), []],
  [
    "priority lists that no worker reads",
    { ...withSettings({ prioritySteps: [0, 5] }), tasks: [{ ...TASK, priority: 7 }] },
    ["priority-list-unread"],
    /priority_steps of celery@a is \[0,5\], .*\[0,3,6,9\]/,
  ],
  [
    "another separator",
    { ...withSettings({ sep: ":" }), tasks: [{ ...TASK, priority: 9 }] },
    ["priority-list-unread"],
  ],
  [
    "nothing of settings that were not said",
    {
      ...withSettings({
        acceptContent: null,
        visibilityTimeoutSeconds: null,
        prioritySteps: null,
        sep: null,
      }),
      tasks: [{ ...TASK, priority: 9, serializer: "yaml" }],
    },
    [],
  ],
  ["nothing of lists that are not used", withSettings({ prioritySteps: [0, 5], sep: ":" }), []],
  [
    "Celery 5.2.6 and a task that expires",
    withWorker({ version: "5.2.6" }),
    ["expires-breaks-retry"],
  ],
  [
    "Celery 5.2.6 and no task that expires",
    { ...withWorker({ version: "5.2.6" }), tasks: [{ ...TASK, expiresMs: null }] },
    [],
  ],
  ["Celery 5.2.7", withWorker({ version: "5.2.7" }), []],
  ["Celery 5.10", withWorker({ version: "5.10.0" }), []],
  ["a version that cannot be read", withWorker({ version: "x" }), []],
  [
    "a late acknowledgement beyond the visibility timeout",
    {
      ...withWorker({ tasks: [{ ...PLAIN!, acknowledgesLate: true }] }),
      tasks: [{ ...TASK, timeoutMs: 2 * 3_600_000 }],
    },
    ["runs-twice"],
    /120 m.* 60 m/,
  ],

  [
    "a worker that takes nothing but JSON",
    withTask({ serializer: "msgpack" }),
    ["content-refused"],
    /app\.add is written in msgpack, .* celery@a .* accepted there is json\./,
  ],

  // queues
  [
    "a queue without a worker",
    {
      ...withTask({ queue: "celry" }, NOT_SENT),
      queues: [{ ...EMPTY!, name: "celry" }],
    },
    ["queue-without-worker"],
    /celry; did you mean celery/,
  ],
  [
    "nothing of a queue that somebody unknown consumes",
    onRabbitmq({
      ...withTask({ queue: "x" }),
      queues: [{ name: "x", depth: { ready: 0, consumers: 1 }, isMissing: false, type: null }],
    }),
    [],
  ],
  [
    "nothing of a task that an unknown consumer of its queue may know",
    onRabbitmq({
      ...withTask({ name: "nothing.alike" }),
      queues: [{ ...EMPTY!, depth: { ready: 0, consumers: 2 } }],
    }),
    [],
  ],
  [
    "a queue that does not exist",
    onRabbitmq({
      ...withTask({ queue: "x" }, NOT_SENT),
      queues: [{ name: "x", depth: null, isMissing: true, type: null }],
    }),
    ["queue-missing"],
  ],
  [
    "a backlog",
    { ...WELL, queues: [{ ...EMPTY!, depth: { ready: 17, consumers: null } }] },
    ["queue-deep"],
    /holds 17 .*\(16\)/,
  ],
  [
    "no backlog where prefetch has no limit",
    {
      ...withWorker({ prefetch: 0 }),
      queues: [{ ...EMPTY!, depth: { ready: 17, consumers: null } }],
    },
    [],
  ],

  // tasks
  [
    "a wrong name",
    withTask({ name: "app.ad" }, NOT_SENT),
    ["task-unknown"],
    /app\.ad; did you mean app\.add/,
  ],
  [
    "a task whose workers do not consume its queue",
    withWorker({ tasks: [] }, [
      { ...OTHER, queues: [{ name: "b", maxPriority: null, type: null }] },
    ]),
    ["task-elsewhere"],
    /registered on celery@b/,
  ],
  [
    "a task that one of the workers does not know",
    withWorker({}, [{ ...OTHER, tasks: [] }]),
    ["task-not-everywhere"],
    /consumed by celery@b/,
  ],
  [
    "a task that ignores its result",
    {
      ...withWorker({ tasks: [{ ...PLAIN!, ignoresResult: true }] }),
      ...UNTRIED,
    },
    ["result-ignored"],
  ],
  [
    "nothing of a setting that the message overrides",
    {
      ...withWorker({ tasks: [{ ...PLAIN!, ignoresResult: true }] }),
      tasks: [{ ...TASK, ignoreResult: false }],
    },
    [],
  ],
  [
    "a rate limit below the plan's peak",
    limited("10/m", { peakPerSecond: 0.2 }),
    ["rate-limited"],
    /10\/m of app\.add .* on celery@a\), and the plan comes to 12\/m/,
  ],
  [
    "a rate limit that the plan comes near to",
    limited("20/s", { peakPerSecond: 17 }),
    ["rate-limited"],
    /17\/s/,
  ],
  ["nothing of a rate limit far above the plan", limited("20/s", { peakPerSecond: 2.3 }), []],
  ["a rate limit, where the rate is max", limited("20", { peakPerSecond: null }), ["rate-limited"]],
  ["nothing of a rate limit of 0, which is none", limited("0", { peakPerSecond: 9 }), []],
  [
    "nothing of a rate limit that a worker is told to disregard",
    { ...limited("1/s", { peakPerSecond: 9 }, { disablesRateLimits: true }) },
    [],
  ],
  [
    "nothing of a rate limit that two workers keep together",
    limited("10/s", { peakPerSecond: 15 }, {}, ["celery@b"]),
    [],
  ],
  [
    "a rate limit that two workers do not keep, once",
    limited("10/s", { peakPerSecond: 19 }, {}, ["celery@b"]),
    ["rate-limited"],
    /on celery@a, celery@b\), and the plan comes to 9\.5\/s for each/,
  ],
  [
    "a priority without x-max-priority",
    onRabbitmq(withTask({ priority: 5 })),
    ["priority-ignored"],
  ],
  [
    "a priority with x-max-priority",
    onRabbitmq({
      ...withWorker({ queues: [{ name: "celery", maxPriority: 10, type: null }] }),
      tasks: [{ ...TASK, priority: 5 }],
    }),
    [],
  ],
  [
    "a priority on a quorum queue before RabbitMQ 4",
    ofType("quorum", onRabbitmq(withTask({ priority: 9 }))),
    ["priority-of-quorum"],
    /no priorities in RabbitMQ 3\.10\.8/,
  ],
  [
    "a priority on a quorum queue of RabbitMQ 4 that is too low for a difference",
    ofType("quorum", onRabbitmq(withTask({ priority: 4 }), "4.0.5")),
    ["priority-too-low"],
  ],
  [
    "a priority on a stream",
    ofType("stream", onRabbitmq(withTask({ priority: 9 }))),
    ["priority-of-stream"],
  ],
  [
    "a priority on a queue of RabbitMQ 4 whose type is not known",
    onRabbitmq(withTask({ priority: 9 }), "4.0.5"),
    ["priority-unclear"],
    /its type is not known/,
  ],

  // what was sent
  [
    "a task that the broker refused",
    withProbe({ outcome: "unroutable", reason: "no queue", result: null }),
    ["publish-failed"],
    /unroutable\): no queue/,
  ],
  [
    "a task that the broker refused, with what to do about it",
    withProbe({ outcome: "refused", reason: "ACCESS_REFUSED - no\nLet it.", result: null }),
    ["publish-refused"],
    /ACCESS_REFUSED - no\.$/,
  ],
  [
    "a failure",
    withResult({ state: "FAILURE", exception: "KeyError" }),
    ["task-failed"],
    /KeyError/,
  ],
  [
    "a revoked task",
    withResult({ state: "REVOKED", exception: "TaskRevokedError" }),
    ["task-revoked"],
  ],
  [
    "a result that did not come",
    withProbe({ ...lost, events: SENT.events }),
    ["result-missing"],
    /celery@a/,
  ],
  [
    "a workflow by its name, of which one member gave no result",
    {
      ...WELL,
      starts: [
        { ...START, key: "flow", probe: { ...SENT, ...lost, ids: ["a", "b"], missingId: "b" } },
      ],
    },
    ["task-lost"],
    /^flow gave no result/,
  ],
  [
    "a task that runs on",
    withProbe({ ...lost, place: { node: "celery@a", state: "active" } }),
    ["task-runs-on"],
    /celery@a after 10 s/,
  ],
  [
    "a task that waits in its worker",
    withProbe({ ...lost, place: { node: "celery@a", state: "reserved" } }),
    ["task-waits"],
  ],
  ["a task that nobody has", withProbe(lost), ["task-lost"]],
  [
    "a latency near the timeout",
    withTask({ timeoutMs: 20 }),
    ["latency-near-timeout"],
    /11 ms.* 20 ms/,
  ],
  [
    "a clock that is ahead",
    withResult({ doneUnixMs: SENT.publishCallUnixMs + 5_000 }),
    ["clock-off"],
    /celery@a is at least 4\.99 s ahead of ours/,
  ],
  [
    "a clock that is behind",
    withResult({ doneUnixMs: SENT.publishCallUnixMs - 200 }),
    ["clock-off"],
    /200 ms behind/,
  ],
  [
    "no clock that is off by less than the network",
    withResult({ doneUnixMs: SENT.publishCallUnixMs - 50 }),
    [],
  ],

  // settings of results
  ...["json", "msgpack", "yaml"].map((serializer): (typeof cases)[number] => [
    `nothing of results in ${serializer}`,
    withSettings({
      ...{ resultSerializer: serializer, resultCompression: "gzip" },
      resultAcceptContent: ["json", "application/x-msgpack", "application/x-yaml"],
    }),
    [],
  ]),
  [
    "that pickled answers are not all checked",
    withSettings({ resultSerializer: "pickle", resultAcceptContent: ["json", "pickle"] }),
    ["results-pickled"],
    /Results of celery@a are pickled/,
  ],
  [
    "results of a serializer that is not read",
    withSettings({ resultSerializer: "auth", resultAcceptContent: ["auth"] }),
    ["results-unreadable"],
    /\(result_serializer auth\)/,
  ],
  [
    "results of a compression that is not read",
    withSettings({ resultCompression: "bzip2" }),
    ["results-unreadable"],
    /\(result_compression bzip2\)/,
  ],
  [
    "nothing of a compression that rpc:// does not use, nor of what nobody reads there",
    {
      ...withSettings({
        ...{ resultBackend: "rpc://", resultCompression: "bzip2" },
        ...{ resultSerializer: "yaml", resultAcceptContent: ["json"] },
      }),
      backend: { ...REDIS, kind: "rpc", url: "rpc://" },
    },
    [],
  ],
  [
    "a worker that does not accept its own results",
    withSettings({ resultSerializer: "yaml", resultAcceptContent: ["json"] }),
    ["results-refused"],
    /Results of celery@a are written in yaml, which is not accepted there \(json is\)/,
  ],
  [
    "that arguments are stored with results",
    withSettings({ resultExtended: true }),
    ["results-extended"],
  ],
  [
    "a worker that stores no results unless told to, and not its tasks",
    withWorker({
      settings: { ...WORKER.settings, ignoresResults: true },
      tasks: [{ ...PLAIN!, ignoresResult: true }],
    }),
    ["results-ignored"],
    /task_ignore_result/,
  ],
  ["nothing of that where our task says otherwise", withSettings({ ignoresResults: true }), []],
  [
    "nothing of a worker that has none of our queues",
    withWorker({}, [
      {
        ...OTHER,
        queues: [{ name: "others", maxPriority: null, type: null }],
        settings: { ...WORKER.settings, resultSerializer: "auth", resultExtended: true },
      },
    ]),
    [],
  ],
  [
    "another default queue where ours has no worker",
    {
      ...withWorker({
        queues: [{ name: "shop", maxPriority: null, type: null }],
        settings: { ...WORKER.settings, defaultQueue: "shop" },
      }),
      ...UNTRIED,
    },
    ["default-queue-differs", "queue-without-worker"],
    /task_default_queue of celery@a is shop/,
  ],
  [
    "a result that came and could not be read",
    withResult({ state: "MALFORMED", exception: "" }),
    ["result-unreadable"],
  ],

  // events
  [
    "that events are off",
    { ...withProbe({ events: [] }), workers: { ...WORKERS, withTaskEvents: [] } },
    ["events-off"],
  ],
  [
    "nothing of events when no task has ended",
    { ...withTask({}, NOT_SENT), workers: { ...WORKERS, withTaskEvents: [] } },
    [],
  ],
  [
    "that events could not be received",
    { ...WELL, workers: { ...WORKERS, eventsFault: "NOPERM" } },
    ["events-not-received"],
  ],
  [
    "events that could not be read",
    { ...WELL, workers: { ...WORKERS, malformedEvents: 2 } },
    ["events-malformed"],
  ],
];

for (const [name, facts, codes, says] of cases) {
  test(`check() tells ${name}`, () => {
    const findings = check(facts);
    assert.deepEqual(
      findings.map(({ code }) => code),
      codes,
    );
    if (says !== undefined) assert.match(findings[0]!.says, says);
  });
}

test("every advice is given in one of the cases, and filled in", () => {
  const findings = cases.flatMap(([, facts]) => check(facts));
  assert.deepEqual(new Set(findings.map(({ code }) => code)), new Set(Object.keys(ADVICE)));
  for (const { says, remedy, connection } of findings) {
    assert.equal(connection, "main");
    assert.doesNotMatch(says + remedy, /\{\w+\}|undefined|\[object/);
  }
});

test("no remedy deletes, empties or restarts what is others', too", () => {
  for (const [code, { remedy }] of Object.entries(ADVICE)) {
    assert.doesNotMatch(
      remedy,
      /(^|[.;,] |or |and )(delete|remove|purge|flush|empty|restart|reset)\b/i,
      code,
    );
  }
});

/** Three keys of one task name, two workers: what each advice about them says, and how often. */
const SAME = ["a", "b", "c"].map((key) => ({ ...TASK, key }));
const twice = (change: Partial<WorkerFacts>): ConnectionFacts => ({
  ...withWorker(change, [{ ...OTHER, ...change }]),
  tasks: SAME,
});
const merged: [AdviceCode, ConnectionFacts, RegExp][] = [
  ["rate-limited", twice({ tasks: [{ ...PLAIN!, rateLimit: "1/s" }] }), /app\.add \(a, b, c\) /],
  [
    "result-ignored",
    { ...twice({ tasks: [{ ...PLAIN!, ignoresResult: true }] }), ...UNTRIED },
    /c\) /,
  ],
  [
    "runs-twice",
    {
      ...twice({ tasks: [{ ...PLAIN!, acknowledgesLate: true }] }),
      tasks: SAME.map((task) => ({ ...task, timeoutMs: 2 * 3_600_000 })),
    },
    /app\.add \(a, b, c\) acknowledges late .* of celery@a, celery@b,/,
  ],
  [
    "content-refused",
    twice({ settings: { ...WORKER.settings, acceptContent: ["pickle"] } }),
    /app\.add \(a, b, c\) is written in json, and celery@a, celery@b /,
  ],
  [
    "priority-list-unread",
    {
      ...twice({ settings: { ...WORKER.settings, prioritySteps: [0] } }),
      tasks: SAME.map((task) => ({ ...task, priority: 9 })),
    },
    /celery@a, celery@b .* \(a, b, c\)/,
  ],
  [
    "results-elsewhere",
    { ...twice({ settings: { ...WORKER.settings, resultBackend: "rpc://" } }), ...UNTRIED },
    /^Results of celery@a, celery@b are/,
  ],
  ["expires-breaks-retry", twice({ version: "5.2.6" }), /runs on celery@a, celery@b:/],
  [
    "task-unknown",
    { ...WELL, tasks: SAME.map((task) => ({ ...task, name: "nothing.alike" })), ...UNTRIED },
    /registered nothing\.alike \(a, b, c\)\./,
  ],
  ["task-elsewhere", { ...twice({ tasks: [] }), workers: elsewhere(), ...UNTRIED }, /\(a, b, c\)/],
  [
    "task-failed",
    {
      ...WELL,
      tasks: SAME,
      starts: SAME.map(({ key }) => ({
        ...{ ...START, key, tasks: [key] },
        probe: { ...SENT, result: { ...RESULT, id: key, state: "FAILURE", exception: "KeyError" } },
      })),
    },
    /^app\.add \(a, b, c\) failed with KeyError\.$/,
  ],
  ["worker-silent", { ...WELL, workers: { ...WORKERS, silent: ["x", "y"] } }, /from x, y, but/],
];

function elsewhere(): ConnectionFacts["workers"] {
  const other = { ...OTHER, queues: [{ name: "b", maxPriority: null, type: null }] };
  return { ...WORKERS, answered: [{ ...WORKER, tasks: [] }, other], heardBy: 2 };
}

for (const [code, facts, says] of merged) {
  test(`${code} is said once of many keys and workers`, () => {
    const findings = check(facts).filter((each) => each.code === code);
    assert.equal(findings.length, 1, JSON.stringify(findings, null, 1));
    assert.match(findings[0]!.says, says);
  });
}

test("a remedy names each of the keys that it is for", () => {
  const tasks = SAME.map((task) => ({ ...task, name: "nothing.alike" }));
  const [unknown] = check({ ...WELL, tasks, ...UNTRIED });
  assert.match(unknown!.remedy, /^Correct tasks\.a\.name, tasks\.b\.name, tasks\.c\.name, or/);
});

test("what differs stays apart", () => {
  const tasks = [3, 3, 5].map((priority, index) => ({ ...TASK, key: `task-${index}`, priority }));
  const says = check(onRabbitmq({ ...WELL, tasks })).map((each) => each.says);
  assert.equal(says.length, 2);
  assert.match(says[0]!, /priority 3 of app\.add \(task-0, task-1\) /);
  assert.match(says[1]!, /priority 5 of app\.add does/);
});

test("problems come first, notes last", () => {
  const facts = {
    ...withWorker({ version: "5.2.6", tasks: [] }),
    workers: {
      ...WORKERS,
      answered: [{ ...WORKER, tasks: [] }],
      malformedEvents: 1,
      heardBy: 2,
    },
  };
  assert.deepEqual(
    check(facts).map(({ level }) => level),
    ["warning", "note"],
  );
  const unknown = withTask({ name: "nothing.alike" }, NOT_SENT);
  assert.equal(
    check({ ...unknown, workers: { ...WORKERS, malformedEvents: 1 } })[0]?.level,
    "problem",
  );
});

test("finding() fills in the connection, and a value with a brace stays as it is", () => {
  const { remedy, says } = finding("server-refuses", "blue", {
    role: "broker",
    url: "{role}",
    cause: "no",
  });
  assert.match(remedy, /connections\.blue\.broker/);
  assert.match(says, /at \{role\} refuses/);
});
