import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { givenText } from "../../../src/scripts/given-text.js";

const GIVEN: readonly (readonly [args: unknown, kwargs: unknown, text: string])[] = [
  [undefined, undefined, "[], {}"],
  [[1, 1.5, -0, true, null], {}, "[1, 1.5, 0, true, null], {}"],
  [[1234567890123456789n], {}, "[1234567890123456789], {}"],
  [["ü\u{1f600}\u2028"], {}, '["\\u00fc\\ud83d\\ude00\\u2028"], {}'],
  [[], { a: undefined, b: [undefined] }, '[], {"b": [null]}'],
  [
    [new Date(0)],
    {},
    '[{"__type__": "datetime", "__value__": "1970-01-01T00:00:00.000+00:00"}], {}',
  ],
  [[new Uint8Array([104, 105])], {}, '[{"__type__": "base64", "__value__": "aGk="}], {}'],
  [[Object.create(null)], { n: { m: 1 } }, '[{}], {"n": {"m": 1}}'],
  [[1e21], {}, "[1e21], {}"],
];
for (const [args, kwargs, text] of GIVEN) {
  test(`arguments of code as JSON: ${text.slice(0, 60)}`, () => {
    assert.equal(givenText(args, kwargs), text);
  });
}

const circle: unknown[] = [];
circle.push(circle);
const FAULTS: readonly (readonly [args: unknown, kwargs: unknown, fault: RegExp])[] = [
  [{}, {}, /^args must be a list, not a Object$/],
  ["abc", {}, /^args must be a list, not a string$/],
  [[], [], /^kwargs must be a mapping, not a Array$/],
  [[Number.NaN], {}, /^args\[0\] is NaN, which JSON does not have$/],
  [[], { a: [{ b: Number.POSITIVE_INFINITY }] }, /^kwargs\.a\[0\]\.b is Infinity/],
  [["\ud800"], {}, /^args\[0\] has half a character$/],
  [[() => 1], {}, /^args\[0\] is a function, which cannot be sent$/],
  [[Symbol("a")], {}, /^args\[0\] is a symbol/],
  [[new Map()], {}, /^args\[0\] is a Map, which cannot be sent$/],
  [[Promise.resolve(1)], {}, /^args\[0\] is a Promise, which cannot be sent$/],
  [[new Date(Number.NaN)], {}, /^args\[0\] is no valid date$/],
  [circle, {}, /is nested too deeply, or holds itself$/],
  [["x".repeat(17 * 1024 * 1024)], {}, /longer than 16 MiB/],
];
for (const [args, kwargs, fault] of FAULTS) {
  test(`what cannot be sent is told with its place: ${fault.source}`, () => {
    assert.throws(() => givenText(args, kwargs), { message: fault });
  });
}

test("whatever JSON has is what JSON says of it, in ASCII", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (args) => {
      const text = givenText(args, {});
      assert.match(text, /^[\u0000-\u007e]*$/);
      const plain = JSON.parse(JSON.stringify(args)) as unknown;
      assert.deepEqual(JSON.parse(`[${text}]`), [plain, {}]);
    }),
  );
});
