import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse, parseAllDocuments, stringify } from "yaml";
import { loadConfig } from "../../../src/config/load.js";
import { configurationKeys } from "../../../src/docs/configuration-keys.js";
import { repositoryText } from "../dashboards/classic-board.js";
import { type CodeBlock, codeBlocks } from "./markdown-code.js";
import { markdownPages } from "./pages.js";

/** Its example has every key at once, files of certificates too; its own test reads it. */
const TESTED_ELSEWHERE = "docs/configuration.md";

const SECTIONS = new Set(configurationKeys().map(({ path }) => path.split(/[.[]/)[0]!));

const CONNECTIONS = { main: { broker: "redis://127.0.0.1:6379/0" } };
const TASKS = { resize: { name: "app.tasks.resize" } };

/** The variables that blocks name, without a default. */
const VARIABLES = {
  CELERY_BROKER_URL: "redis://redis.celery.svc:6379/0",
  CELERY_RESULT_BACKEND: "redis://redis.celery.svc:6379/1",
};

const directory = mkdtempSync(join(tmpdir(), "celery-load-docs-"));
after(() => rmSync(directory, { recursive: true }));

for (const page of markdownPages().filter((name) => name !== TESTED_ELSEWHERE)) {
  for (const block of codeBlocks(repositoryText(page)).filter(isYaml)) {
    const configurations = parseAllDocuments(block.text)
      .map((document): unknown => document.toJS())
      .flatMap(configurationsIn);
    configurations.forEach((configuration, index) => {
      test(`${page}:${block.line}: configuration ${index + 1} can be used`, () => {
        assert.doesNotThrow(() => load(configuration));
      });
    });
  }
}

test("a block with a misspelt key is found", () => {
  assert.throws(() => load({ scenarios: { steady: { profil: "20/s" } } }), /profil/);
});

test("a block with an unknown section is no configuration, and not passed over for that", () => {
  assert.throws(() => configurationsIn({ connection: {}, tasks: TASKS }), /connection/);
});

function isYaml({ language }: CodeBlock): boolean {
  return language === "yaml" || language === "yml";
}

/** The configurations in a document: itself, or the files that a Kubernetes object holds. Prometheus' own is none. */
function configurationsIn(document: unknown): object[] {
  if (document === null || typeof document !== "object") return [];
  if ("scrape_configs" in document) return [];
  if ("apiVersion" in document) {
    const files = "data" in document ? Object.values(document.data as object) : [];
    return files.map((text) => parse(text as string) as object);
  }
  const foreign = Object.keys(document).filter((key) => !SECTIONS.has(key) && !isOpen(key));
  assert.deepEqual(foreign, [], "not a section of a configuration, and no Kubernetes object");
  return [document];
}

/** Keys that Compose leaves to its users. */
function isOpen(key: string): boolean {
  return key.startsWith("x-");
}

/** Reads a configuration as `celery-load check` does, with what a block that shows a part leaves out. */
function load(configuration: object): void {
  const tasks =
    "tasks" in configuration ? (configuration.tasks as object) : tasksOfSlos(configuration);
  const scenarios = { steady: { profile: "20/s", mix: Object.keys(tasks) } };
  const whole = { connections: CONNECTIONS, tasks, scenarios, ...configuration };
  const file = join(directory, "load.yml");
  writeFileSync(file, stringify(whole), { mode: 0o600 });
  loadConfig({ files: [file], env: VARIABLES });
}

/** Tasks with the registered names that the SLOs are about. */
function tasksOfSlos(configuration: object): object {
  const slos = "slos" in configuration ? (configuration.slos as { readonly task?: string }[]) : [];
  const named = slos
    .flatMap(({ task }) => task ?? [])
    .map((name, index) => [`task${index}`, { name }]);
  return named.length > 0 ? Object.fromEntries(named) : TASKS;
}
