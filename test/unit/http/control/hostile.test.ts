import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { problemAnswer } from "../../../../src/http/control/answer-schemas.js";
import { ask, controlServer } from "../../../support/control-server.js";

const STEADY = "/api/v1/scenarios/steady";

/** Bodies that somebody may send to break something; none is an order. */
const HOSTILE: readonly string[] = [
  ...['{"rate":"5/s","ifRevision":1}', '{"rate":"5/s","actor":"guard"}'],
  ...['{"__proto__":{"rate":"5/s"}}', '{"constructor":{"prototype":{"rate":"5/s"}}}'],
  ...['{"rate":"5/s","__proto__":{"over":"1h"}}', '{"rate":"5/s","constructor":1}'],
  ...['{"mix":{"__proto__":1}}x', '{"profile":{"__proto__":{"steps":["5/s for 1m"]}}}'],
  ...['{"profile":{"ramp":{"stages":[{"__proto__":{"hold":"1h"}}]}}}'],
  ...["", " ", "\u0000", "\ufeff{}", "true", "0", '"rate"', "NaN", "[[]]", '[{"rate":"5/s"}]'],
  ...['{"rate":"5/s"', '{"rate":"5/s",}', "{'rate':'5/s'}", "{rate:5}", '{"rate":5/s}'],
  ...['{"rate":1e999}', '{"scale":1e999}', '{"scale":-0.1}', '{"scale":null}', '{"scale":[1]}'],
  ...[
    '{"rate":null}',
    '{"rate":{}}',
    '{"rate":[]}',
    '{"rate":true}',
    '{"rate":""}',
    '{"rate":" 5/s"}',
  ],
  ...[
    '{"rate":"5/s\\n"}',
    '{"rate":"٥/s"}',
    '{"rate":"1e9/s"}',
    '{"rate":"0x10/s"}',
    '{"rate":"5/s;5/s"}',
  ],
  ...[`{"rate":"\${RATE}"}`, '{"rate":"{{ int(1, 2) }}/s"}', '{"rate":"99999999999999999999/s"}'],
  ...['{"rate":"5/s","over":"99999d"}', '{"rate":"5/s","ttl":"-1s"}', '{"rate":"5/s","ttl":"0ms"}'],
  ...[
    '{"rate":"5/s","ttl":Infinity}',
    '{"rate":"5/s","ttl":1e400}',
    `{"rate":"5/s","ttl":"\${TTL}"}`,
  ],
  ...[
    '{"rate":"5/s","reason":"\\u0000"}',
    '{"rate":"5/s","reason":"\\u001b[2J"}',
    '{"rate":"5/s","reason":{}}',
  ],
  ...[
    '{"rate":"5/s","rate ":"6/s"}',
    '{"Rate":"5/s"}',
    '{"rate":"5/s","":1}',
    '{"rate":"5/s","dryRun":true}',
  ],
  ...[
    '{"profile":null}',
    '{"profile":[]}',
    '{"profile":{}}',
    '{"profile":"max"}',
    '{"profile":"5"}',
  ],
  ...[
    '{"profile":{"steps":"5/s for 1m"}}',
    '{"profile":{"steps":[[]]}}',
    '{"profile":{"steps":[null]}}',
  ],
  ...['{"profile":{"steps":["5/s for 0s"]}}', '{"profile":{"steps":["5/s for 1m"],"repeat":1}}'],
  ...[
    '{"profile":{"steps":["5/s for 1m"],"extra":1}}',
    '{"profile":{"ramp":{}}}',
    '{"profile":{"ramp":[]}}',
  ],
  ...['{"profile":{"ramp":{"stages":[{}]}}}', '{"profile":{"ramp":{"stages":[{"to":"5/s"}]}}}'],
  ...[
    '{"profile":{"replay":{"file":"/etc/passwd"}}}',
    '{"profile":{"constructor":1}}',
    '{"profile":{"toString":1}}',
  ],
  ...[
    '{"mix":null}',
    '{"mix":[]}',
    '{"mix":{}}',
    '{"mix":""}x',
    '{"mix":{"a":0}}',
    '{"mix":{"a":-1}}',
  ],
  ...[
    '{"mix":{"a":1e999}}',
    '{"mix":{"a":"1"}}',
    '{"mix":[1]}',
    '{"mix":["a","a"]}',
    '{"mix":[["a"]]}',
    '{"mix":5}',
  ],
  ...['{"rate":"5/s","mix":{"a":1}}', '{"rate":"5/s","scale":1,"mix":"a","profile":"5/s"}'],
  ...[
    '{"rate":"5/s","over":null}',
    '{"rate":"5/s","over":""}',
    '{"rate":"5/s","over":"1y"}',
    '{"over":"1m"}',
  ],
  `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
  `${'{"profile":'.repeat(5_000)}1${"}".repeat(5_000)}`,
  `{"profile":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
  `{"rate":"${"5".repeat(60_000)}/s"}`,
  `{"${"a".repeat(60_000)}":1}`,
  `{"reason":"${"😀".repeat(10_000)}"}`,
  `{"mix":{${Array.from({ length: 4_000 }, (_, index) => `"t${index}":0`)}}}`,
  `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":1`)}}`,
  `{"profile":{"steps":[${Array.from({ length: 4_000 }, () => '"x"')}]}}`,
];

test("there are a hundred hostile bodies", () =>
  assert.ok(HOSTILE.length >= 100, `${HOSTILE.length}`));

test("no hostile body is an order, crashes, or reaches a prototype", async () => {
  let nowMs = 0;
  await using server = await controlServer({ nowMs: () => nowMs });
  for (const body of HOSTILE) {
    nowMs += 1_000;
    const answer = await ask(server, "PATCH", STEADY, body);
    const shown = body.slice(0, 100);
    assert.equal(answer.status, 400, `${shown}: ${answer.status} ${answer.text.slice(0, 300)}`);
    problemAnswer.parse(answer.json);
    assert.ok(answer.text.length < 64 * 1024, `${shown}: an answer of ${answer.text.length}`);
    assert.equal(server.steering.given.length, 0, shown);
    assert.equal(({} as { rate?: unknown }).rate, undefined, shown);
  }
  assert.equal((await ask(server, "GET", "/healthz")).status, 200);
});

test("of a key that is there twice the last one counts, as in every reader of JSON here", async () => {
  await using server = await controlServer();
  const answer = await ask(server, "PATCH", STEADY, '{"rate":"5/s","rate":"6/s"}');
  assert.equal(answer.status, 200);
  const [given] = server.steering.given;
  assert.deepEqual(given?.order.kind === "override" && given.order.to, {
    what: "rate",
    perSecond: 6,
  });
});

test("whatever JSON is sent, an answer is one of those that are documented", async () => {
  let nowMs = 0;
  await using server = await controlServer({ nowMs: () => nowMs });
  const json = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          rate: fc.oneof(fc.constant("5/s"), fc.jsonValue()),
          scale: fc.oneof(fc.double(), fc.jsonValue()),
          over: fc.oneof(fc.constant("1m"), fc.jsonValue()),
          mix: fc.jsonValue(),
          profile: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(json, async (body) => {
      nowMs += 1_000;
      const { status } = await ask(server, "PATCH", STEADY, body);
      assert.ok(status === 200 || status === 400, `${status}`);
    }),
    { numRuns: 150 },
  );
});
