import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseCombinations, nameOf } from "../../matrix/combinations.js";

test("chooseCombinations() without words gives each of the 6 × 5 × 2 × 4 once", () => {
  const names = chooseCombinations({}).map(nameOf);
  assert.equal(names.length, 240);
  assert.equal(new Set(names).size, 240);
});

test("chooseCombinations() gives what all words name, whatever their order", () => {
  const chosen = chooseCombinations({
    celery: "5.7, 5.4",
    broker: "rabbitmq",
    backend: "rpc",
    pool: "solo",
  });
  assert.deepEqual(chosen.map(nameOf), ["5.4-rabbitmq-rpc-solo", "5.7-rabbitmq-rpc-solo"]);
});

test("chooseCombinations() refuses a word that names nothing", () => {
  assert.throws(() => chooseCombinations({ pool: "threads,eventlet" }), {
    message: '--pool: "eventlet" is none of prefork, threads, gevent, solo.',
  });
  assert.throws(() => chooseCombinations({ celery: "" }), /"" is none of 5\.2/);
});
