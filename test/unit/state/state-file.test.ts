import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ControlState } from "../../../src/control/control-state.js";
import { UserError } from "../../../src/errors.js";
import { type Former, readFormer, StateFile } from "../../../src/state/state-file.js";
import { fullState } from "./states.js";

const folder = mkdtempSync(join(tmpdir(), "celery-load-state-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(mkdtempSync(join(folder, "s")), `state-${++files}.json`);

const { state } = fullState();
const FIRST: Former & { downtimeSeconds: number } = {
  stored: null,
  warnings: [],
  downtimeSeconds: 0,
};

function ports() {
  const lines: string[] = [];
  const write = (_facts: object, message: string) => lines.push(message);
  const world = { nowMs: 0 };
  return {
    ...{ lines, world, nowMs: () => world.nowMs, unixMs: () => 1_795_000_000_000 },
    ...{ configHash: "feed", log: { warn: write, info: write } },
    today: () => ({ day: 20_786, starts: 4_711 }),
  };
}

const revised = (revision: number): ControlState => ({ ...state, revision });
const revisionOf = (path: string) => readFormer(path).stored!.state.revision;

test("what was saved is what the next life finds, and its end is clean only when it was closed", async () => {
  const path = newPath();
  const file = await StateFile.begin(path, revised(1), FIRST, ports());
  assert.equal(readFormer(path).stored!.isClean, false);
  await file.save(revised(2));
  assert.equal(revisionOf(path), 2);
  await file.close();
  assert.equal(readFormer(path).stored!.isClean, true);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("of changes that come while it is written, the newest is there in the end", async () => {
  const path = newPath();
  const file = await StateFile.begin(path, revised(0), FIRST, ports());
  const saves = Array.from({ length: 200 }, (_, index) => file.save(revised(index + 1)));
  await Promise.all(saves);
  assert.equal(revisionOf(path), 200);
  await file.close();
});

test("the older generation is taken, loudly, when the newest is gone or damaged", async () => {
  for (const damage of [
    (path: string) => rmSync(path),
    (path: string) => writeFileSync(path, ""),
    (path: string) => writeFileSync(path, readFileSync(path, "utf8").slice(0, -9)),
    (path: string) => writeFileSync(path, Buffer.alloc(2_000_000)),
  ]) {
    const path = newPath();
    const file = await StateFile.begin(path, revised(1), FIRST, ports());
    await file.save(revised(2));
    await file.close();
    await file.save(revised(3));
    damage(path);
    const former = readFormer(path);
    assert.equal(former.stored!.state.revision, 2);
    assert.match(
      former.warnings[0]!,
      /^Cannot use the state file .*\. The generation before it, written .*, is used/,
    );
    const next = await StateFile.begin(
      path,
      revised(4),
      { ...former, downtimeSeconds: 1 },
      ports(),
    );
    await next.close();
    assert.equal(revisionOf(path), 4);
  }
});

test("what could not be read does not take the place of what could", async () => {
  const path = newPath();
  const file = await StateFile.begin(path, revised(1), FIRST, ports());
  await file.save(revised(2));
  await file.close();
  writeFileSync(path, "damaged");
  const former = readFormer(path);
  const older = former.stored!.state.revision;
  const next = await StateFile.begin(path, revised(9), { ...former, downtimeSeconds: 0 }, ports());
  rmSync(path);
  assert.equal(revisionOf(path), older, "the older one is still there");
  await next.close();
});

test("when neither can be read nothing begins, and it says what to do", async () => {
  const pipe = newPath();
  execFileSync("mkfifo", [pipe]);
  const directory = newPath();
  mkdirSync(directory);
  const loop = newPath();
  symlinkSync(loop, loop);
  const both = newPath();
  writeFileSync(both, "{}");
  writeFileSync(`${both}.old`, "");
  const rows: [string, RegExp][] = [
    [pipe, /: it is a pipe\.$/],
    [directory, /: it is a directory\.$/],
    [loop, /: its symbolic links lead in a circle\.$/],
    [both, /: it is no state file, nor .*\.old: it is empty\.$/],
  ];
  for (const [path, words] of rows) {
    assert.throws(
      () => readFormer(path),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.exitCode, 104);
        assert.match(error.message, words);
        assert.ok(error.hint!.includes(`celery-load state reset ${path}`), error.hint);
        return true;
      },
    );
  }
});

test("a file that is not there, with none before it, is a first life", () => {
  assert.deepEqual(readFormer(newPath()), { stored: null, warnings: [] });
});

test("a folder that does not exist or is a file refuses the start with 104", async () => {
  const file = newPath();
  writeFileSync(file, "");
  for (const path of [join(folder, "nowhere", "state.json"), join(file, "state.json")]) {
    await assert.rejects(StateFile.begin(path, state, FIRST, ports()), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.exitCode, 104);
      assert.match(error.message, /^Cannot write the state file /);
      return true;
    });
  }
});

test("a disk that fails later costs a count and one line a minute, and comes back", async () => {
  const path = newPath();
  const own = ports();
  const file = await StateFile.begin(path, revised(1), FIRST, own);
  // Root may write where it has no right to, but not over a folder.
  mkdirSync(`${path}.new`);
  writeFileSync(join(`${path}.new`, "in-the-way"), "");
  for (const nowMs of [0, 1_000, 59_000, 61_000]) {
    own.world.nowMs = nowMs;
    await file.save(revised(2));
  }
  assert.deepEqual([file.reading.writeFailures, file.reading.isFailing], [4, true]);
  assert.equal(own.lines.length, 2);
  assert.match(own.lines[0]!, /^Cannot write the state file: the run goes on/);
  assert.equal(revisionOf(path), 1);
  rmSync(`${path}.new`, { recursive: true });
  await file.save(revised(3));
  assert.deepEqual([file.reading.writeFailures, file.reading.isFailing], [4, false]);
  assert.match(own.lines[2]!, /can be written again/);
  assert.equal(revisionOf(path), 3);
  await file.close();
});

test("a full disk costs what was ordered since, and nothing that was there", async (context) => {
  const full = mkdtempSync(join(folder, "full"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", full], { stdio: "ignore" });
  } catch {
    context.skip("needs the right to mount");
    return;
  }
  try {
    const path = join(full, "state.json");
    const own = ports();
    const file = await StateFile.begin(path, revised(1), FIRST, own);
    await file.save(revised(2));
    try {
      writeFileSync(join(full, "filler"), Buffer.alloc(128 * 1024));
    } catch {
      // It is full now.
    }
    await file.save(revised(3));
    assert.equal(file.reading.writeFailures, 1);
    assert.equal(revisionOf(path), 2);
    rmSync(join(full, "filler"));
    await file.close();
    assert.equal(revisionOf(path), 3);
  } finally {
    execFileSync("umount", [full]);
  }
});

test("a state that would be too large to be read again is not written", async () => {
  const path = newPath();
  const own = ports();
  const file = await StateFile.begin(path, revised(1), FIRST, own);
  const killSwitch = { ...state.killSwitch!, reason: "x".repeat(1024 * 1024) };
  await file.save({ ...state, killSwitch });
  assert.equal(file.reading.writeFailures, 1);
  assert.equal(revisionOf(path), 1);
  await file.close().catch(() => {});
  assert.equal(existsSync(`${path}.new`), false);
  chmodSync(path, 0o600);
});

const WRITER = fileURLToPath(new URL("state-writer.js", import.meta.url));
const KILLS = 100;

test(`${KILLS} processes that are killed while they write leave a state that can be read, and never an older one than they told`, async () => {
  const path = newPath();
  let least = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
    let told = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    await once(child.stdout, "data");
    await sleep((kill * 37) % 41);
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
    const revisions = told.split("\n").slice(0, -1).map(Number);
    least = Math.max(least, ...revisions);
    const found = revisionOf(path);
    assert.ok(found >= least, `kill ${kill}: ${found} was found, and ${least} was on disk`);
    least = found;
  }
  assert.ok(least > KILLS, `${least} changes were written`);
});
