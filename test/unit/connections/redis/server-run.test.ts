import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cameBackEmpty,
  readServerRun,
  type ServerRun,
  tookOverWithLoss,
} from "../../../../src/connections/redis/server-run.js";

/** As Redis 7.0 says it; the lines that matter. */
const INFO = `# Server\r
run_id:d8e1\r
# Persistence\r
rdb_last_load_keys_loaded:12\r
aof_enabled:0\r
# Replication\r
role:master\r
connected_slaves:2\r
master_replid:660004ab\r
master_replid2:0000000000000000000000000000000000000000\r
master_repl_offset:450\r
second_repl_offset:-1\r
`;

test("readServerRun() reads a server that was always master, and one that took over", () => {
  const run = {
    runId: "d8e1",
    loadedKeys: 12,
    isAppendOnly: false,
    replicas: 2,
    history: "660004ab",
    offset: 450,
    formerHistory: "",
    formerEnd: -1,
  };
  assert.deepEqual(readServerRun(INFO), run);
  const promoted = INFO.replace(/replid2:0+/, "replid2:0a").replace("offset:-1", "offset:300");
  assert.deepEqual(readServerRun(promoted), { ...run, formerHistory: "0a", formerEnd: 300 });
  const old = readServerRun(INFO.replace(/rdb_last.*\r\n/, ""));
  assert.equal(old.loadedKeys, null, "Redis before 7 does not say");
});

const BEFORE: ServerRun = { ...readServerRun(INFO), runId: "before", history: "a", offset: 450 };
const RESTARTED: ServerRun = { ...readServerRun(INFO), runId: "now", history: "b", loadedKeys: 0 };
const PROMOTED: ServerRun = { ...RESTARTED, formerHistory: "a", formerEnd: 451 };

const cases: readonly (readonly [string, ServerRun, boolean, boolean])[] = [
  ["the same run", { ...PROMOTED, runId: "before" }, false, false],
  ["a restart that loaded nothing", RESTARTED, true, false],
  ["a restart that loaded keys", { ...RESTARTED, loadedKeys: 3 }, false, false],
  ["a restart that does not say", { ...RESTARTED, loadedKeys: null }, false, false],
  ["a restart from an append-only file", { ...RESTARTED, isAppendOnly: true }, false, false],
  ["a replica that had everything took over", PROMOTED, false, false],
  ["a replica that had more than was read", { ...PROMOTED, formerEnd: 500 }, false, false],
  ["a replica without the last byte", { ...PROMOTED, formerEnd: 450 }, false, true],
  [
    "one that never got anything from anyone",
    { ...PROMOTED, formerHistory: "own", formerEnd: 1 },
    false,
    true,
  ],
  [
    "one that loaded a file and never got anything",
    { ...PROMOTED, formerHistory: "own", formerEnd: 1, loadedKeys: 3 },
    false,
    false,
  ],
  ["one of a history that is not known", { ...PROMOTED, formerHistory: "c" }, false, false],
];
for (const [name, now, isEmpty, isLoss] of cases) {
  test(`${name}: ${isEmpty ? "came back empty" : isLoss ? "took over with loss" : "no proof"}`, () => {
    assert.deepEqual(
      [cameBackEmpty(BEFORE, now), tookOverWithLoss(BEFORE, now)],
      [isEmpty, isLoss],
    );
  });
}
