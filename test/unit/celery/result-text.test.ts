import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readReply } from "../../../src/celery/messages/redis-envelope.js";
import { dateDoneUnixMs, readResult } from "../../../src/celery/results/result.js";
import {
  cutText,
  decodedText,
  isCut,
  MAX_RESULT_BYTES,
  ResultPieces,
  resultText,
} from "../../../src/celery/results/result-text.js";
import { RespReader } from "../../../src/connections/redis/resp-reader.js";

/** Every way from what arrives to the text that is read. */
const WAYS: Record<string, (meta: Buffer) => string> = {
  "bytes of a subscription": (meta) =>
    resultText(
      Buffer.concat([Buffer.from("before"), meta, Buffer.from("behind")]),
      6,
      6 + meta.length,
    ),
  "a string of ioredis'": (meta) => cutText(meta.toString()),
  "the beginning, by asking for it": (meta) =>
    cutText(meta.subarray(0, MAX_RESULT_BYTES + 1).toString()),
  base64: (meta) => decodedText(meta.toString("base64")),
  "frames of RabbitMQ": (meta) => {
    const pieces = new ResultPieces(meta.length);
    for (let at = 0; at < meta.length; at += 131_064) pieces.add(meta.subarray(at, at + 131_064));
    return pieces.text();
  },
  "an envelope of rpc://": (meta) => readReply(envelope(meta, "base64"))!.body,
  "both ends of an envelope of rpc://": (meta) =>
    readReply(withoutMiddle(envelope(meta, "base64")))!.body,
  "an envelope of rpc:// in plain text": (meta) => readReply(envelope(meta, null))!.body,
};

function envelope(meta: Buffer, encoding: string | null): string {
  return JSON.stringify({
    body: meta.toString(encoding === null ? "utf8" : "base64"),
    "content-type": "application/json",
    headers: { body: "another", properties: { correlation_id: "another" } },
    properties: { correlation_id: "id", body_encoding: encoding, delivery_mode: 2 },
  });
}

/** As it comes from a connection to Redis, in one byte for each character. */
function withoutMiddle(text: string): string {
  let kept = "";
  const reader = new RespReader({
    reply: (value) => {
      kept = String(value);
    },
    message() {},
  });
  const bytes = Buffer.from(`$${text.length}\r\n${text}\r\n`, "latin1");
  for (let at = 0; at < bytes.length; at += 65_536) reader.feed(bytes.subarray(at, at + 65_536));
  return kept;
}

const DONE = "2026-11-24T10:15:42.890180+00:00";
const VALUES: Record<string, (bytes: number) => string> = {
  text: (bytes) => JSON.stringify("x".repeat(bytes)),
  "text of three bytes each": (bytes) => JSON.stringify("\u20ac".repeat(bytes / 3)),
  "empty objects": (bytes) => `[${"{},".repeat(bytes / 3)}{}]`,
  "arrays in arrays": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
  "quotes and braces": (bytes) => JSON.stringify('{"status": "FAILURE"}, '.repeat(bytes / 30)),
};

for (const [way, read] of Object.entries(WAYS)) {
  test(`a result of any size by ${way}: state, class and time are those of the meta`, () => {
    for (const [kind, value] of Object.entries(VALUES)) {
      for (const bytes of [1_000, 3 * MAX_RESULT_BYTES]) {
        const isLarge = bytes > MAX_RESULT_BYTES;
        const success = Buffer.from(
          `{"status": "SUCCESS", "result": ${value(bytes)}, "traceback": null, "children": [], "date_done": "${DONE}", "task_id": "id"}`,
        );
        const text = read(success);
        assert.equal(isCut(text), isLarge, kind);
        assert.equal(readResult(text).state, "SUCCESS", kind);
        if (!way.includes("asking")) assert.equal(dateDoneUnixMs(text), Date.parse(DONE) + 0.18);
        if (isLarge) assert.ok(text.length < 100_000, kind);
        else assert.equal(text, success.toString());

        const failure = Buffer.from(
          `{"status": "FAILURE", "result": {"exc_type": "TooMuch", "exc_message": [${value(bytes)}], "exc_module": "builtins"}, "traceback": "no", "date_done": "${DONE}"}`,
        );
        assert.deepEqual(readResult(read(failure)), { state: "FAILURE", exception: "TooMuch" });
      }
    }
  });
}

test("a text is cut from the first byte above 1 MiB on", () => {
  for (const character of ["x", "\u00e9", "\u20ac", "\u{1f600}"]) {
    const width = Buffer.byteLength(character);
    const most = "x".repeat(MAX_RESULT_BYTES % width) + character.repeat(MAX_RESULT_BYTES / width);
    for (const [text, isLarge] of [
      [most, false],
      [`${most}y`, true],
    ] as const) {
      const cuts = [cutText(text), resultText(Buffer.from(text))];
      assert.deepEqual(cuts.map(isCut), [isLarge, isLarge], character);
    }
  }
});

test("no text below the limit counts as cut, whatever is in it", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !isCut(text)));
  assert.equal(isCut(JSON.stringify("\u0000".repeat(100_000))), false);
});

test("an envelope of megabytes that is none is no reply", () => {
  const large = "x".repeat(2 * MAX_RESULT_BYTES);
  for (const text of [
    large,
    JSON.stringify({ body: large }),
    JSON.stringify({ body: [large], properties: { correlation_id: "id" } }),
    JSON.stringify({ body: large, properties: { correlation_id: 1 } }),
    JSON.stringify({ body: large, properties: { correlation_id: "id" } }).slice(0, -100),
  ]) {
    assert.equal(readReply(text), null);
  }
});
