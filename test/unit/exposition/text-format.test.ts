import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundText,
  familyHeader,
  labelText,
  numberText,
  sampleHead,
} from "../../../src/exposition/text-format.js";

test("a counter's family lacks _total in OpenMetrics and keeps it in text 0.0.4", () => {
  assert.equal(
    familyHeader("a_total", "counter", "Help.", "text"),
    "# HELP a_total Help.\n# TYPE a_total counter\n",
  );
  assert.equal(
    familyHeader("a_total", "counter", "Help.", "openmetrics"),
    "# HELP a Help.\n# TYPE a counter\n",
  );
});

test("OpenMetrics names the unit that the name ends in", () => {
  assert.match(
    familyHeader("a_seconds", "gauge", "Help.", "openmetrics"),
    /^# UNIT a_seconds seconds$/m,
  );
  assert.match(
    familyHeader("a_seconds_total", "counter", "Help.", "openmetrics"),
    /^# UNIT a_seconds seconds$/m,
  );
  assert.doesNotMatch(familyHeader("a_seconds", "gauge", "Help.", "text"), /UNIT/);
});

test("help and label values are escaped", () => {
  assert.equal(labelText({ a: 'x"y\\z\nw', b: 1 }), 'a="x\\"y\\\\z\\nw",b="1"');
  assert.match(familyHeader("a", "gauge", "one\ntwo\\", "text"), /# HELP a one\\ntwo\\\\/);
});

test("numbers are written as Prometheus reads them", () => {
  const texts = [0, 1.5, 1e21, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(
    numberText,
  );
  assert.deepEqual(texts, ["0", "1.5", "1e+21", "+Inf", "-Inf", "NaN"]);
  assert.equal(sampleHead("a", ""), "a ");
  assert.equal(sampleHead("a", 'b="c"'), 'a{b="c"} ');
});

test("a bucket's bound is a float in OpenMetrics", () => {
  assert.deepEqual(
    [1, 0.5, Number.POSITIVE_INFINITY].map((n) => boundText(n, "openmetrics")),
    ["1.0", "0.5", "+Inf"],
  );
  assert.equal(boundText(1, "text"), "1");
});
