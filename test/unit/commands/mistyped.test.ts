import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CHECKOUT } from "../../../src/setup/checkout.js";

const MAIN = join(CHECKOUT, "dist/src/main.js");
const MORE = "(celery-load --help shows what there is)";
const TASK = ["--task", "app.add"];

const folder = mkdtempSync(join(tmpdir(), "celery-load-mistyped-"));
mkdirSync(join(folder, "folder"));
writeFileSync(join(folder, "plain"), "tasks: []\n");
after(() => rmSync(folder, { recursive: true }));

/** What is typed, and what is answered on standard error; all of them end with 104. */
const MISTYPED: readonly (readonly [args: readonly string[], ...lines: string[]])[] = [
  [
    ["chek", "load.yml"],
    'There is no command "chek", and no file of this name. Did you mean "check"?',
    MORE,
  ],
  [["rn"], 'There is no command "rn", and no file of this name. Did you mean "run"?', MORE],
  [["doc"], 'There is no command "doc", and no file of this name. Did you mean "doctor"?', MORE],
  [
    ["help", "chek"],
    'There is no command "chek", and no file of this name. Did you mean "check"?',
    MORE,
  ],
  [
    ["no.yml"],
    "no.yml: Cannot read the configuration file: there is no such file. Check the path.",
  ],
  [
    ["check", "folder"],
    "folder: Cannot read the configuration file: it is a directory. Name the file in it.",
  ],
  [
    ["plain"],
    "plain:1:1: Cannot read connections: it is missing. Write connections: {main: {broker: redis://127.0.0.1:6379/0}}.",
    "plain:1:1: Cannot read scenarios: it is missing. Write scenarios: {steady: {profile: 20/s}}.",
    "plain:1:8: Cannot read tasks: must be a mapping; found a list. Write tasks: {resize: {name: app.tasks.resize}}.",
  ],
  [["run"], "--task: Cannot run without a task. Write --task app.tasks.add, or name a file."],
  [["run", "--taks", "a"], "error: unknown option '--taks'", "(Did you mean --task?)", MORE],
  [
    ["run", ...TASK, "--log-level", "dbug"],
    "error: option '--log-level <level>' argument 'dbug' is invalid. Did you mean debug? Choices are trace, debug, info, warn, error, fatal, silent.",
    MORE,
  ],
  [
    ["rules", "--format", "promethues"],
    "error: option '--format <format>' argument 'promethues' is invalid. Did you mean prometheus? Choices are prometheus, operator.",
    MORE,
  ],
  [
    ["run", ...TASK, "--rate", "20"],
    '--rate: Cannot read rate of scenario "quick": must be a number per s, m or h such as 20/s; found "20". Write 20/s.',
  ],
  [
    ["run", ...TASK, "--for", "20"],
    '--for: must be a number with the unit ms, s, m, h or d such as 30s; found "20". Write 20s.',
  ],
  [
    ["run", ...TASK, "--args", "['a']"],
    '--args: Cannot read --args: must be a JSON list such as [1, "a"]; this is not JSON, which has double quotes, true, false and null. Put it in single quotes for the shell.',
  ],
  [
    ["run", ...TASK, "--broker", "localhost"],
    '--broker: Cannot read broker of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://. Write redis://localhost:6379/0.',
  ],
];

for (const [args, ...lines] of MISTYPED) {
  test(`celery-load ${args.join(" ")} is answered with what was meant and 104`, async () => {
    const { code, stdout, stderr } = await call(args);
    assert.deepEqual(stderr.trimEnd().split("\n"), lines);
    assert.deepEqual([code, stdout], [104, ""]);
  });
}

test("celery-load alone prints its help, as --help does, and ends with 0", async () => {
  const [alone, asked] = await Promise.all([call([]), call(["--help"])]);
  assert.match(alone.stdout, /^Usage: celery-load .*\n[\s\S]* check [\s\S]* doctor /);
  assert.deepEqual(alone, asked);
  assert.deepEqual([alone.code, alone.stderr], [0, ""]);
});

function call(args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, timeout: 60_000 };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}
