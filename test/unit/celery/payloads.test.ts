import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import type { Serializer } from "../../../src/celery/messages/task-options.js";
import { PAYLOADS, REFUSED } from "../../support/payloads.js";
import { HEAD, loadTexts, SCENARIO, taskOf } from "../config/configurations.js";
import { repositoryText } from "../dashboards/classic-board.js";

/** The configuration whose task `thumb` has this one argument. */
const load = (yaml: string, serializer: Serializer = "json") =>
  loadTexts([`${HEAD}    serializer: ${serializer}\n    args: [${yaml}]\n${SCENARIO}`]);

test("payloads as users have them are accepted in each serializer that can write them", () => {
  for (const { yaml, msgpack, ofYaml } of PAYLOADS) {
    for (const serializer of ["json", "msgpack", "yaml"] as const) {
      const isRefused = { json: false, msgpack: msgpack === null, yaml: ofYaml === null }[
        serializer
      ];
      const told = `thumb": a .* cannot be sent as ${serializer}`;
      if (isRefused) assert.throws(() => load(yaml, serializer), new RegExp(told), yaml);
      else assert.doesNotThrow(() => load(yaml, serializer), yaml);
    }
  }
});

test("a tag is short for what the page about typed arguments writes out", () => {
  const page = repositoryText("docs/typed-arguments.md");
  const rows = [...page.matchAll(/^\| `(!.+)` \| `(.+__type__.+)` \|$/gm)];
  assert.equal(rows.length, 7);
  for (const [, short = "", long = ""] of rows) {
    const { args } = taskOf(load(short).config, "thumb");
    assert.deepEqual(args, [parse(long)]);
  }
});

test("what no worker could read is refused with its place", () => {
  for (const [yaml, told] of REFUSED) {
    assert.throws(() => load(yaml), told, yaml);
    assert.throws(() => load(yaml), /load\.yml:10:\d+: /, yaml);
  }
});
