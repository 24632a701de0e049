import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { templateFiles, validateTemplates } from "../../../src/celery/messages/arguments.js";
import { compileBody, NOTHING_EMBEDDED } from "../../../src/celery/messages/task-body.js";
import { UserError } from "../../../src/errors.js";
import { CONTEXT as START, taskOptions } from "./specs.js";

const EMBED = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}';
const CONTEXT = { ...START, seq: 7, plannedUnixSeconds: 1763990000.25, nowUnixSeconds: 1763990001 };

/** A body with a "random" that goes through the given numbers again and again. */
function compile(
  args: unknown[],
  kwargs: Record<string, unknown> = {},
  numbers: readonly number[] = [0.5],
) {
  let drawn = 0;
  const spec = { ...taskOptions({ args, kwargs }), embed: NOTHING_EMBEDDED, hasEta: false };
  return compileBody(spec, {
    readLines: (name) => (name === "empty.txt" ? [] : [`${name} é`, 'two "2"', "three"]),
    random: () => numbers[drawn++ % numbers.length]!,
  });
}

/** What a single template in the arguments turns into. */
function rendered(template: string, numbers?: readonly number[]): string {
  const text = compile([template], {}, numbers).render(CONTEXT);
  return text.slice("[[".length, -`], {}, ${EMBED}]`.length);
}

function messagesOf(value: unknown): string[] {
  return validateTemplates(value).map(({ message }) => message);
}

test("compileBody() writes the triple of protocol 2 with Python's separators", () => {
  const body = compile([1, "a", [true, null]], { k: { n: 1.5 }, m: [] });
  assert.equal(
    body.render(CONTEXT),
    `[[1, "a", [true, null]], {"k": {"n": 1.5}, "m": []}, ${EMBED}]`,
  );
  assert.equal(body.isStatic, true);
});

test("compileBody() escapes everything that is not ASCII", () => {
  assert.equal(
    compile(["é\u2028😀\n"], { ü: 1 }).render(CONTEXT),
    `[["\\u00e9\\u2028\\ud83d\\ude00\\n"], {"\\u00fc": 1}, ${EMBED}]`,
  );
});

test("compileBody() gives any static JSON back as it was, in ASCII", () => {
  const json = fc.jsonValue().filter((value) => validateTemplates(value).length === 0);
  fc.assert(
    fc.property(fc.array(json), fc.dictionary(fc.string(), json), (args, kwargs) => {
      fc.pre(validateTemplates(kwargs).length === 0);
      const text = compile(args, kwargs).render(CONTEXT);
      assert.match(text, /^[\x20-\x7f]*$/);
      assert.equal(
        JSON.stringify(JSON.parse(text)),
        JSON.stringify([args, kwargs, JSON.parse(EMBED)]),
      );
    }),
  );
});

const VALUES: [string, string, string][] = [
  ["{{ seq }}", "7", "a number stays a number"],
  ["{{seq()}}", "7", "empty brackets and no spaces are the same"],
  ["n{{ seq }}/{{ seq }}", '"n7/7"', "inside a longer string its text is put in"],
  [" {{ seq }}", '" 7"', "a space makes the string longer than its template"],
  ["{{ planned }}", "1763990000.25", "planned is a float"],
  ["{{ now }}", "1763990001.0", "a whole now is still a float for Python"],
  ["{{ int(1, 6) }}", "4", "int() takes both ends"],
  ["{{ int(-5, -5) }}", "-5", "int() of one value"],
  ["{{ float(0, 3) }}", "1.5", "float() scales"],
  ["{{ float(1, 3) }}", "2.0", "float() gives a float"],
  ['{{ choice("a", "b", 3) }}', '"b"', "choice() of texts keeps the quotes"],
  ["{{ choice('x\\'y') }}", '"x\'y"', "single quotes can be escaped"],
  ['{{ choice(3, "b") }}!', '"b!"', "choice() inside a string loses the quotes"],
  ["{{ choice(null, true) }}", "true", "choice() knows the JSON words"],
  ['{{ choice("{{") }} {{ choice("}}") }}', '"{{ }}"', "braces can be sent as text"],
  ['{{ choice("\\u00e9\\"") }}!', '"\\u00e9\\"!"', "a choice is escaped inside a string"],
  ["{{ bytes(6) }}", '"AAAAgICA"', "bytes() is base64"],
  ["{{ bytes(0) }}", '""', "no bytes is an empty string"],
  ["{{ digits(4) }}", '"5555"', "digits() are text"],
  ["{{ words(2) }}", '"magna magna"', "words() are text"],
  ["{{ weighted('a', 1, 'b', 9) }}", '"b"', "weighted() takes the weights"],
  ["{{ weighted('a', 1, 3, 0.5) }}", '"a"', "weighted() takes any weights"],
  ["{{ zipf(1, 2) }}", "1", "zipf() of one"],
  ["{{ zipf(3, 0) }}", "2", "zipf() is a whole number"],
  ["{{ normal(5, 0) }}", "5.0", "normal() is a float"],
  ["{{ logNormal(200, 1) }}", "200.0", "logNormal() without spread is its median"],
  ["{{ datetime }}", '"2025-11-24T13:13:21.000000+00:00"', "datetime is now"],
  ["{{ datetime('-1d') }}", '"2025-11-23T13:13:21.000000+00:00"', "datetime() takes an offset"],
  ["{{ date('+1w') }}", '"2025-12-01"', "date() takes an offset"],
  ["{{ time('+90s', '%H.%M') }}", '"13.14"', "time() takes a format"],
  ["{{ date('+0s', '%d.%m.%Y %j %%') }}", '"24.11.2025 328 %"', "a format has strftime's words"],
  ["{{ uuid }}", '"80000000-8000-4000-8000-000080000000"', "uuid is of version 4"],
];

for (const [template, expected, sentence] of VALUES) {
  test(`${template} gives ${expected}: ${sentence}`, () => {
    assert.equal(rendered(template), expected);
  });
}

test("int() reaches its lowest and its highest value and none beyond", () => {
  assert.equal(rendered("{{ int(1, 6) }}", [0]), "1");
  assert.equal(rendered("{{ int(1, 6) }}", [1 - 2 ** -53]), "6");
});

test("uuid always has the form of version 4", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(random, { minLength: 4 }), (numbers) => {
      const text = rendered("{{ uuid() }}", numbers);
      assert.match(text, /^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$/);
    }),
  );
});

test("file() takes the lines in turn, each template for itself", () => {
  const body = compile(['{{ file("l.txt") }}', '<{{ file("l.txt") }}>']);
  const seen = Array.from({ length: 4 }, () => JSON.parse(body.render(CONTEXT))[0]);
  assert.deepEqual(seen, [
    ["l.txt é", "<l.txt é>"],
    ['two "2"', '<two "2">'],
    ["three", "<three>"],
    ["l.txt é", "<l.txt é>"],
  ]);
  assert.equal(body.isStatic, false);
});

test("a line that is a number is sent as one, and any other as a text", () => {
  const LINES = {
    "17": "17",
    "1234567890123456789": "1234567890123456789",
    "3.0": "3.0",
    "-0.0": "-0.0",
    "1e5": "1e5",
    "007": '"007"',
    "+1": '"+1"',
    "0x10": '"0x10"',
    "1e400": '"1e400"',
    ".5": '".5"',
    NaN: '"NaN"',
    null: '"null"',
    " 1": '" 1"',
    [`1${"0".repeat(4300)}`]: `"1${"0".repeat(4300)}"`,
  };
  for (const [line, json] of Object.entries(LINES)) {
    const spec = {
      ...taskOptions({ args: ['{{ file("f") }}', '#{{ file("f") }}'] }),
      embed: NOTHING_EMBEDDED,
      hasEta: false,
    };
    const body = compileBody(spec, { readLines: () => [line], random: () => 0 });
    assert.equal(body.render(CONTEXT), `[[${json}, "#${line}"], {}, ${EMBED}]`);
  }
});

test("a typed value with templates has their text, and is looked at where it may be wrong", () => {
  const typed = (type: string, value: unknown) => ({ __type__: type, __value__: value });
  const written = (value: unknown, numbers?: readonly number[]) =>
    JSON.parse(compile([value], {}, numbers).render(CONTEXT))[0][0];
  assert.deepEqual(written(typed("decimal", "{{ choice('19.90') }}")), typed("decimal", "19.90"));
  assert.deepEqual(written(typed("decimal", "{{ int(1, 6) }}")), typed("decimal", "4"));
  assert.deepEqual(written(typed("bytes", "{{ seq }}")), typed("bytes", "7"));
  assert.equal(written(typed("uuid", { hex: "{{ uuid }}" })).__value__.hex.length, 36);
  assert.throws(() => written(typed("date", "2030-{{ choice('1-2') }}")), {
    message: 'a date must be a date such as 2030-01-02, not "2030-1-2"',
  });
});

test("file() refuses a file without lines", () => {
  assert.throws(() => compile(['{{ file("empty.txt") }}']), {
    name: "UserError",
    message: "Cannot take lines from empty.txt, as it has none. Write one value a line",
  });
});

test("the largest bytes() makes 1 MiB of base64", () => {
  const text = rendered("{{ bytes(786432) }}");
  assert.equal(text.length - 2, 1024 * 1024);
  assert.equal(messagesOf("{{ bytes(786433) }}").length, 1);
});

test("argsrepr and kwargsrepr are Python's, with templates as they are written", () => {
  const body = compile([1, "{{ seq }}", null], { name: "it's {{ uuid }}" });
  assert.equal(body.argsrepr, "(1, '{{ seq }}', None)");
  assert.equal(body.kwargsrepr, "{'name': 'it\\'s {{ uuid }}'}");
  assert.equal(compile([]).argsrepr, "()");
});

const FAULTS: [unknown, string][] = [
  ["{{ uiud }}", 'template {{ uiud }} calls the unknown function "uiud": did you mean "uuid"?'],
  ["{{ UUID() }}", 'template {{ UUID() }} calls the unknown function "UUID": did you mean "uuid"?'],
  [
    "{{ constructor }}",
    'template {{ constructor }} calls the unknown function "constructor": there are uuid, seq, planned, now, int, float, normal, logNormal, zipf, choice, weighted, digits, words, datetime, date, time, bytes, file, row',
  ],
  ["{{ seq(1) }}", "template {{ seq(1) }}: seq takes no arguments. Write {{ seq }}"],
  [
    "{{ int(1) }}",
    "template {{ int(1) }}: int takes two whole numbers, the lowest and the highest. Write {{ int(1, 6) }}",
  ],
  [
    "{{ int(1, 2.5) }}",
    "template {{ int(1, 2.5) }}: int takes two whole numbers below 2^53, the lowest and the highest. Write {{ int(1, 6) }}",
  ],
  [
    "{{ int(6, 1) }}",
    "template {{ int(6, 1) }}: int has its lowest value 6 above its highest 1. Write {{ int(1, 6) }}",
  ],
  [
    "{{ float(-1e308, 1e308) }}",
    "template {{ float(-1e308, 1e308) }}: float spans more than a number can hold. Write {{ float(0, 1) }}",
  ],
  [
    "{{ choice() }}",
    'template {{ choice() }}: choice takes at least one value to choose from. Write {{ choice("a", "b", 3) }}',
  ],
  [
    "{{ bytes(-1) }}",
    "template {{ bytes(-1) }}: bytes takes one whole number of bytes, 0 to 786432 (1 MiB as base64). Write {{ bytes(1024) }}",
  ],
  [
    "{{ file(lines) }}",
    'template {{ file(lines) }} cannot be read. Write {{ file("lines.txt") }}: one function, its arguments being numbers, strings in quotes, true, false or null',
  ],
  [
    '{{ file("") }}',
    'template {{ file("") }}: file takes one file name in quotes. Write {{ file("lines.txt") }}',
  ],
  [
    "{{ 1 + 1 }}",
    "template {{ 1 + 1 }} cannot be read. Write {{ uuid }}: one function, its arguments being numbers, strings in quotes, true, false or null",
  ],
  [
    "{{ }}",
    "template {{ }} cannot be read. Write {{ uuid }}: one function, its arguments being numbers, strings in quotes, true, false or null",
  ],
  [
    "a {{ seq",
    'template {{ seq is not closed. Write }} at its end, or {{ choice("{{") }} to send two braces',
  ],
  [
    "{{ weighted('a') }}",
    'template {{ weighted(\'a\') }}: weighted takes values, each with its weight behind it; one weight at least is above 0. Write {{ weighted("a", 9, "b", 1) }}',
  ],
  [
    "{{ date('1d') }}",
    'template {{ date(\'1d\') }}: date has the offset "1d", which must be such as "+1h", "-30d" or "+90s". Write {{ date("-30d") }}',
  ],
  [
    "{{ date('+1d', '%B') }}",
    "template {{ date('+1d', '%B') }}: date has \"%B\" in its format, where there are %Y %m %d %H %M %S %f %z %j %s %%. Write {{ date(\"-30d\") }}",
  ],
  [
    "{{ zipf(0, 1) }}",
    "template {{ zipf(0, 1) }}: zipf takes two numbers, how many there are (1 to 1000000) and the exponent (0 or more). Write {{ zipf(1000, 1.1) }}",
  ],
  [Number.NaN, "NaN is not a number that JSON can carry"],
  [-Infinity, "-Infinity is not a number that JSON can carry"],
  [1n, "a value of type bigint cannot be sent as JSON. Write a string, number, list or mapping"],
  [new Date(0), "a Date cannot be sent as JSON. Write it as a string"],
  [
    { "{{ seq }}": 1 },
    'the key "{{ seq }}" has a template, which works in values only. Move it into a value',
  ],
  [
    { __type__: "x", __value__: 1 },
    "a mapping of exactly __type__ and __value__ is read by Celery's worker as a typed value, and an unknown type makes the message undecodable. Use one of datetime, date, time, decimal, uuid, bytes, base64, or rename one of the keys",
  ],
];

for (const [value, expected] of FAULTS) {
  test(`validateTemplates() says: ${expected.slice(0, 70)}`, () => {
    assert.deepEqual(messagesOf(value), [expected]);
  });
}

test("validateTemplates() finds every fault and says where it is", () => {
  const value = { a: [1, "{{ x }}", { b: "{{ seq" }], c: "{{ seq }}" };
  assert.deepEqual(
    validateTemplates(value).map(({ path }) => path),
    [
      ["a", 1],
      ["a", 2, "b"],
    ],
  );
});

test("validateTemplates() takes mappings with more than the two reserved keys", () => {
  assert.deepEqual(validateTemplates({ __type__: "x", __value__: 1, more: 2 }), []);
});

test("validateTemplates() and compileBody() agree about any string", () => {
  const pieces = fc.constantFrom("{{", "}}", "seq", " ", "(", ")", "1", ",", '"', "'", "\\", "int");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (words) => {
      const text = words.join("");
      if (validateTemplates(text).length === 0) JSON.parse(compile([text]).render(CONTEXT));
      else assert.throws(() => compile([text]), UserError);
    }),
    { numRuns: 1000 },
  );
});

test("compileBody() names the place of what it refuses", () => {
  assert.throws(() => compile([], { k: ["{{ sec }}"] }), {
    name: "UserError",
    message:
      'Cannot make a message body:\nkwargs.k.0: template {{ sec }} calls the unknown function "sec": did you mean "seq"?',
  });
});

test("templateFiles() names files with the place of each template", () => {
  const value = ['{{ file("a") }}', { k: 'x{{ file("b") }}{{ file("a") }}' }, "{{ file(1) }}", 3];
  assert.deepEqual(templateFiles(value), [
    { name: "a", path: [0] },
    { name: "b", path: [1, "k"] },
    { name: "a", path: [1, "k"] },
  ]);
});
