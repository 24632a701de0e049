import assert from "node:assert/strict";
import { test } from "node:test";
import { isTagged, taggedFault } from "../../../src/celery/messages/tagged-json.js";

const faultOf = (type: unknown, value: unknown) =>
  taggedFault({ __type__: type, __value__: value });

const READABLE: readonly [string, readonly unknown[]][] = [
  [
    "datetime",
    [
      "2030-01-02T03:04:05",
      "2030-01-02T03:04:05.123456+00:00",
      "0001-01-01T00:00",
      "2028-02-29T00:00-23:59",
    ],
  ],
  ["date", ["2030-01-02", "2028-02-29"]],
  ["time", ["03:04", "23:59:59.123", "03:04:05+05:30"]],
  [
    "decimal",
    [
      "1.50",
      "-.5",
      "1.",
      "+1e-7",
      "1E999999",
      "{{ int(1, 6) }}",
      "{{ float(0, 1) }}",
      "{{ choice(1.5) }}",
    ],
  ],
  [
    "uuid",
    [
      { hex: "0".repeat(32) },
      { hex: "12345678-1234-1234-1234-123456789abc" },
      { hex: "{{ uuid }}" },
    ],
  ],
  ["bytes", ["", "tëxt", "{{ uuid }}", "n {{ seq }}", "{{ seq }}"]],
  ["base64", ["", "YQ==", "//4=", "{{ bytes(8) }}"]],
];

const UNREADABLE: readonly [string, readonly unknown[]][] = [
  [
    "datetime",
    [
      "2030-01-02",
      "2030-01-02 03:04:05",
      "2030-02-31T00:00:00",
      "now",
      5,
      null,
      "{{ now }}",
      "2030-01-02T24:00:00",
    ],
  ],
  ["date", ["2030-02-31", "2029-02-29", "0000-01-01", "2030-1-2", "2030-01-02T00:00:00"]],
  ["time", ["24:00", "3:04", "03:04:60", "03:04:05.1", "03:04:05Z"]],
  ["decimal", ["", ".", "1,5", "1e", "1e9999999", "0x1", "NaN", 1.5, "{{ uuid }}", "{{ seq }} "]],
  [
    "uuid",
    [
      "0".repeat(32),
      { hex: "0".repeat(31) },
      { hex: 5 },
      {},
      { hex: "0".repeat(32), int: 1 },
      null,
    ],
  ],
  ["bytes", [5, null, "\ud800", ["a"]]],
  ["base64", ["YQ", "YQ=", "Y===", "ä", 5, "{{ uuid }}", "a{{ bytes(8) }}"]],
];

test("typed values that kombu can read are accepted", () => {
  for (const [type, values] of READABLE) {
    for (const value of values)
      assert.equal(faultOf(type, value), undefined, `${type} ${JSON.stringify(value)}`);
  }
});

test("typed values that kombu cannot read are refused, with the form that it can", () => {
  for (const [type, values] of UNREADABLE) {
    for (const value of values) {
      assert.match(
        faultOf(type, value) ?? "",
        /^an? \w+ must be .*, or Celery's worker cannot decode the message$/,
        `${type} ${JSON.stringify(value)}`,
      );
    }
  }
});

test("a type that kombu does not know is refused, also one with the name of a property of all objects", () => {
  for (const type of ["set", "constructor", "toString", "__proto__", "", 5, null, ["date"]]) {
    assert.match(faultOf(type, "2030-01-02") ?? "", /unknown type/, String(type));
  }
});

test("a mapping with other keys is none", () => {
  assert.equal(isTagged({ __type__: "set" }), false);
  assert.equal(isTagged({ __value__: 1, __type__: 1 }), true);
  assert.equal(taggedFault({ __type__: "set", __value__: 1, more: 1 }), undefined);
});
