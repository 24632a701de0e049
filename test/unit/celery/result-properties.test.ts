import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dateDoneUnixMs, type Result, readResult } from "../../../src/celery/results/result.js";

/** Names that matter in a meta, so that they turn up where they must not count. */
const TELLING = ["status", "result", "exc_type", "date_done", "task_id"];
const words = fc.oneof(
  fc.constantFrom(...TELLING, "SUCCESS", "FAILURE", "2001-01-01T00:00:00", '"', "\\", "}", "\\\\"),
  fc.constant('{"status": "SUCCESS", "date_done": "2001-01-01T00:00:00"}'),
  fc.string({ unit: "binary" }), // all of Unicode
  fc.string({ unit: fc.constantFrom("\ud800", "\udfff", '"', "\\", "\u2028") }), // half characters
);
/** Escaped as Python does by default, or raw. */
const stringText = fc
  .tuple(words, fc.boolean())
  .map(([word, isAscii]) => (isAscii ? asciiText(word) : JSON.stringify(word)));
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom("null", "true", "false", "NaN", "Infinity", "-Infinity", "1e400", "-0.0"),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);
/** With the separators of Python, without spaces, and spread over lines. */
const separators = fc.constantFrom([", ", ": "], [",", ":"], ["\n\t, ", " :\r\n "]) as fc.Arbitrary<
  [string, string]
>;

function valueText([comma, colon]: [string, string]): fc.Arbitrary<string> {
  const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalarText, tie("list"), tie("object")),
    list: fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(comma)}]`),
    object: fc
      .array(fc.tuple(stringText, tie("value")), { maxLength: 4 })
      .map((members) => `{${members.map((member) => member.join(colon)).join(comma)}}`),
  }));
  return value;
}

const STATES = ["SUCCESS", "FAILURE", "REVOKED", "RETRY", "STARTED", "PROGRESS", "success", "Ü"];
const HAS_EXCEPTION = ["FAILURE", "REVOKED", "RETRY"];

interface Meta {
  readonly text: string;
  readonly expected: Result;
  /** Unix ms of `date_done`; NaN without one. */
  readonly doneUnixMs: number;
  /** With Celery's separators, and not as the first member. */
  readonly isTimeAsCelerys: boolean;
}

/** A meta with anything for a result, more fields of any kind before and after, and nothing twice. */
const meta: fc.Arbitrary<Meta> = separators.chain(([comma, colon]) => {
  const anything = valueText([comma, colon]);
  const failure = fc.record({
    name: fc.oneof(words, fc.constantFrom("ValueError", "Outer.Inner")),
    before: fc.array(anything, { maxLength: 2 }),
  });
  return fc
    .record({
      state: fc.constantFrom(...STATES),
      result: anything,
      failure,
      doneUnixMs: fc.option(fc.integer({ min: 0, max: 4e12 })),
      offset: fc.constantFrom("", "+00:00", "Z"),
      others: fc.array(fc.tuple(fc.constantFrom("args", "kwargs", "children", "a", "é"), anything)),
      order: fc.infiniteStream(fc.nat()),
    })
    .map(({ state, result, failure: { name, before }, doneUnixMs, offset, others, order }) => {
      const object = (members: [string, string][]) =>
        `{${members.map(([key, text]) => `"${key}"${colon}${text}`).join(comma)}}`;
      const exception = object([
        ...before.map((text, index): [string, string] => [`field${index}`, text]),
        ["exc_type", asciiText(name)],
      ]);
      const isFailure = HAS_EXCEPTION.includes(state);
      const time =
        doneUnixMs === null
          ? "null"
          : `"${new Date(doneUnixMs).toISOString().replace("Z", "")}${offset}"`;
      const members: [string, string][] = [
        ["status", asciiText(state)],
        ["result", isFailure ? exception : result],
        ["date_done", time],
        ...others,
      ];
      const ordered = shuffled(members, order);
      return {
        text: object(ordered),
        expected: {
          state: !/^[A-Z]+$/.test(state) || state === "PROGRESS" ? "CUSTOM" : state,
          exception: isFailure ? labelOf(name) : "",
        } as Result,
        doneUnixMs: doneUnixMs ?? Number.NaN,
        isTimeAsCelerys: comma === ", " && ordered[0]![0] !== "date_done",
      };
    });
});

test("readResult() and dateDoneUnixMs() read any meta of any encoder, in any order, to its meaning", () => {
  fc.assert(
    fc.property(meta, ({ text, expected, doneUnixMs, isTimeAsCelerys }) => {
      assert.deepEqual(readResult(text), expected);
      const read = dateDoneUnixMs(text);
      // Of another encoder it may be left unread, as then it measures nothing. It is never misread.
      if (isTimeAsCelerys || !Number.isNaN(read)) assert.equal(read, doneUnixMs);
    }),
    { numRuns: 5_000 },
  );
});

test("readResult() reads a meta that is cut off to the same meaning, or to less, never to another", () => {
  fc.assert(
    fc.property(meta, fc.double({ min: 0, max: 1, noNaN: true }), ({ text, expected }, part) => {
      const read = readResult(text.slice(0, Math.floor(text.length * part)));
      if (read.state === "MALFORMED") return;
      assert.equal(read.state, expected.state);
      assert.ok(read.exception === expected.exception || read.exception === "");
    }),
    { numRuns: 5_000 },
  );
});

test("nothing throws, whatever the text", () => {
  const piece = fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", " ", "1", "status");
  const damaged = fc.tuple(meta, fc.nat(), fc.nat(5), words).map(([{ text }, at, length, word]) => {
    const from = at % text.length;
    return text.slice(0, from) + word + text.slice(from + length);
  });
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.string({ unit: piece }), damaged),
      (text) => {
        const { state, exception } = readResult(text);
        assert.match(state, /^(SUCCESS|FAILURE|REVOKED|RETRY|STARTED|CUSTOM|MALFORMED)$/);
        assert.ok(exception.length <= 200);
        assert.equal(exception, Buffer.from(exception).toString(), "fit for UTF-8");
        assert.equal(typeof dateDoneUnixMs(text), "number");
      },
    ),
    { numRuns: 10_000 },
  );
});

test("time grows with the size of a text and not with its square, whatever is in it", () => {
  const million = 1_000_000;
  const fillers: Record<string, string> = {
    "an honest text": `"${"x".repeat(4 * million)}"`,
    "deep lists": "[".repeat(million) + "]".repeat(million),
    "deep objects": `${'{"a": '.repeat(million)}1${"}".repeat(million)}`,
    "lists without an end": "[".repeat(million),
    "escaped quotes": `"${'\\"'.repeat(million)}"`,
    backslashes: `"${"\\\\".repeat(million)}"`,
    "backslashes without an end": `"${"\\".repeat(million)}`,
    "many strings": `[${'"}", '.repeat(million)}1]`,
    "many members": `{${'"status": "SUCCESS", '.repeat(million / 10)}"a": 1}`,
    "many times": `{${'"a": 1, "date_done": "2001-01-01T00:00:00", '.repeat(million / 10)}"a": 1}`,
    digits: "9".repeat(million),
    "open strings": '"a": '.repeat(million),
  };
  for (const [name, filler] of Object.entries(fillers)) {
    const texts = [
      `{"before": ${filler}, "status": "FAILURE", "result": {"exc_type": "E"}, "date_done": null}`,
      `{"status": "FAILURE", "result": ${filler}, "a": {}, "date_done": "2026-11-24T10:00:00"}`,
      `{"status": "FAILURE", "result": {"exc_message": ${filler}, "exc_type": "E"}, "a": 1}`,
      filler,
    ];
    for (const text of texts) {
      const before = process.cpuUsage();
      readResult(text);
      dateDoneUnixMs(text);
      const { user, system } = process.cpuUsage(before);
      // Some 10 ms; the square of a million steps would be a quarter of an hour.
      assert.ok(user + system < 5_000_000, `${name}: ${(user + system) / 1000} ms of CPU`);
    }
  }
});

/** As Python's `json.dumps` writes it by default: ASCII only, half characters as they are. */
function asciiText(word: string): string {
  return JSON.stringify(word).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A class name as it may stand in a label. */
function labelOf(name: string): string {
  const printable = [...name].map((char) => (/[\u0000-\u001f\u007f]/.test(char) ? " " : char));
  return Buffer.from(printable.join("").slice(0, 200)).toString();
}

function shuffled<T>(items: readonly T[], order: Iterator<number>): T[] {
  const left = [...items];
  return items.map(() => left.splice(order.next().value! % left.length, 1)[0]!);
}
