import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { fitYaml } from "../../../src/config/print/fit-yaml.js";
import { printEffective } from "../../../src/config/print/print.js";
import type { ConfigNode } from "../../../src/config/sources/tree.js";
import { widthOf } from "../../../src/terminal/text.js";

const ORIGIN = { kind: "flag", flag: `--set ${"x".repeat(60)} # "y"` } as const;

/** Values as the configuration has them, in nodes that all come from one place. */
function nodeOf(value: unknown): ConfigNode {
  if (Array.isArray(value)) return { kind: "list", items: value.map(nodeOf), origin: ORIGIN };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([key, each]) => [key, { value: nodeOf(each), keyOrigin: ORIGIN }] as const,
    );
    return { kind: "map", entries: new Map(entries), origin: ORIGIN } as unknown as ConfigNode;
  }
  return { kind: "scalar", value, origin: ORIGIN } as unknown as ConfigNode;
}

const scalar = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.lorem({ maxCount: 30 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.constantFrom(
    "amqp://guest@a-very-long-host-name.in.some-region.example.com:5672/shop,amqp://guest@another",
    "a \\ b".repeat(40),
    "\u0006\u0016".repeat(20),
    `${" ".repeat(20)}x`,
    `"${"quoted ".repeat(20)}"`,
    `# ${"no comment ".repeat(20)}`,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie("value"), { maxKeys: 4 }),
  ),
}));
const anyConfig = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), anyValue, { minKeys: 1 });

test("what does not fit is broken, and reads as the same YAML", () => {
  fc.assert(
    fc.property(anyConfig, fc.constantFrom(60, 80, 200), (config, width) => {
      const printed = [...printEffective(nodeOf(config))].join("");
      const fitted = fitYaml(printed, width);
      assert.deepEqual(parse(fitted), parse(printed));
      for (const line of fitted.split("\n")) assert.ok(widthOf(line) <= width, line);
    }),
    { numRuns: 500 },
  );
});

test("what fits stays as it is", () => {
  const printed = [...printEffective(nodeOf({ tasks: { add: { args: [1, "two"] } } }))].join("");
  assert.equal(fitYaml(printed, 200), printed);
});

test("a comment without room goes above its value", () => {
  assert.equal(
    fitYaml('    broker: "amqp://h # 5" # a-long/path/to/load.yml:2:13, BROKER', 50),
    '    # a-long/path/to/load.yml:2:13, BROKER\n    broker: "amqp://h # 5"',
  );
});
