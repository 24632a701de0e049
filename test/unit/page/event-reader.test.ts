import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EventReader } from "../../../src/page/model/event-reader.js";

const STREAM = `retry: 2000

: still here

event: sample
data: {"at":1}

id: x-7
event: mark
data: {"text":"colon: and
data: second line"}

data: no type

`;
const EVENTS = [
  { type: "sample", data: '{"at":1}' },
  { type: "mark", data: '{"text":"colon: and\nsecond line"}' },
  { type: "message", data: "no type" },
];

test("events are the same, in whatever pieces they come", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
      const reader = new EventReader();
      const places = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      const events = places.slice(1).flatMap((to, index) => {
        return reader.read(STREAM.slice(places[index], to));
      });
      assert.deepEqual(events, EVENTS);
    }),
  );
});
