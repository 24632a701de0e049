import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { prepare } from "../../../src/commands/prepare.js";
import { startsOver } from "../../../src/doctor/starts.js";
import type { RatedSpec } from "../../../src/plan/profile.js";

const folder = mkdtempSync(join(tmpdir(), "celery-load-replay-"));
after(() => rmSync(folder, { recursive: true }));

interface Given {
  readonly replay?: string;
  readonly scenario?: string;
  readonly mix?: string;
  readonly more?: string;
}

function load(name: string, content: string | Buffer, given: Given = {}) {
  writeFileSync(join(folder, name), content);
  const { replay = "", scenario = "", mix = "[resize, mail]", more = "" } = given;
  const file = join(folder, "load.yml");
  const text = `connections:
  main: { broker: redis://127.0.0.1:6379/0 }
tasks:
  resize: { name: app.resize }
  mail: { name: app.mail, queue: mails }
  routed: { name: app.routed, exchange: topics }
  both: { chain: [resize, mail] }
  row: { name: app.row, data: rows, args: ["{{ row }}"] }
data:
  rows: { file: rows.txt, take: once }
scenarios:
  day: { mix: ${mix}, profile: { replay: { file: ${name}${replay} } }${scenario} }
${more}`;
  writeFileSync(file, text, { mode: 0o600 });
  writeFileSync(join(folder, "rows.txt"), "1\n2\n3\n");
  return prepare({ files: [file], env: {}, overrides: [] });
}

function recordingOf(prepared: ReturnType<typeof load>) {
  const { profile } = prepared.plan.scenarios[0]!;
  return (profile as RatedSpec<"replay">).recording!;
}

const timesOf = (name: string, content: string) => [
  ...new Float64Array(recordingOf(load(name, content)).times),
];

/** The same four starts, 0, 250, 1000 and 1000.5 ms after the first. */
const FORMS: readonly (readonly [what: string, name: string, content: string])[] = [
  ["seconds in lines", "a.txt", "5\n5.25\n6\n6.0005\n"],
  ["Unix times", "a.txt", "1796000000\n1796000000.25\n1796000001\n1796000001.0005\n"],
  ["milliseconds", "a.txt", "1796000000000\n1796000000250\n1796000001000\n1796000001000.5\n"],
  [
    "microseconds",
    "a.txt",
    "1796000000000000\n1796000000250000\n1796000001000000\n1796000001000500\n",
  ],
  [
    "nanoseconds",
    "a.txt",
    "1796000000000000000\n1796000000250000000\n1796000001000000000\n1796000001000500000\n",
  ],
  [
    "RFC 3339",
    "a.txt",
    "2026-11-29T08:00:00Z\n2026-11-29T08:00:00.25Z\n2026-11-29T09:00:01+01:00\n2026-11-29T08:00:01.0005Z\n",
  ],
  [
    "Python's logging",
    "a.txt",
    "2026-11-29 08:00:00,000\n2026-11-29 08:00:00,250\n2026-11-29 08:00:01,000\n2026-11-29 08:00:01.000500\n",
  ],
  [
    "CSV with other columns, quotes and a mark",
    "a.csv",
    '\ufeffid,Time,note\r\n1,5,"a,b"\r\n2,5.25,\r\n3,6,"x\ny"\r\n4,6.0005,z\r\n',
  ],
  [
    "JSON lines of a log",
    "a.jsonl",
    '{"t": 5, "level": "info"}\n{"t": "5.25"}\n\n{"timestamp": 6, "name": null}\n{"time": 6.0005}\n',
  ],
  ["out of order", "a.ndjson", '{"t": 6.0005}\n{"t": 5}\n{"t": 6}\n{"t": 5.25}\n'],
];
for (const [what, name, content] of FORMS) {
  test(`times are read: ${what}`, () => {
    const times = timesOf(name, content);
    assert.deepEqual(
      times.map((ms) => Number(ms.toFixed(3))),
      [0, 250, 1_000, 1_000.5],
    );
  });
}

const FAULTS: readonly (readonly [content: string, told: string, given?: Given, name?: string])[] =
  [
    ["", "a.csv has no starts. Put one on each line."],
    ["time\n", "a.csv has no starts. Put one on each line."],
    [
      "when,task\n1,resize\n",
      "a.csv:1 names no column time. Put the names of the columns into the first line.",
    ],
    ["time,task\n1\n", "a.csv:2 has 1 cells, and the first line names 2 columns."],
    [
      "time\n1\n\nsoon\n",
      'a.csv:4 has "soon" as its time. Write seconds, a Unix time, or a date and time such as 2026-11-30T12:00:00.250Z.',
    ],
    ["time\n-1\n", 'a.csv:2 has "-1" as its time.'],
    ["time,task\n1,resize\n,mail\n", "a.csv:3 has no time."],
    ["time\n2026-13-01T00:00:00Z\n", "a.csv:2 has"],
    [
      "time,count\n1,2.5\n",
      'a.csv:2 has "2.5" as its count, which must be a whole number from 0 to 1000000000.',
    ],
    [
      "time,task,priority\n1,resize,high\n",
      'a.csv:2 has "high" as its priority, which must be a whole number from 0 to 255.',
    ],
    ["time,task\n1,resize\n2,\n", "a.csv:3 names no task, unlike the rows before it."],
    ["time,count\n1,2\n2,\n", "a.csv:3 has no count, unlike the rows before it."],
    ["time,queue\n1,fast\n", "a.csv:2 names no task, and the mix has several. Add a column task."],
    [
      "time,task\n1,app.other\n",
      "a.csv names only tasks that are not in the mix (app.other). Add them to the mix.",
    ],
    [
      "time,task,queue\n1,both,fast\n",
      "a.csv:2 names a queue or priority for both, which is a workflow.",
      { mix: "[both]" },
    ],
    [
      "time,task,queue\n1,routed,fast\n",
      "a.csv:2 names a queue or priority for routed, which is sent to an exchange.",
      { mix: "[routed]" },
    ],
    ["time,count\n0,0\n1,0\n", "a.csv has no starts. Put one on each line."],
    ["[1]\n", 'a.jsonl:1 is no mapping. Write it like {"time": 12.5}.', {}, "a.jsonl"],
    ["{\n", "a.jsonl:1 is no JSON. Write one mapping on each line.", {}, "a.jsonl"],
    ['{"time": 1, "task": 7}\n', "a.jsonl:1 has 7 as its task, which must be text.", {}, "a.jsonl"],
  ];
for (const [content, told, given, name = "a.csv"] of FAULTS) {
  test(`a fault is told with its line: ${told}`, () => {
    assert.throws(
      () => load(name, content, given),
      ({ message }: Error) => {
        assert.match(
          message,
          /load\.yml:12:\d+: Cannot use profile\.replay\.file of scenario "day"/,
        );
        assert.ok(message.includes(told), message);
        return true;
      },
    );
  });
}

const UNLIKE: readonly (readonly [what: string, content: string, given: Given, told: string])[] = [
  [
    "Poisson arrivals",
    "time\n1\n",
    { scenario: ", arrival: poisson" },
    'Cannot use arrival of scenario "day": must be left out',
  ],
  [
    "a drawn mix",
    "time,task\n1,mail\n",
    { scenario: ", choose: random" },
    'Cannot use choose of scenario "day": must be left out',
  ],
  ["weights", "time,task\n1,mail\n", { mix: "{ resize: 2, mail: 1 }" }, "Write [resize, mail]."],
  [
    "each row once",
    "time,task\n1,mail\n",
    { mix: "[row, mail]" },
    "must not take each row of rows once",
  ],
  [
    "limits.maxRate",
    "time\n1\n1.1\n1.2\n9\n",
    { more: "limits: { maxRate: 2/s }" },
    "its highest rate is 3/s",
  ],
  ["a file that is not there", "time\n1\n", { replay: "x" }, "cannot be read"],
];
for (const [what, content, given, told] of UNLIKE) {
  test(`what does not go with the file is refused: ${what}`, () => {
    assert.throws(
      () => load("a.csv", content, given),
      ({ message }: Error) => message.includes(told) || assert.fail(message),
    );
  });
}

test("counts without tasks take Poisson arrivals, a drawn mix and weights", () => {
  const given = { scenario: ", arrival: poisson, choose: random", mix: "{ resize: 2, mail: 1 }" };
  const { counts, tasks } = recordingOf(load("a.csv", "time,count\n0,10\n1,20\n", given));
  assert.deepEqual([...new Float64Array(counts!)], [10, 20]);
  assert.equal(tasks, null);
});

test("what rows name becomes entries of the plan: queue and priority instead of the task's own", () => {
  const { plan } = load(
    "a.csv",
    "time,task,queue,priority\n1,app.mail,,\n2,mail,urgent,9\n3,resize,,\n4,mail,mails,\n",
  );
  const entries = plan.scenarios[0]!.entries.map((entry) => plan.entries[entry]!);
  assert.deepEqual(
    entries.map(({ name, queue, priority }) => [name, queue, priority]),
    [
      ["app.mail", "mails", 0],
      ["app.mail", "urgent", 9],
      ["app.resize", "celery", 0],
    ],
  );
  assert.deepEqual(plan.scenarios[0]!.weights, [2, 1, 1]);
});

test("doctor tries each task as itself, however many entries rows make of it", () => {
  const { config, plan } = load(
    "a.csv",
    "time,task,queue\n1,mail,a\n2,mail,b\n3,resize,\n4,mail,c\n",
  );
  assert.deepEqual(
    startsOver(config, "main", plan.entries).map(({ key, entry }) => [key, entry.name]),
    [
      ["mail", "app.mail"],
      ["resize", "app.resize"],
    ],
  );
});

test("another content is another configuration", () => {
  const hash = (content: string) => load("a.csv", content).subject.configHash;
  assert.notEqual(hash("time\n1\n2\n"), hash("time\n1\n3\n"));
  assert.equal(hash("time\n1\n2\n"), hash("time\n1\n2\n"));
});
