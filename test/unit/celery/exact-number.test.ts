import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { beyondSerializer } from "../../../src/celery/messages/arguments.js";
import { bodyEncoding } from "../../../src/celery/messages/body-encoding.js";
import { parseExactJson, readNumber } from "../../../src/celery/messages/exact-number.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import { msgpackBody } from "../../../src/celery/messages/msgpack-body.js";
import { compileRedisEnvelope } from "../../../src/celery/messages/redis-envelope.js";
import { compileBody, NOTHING_EMBEDDED } from "../../../src/celery/messages/task-body.js";
import type { LoadOptions } from "../../../src/config/load.js";
import { loadConfig } from "../../../src/config/load.js";
import { printEffective } from "../../../src/config/print/print.js";
import { quickForm } from "../../../src/config/sources/quick.js";
import { HEAD, loadTexts, SCENARIO, taskOf } from "../config/configurations.js";
import { CONTEXT, taskOptions } from "./specs.js";

interface Written {
  readonly text: string;
  /** What goes into a JSON body. */
  readonly json: string;
  /** Python's repr of `json.loads` of that. */
  readonly repr: string;
  readonly yaml: string;
  /** In hexadecimal digits; null: there is none. */
  readonly msgpack: string | null;
}

function row(text: string, json: string, repr: string, yaml: string, msgpack: string | null) {
  return { text, json, repr, yaml, msgpack };
}

/** In JSON's form, and in YAML's. */
const NUMBERS: readonly Written[] = [
  row("7", "7", "7", "7", "07"),
  row("-0", "0", "0", "0", "00"),
  row("0.1", "0.1", "0.1", "0.1", "cb3fb999999999999a"),
  row("3.0", "3.0", "3.0", "3.0", "cb4008000000000000"),
  row("-3.00", "-3.00", "-3.0", "-3.0", "cbc008000000000000"),
  row("-0.0", "-0.0", "-0.0", "-0.0", "cb8000000000000000"),
  row("1e5", "1e5", "100000.0", "100000.0", "cb40f86a0000000000"),
  row("1E+2", "1E+2", "100.0", "100.0", "cb4059000000000000"),
  row("1e-7", "1e-7", "1e-07", "1.0e-7", "cb3e7ad7f29abcaf48"),
  row("1e16", "1e16", "1e+16", "10000000000000000.0", "cb4341c37937e08000"),
  row("1e22", "1e+22", "1e+22", "1.0e+22", "cb4480f0cf064dd592"),
  row(
    "9007199254740993",
    "9007199254740993",
    "9007199254740993",
    "9007199254740993",
    "cf0020000000000001",
  ),
  row(
    "1234567890123456789",
    "1234567890123456789",
    "1234567890123456789",
    "1234567890123456789",
    "cf112210f47de98115",
  ),
  row(
    "-9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775808",
    "d38000000000000000",
  ),
  row(
    "18446744073709551615",
    "18446744073709551615",
    "18446744073709551615",
    "18446744073709551615",
    "cfffffffffffffffff",
  ),
  row(
    "18446744073709551616",
    "18446744073709551616",
    "18446744073709551616",
    "18446744073709551616",
    null,
  ),
  row(
    "-9223372036854775809",
    "-9223372036854775809",
    "-9223372036854775809",
    "-9223372036854775809",
    null,
  ),
  row(
    "12345678901234567890.0",
    "12345678901234567890.0",
    "1.2345678901234567e+19",
    "12345678901234567000.0",
    "cb43e56a95319d63e1",
  ),
];
const NUMBERS_OF_YAML: readonly Written[] = [
  row("+7", "7", "7", "7", "07"),
  row("0x1F", "31", "31", "31", "1f"),
  row("0o17", "15", "15", "15", "0f"),
  row(
    "0xFFFFFFFFFFFFFFFF",
    "18446744073709551615",
    "18446744073709551615",
    "18446744073709551615",
    "cfffffffffffffffff",
  ),
  row("007", "7", "7", "7", "07"),
  row("5.", "5.0", "5.0", "5.0", "cb4014000000000000"),
  row(".5", "0.5", "0.5", "0.5", "cb3fe0000000000000"),
  row("+3.0", "3.0", "3.0", "3.0", "cb4008000000000000"),
];

/** The configuration whose task `resize` has this number as its argument. */
type WayIn = (text: string) => ReturnType<typeof loadTexts>;

const withArgs = (args: string, options?: Partial<LoadOptions>) =>
  loadTexts([HEAD.replace("resize:\n", `resize:\n    args: ${args}\n`) + SCENARIO], options);

const FILES: Readonly<Record<string, WayIn>> = {
  "a file": (text) => withArgs(`[${text}]`),
  "an alias": (text) =>
    loadTexts([
      `x-own: &own [${text}]\n${HEAD.replace("resize:\n", "resize:\n    args: *own\n")}${SCENARIO}`,
    ]),
  defaults: (text) => loadTexts([`defaults: {tasks: {args: [${text}]}}\n${HEAD}${SCENARIO}`]),
  "--set": (text) =>
    loadTexts([HEAD + SCENARIO], { overrides: [{ set: `tasks.resize.args=[${text}]` }] }),
  "the environment": (text) =>
    loadTexts([HEAD + SCENARIO], { env: { CELERY_LOAD_TASKS__RESIZE__ARGS: `[${text}]` } }),
};
const VARIABLE: WayIn = (text) =>
  withArgs(
    `
      - \${N}`,
    { env: { N: text } },
  );
const TEMPLATE: WayIn = (text) => withArgs(`["{{ choice(${text}) }}"]`);

function bodyOf(config: ReturnType<typeof loadTexts>["config"], key: string) {
  // As it goes to the thread of the engine.
  const { args, kwargs } = structuredClone(taskOf(config, key));
  const spec = { ...taskOptions({ args, kwargs }), embed: NOTHING_EMBEDDED, hasEta: false };
  return compileBody(spec, { readLines: () => [], random: () => 0 });
}

function assertArrives(loaded: ReturnType<typeof loadTexts>, { json, repr }: Written): void {
  const body = bodyOf(loaded.config, "resize");
  assert.equal(body.render(CONTEXT).slice(0, json.length + 5), `[[${json}], `);
  if (body.isStatic) assert.equal(body.argsrepr, `(${repr},)`);
}

for (const [name, load] of Object.entries(FILES)) {
  test(`a number arrives as Python reads what is written in ${name}`, () => {
    for (const number of [...NUMBERS, ...NUMBERS_OF_YAML]) assertArrives(load(number.text), number);
  });
}

test("a number arrives as Python reads what is written in a variable and in choice()", () => {
  for (const number of NUMBERS) {
    assertArrives(VARIABLE(number.text), number);
    assertArrives(TEMPLATE(number.text), number);
  }
});

test("a number arrives as Python reads what is written in --args and --kwargs", () => {
  for (const { text, json, repr } of NUMBERS) {
    const flags = { task: "a", args: `[${text}]`, kwargs: `{"deep": [{"n": ${text}}]}` };
    const { config } = loadConfig({ files: [], env: {}, overrides: quickForm(flags, {}) });
    const body = bodyOf(config, "task");
    const expected = `[[${json}], {"deep": [{"n": ${json}}]}, `;
    assert.equal(body.render(CONTEXT).slice(0, expected.length), expected);
    assert.equal(body.argsrepr, `(${repr},)`);
  }
});

test("check prints numbers as they were written, and elsewhere they are numbers as ever", () => {
  const { effective, config } = withArgs("[3.0, 1234567890123456789, 1e5]");
  assert.match(
    [...printEffective(effective())].join(""),
    /args: \[3\.0, 1234567890123456789, 1e5\] #/,
  );
  const scenario = SCENARIO.replace("20/s", "20/s\n    maxInFlight: 10.0");
  assert.equal(loadTexts([HEAD + scenario]).config.scenarios.steady?.maxInFlight, 10);
  assert.equal(config.seed, 1);
});

describe("each serializer writes the number that Python reads in JSON", () => {
  for (const { text, json, yaml, msgpack } of [...NUMBERS, ...NUMBERS_OF_YAML]) {
    test(text, () => {
      const written = (serializer: "json" | "yaml" | "msgpack", number: string) =>
        bodyEncoding({ serializer, compression: null }).encode(number);
      assert.equal(written("json", json).toString(), json);
      assert.equal(written("yaml", json).toString(), yaml);
      if (msgpack !== null) assert.equal(written("msgpack", json).toString("hex"), msgpack);
    });
  }
});

test("what msgpack has no number for is refused with its place", () => {
  for (const text of NUMBERS.filter(({ msgpack }) => msgpack === null).map(({ text }) => text)) {
    for (const value of [text, `"{{ choice(1, ${text}) }}"`]) {
      assert.throws(
        () => withArgs(`[1, [${value}]]\n    serializer: msgpack`),
        new RegExp(
          `^ConfigError: load\\.yml:\\d+:16: Cannot read args\\[1\\]\\[0\\] of task "resize": a whole number beyond 64 bits \\(${text}\\) cannot be sent as msgpack\\.`,
        ),
      );
      assert.doesNotThrow(() => withArgs(`[1, [${value}]]\n    serializer: yaml`));
    }
  }
});

test("what msgpack has no number for is refused in what travels in its messages", () => {
  const text = `${HEAD.replace(
    "resize:\n",
    `large: {name: app.large, args: [18446744073709551616]}
  chained: {chain: [resize, large]}
  resize:
    serializer: msgpack
    link: [large]
`,
  )}${SCENARIO}`;
  const told =
    'task "large" has a whole number beyond 64 bits \\(18446744073709551616\\), and travels in the message of task "resize", which is msgpack';
  const refused = (each: string, name: string) =>
    assert.throws(() => loadTexts([each]), new RegExp(`of task "${name}": ${told}\\.`));
  refused(text.replace("    link: [large]\n", ""), "chained");
  refused(text.replace(/ {2}chained.*\n/, ""), "resize");
  assert.doesNotThrow(() =>
    loadTexts([text.replace("    link: [large]\n", "").replace("msgpack", "yaml")]),
  );
});

test("a number in headers and stamps arrives as it is written, or is refused", () => {
  for (const { text, json } of [...NUMBERS, ...NUMBERS_OF_YAML]) {
    const load = () => withArgs(`[]\n    headers: {deep: [${text}]}\n    stamps: {n: ${text}}`);
    if (!/^-?\d{19,}$/.test(json) || json === "1234567890123456789") {
      const { headers, stamps } = structuredClone(taskOf(load().config, "resize"));
      const own = { ...taskOptions({ headers, stamps }), ...ROUTE };
      const envelope = compileRedisEnvelope(own, "client", SAMPLE_FILL.body);
      const written = envelope.fill(SAMPLE_FILL).toString();
      assert.ok(written.includes(`"deep":[${json}]`), written);
      assert.ok(written.includes(`"stamps":{"n":${json}}`), written);
    } else {
      assert.throws(
        load,
        /headers\.deep\[0\] of task "resize": must be a whole number from -2\^53 to 2\^63 - 1; found/,
      );
    }
  }
});

const ROUTE = {
  exchange: "",
  routingKey: "celery",
  hasEta: false,
  argsrepr: "()",
  kwargsrepr: "{}",
  origin: "gen1@host",
  groupIndex: null,
};

test("what is no number in JSON is refused wherever it is written", () => {
  for (const text of ["1e400", "-1e400", ".inf", ".nan"]) {
    assert.throws(() => withArgs(`[${text}]`), /is not a number that JSON can carry/);
  }
});

test("parseExactJson() reads what JSON.parse reads, numbers aside", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify([value, '1.0 1e5 12345678901234567890 \\ " {']);
      assert.deepEqual(asParsed(parseExactJson(text)), JSON.parse(text));
    }),
  );
  assert.throws(() => parseExactJson("[1.0"), SyntaxError);
  assert.deepEqual(asParsed(parseExactJson('{"a b": [1.0, {}, []], "c": null}')), {
    "a b": [1, {}, []],
    c: null,
  });
});

/** With JavaScript's numbers in place of the exact ones. */
function asParsed(value: unknown): unknown {
  if (value instanceof String) return Number(value);
  if (Array.isArray(value)) return value.map(asParsed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asParsed(item)]));
}

test("msgpackBody() writes the bytes of the library for JavaScript, and reads back", () => {
  const lengths = [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
  const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  const values: unknown[] = [
    ...lengths.map((length) => "x".repeat(length)),
    ...lengths.map((length) => Array.from({ length }, () => null)),
    ...lengths.map((length) =>
      Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, true])),
    ),
    ...edges.flatMap((edge) => [edge, -edge, -edge - 1].filter(Number.isSafeInteger)),
    [-32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1],
    ["ä😀", false, 1.5, -1e-300],
  ];
  for (const value of values) {
    assert.deepEqual(msgpackBody(value), Buffer.from(encode(plusZero(value))));
  }
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes("__proto__") && beyondSerializer("msgpack", value).length === 0);
      assert.deepEqual(decode(msgpackBody(JSON.parse(text))), JSON.parse(text));
    }),
  );
});

/** JSON has no -0 without a point. */
function plusZero(value: unknown): unknown {
  return value === 0 ? 0 : value;
}

test("readNumber() gives JavaScript's own number where it is the same one", () => {
  for (const [text, value] of [
    ["5", 5],
    ["-5", -5],
    ["0.25", 0.25],
    ["1e300", 1e300],
    [".5", 0.5],
  ] as const) {
    assert.equal(readNumber(text), value);
  }
});
