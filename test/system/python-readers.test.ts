import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { beyondSerializer } from "../../src/celery/messages/arguments.js";
import { bodyEncoding } from "../../src/celery/messages/body-encoding.js";
import { compileText } from "../../src/celery/messages/body-text.js";
import { readNumber } from "../../src/celery/messages/exact-number.js";
import { taggedFault } from "../../src/celery/messages/tagged-json.js";
import type { Serializer } from "../../src/celery/messages/task-options.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { mustRun } from "../../src/setup/programs.js";
import { type CeleryVersion, ensurePython } from "../../src/setup/python.js";
import { scratchFile } from "../support/scratch.js";
import { ensureSerializers } from "../support/serializers.js";

interface Case {
  readonly serializer: Serializer;
  /** The JSON text of the body. */
  readonly json: string;
  /** What it should be read as; null for anything at all. */
  readonly text: string | null;
  /** What Python shows of it. */
  readonly repr?: string;
}

/** Lets one Python process read all bodies, with a line for each that it could not. */
async function readAll(version: CeleryVersion, cases: readonly Case[]): Promise<string> {
  const lines = cases.map(({ serializer, json, text, repr }) => {
    const { contentType, contentEncoding, encode } = bodyEncoding({
      serializer,
      compression: null,
    });
    const body = encode(json).toString("base64");
    return JSON.stringify({ type: contentType, encoding: contentEncoding, body, text, repr });
  });
  const file = await scratchFile("bodies.ndjson");
  await writeFile(file, lines.join("\n"));
  const script = join(CHECKOUT, "test", "support", "read_bodies.py");
  const env = { ...process.env, PYTHONPATH: await ensureSerializers(version) };
  const { stdout } = await mustRun("read bodies", await ensurePython(version), [script, file], {
    env,
  });
  return stdout;
}

let random = 0;
const SOURCES = { readLines: () => [], random: () => (random = (random + 0.618) % 1) };
const CONTEXT = {
  ...{ seq: 7, plannedUnixSeconds: 1, nowUnixSeconds: 1.8e9 },
  ...{ id: "", eta: "", expires: "", memberIds: [], row: null, group: "" },
};

/** Of a value as the configuration has it, templates filled in. */
function jsonOf(value: unknown): string {
  return compileText(value, SOURCES).render(CONTEXT);
}

const ARBITRARY_TEXTS = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "\u0085\u2028\ufeff\ufffe\u007f",
    "yes",
    "~",
    "12:30",
    "1e3",
    "0o17",
    "<<",
    "=",
    "",
    "k".repeat(1100),
  ),
);

/** JSON whose keys and texts are what YAML 1.1 has its own ideas about. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.constantFrom(null, true, false),
    ARBITRARY_TEXTS,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(1e21, 1.5e300, 1e-7, -1e-7, 5e-324, 2 ** 53, 1e20, 0.1),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(ARBITRARY_TEXTS, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

for (const version of ["current", "debian"] as const) {
  test(`every value is what Python reads, in each serializer, Celery ${version}`, async () => {
    const values = fc.sample(json, { numRuns: 2_000, seed: 1 });
    for (const serializer of ["json", "msgpack", "yaml"] as const) {
      // What msgpack has no number for the configuration refuses.
      const fitting = values.filter(
        (value) => serializer !== "msgpack" || beyondSerializer("msgpack", value).length === 0,
      );
      assert.ok(fitting.length > 1_800, `only ${fitting.length} values`);
      const cases = fitting
        .map((value) => JSON.stringify(value))
        .map((text) => ({ serializer, json: text, text }));
      assert.equal(await readAll(version, cases), "", serializer);
    }
  });
}

test("every typed value that is accepted is one that kombu can read, templates filled in", async () => {
  const digits = (max: number) =>
    fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: max });
  const two = fc.integer({ min: 0, max: 61 }).map((number) => String(number).padStart(2, "0"));
  const date = fc
    .tuple(fc.constantFrom("0000", "0001", "1999", "2028", "9999"), two, two)
    .map((parts) => parts.join("-"));
  const fraction = fc.option(
    digits(7).map((text) => `.${text}`),
    { nil: "" },
  );
  const offset = fc.oneof(
    fc.constantFrom("", "Z"),
    fc.tuple(fc.constantFrom("+", "-"), two, two).map(([sign, h, m]) => `${sign}${h}:${m}`),
  );
  const time = fc
    .tuple(two, two, fc.option(two, { nil: null }), fraction, offset)
    .map(([h, m, s, f, o]) => `${h}:${m}${s === null ? "" : `:${s}${f}`}${o}`);
  const number = fc.tuple(
    fc.constantFrom("", "+", "-"),
    fraction,
    digits(3),
    fraction,
    fc.option(
      digits(7).map((e) => `e-${e}`),
      { nil: "" },
    ),
  );
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdefABCDEF-{}"),
    minLength: 31,
    maxLength: 36,
  });
  const templates = fc.constantFrom(
    "{{ int(-5, 6) }}",
    "{{ float(-1e300, 1e300) }}",
    "{{ uuid }}",
    "{{ bytes(5) }}",
    "a{{ seq }}",
    "{{ now }}",
  );
  const text = fc.oneof(
    date,
    time,
    fc.tuple(date, time).map((both) => both.join("T")),
    number.map((parts) => parts.join("")),
    hex,
    fc.base64String(),
    templates,
    fc.string({ unit: "binary" }),
  );
  const tagged = fc.record({
    __type__: fc.constantFrom(
      "datetime",
      "date",
      "time",
      "decimal",
      "uuid",
      "bytes",
      "base64",
      "set",
    ),
    __value__: fc.oneof(
      { weight: 5, arbitrary: text },
      fc.record({ hex: fc.oneof(hex, templates) }),
      fc.integer(),
      fc.constant(null),
    ),
  });
  const accepted = fc
    .sample(tagged, { numRuns: 40_000, seed: 1 })
    .filter((value) => taggedFault(value) === undefined);
  const types = new Set(accepted.map(({ __type__ }) => __type__));
  assert.equal(types.size, 7, `only ${[...types]} were accepted`);
  assert.ok(accepted.length > 2_000, `only ${accepted.length} values were accepted`);
  const cases = accepted.map((value) => ({
    serializer: "json" as const,
    json: jsonOf([value]),
    text: null,
  }));
  assert.equal(await readAll("current", cases), "");
});

test("the page about typed arguments shows what kombu reads", async () => {
  const page = await readFile(join(CHECKOUT, "docs", "typed-arguments.md"), "utf8");
  const tables = [...page.matchAll(/^\| `(.+)` \| `(.+)` \|$/gm)];
  // The table of short forms says what is written, and no test of Python's is needed.
  const rows = tables.filter(([, , shown = ""]) => !shown.includes("__type__"));
  const cases = rows.map(([, written = "", shown = ""]) => {
    const value: unknown = /^-?\d[\d.e]*$/.test(written) ? readNumber(written) : parse(written);
    return { serializer: "json" as const, json: jsonOf(value), text: null, repr: shown };
  });
  assert.ok(cases.length >= 14, `${cases.length} rows`);
  const changed = cases.map((one, index) => (index === 0 ? { ...one, repr: "None" } : one));
  assert.equal(await readAll("current", cases), "");
  assert.match(await readAll("current", changed), /^AssertionError datetime/);
});
