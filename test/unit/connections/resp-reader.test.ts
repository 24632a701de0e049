import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  KEPT_BULK_BYTES,
  type Reply,
  ReplyError,
  RespReader,
} from "../../../src/connections/redis/resp-reader.js";

interface Seen {
  readonly replies: Reply[];
  readonly messages: [channel: string, text: string][];
}

/** Feeds bytes in chunks of the given lengths, over and over, and tells what came out. */
function read(bytes: Buffer, lengths: readonly number[] = [bytes.length]): Seen {
  const seen: Seen = { replies: [], messages: [] };
  const reader = new RespReader({
    reply: (value) => seen.replies.push(value),
    message: (data, channel, text) =>
      seen.messages.push([
        data.toString("utf8", channel.from, channel.to),
        data.toString("utf8", text.from, text.to),
      ]),
  });
  const socketBuffer = Buffer.alloc(Math.max(...lengths, 1));
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length]!);
    const chunk = bytes.subarray(at, at + length);
    // One buffer for all chunks, as of a socket: what is kept of it must be a copy.
    chunk.copy(socketBuffer);
    reader.feed(socketBuffer.subarray(0, chunk.length));
    at += length;
  }
  return seen;
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const message = (channel: string, text: string, type = ">") =>
  `${type}4\r\n${bulk("pmessage")}${bulk("prefix*")}${bulk(channel)}${bulk(text)}`;

test("every kind of reply of both versions of the protocol is read", () => {
  const cases: [string, Reply][] = [
    ["+OK\r\n", "OK"],
    [":42\r\n", 42],
    [":-7\r\n", -7],
    ["$5\r\nhello\r\n", "hello"],
    ["$0\r\n\r\n", ""],
    ["$-1\r\n", null],
    ["*-1\r\n", null],
    ["_\r\n", null],
    ["#t\r\n", true],
    ["#f\r\n", false],
    [",1.5\r\n", 1.5],
    ["(12345678901234567890\r\n", "12345678901234567890"],
    ["=6\r\ntxt:ab\r\n", "txt:ab"],
    ["*2\r\n:1\r\n*1\r\n+a\r\n", [1, ["a"]]],
    ["~1\r\n:1\r\n", [1]],
    ["%1\r\n+k\r\n:1\r\n", ["k", 1]],
    ["*0\r\n", []],
    ["*3\r\n*0\r\n_\r\n%0\r\n", [[], null, []]],
    [",inf\r\n", Number.POSITIVE_INFINITY],
    [",1e3\r\n", 1000],
    ["*4\r\n$8\r\npmessagf\r\n:1\r\n:2\r\n:3\r\n", ["pmessagf", 1, 2, 3]],
    [">3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n", ["psubscribe", "a*", 1]],
    ["*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n", ["psubscribe", "a*", 1]],
  ];
  for (const [text, value] of cases) {
    assert.deepEqual(read(Buffer.from(text)).replies, [value], text);
    assert.deepEqual(read(Buffer.from(text), [1]).replies, [value], `${text} byte by byte`);
  }
  const all = Buffer.from(cases.map(([text]) => text).join(""));
  assert.deepEqual(
    read(all, [3]).replies,
    cases.map(([, value]) => value),
  );
});

test("errors are values, so that the command that they answer can be told", () => {
  const [error] = read(Buffer.from("-OOM command not allowed\r\n")).replies;
  assert.ok(error instanceof ReplyError);
  assert.equal(error.message, "OOM command not allowed");
  const [long] = read(Buffer.from("!10\r\nERR two\r\n.\r\n")).replies;
  assert.ok(long instanceof ReplyError);
  assert.equal(long.message, "ERR two\r\n.");
});

test("an array of a million items in small chunks is read once", () => {
  const count = 1_000_000;
  const text = `*${count}\r\n${":1\r\n".repeat(count)}`;
  const began = performance.now();
  const [items] = read(Buffer.from(text), [1024]).replies;
  assert.equal((items as Reply[]).length, count);
  // Reading it again at every chunk would take half an hour.
  assert.ok(performance.now() - began < 20_000);
});

test("messages of subscriptions are told apart from replies, in both versions", () => {
  for (const type of [">", "*"]) {
    const text = `:1\r\n${message("prefix1", '{"status": "SUCCESS"}', type)}:2\r\n`;
    assert.deepEqual(read(Buffer.from(text)), {
      replies: [1, 2],
      messages: [["prefix1", '{"status": "SUCCESS"}']],
    });
  }
});

test("pushes that answer nothing are passed over", () => {
  assert.deepEqual(read(Buffer.from(">2\r\n+invalidate\r\n_\r\n:1\r\n")).replies, [1]);
});

test("whatever the chunks, the same comes out", () => {
  const texts = fc.string({ unit: "binary", maxLength: 60 });
  const part = fc.oneof(
    fc.record({ channel: texts, text: texts, type: fc.constantFrom(">", "*") }).map((each) => ({
      bytes: message(each.channel, each.text, each.type),
      expected: { message: [each.channel, each.text] as [string, string] },
    })),
    texts.map((text) => ({ bytes: bulk(text), expected: { reply: text as Reply } })),
    fc.integer().map((n) => ({ bytes: `:${n}\r\n`, expected: { reply: n as Reply } })),
    fc.array(texts, { maxLength: 4 }).map((items) => ({
      bytes: `*${items.length}\r\n${items.map(bulk).join("")}`,
      expected: { reply: items as Reply },
    })),
  );
  fc.assert(
    fc.property(
      fc.array(part),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (parts, lengths) => {
        // Lone surrogates have no bytes.
        fc.pre(parts.every(({ bytes }) => !/\p{Cs}/u.test(bytes)));
        const seen = read(Buffer.from(parts.map(({ bytes }) => bytes).join("")), lengths);
        const expected = parts.map(({ expected }) => expected);
        assert.deepEqual(
          seen.replies,
          expected.flatMap((each) => ("reply" in each ? [each.reply] : [])),
        );
        assert.deepEqual(
          seen.messages,
          expected.flatMap((each) => ("message" in each ? [each.message] : [])),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("a value of megabytes in thousands of chunks is joined once", () => {
  const text = "x".repeat(KEPT_BULK_BYTES);
  const began = performance.now();
  const seen = read(Buffer.from(message("prefix1", text)), [64]);
  assert.equal(seen.messages[0]![1], text);
  // Joining it again at every chunk would copy 32 GiB.
  assert.ok(performance.now() - began < 20_000);
});

test("of a larger text both ends are kept, wherever it stands and whatever the chunks", () => {
  const middle = "m".repeat(3_000_000);
  const ends = `${"a".repeat(KEPT_BULK_BYTES / 2)}${middle}${"z".repeat(KEPT_BULK_BYTES / 2)}`;
  const kept = `${"a".repeat(KEPT_BULK_BYTES / 2)}${"m".repeat(KEPT_BULK_BYTES / 2 - 64 * 1024)}`;
  const cut = `${kept}${"z".repeat(64 * 1024)}`;
  const bytes = Buffer.from(
    `:1\r\n${bulk(ends)}${message("prefix1", ends)}*3\r\n${bulk("b")}${bulk(ends)}${bulk(ends)}${message("prefix2", "{}")}:2\r\n`,
  );
  for (const lengths of [[100], [65_536], [65_536, 1], [4_000_000], [KEPT_BULK_BYTES, 7]]) {
    const { replies, messages } = read(bytes, lengths);
    assert.equal(replies.length, 4, String(lengths));
    assert.ok(replies[1] === cut, `${lengths}: a reply`);
    const [before, first, second] = replies[2] as string[];
    assert.ok(before === "b" && first === cut && second === cut, `${lengths}: in an array`);
    assert.ok(messages[0]![1] === cut, `${lengths}: a message`);
    assert.deepEqual(messages[1], ["prefix2", "{}"]);
    assert.deepEqual([replies[0], replies[3]], [1, 2]);
  }
  // What arrives in one piece takes no more memory.
  assert.ok(read(Buffer.from(bulk(ends))).replies[0] === ends);
});

test("what is not Redis' protocol is an error and not a value", () => {
  for (const text of [
    "HTTP/1.1 400 Bad Request\r\n",
    "$x\r\n",
    "*4\r\n$8\r\npmessage\r\n:1\r\n\r\n",
    "*4\r\n$8\r\npmessage\r\n$1\r\np\r\n$-1\r\n$1\r\nx\r\n",
    "*4\r\n$8\r\npmessage\r\n$1\r\np\r\n$1\r\nc\r\n$-1\r\n",
    "$-2\r\n",
    "$1e1\r\n",
    "$536870913\r\n",
    "*-5\r\n",
    "*x\r\n",
    "*1.5\r\n",
    "*99999999\r\n",
    "%-2\r\n",
    ":\r\n",
    ":1x\r\n",
    ":0aaaa\r\n",
    ",one\r\n",
    "+a\rb\r\n",
    `+${"a".repeat(70_000)}`,
    "*1\r\n".repeat(20_000),
    `${"*1\r\n".repeat(65)}:1\r\n`,
  ]) {
    assert.throws(() => read(Buffer.from(text)), /does not speak Redis' protocol/, text);
  }
});

test("answers may be nested 64 times", () => {
  const [nested] = read(Buffer.from(`${"*1\r\n".repeat(64)}:1\r\n`)).replies;
  assert.equal(JSON.stringify(nested), `${"[".repeat(64)}1${"]".repeat(64)}`);
});

test("no bytes whatever make it loop or throw anything else", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (bytes, length) => {
        try {
          read(Buffer.from(bytes), [length]);
        } catch (error) {
          assert.match(String(error), /does not speak Redis' protocol/);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
