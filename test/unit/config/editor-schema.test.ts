import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { editorSchema } from "../../../src/config/editor-schema.js";
import { readConfig } from "../../../src/config/schema.js";
import { putSecrets } from "../../../src/config/sources/put-secrets.js";
import { plainValue, treeOf } from "../../../src/config/sources/tree.js";
import { readYamlFile } from "../../../src/config/sources/yaml-source.js";
import { EXAMPLE_CONFIGURATION } from "../../../src/docs/example-configuration.js";
import { schemaRefusals } from "../../support/json-schema.js";
import { repositoryText } from "../dashboards/classic-board.js";

/*
 * The schema is judged by Python's validator, which has Python's regular expressions; the other half of
 * the agreement, configurations that we refuse, is in bad-configurations.test.ts.
 */

test("every configuration of the docs and of the demo passes the schema", async () => {
  const configurations = [
    ["the example", EXAMPLE_CONFIGURATION],
    ["the demo", repositoryText("demo/load.yml")],
    ...readdirSync("docs")
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => yamlBlocks(name)),
  ] as const;
  const values = configurations.map(([, text]) => plainOf(text));
  assert.ok(values.length >= 4, `only ${values.length} configurations`);
  const refusals = await schemaRefusals(values);
  for (const [index, [name]] of configurations.entries()) assert.equal(refusals[index], null, name);
});

/** Whole configurations among the YAML of a page: not parts of one, and no files of other programs. */
function yamlBlocks(page: string): [string, string][] {
  const blocks = [...repositoryText(`docs/${page}`).matchAll(/^```yaml\n(.*?)^```$/gms)];
  return blocks
    .map(([, text = ""]): [string, string] => [page, text])
    .filter(([, text]) => /^connections:/m.test(text) && /^scenarios:/m.test(text));
}

function plainOf(text: string): unknown {
  const { root } = readYamlFile(text, "example.yml");
  return root === undefined ? undefined : plainValue(root);
}

const EXAMPLE = plainOf(EXAMPLE_CONFIGURATION);

test("a variable may stand in the place of every value that is no list and no mapping", async () => {
  const places = placesIn(EXAMPLE, []).filter(({ value }) => !isHolder(value));
  const variable = "$" + "{NAME}";
  const values = places.flatMap(({ path }) =>
    [variable, `${variable}x`, "$" + "{NAME:-a b}"].map((text) => withValue(EXAMPLE, path, text)),
  );
  const refusals = await schemaRefusals(values);
  assert.ok(values.length >= 400, `only ${values.length}`);
  assert.deepEqual(
    refusals.filter((refusal) => refusal !== null),
    [],
  );
});

/** Nearly every kind of value once: reading the whole example thousands of times takes too long. */
const COMPACT = plainOf(`
connections:
  main:
    broker: amqp://h
    backend: redis://h
    management: http://h
    client: direct
    forget: true
    options: { priority_steps: [0, 3], sep: ":", fanout_prefix: true, sentinel_kwargs: { ssl: true } }
    allow: { hosts: null }
tasks:
  thumb:
    name: app.thumb
    args: [1]
    headers: { tenant: load }
    queue: images
    exchange: images
    priority: 3
    timeout: 30s
    expires: none
    eta: 2030-01-02T03:04:05Z
    ignoreResult: null
    link: [other]
    linkError: [{ task: other, immutable: true }]
    shadow: s
    compression: zlib
    protocol: 2
  checked: { name: app.checked, expect: { result: 1 }, queue: x }
  other: { name: app.other, urgency: 9, countdown: 1s, nativeDelayedDelivery: false }
  chained: { chain: [other, { group: [other, other] }] }
  chorded: { chord: { header: [other], body: other } }
scenarios:
  steady: { profile: 20/s, arrival: even, mix: { thumb: 1 }, duration: 2h, maxInFlight: 9 }
  stepped: { profile: { steps: [1/s for 1s], repeat: true }, mix: [thumb] }
  ramped: { profile: { ramp: { from: 1/s, stages: [{ to: 2/s, over: 1s }, { hold: 1h }] } }, mix: thumb }
slos: [{ name: a, scenario: steady, objective: 99%, latency: 2s, window: 30d }]
server: { listen: "127.0.0.1:1", linger: 30s }
guards: [{ name: a, watch: latency, scenario: steady, task: app.other, quantile: 99%, above: 2s, for: 1s, resumeBelow: 1s, coolDown: 1m, do: pause, scenarios: [steady] }]
limits: { maxRate: none, maxInFlight: 1000, burst: none, tasksPerDay: none, series: 20000 }
buckets: [10ms, 50ms]
driftWindow: 24h
seed: 42
tick: none
segment: 1/1
`);

test("whatever we accept in the place of a value passes the schema", async () => {
  assert.deepEqual(issuesOf(COMPACT), []);
  const scalars = placesIn(COMPACT, []).filter(({ value }) => !isHolder(value));
  const accepted = scalars
    .flatMap(({ path }) => CANDIDATES.map((candidate) => withValue(COMPACT, path, candidate)))
    .filter((value) => issuesOf(value).length === 0);
  assert.ok(accepted.length > 150, `only ${accepted.length}`);
  const refusals = await schemaRefusals(accepted);
  const wrong = refusals.flatMap((refusal) => (refusal === null ? [] : [refusal]));
  assert.deepEqual(wrong, []);
});

/** What may be right in one place and wrong in another. */
const CANDIDATES: readonly unknown[] = [
  ...[null, true, 0, 1, 1.5, [], {}, ["other"], [1], { other: 2 }, { urlFile: "/x" }, ["1s", "2s"]],
  ...[
    "",
    "on",
    "none",
    "max",
    "auto",
    "20/s",
    "0s",
    "99.99%",
    "1/2",
    "a b",
    "é.ü",
    "a-b:c/d",
    "other",
  ],
  ...[":9809", "redis://h", "rpc://", "disabled", "2030-01-02T03:04:05+02:00"],
];

/** What `loadConfig` finds wrong, with files that hold a URL. */
function issuesOf(value: unknown): readonly unknown[] {
  const readSecret = () => ({ text: "redis://h" });
  const { root } = putSecrets(treeOf(value, { kind: "default" }), readSecret, "/");
  const result = readConfig(plainValue(root));
  return "issues" in result ? result.issues : [];
}

interface Place {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

function placesIn(value: unknown, path: Place["path"]): Place[] {
  if (!isHolder(value)) return [{ path, value }];
  const below = Object.entries(value).flatMap(([key, child]) =>
    placesIn(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? below : [{ path, value }, ...below];
}

function withValue(value: unknown, [step, ...rest]: Place["path"], replacement: unknown): unknown {
  if (step === undefined) return replacement;
  const copy: object = structuredClone(value as object);
  Reflect.set(copy, step, withValue(Reflect.get(copy, step), rest, replacement));
  return copy;
}

function isHolder(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

test("every pattern means the same to ECMAScript with and without the flag u, and uses what all know", () => {
  const patterns = new Set(patternsIn(editorSchema()));
  assert.ok(patterns.size >= 8, `only ${patterns.size}`);
  const texts = [
    ...CANDIDATES,
    "p",
    "C",
    "c",
    "L",
    "N",
    "s",
    "\u0001",
    "a\u0085",
    "`",
    "'",
    "-",
    ".",
  ];
  for (const pattern of patterns) {
    // Go's and Rust's expressions have no \\u, no classes of Unicode by name in common, and no look-around.
    assert.doesNotMatch(pattern, /\\[pPuUkKbBzZA0-9]|\(\?/, pattern);
    for (const text of texts.map(String)) {
      assert.equal(new RegExp(pattern).test(text), new RegExp(pattern, "u").test(text), pattern);
    }
  }
});

function patternsIn(schema: unknown): string[] {
  if (!isHolder(schema)) return [];
  const own: unknown = Reflect.get(schema, "pattern");
  return [...(typeof own === "string" ? [own] : []), ...Object.values(schema).flatMap(patternsIn)];
}

test("the schema is draft 7, which the language server for YAML and every validator know", () => {
  assert.equal(editorSchema().$schema, "http://json-schema.org/draft-07/schema#");
  const later =
    /"(\$defs|prefixItems|dependentRequired|dependentSchemas|unevaluated\w+|minContains)":/;
  assert.doesNotMatch(JSON.stringify(editorSchema()), later);
});
