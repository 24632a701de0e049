import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../../src/config/schema.js";
import { plainValue } from "../../../src/config/sources/tree.js";
import { readYamlFile } from "../../../src/config/sources/yaml-source.js";
import { chooseCombinations, nameOf } from "../../matrix/combinations.js";
import { kindsOf, TASK_COUNT } from "../../matrix/kinds.js";
import { trialConfig } from "../../matrix/trial-config.js";

const combinations = chooseCombinations({});
const configOf = (text: string) => {
  const { root, faults } = readYamlFile(text, "trial.yml");
  assert.deepEqual(faults, []);
  const result = readConfig(plainValue(root!));
  assert.ok("config" in result, JSON.stringify(result));
  return result.config;
};

test("every trial has as many tasks as it says, each kind under a key of its own", () => {
  for (const combination of combinations) {
    const kinds = kindsOf(combination);
    const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
    assert.equal(count, TASK_COUNT, nameOf(combination));
    assert.equal(new Set(kinds.map(({ key }) => key)).size, kinds.length);
  }
});

test("every trial's configuration is valid, and only what has to time out soon does", () => {
  for (const combination of combinations) {
    const urls = { broker: "redis://127.0.0.1:1/0", backend: "redis://127.0.0.1:1/1" };
    const { tasks } = configOf(trialConfig(combination, urls));
    for (const { key, ending } of kindsOf(combination)) {
      const hasShortTimeout = tasks[key]!.timeoutMs < 60_000;
      assert.equal(
        hasShortTimeout,
        ending.outcome === "timed_out",
        `${nameOf(combination)}: ${key}`,
      );
    }
  }
});

test("no task of Celery 5.2 that retries has an expiry", () => {
  for (const broker of ["redis", "rabbitmq"] as const) {
    for (const { key, task, ending } of kindsOf({ celery: "5.2", broker })) {
      if (ending.retries !== undefined) assert.equal(task.expires, "none", key);
    }
  }
});
