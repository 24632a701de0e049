import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { later } from "../../../src/control/carry-on.js";
import {
  readState,
  relativeTo,
  type StoredState,
  stateText,
} from "../../../src/state/state-form.js";
import { fullState } from "./states.js";

const { state, nowMs } = fullState();
const STORED: StoredState = {
  state: relativeTo(nowMs, state),
  writtenUnixMs: 1_795_000_000_123,
  isClean: false,
  configHash: "feedfacecafe",
  today: { day: 20_786, starts: 4_711 },
};
const TEXT = stateText(STORED);

function problemOf(text: string): string {
  const read = readState(text);
  assert.ok("problem" in read, `it was taken: ${text.slice(0, 100)}`);
  return read.problem;
}

test("what is written is read again", () => {
  assert.deepEqual(readState(TEXT), JSON.parse(JSON.stringify(STORED)));
});

test("times are relative to the moment of writing", () => {
  const { steady } = STORED.state.scenarios;
  assert.equal(steady!.overrides[0]!.untilMs, 3_025 + 600_000 - nowMs);
  assert.equal(steady!.regime.fromMs, 3_025 - nowMs);
  assert.deepEqual(later(steady!, nowMs), state.scenarios.steady);
});

test("no byte can be another one", () => {
  const bytes = Buffer.from(TEXT);
  for (let place = 0; place < bytes.length; place++) {
    for (const flip of [1, 32, 128, 255]) {
      const damaged = Buffer.from(bytes);
      damaged[place]! ^= flip;
      problemOf(damaged.toString("utf8"));
    }
  }
});

test("no part of it is taken for the whole", () => {
  for (let length = 0; length < TEXT.length; length++) problemOf(TEXT.slice(0, length));
});

test("any text is refused in words", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((body) => `{"celeryLoadState":1,${body}`),
  );
  fc.assert(fc.property(texts, (text) => assert.match(problemOf(text), /^it is |^its /)));
});

const rows: [string, string, RegExp][] = [
  ["an empty file", "", /^it is empty$/],
  ["another file", "broker: redis://", /^it is no state file$/],
  ["zeros, after a power loss", "\0".repeat(500), /^it is no state file$/],
  [
    "a later version",
    TEXT.replace(":2,", ":3,"),
    /^it is of version 3 and this program reads up to version 2$/,
  ],
  ["a cut one", TEXT.slice(0, 300), /^it is damaged: its end is missing/],
  ["one with a line more", `${TEXT}\n`, /^it is damaged: its checksum/],
  ["one with another value", TEXT.replace('"isClean":false', '"isClean":true'), /its checksum/],
  ["one of another form", withBody({ ...STORED, more: 1 }), /has another form$/],
  [
    "one with keys of prototypes",
    withBody(JSON.parse(`{"__proto__":{"a":1},${JSON.stringify(STORED).slice(1)}`)),
    /^it is damaged/,
  ],
  ["a scenario of such a name", withScenario("__proto__"), /^it is damaged/],
  ["no object", withBody(null), /has another form$/],
];

for (const [name, text, words] of rows) {
  test(`${name} is refused: ${words.source}`, () => assert.match(problemOf(text), words));
}

test("a scenario may have the name of one of Object's methods", () => {
  const read = readState(withScenario("constructor"));
  assert.ok("state" in read && Object.hasOwn(read.state.scenarios, "constructor"));
});

function withBody(body: unknown): string {
  return stateText(body as StoredState);
}

function withScenario(name: string): string {
  const scenarios = JSON.parse(`{"${name}":${JSON.stringify(STORED.state.scenarios.loop)}}`);
  return withBody({ ...STORED, state: { ...STORED.state, scenarios } });
}
