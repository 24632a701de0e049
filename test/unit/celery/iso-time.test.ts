import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isoTime } from "../../../src/celery/messages/iso-time.js";

test("a time has an offset and six digits of fraction, as Celery before 5.3 counts digits", () => {
  assert.equal(
    isoTime(Date.UTC(2026, 10, 24, 10, 10, 10, 511)),
    "2026-11-24T10:10:10.511000+00:00",
  );
  assert.equal(isoTime(0), "1970-01-01T00:00:00.000000+00:00");
});

test("a time of four-digit years is read back as the same", () => {
  const unixMs = fc.date({
    min: new Date(0),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(unixMs, (date) => {
      const text = isoTime(date.getTime());
      assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
      assert.equal(Date.parse(text), date.getTime());
    }),
  );
});
