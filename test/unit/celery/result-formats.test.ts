import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { HAS_ZSTD } from "../../../src/celery/messages/body-encoding.js";
import { dateDoneUnixMs, readResult, returnedValue } from "../../../src/celery/results/result.js";
import {
  decodedText,
  isCut,
  MAX_RESULT_BYTES,
  ResultPieces,
  resultText,
} from "../../../src/celery/results/result-text.js";
import rows from "./results.fixture.json" with { type: "json" };

/** What Celery 5.7 stored, by test/support/result_bytes.py. */
type Row = (typeof rows)[number];
const bytesOf = (row: Row) => Buffer.from(row.bytes, "base64");
const asJson = new Map(
  rows
    .filter(({ serializer, compression }) => serializer === "json" && compression === null)
    .map((row) => [`${row.state} ${row.name}`, bytesOf(row).toString()]),
);
const DONE_UNIX_MS = Date.parse("2026-11-24T10:15:42.890Z") + 0.18;
/** Values that JSON has not; JSON rows wrap them. */
const FOREIGN = ["bytes", "set", "decimal", "time", "ordered", "nan"];
/** Python 2 has no class of its own for it, and protocol 2 is for that (`_compat_pickle.py`). */
const PROTOCOL_2: Readonly<Record<string, string>> = { FileNotFoundError: "OSError" };
const IN_NODE = [null, "gzip", "zlib", "brotli", ...(HAS_ZSTD ? ["zstd"] : [])];

const ways = new Set(rows.map(({ serializer, compression }) => `${serializer} ${compression}`));
test("the fixture has every serializer, protocol and compression", () => {
  assert.equal(ways.size, 7 + 4 * 6);
});

for (const way of ways) {
  test(`results in ${way}: state, class, time and answer are those of JSON`, () => {
    for (const row of rows) {
      if (`${row.serializer} ${row.compression}` !== way) continue;
      const about = `${row.state} ${row.name}`;
      const text = resultText(bytesOf(row));
      const read = readResult(text);
      if (!IN_NODE.includes(row.compression)) {
        assert.deepEqual(read, { state: "MALFORMED", exception: "" }, about);
        continue;
      }
      const json = asJson.get(about);
      const expected =
        json === undefined ? { state: row.state, exception: "" } : { ...readResult(json) };
      if (row.serializer === "pickle2") {
        expected.exception = PROTOCOL_2[expected.exception] ?? expected.exception;
      }
      assert.deepEqual(read, expected, about);
      const isReady = ["SUCCESS", "FAILURE", "REVOKED"].includes(row.state);
      assert.equal(dateDoneUnixMs(text), isReady ? DONE_UNIX_MS : Number.NaN, about);
      if (row.state !== "SUCCESS" || row.serializer === "json") continue;
      const isPlain = json !== undefined && !FOREIGN.includes(row.name);
      if (!isPlain && isCut(text)) continue;
      assert.ok(json !== undefined && !isCut(text), about);
      assert.deepEqual(returnedValue(text), returnedValue(json), about);
    }
  });
}

test("each way to the text reads every format", () => {
  for (const row of rows) {
    const bytes = bytesOf(row);
    const pieces = new ResultPieces(bytes.length);
    pieces.add(bytes.subarray(0, 10));
    pieces.add(bytes.subarray(10));
    const around = Buffer.concat([Buffer.from("{"), bytes, Buffer.from("}")]);
    const expected = resultText(bytes);
    assert.equal(pieces.text(), expected);
    assert.equal(decodedText(row.bytes), expected);
    assert.equal(resultText(around, 1, 1 + bytes.length), expected);
  }
});

test("the bytes of every result, cut off anywhere, are read to the same meaning or to less", () => {
  const plain = rows.filter(({ compression }) => compression === null);
  fc.assert(
    fc.property(
      fc.constantFrom(...plain),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (row, part) => {
        const bytes = bytesOf(row);
        const whole = readResult(resultText(bytes));
        const read = readResult(resultText(bytes.subarray(0, Math.floor(bytes.length * part))));
        if (read.state === "MALFORMED") return;
        // YAML has no mark for the end of a word.
        if (row.serializer === "yaml" && read.state === "CUSTOM") return;
        assert.equal(read.state, whole.state);
        if (row.serializer !== "yaml") assert.ok([whole.exception, ""].includes(read.exception));
      },
    ),
    { numRuns: 3_000 },
  );
});

test("an exception that is cut off before its name has none, wherever that is", () => {
  const failures = rows.filter(
    ({ serializer, state, compression }) =>
      compression === null && state === "FAILURE" && serializer.startsWith("pickle"),
  );
  assert.ok(failures.length > 10);
  for (const row of failures) {
    const bytes = bytesOf(row);
    const { exception } = readResult(resultText(bytes));
    for (let length = 0; length < bytes.length; length++) {
      const read = readResult(resultText(bytes.subarray(0, length)));
      if (read.state === "MALFORMED") continue;
      assert.ok(
        [exception, ""].includes(read.exception),
        `${row.name}, ${length}: ${read.exception}`,
      );
    }
  }
});

test("nothing throws, whatever the bytes, and it takes no time", () => {
  const damaged = fc
    .tuple(fc.constantFrom(...rows), fc.nat(), fc.nat(8), fc.uint8Array({ maxLength: 8 }))
    .map(([row, at, length, patch]) => {
      const bytes = bytesOf(row);
      const from = at % bytes.length;
      return Buffer.concat([bytes.subarray(0, from), patch, bytes.subarray(from + length)]);
    });
  const begun = fc
    .tuple(
      fc.constantFrom([0x80, 2], [0x80, 4, 0x7d, 0x94, 0x28], [0x81], [0xdf, 255, 255, 255, 255]),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([start, rest]) => Buffer.concat([Buffer.from(start), rest]));
  const before = performance.now();
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        begun,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const text = resultText(bytes);
        const { exception } = readResult(text);
        assert.ok(exception.length <= 200);
        assert.equal(typeof dateDoneUnixMs(text), "number");
        returnedValue(text);
      },
    ),
    { numRuns: 20_000 },
  );
  assert.ok(performance.now() - before < 60_000);
});

const compressed = (bytes: Buffer) =>
  Buffer.concat([Buffer.from("\0celery-compressed\0application/x-gzip\0"), deflateSync(bytes)]);
const pickled = (...parts: (string | number[])[]) =>
  Buffer.concat([Buffer.from([0x80, 4]), ...parts.map((part) => Buffer.from(part as string))]);
/** `{"status": "SUCCESS", "result": …}` up to the value. */
const HEAD = pickled("}(", [0x8c, 6], "status", [0x8c, 7], "SUCCESS", [0x8c, 6], "result");
const SIZE = 3 * MAX_RESULT_BYTES;
const DEEP = 200_000;

const LARGE: Record<string, readonly [bytes: Buffer, state: string]> = {
  "a bomb of zlib": [compressed(Buffer.alloc(200 * MAX_RESULT_BYTES, "{")), "MALFORMED"],
  "a success that is a bomb": [
    compressed(Buffer.from(`{"status": "SUCCESS", "result": "${"x".repeat(30 * SIZE)}"}`)),
    "SUCCESS",
  ],
  "a large msgpack": [
    Buffer.from(encode({ status: "SUCCESS", result: "x".repeat(SIZE), task_id: "id" })),
    "SUCCESS",
  ],
  "a large msgpack of many": [
    Buffer.from(encode({ status: "SUCCESS", result: Array(SIZE).fill(1), task_id: "id" })),
    "SUCCESS",
  ],
  "a large YAML": [
    Buffer.from(`children: []\nresult: ${"x".repeat(SIZE)}\nstatus: SUCCESS\ntraceback: null\n`),
    "SUCCESS",
  ],
  "a deep msgpack": [
    Buffer.concat([
      Buffer.from([0x82, 0xa6]),
      Buffer.from("status"),
      Buffer.from([0xa7]),
      Buffer.from("SUCCESS"),
      Buffer.from([0xa6]),
      Buffer.from("result"),
      Buffer.alloc(DEEP, 0x91),
      Buffer.from([0xc0]),
    ]),
    "SUCCESS",
  ],
  "a deep pickle": [
    Buffer.concat([HEAD, Buffer.alloc(DEEP, "]"), Buffer.alloc(DEEP - 1, "a"), Buffer.from("u.")]),
    "SUCCESS",
  ],
  "a pickle that doubles": [
    Buffer.concat([
      HEAD,
      // A list of the last one twice, again and again.
      Buffer.from("]q\0"),
      ...Array.from({ length: 60 }, () => Buffer.from("0](h\0h\0eq\0")),
      Buffer.from("u."),
    ]),
    "SUCCESS",
  ],
  "a pickle of itself": [Buffer.concat([HEAD, Buffer.from("]q\0h\0au.")]), "SUCCESS"],
  "a YAML of aliases": [
    Buffer.from(
      `result:\n- &a0 [x]\n${Array.from({ length: 40 }, (_, i) => `- &a${i + 1} [*a${i}, *a${i}]\n`).join("")}status: SUCCESS\n`,
    ),
    "SUCCESS",
  ],
  "a deep YAML": [Buffer.from(`result: ${"[".repeat(15_000)}\nstatus: SUCCESS\n`), "SUCCESS"],
};

for (const [name, [bytes, state]] of Object.entries(LARGE)) {
  test(`${name} is read in time, and its answer is not checked`, () => {
    const before = process.cpuUsage();
    const text = resultText(bytes);
    assert.equal(readResult(text).state, state);
    assert.ok(text.length < 2 * MAX_RESULT_BYTES);
    if (state === "SUCCESS") assert.ok(isCut(text));
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms of CPU`);
  });
}

test("a large failure in every format keeps its class", () => {
  const message = "x".repeat(SIZE);
  const failures = [
    Buffer.from(encode({ status: "FAILURE", result: { exc_type: "E", exc_message: [message] } })),
    Buffer.from(
      `children: []\nresult:\n  exc_message:\n  - ${message}\n  exc_module: builtins\n  exc_type: E\nstatus: FAILURE\n`,
    ),
    Buffer.concat([
      pickled("}(", [0x8c, 6], "status", [0x8c, 7], "FAILURE", [0x8c, 6], "result"),
      pickled([0x8c, 8], "builtins", [0x8c, 1], "E", [0x93], "X", [0, 0, 0x30, 0]).subarray(2),
      Buffer.from(message),
      Buffer.from("\x85R", "latin1"),
      Buffer.from("u."),
    ]),
  ];
  for (const bytes of failures) {
    assert.deepEqual(readResult(resultText(bytes)), { state: "FAILURE", exception: "E" });
  }
});
