import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runState } from "../../../src/commands/state.js";
import type { StateAct } from "../../../src/commands/state-acts.js";
import { UserError } from "../../../src/errors.js";
import { relativeTo, stateText } from "../../../src/state/state-form.js";
import { fullState } from "../state/states.js";

const folder = mkdtempSync(join(tmpdir(), "celery-load-state-command-"));
after(() => rmSync(folder, { recursive: true }));

const { state, nowMs } = fullState();
const TEXT = stateText({
  state: relativeTo(nowMs, state),
  writtenUnixMs: Date.parse("2026-11-29T12:00:04Z"),
  isClean: false,
  configHash: "feed",
  today: { day: 20_786, starts: 4_711 },
});

function newPath(text: string | null = TEXT): string {
  const path = join(mkdtempSync(join(folder, "s")), "state.json");
  if (text !== null) writeFileSync(path, text);
  return path;
}

function run(act: StateAct, path: string, options = {}) {
  const out = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      out[name] += text;
    },
  });
  const streams = { stdout: stream("stdout"), stderr: stream("stderr") };
  const code = runState(act, path, streams as never, options);
  return { code, ...out };
}

test("state show says what was ordered, by whom and why, and where each plan is", () => {
  const path = newPath();
  const { code, stdout } = run("show", path);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.match(
    lines[0]!,
    /: revision 10, written 2026-11-29T12:00:04\.000Z by a daemon that runs, or was killed, configuration feed$/,
  );
  assert.match(lines[1]!, /^kill switch on since 2026-11-29T12:00:03\.000Z by api: a test$/);
  assert.match(lines[2]!, /^steady: paused, its plan at 3s, 30 starts planned/);
  const rate = lines.find((line) => line.includes("rate 50/s"));
  assert.match(rate!, /^ {2}id-2 rate 50\/s, 599025ms left, since .* by ctl: grün "quoted" \? \\$/);
  assert.ok(lines.some((line) => /id-6 pause by guard deep-queue, since .*: too deep$/.test(line)));
  assert.ok(lines.some((line) => /id-7 throttle to 34 % by guard share, /.test(line)));
  assert.ok(lines.some((line) => line.includes("burst of 100")));
});

test("state show --json is all of it", () => {
  const { stdout } = run("show", newPath(), { json: true });
  assert.deepEqual(JSON.parse(stdout), JSON.parse(TEXT).body);
});

test("state show falls back to the older generation and says so", () => {
  const path = newPath("damaged");
  writeFileSync(`${path}.old`, TEXT);
  const { code, stdout, stderr } = run("show", path);
  assert.equal(code, 0);
  assert.equal(stderr, `Cannot read ${path}: it is no state file.\n`);
  assert.ok(stdout.startsWith(`${path}.old: revision 10`));
});

test("state show of nothing that can be read is 104", () => {
  assert.throws(
    () => run("show", newPath(null)),
    (error: unknown) => error instanceof UserError && error.exitCode === 104,
  );
});

test("state reset puts both generations aside, also damaged ones, and deletes nothing", () => {
  const path = newPath("damaged");
  writeFileSync(`${path}.old`, TEXT);
  const { code, stdout } = run("reset", path);
  assert.equal(code, 0);
  assert.match(stdout, /\.reset\.\n.*\.old\.reset\.\nThe next run with it begins anew\./);
  assert.deepEqual(
    [path, `${path}.old`, `${path}.reset`, `${path}.old.reset`].map((file) => existsSync(file)),
    [false, false, true, true],
  );
  assert.match(run("reset", path).stdout, /^There is no state in .*: a run begins anew\.$/m);
});
