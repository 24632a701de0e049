import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTemplate } from "../../../src/celery/messages/argument-template.js";
import { CONFIG_SHAPE, readConfig } from "../../../src/config/schema.js";
import { hasKeys, type Shape } from "../../../src/config/shape.js";
import { mergeLayers } from "../../../src/config/sources/layers.js";
import { putSecrets } from "../../../src/config/sources/put-secrets.js";
import type { ReadSecret } from "../../../src/config/sources/secret-files.js";
import { plainValue } from "../../../src/config/sources/tree.js";
import { environmentOf } from "../../../src/config/sources/variables.js";
import { readYamlFile } from "../../../src/config/sources/yaml-source.js";
import { isIdleKey } from "../../../src/config/tasks/option-fields.js";
import { configurationKeys } from "../../../src/docs/configuration-keys.js";
import {
  configurationPage,
  DEFAULTS_EXAMPLE,
  MERGE_EXAMPLE,
} from "../../../src/docs/configuration-page.js";
import { EXAMPLE_CONFIGURATION } from "../../../src/docs/example-configuration.js";
import { TEMPLATE_FUNCTIONS } from "../../../src/docs/template-functions.js";

const page = configurationPage();
const keys = configurationKeys();

test("the example configuration is valid", () => {
  assert.deepEqual(faultsWith({}, []), []);
});

test("the reference has every key that a configuration may have, and no other", () => {
  // Defaults have the keys of what they are for, whose rows they share.
  const shape = keyPathsOf(CONFIG_SHAPE, "")
    .filter((path) => !/^defaults\.\w+\./.test(path))
    // Options without effect have a table of their own.
    .filter((path) => !isIdleKey(path.split(".")));
  // The profile chooses its form before its keys, so the shape does not know them.
  const listed = keys.map(({ path }) => path).filter((path) => !path.includes(".profile."));
  assert.deepEqual(listed.sort(), shape.sort());
});

test("every key has a form and a description, and a value key has an example", () => {
  for (const { path, form, description, example } of keys) {
    assert.ok(form.length > 0 && description.length > 10, path);
    const holdsKeys = keys.some(
      (key) => key.path.startsWith(`${path}.`) || key.path.startsWith(`${path}[].`),
    );
    assert.ok(example.length > 0 || holdsKeys, `${path} has no example`);
  }
});

test("every key stands in one row of the page", () => {
  for (const { path } of keys) {
    assert.equal(page.split(`\n| \`${path}\` |`).length - 1 + headings(path), 1, path);
  }
});

test("the variables of the page name keys of the example and have valid values", () => {
  const variables = [...page.matchAll(/^(CELERY_LOAD_[A-Z0-9_]+)=(.*)$/gm)].map(
    ([, name = "", value = ""]) => [name, value.replaceAll("'", "")] as const,
  );
  assert.ok(variables.length >= 5);
  assert.deepEqual(faultsWith(Object.fromEntries(variables), []), []);
});

test("the --set values of the page name keys of the example and have valid values", () => {
  const settings = [...page.matchAll(/--set (?:'([^']+=[^']+)'|(\S+=[^\s`]+))/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
  assert.ok(settings.length >= 2);
  assert.deepEqual(
    faultsWith(
      {},
      settings.filter((setting) => setting !== "path=value"),
    ),
    [],
  );
});

test("the examples of defaults and merge keys are valid with a connection and a scenario", () => {
  const rest =
    "connections: {main: {broker: redis://h}}\nscenarios: {a: {profile: 1/s, mix: TASK}}\n";
  assert.deepEqual(faultsWith({}, [], DEFAULTS_EXAMPLE + rest.replace("TASK", "report")), []);
  assert.deepEqual(faultsWith({}, [], MERGE_EXAMPLE + rest.replace("TASK", "export")), []);
});

test("every function of the templates can be read as the page writes it", () => {
  for (const [name, { use }] of Object.entries(TEMPLATE_FUNCTIONS)) {
    const parsed = parseTemplate(use);
    assert.ok("parts" in parsed, "fault" in parsed ? parsed.fault : "");
    const [part] = parsed.parts;
    assert.equal(part?.kind === "call" && part.call.name, name);
  }
});

function headings(path: string): number {
  return page.split(`\n### \`${path}\`\n`).length - 1;
}

/** What is wrong with an example under an environment and `--set` values. */
function faultsWith(
  env: Record<string, string>,
  settings: readonly string[],
  example = EXAMPLE_CONFIGURATION,
): unknown[] {
  const read = readYamlFile(example, "example.yml");
  if (read.root === undefined) return [...read.faults];
  const { root, faults } = mergeLayers({
    files: [read.root],
    env: environmentOf(env, secretOf, "/"),
    overrides: settings.map((set) => ({ set })),
    reservedVariables: [],
    shape: CONFIG_SHAPE,
  });
  const placed = putSecrets(root, secretOf, "/");
  const result = readConfig(plainValue(placed.root));
  return [...faults, ...placed.faults, ...("issues" in result ? result.issues : [])];
}

/** What the files of the example hold. */
const secretOf: ReadSecret = (path) => ({ text: SECRETS[path] ?? "a/b@c" });
const SECRETS: Readonly<Record<string, string>> = {
  "/run/secrets/broker_url": "amqp://load:a%2Fb@rabbitmq/shop",
  "/run/secrets/result_backend": "redis://:a%2Fb@results",
  "/run/secrets/management_url": "https://load:a%2Fb@rabbitmq",
  "/run/secrets/control_token": "0123456789abcdef0123456789abcdef",
};

function keyPathsOf(shape: Shape, path: string): string[] {
  if (shape.kind === "names") return keyPathsOf(shape.value, `${path}NAME.`);
  if (shape.kind === "list") return keyPathsOf(shape.item, path.replace(/\.$/, "[]."));
  if (!hasKeys(shape)) return [];
  return [...shape.keys].flatMap(([key, value]) => [
    `${path}${key}`,
    ...keyPathsOf(value, `${path}${key}.`),
  ]);
}
