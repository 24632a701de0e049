import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { prepare } from "../../../src/commands/prepare.js";

const root = mkdtempSync(join(tmpdir(), "celery-load-code-"));
after(() => rmSync(root, { recursive: true }));
const folder = join(root, "config");
mkdirSync(folder);

interface Given {
  readonly scenario?: string;
  readonly task?: string;
  readonly more?: string;
}

const USERS = "profile: { users: 2 }, script: ./code.mjs";

function load({ scenario = USERS, task = "", more = "" }: Given) {
  const file = join(folder, "load.yml");
  const text = `connections:
  main: { broker: redis://127.0.0.1:6379/0 }
tasks:
  a: { name: app.a${task} }
  b: { name: app.b }
scenarios:
  s: { mix: [a, b], ${scenario} }
${more}`;
  writeFileSync(file, text, { mode: 0o600 });
  return prepare({ files: [file], env: {}, overrides: [] });
}

function refused(given: Given, told: RegExp) {
  assert.throws(
    () => load(given),
    ({ message }: Error) => told.test(message) || assert.fail(message),
  );
}

const write = (text: string, name = "code.mjs") => writeFileSync(join(folder, name), text);
const GOOD = "export default async function ({ send }) {}\n";

const MODULES: readonly (readonly [what: string, text: string, told: RegExp])[] = [
  [
    "no default",
    "export const a = 1;\n",
    /load\.yml:7:\d+: Cannot use script of scenario "s": \.\/code\.mjs: it has no function as its default export\. Write export default function …/,
  ],
  ["no function", "export default { a: 1 };\n", /it has no function as its default export/],
  ["a syntax error", "export default function ( {\n", /\.\/code\.mjs: SyntaxError: /],
  ["a throw at its top", "\nthrow new Error('early');\n", /Error: early \(.*code\.mjs:2:7\)/],
  ["a missing import", "import './none.mjs';\n", /Cannot find module/],
  ["process.exit", "process.exit(7);\n", /the process that loaded it ended \(7\)/],
  [
    "a rejected promise at its top",
    "await Promise.reject(new TypeError('no'));\n",
    /TypeError: no/,
  ],
];
for (const [what, text, told] of MODULES) {
  test(`a module that cannot be used is refused with its line: ${what}`, () => {
    write(text);
    refused({}, told);
  });
}

test("a file that is not there, not beside the configuration, or in a language that this Node does not run", () => {
  refused(
    { scenario: "profile: { users: 2 }, script: ./none.mjs" },
    /\.\/none\.mjs cannot be read/,
  );
  writeFileSync(join(root, "out.mjs"), GOOD);
  refused(
    { scenario: "profile: { users: 2 }, script: ../out.mjs" },
    /must lie in the folder of the configuration file/,
  );
  write("export default (context: unknown): void => {};\n", "code.ts");
  const typed = { scenario: "profile: { users: 2 }, script: ./code.ts" };
  const hasTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  if (hasTypes) assert.equal(load(typed).plan.modules[0]!.file, "./code.ts");
  else
    refused(
      typed,
      /this Node \(v\d+\.\d+\.\d+\) does not run TypeScript\. Use Node 22\.18 or later/,
    );
});

const UNLIKE: readonly (readonly [what: string, given: Given, told: RegExp])[] = [
  [
    "a script without users",
    { scenario: "profile: 1/s, script: ./code.mjs" },
    /script of scenario "s": must come with users/,
  ],
  [
    "data without a script",
    { scenario: "profile: 1/s, data: rows" },
    /data of scenario "s": must come with a script/,
  ],
  ["data that is not there", { scenario: `${USERS}, data: rows` }, /"rows"/],
  [
    "a drawn mix",
    { scenario: `${USERS.replace("users: 2", "users: 3")}, choose: random` },
    /choose of scenario "s": must be left out/,
  ],
  [
    "a payload with args",
    { task: ", args: [1], payload: ./code.mjs" },
    /payload of task "a": must not be set together with args or kwargs/,
  ],
  [
    "a payload with protocol 1",
    { task: ", protocol: 1, payload: ./code.mjs" },
    /must not be set with protocol 1/,
  ],
  [
    "a payload with link",
    { task: ", link: [b], payload: ./code.mjs" },
    /must not be set together with link/,
  ],
  [
    "a payload in a workflow",
    { task: ", payload: ./code.mjs }\n  c: { chain: [b, a]" },
    /has a payload, and its arguments travel/,
  ],
  [
    "a payload that takes each row once",
    {
      task: ", data: rows, payload: ./code.mjs",
      more: "data: { rows: { file: rows.txt, take: once } }",
    },
    /must not be once for task "a"/,
  ],
  [
    "no module",
    { scenario: "profile: { users: 2 }, script: ./code.py" },
    /must be the path of a module/,
  ],
];
for (const [what, given, told] of UNLIKE) {
  test(`what does not go with code is refused: ${what}`, () => {
    write(GOOD);
    writeFileSync(join(folder, "rows.txt"), "1\n");
    refused(given, told);
  });
}

test("one file is one module, whatever it is used for, and another content is another configuration", () => {
  write(GOOD);
  writeFileSync(join(folder, "rows.txt"), "1\n2\n");
  const given = {
    scenario: `${USERS}, data: rows`,
    task: ", payload: ./code.mjs",
    more: "data: { rows: { file: rows.txt, take: once } }",
  };
  const { plan, subject } = load(given);
  assert.equal(plan.modules.length, 1);
  assert.deepEqual(plan.modules[0]!.scripts, [
    {
      ...{ scenario: 0, name: "s", data: 0 },
      entries: { a: { entry: 0, isFixedAs: null }, b: { entry: 1, isFixedAs: null } },
    },
  ]);
  assert.deepEqual(plan.modules[0]!.payloads, [{ entry: 0, scenario: "s", task: "a", data: null }]);
  assert.deepEqual(subject.data[0]!.endsScenarios, ["s"]);
  write(`${GOOD}// changed\n`);
  assert.notEqual(load(given).subject.configHash, subject.configHash);
});
