import assert from "node:assert/strict";
import { test } from "node:test";
import { bindingsKey, routedQueues } from "../../../src/celery/messages/redis-bindings.js";

const SEP = "\x06\x16";
const direct = (key: string, queue: string) => `${key}${SEP}${SEP}${queue}`;
/** The pattern as kombu makes it (`kombu/transport/virtual/exchange.py TopicExchange.prepare_bind`). */
const topic = (key: string, pattern: string, queue: string) => [key, pattern, queue].join(SEP);

test("bindings are where kombu keeps them", () => {
  assert.equal(bindingsKey("images"), "_kombu.binding.images");
});

test("a direct exchange routes by the whole key, to each queue once", () => {
  const bindings = [
    direct("a", "first"),
    direct("a", "second"),
    direct("b", "other"),
    direct("a.*", "third"),
  ];
  assert.deepEqual(routedQueues(bindings, "a", SEP), ["first", "second"]);
  assert.deepEqual(routedQueues([direct("a", "q"), direct("a", "q")], "a", SEP), ["q"]);
  assert.deepEqual(routedQueues(bindings, "c", SEP), []);
});

test("a topic exchange routes by the pattern: * one word, # any", () => {
  const bindings = [topic("a.*", "^a\\.[^.]*$", "one"), topic("a.#", "^a\\..*?$", "any")];
  assert.deepEqual(routedQueues(bindings, "a.b", SEP), ["one", "any"]);
  assert.deepEqual(routedQueues(bindings, "a.b.c", SEP), ["any"]);
  assert.deepEqual(routedQueues(bindings, "xa.b", SEP), []);
});

test("another separator is respected, and what is no binding or no pattern matches nothing", () => {
  assert.deepEqual(routedQueues(["a::q"], "a", ":"), ["q"]);
  assert.deepEqual(routedQueues(["", "a", `a${SEP}`, topic("x", "(", "broken")], "a", SEP), []);
});
