import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CHECKOUT } from "../../../src/setup/checkout.js";

const COMMANDS = ["check", "plan", "doctor", "run"];
const MAIN = join(CHECKOUT, "dist/src/main.js");

const CONFIG = `connections:
  main: {broker: "redis://127.0.0.1:1"}
tasks:
  a: {name: app.a}
  b:
    name: app.b
scenarios:
  steady:
    profile: 20/s
    mix: [a, b]
`;

const STEPS = Array.from({ length: 3_000 }, (_, index) => `${index + 1}/s for 1s`).join(", ");

/** What each of the four commands says, word for word, and nothing else. */
const BAD: readonly (readonly [name: string, text: string, faults: readonly string[]])[] = [
  [
    "so many steps that their series are too many",
    CONFIG.replace("20/s", `{steps: [${STEPS}]}`),
    [
      'load.yml:9:14: Cannot use profile of scenario "steady": its 3,000 stages make N of the M time series on /metrics, and limits.series is 5000. Use fewer stages (steps with repeat: true go round), or raise limits.series to 8000.',
    ],
  ],
  [
    "more tasks and buckets than series",
    `${CONFIG}limits: {series: 100}\n`,
    [
      'load.yml:10:10: Cannot use mix of scenario "steady": its 2 tasks with 15 buckets each make N of the M time series on /metrics, and limits.series is 100. Use fewer tasks or buckets, or raise limits.series to 2000.',
    ],
  ],
  [
    "more shares than tasks in flight, by a value that is not written",
    `${CONFIG}threads: 8\nsegment: 1/2000\n`,
    [
      'load.yml:8:3: Cannot use maxInFlight of scenario "steady": it is 10000, and 16000 threads and segments share it: some could have nothing in flight and would drop all. Raise it to 16000 or more, or use fewer threads or segments.',
    ],
  ],
  [
    "more in flight than a thread can track",
    CONFIG.replace("name: app.b", `group: [${"a, ".repeat(20)}]\n    timeout: 5s`).replace(
      "20/s",
      "20/s\n    maxInFlight: 1000000",
    ),
    [
      'load.yml:11:18: Cannot use maxInFlight of scenario "steady": all maxInFlight is 21,000,000 tasks, members of workflows included, more than the 13,421,772 that one thread can track. Lower it, or use more threads.',
    ],
  ],
  [
    "files of templates that are not there, elsewhere, a folder and empty",
    CONFIG.replace(
      "name: app.b",
      `name: app.b
    args: [1, '{{ file("none.txt") }}']
    kwargs: {to: {x: 'at {{ file("../etc/passwd") }}'}, y: "{{ file('.') }}", z: "{{ file('empty.txt') }}"}`,
    ),
    [
      'load.yml:7:15: Cannot use args[1] of task "b": file("none.txt") cannot be read: there is no such file. It is looked for at FOLDER/none.txt.',
      'load.yml:8:22: Cannot use kwargs.to.x of task "b": file("../etc/passwd") must lie in the folder of the configuration file. Move it there.',
      'load.yml:8:60: Cannot use kwargs.y of task "b": file(".") cannot be read: it is a directory. Name the file in it.',
      'load.yml:8:82: Cannot use kwargs.z of task "b": file("empty.txt") has no lines. Put one value on each line.',
    ],
  ],
  [
    "a key that is not there",
    `${CONFIG}sed: 1\n`,
    ['load.yml:11:1: Cannot read key "sed": there is no such key. Did you mean "seed"?'],
  ],
];

const folder = mkdtempSync(join(tmpdir(), "celery-load-same-"));
after(() => rmSync(folder, { recursive: true }));

for (const [name, text, faults] of BAD) {
  test(`check, plan, doctor and run refuse ${name} in the same words`, async () => {
    writeFileSync(join(folder, "load.yml"), text);
    writeFileSync(join(folder, "empty.txt"), "\n");
    const said = await Promise.all(COMMANDS.map((command) => call(command)));
    const expected = { code: 104, stdout: "", stderr: `${faults.join("\n")}\n` };
    assert.deepEqual(
      said,
      COMMANDS.map(() => expected),
    );
  });
}

test("check and plan pass on with the same warnings", async () => {
  const text = CONFIG.replace("redis://", "redis://:secret@");
  writeFileSync(join(folder, "load.yml"), text);
  chmodSync(join(folder, "load.yml"), 0o644);
  const [checked, planned] = await Promise.all([call("check"), call("plan")]);
  assert.match(checked.stderr, /^Warning: load\.yml:2:18: This file holds a password /);
  assert.deepEqual([planned.code, planned.stderr], [0, checked.stderr]);
});

function call(command: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const args = [MAIN, command, "load.yml"];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({
        code: error?.code ?? 0,
        stdout,
        stderr: stderr
          .replaceAll(folder, "FOLDER")
          // A metric more is another number.
          .replace(/[\d,]+ of the [\d,]+ time series/, "N of the M time series"),
      }),
    );
  });
}
