import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse, parseAllDocuments, stringify } from "yaml";
import { loadConfig } from "../../../src/config/load.js";
import { configurationKeys } from "../../../src/docs/configuration-keys.js";
import { EXAMPLE_CONFIGURATION } from "../../../src/docs/example-configuration.js";
import { repositoryText } from "../dashboards/classic-board.js";
import { codeBlocks } from "./markdown-code.js";
import { markdownPages } from "./pages.js";

const SECTIONS = new Set(configurationKeys().map(({ path }) => path.split(/[.[]/)[0]!));

const CONNECTIONS = { main: { broker: "redis://127.0.0.1:6379/0" } };
const TASKS = { resize: { name: "app.tasks.resize" } };

/** The variables that blocks name, without a default. */
const VARIABLES = {
  CELERY_BROKER_URL: "redis://redis.celery.svc:6379/0",
  CELERY_RESULT_BACKEND: "redis://redis.celery.svc:6379/1",
  STAGING_BROKER_URL: "redis://staging:6379/0",
};

const directory = mkdtempSync(join(tmpdir(), "celery-load-docs-"));
after(() => rmSync(directory, { recursive: true }));

for (const page of markdownPages()) {
  for (const { language, text, line } of codeBlocks(repositoryText(page))) {
    // Files of other programs are marked yml. The example of all keys needs certificates; its own test reads it.
    if (language !== "yaml" || text.trim() === EXAMPLE_CONFIGURATION.trim()) continue;
    configurationsIn(text).forEach((configuration, index) => {
      test(`${page}:${line}: configuration ${index + 1} can be used`, () => {
        assert.doesNotThrow(() => load(configuration));
      });
    });
  }
}

test("a block with a misspelt key is found", () => {
  assert.throws(() => load("scenarios: { steady: { profil: 20/s } }"), /profil/);
});

test("a block with an unknown section is no configuration, and not passed over for that", () => {
  assert.throws(() => configurationsIn("connection: {}\ntasks: {}"), /connection/);
});

/** The configurations in a block: itself, or the files that its Kubernetes objects hold. A comment alone has none. */
function configurationsIn(block: string): string[] {
  const documents = parseAllDocuments(block).map((document): unknown => document.toJS());
  return documents.flatMap((document) => {
    if (document === null || typeof document !== "object") return [];
    if ("apiVersion" in document) {
      return "data" in document ? Object.values(document.data as Record<string, string>) : [];
    }
    const foreign = Object.keys(document).filter((key) => !SECTIONS.has(key) && !isOpen(key));
    assert.deepEqual(foreign, [], "not a section of a configuration, and no Kubernetes object");
    return [block];
  });
}

/** Keys that Compose leaves to its users. */
function isOpen(key: string): boolean {
  return key.startsWith("x-");
}

/** Reads a configuration as `celery-load check` does, beside a file with what a block that shows a part leaves out. */
function load(configuration: string): void {
  const shown = parse(configuration) as Readonly<Record<string, unknown>>;
  const tasks = (shown.tasks as object | undefined) ?? tasksOfSlos(shown);
  const scenarios = { steady: { profile: "20/s", mix: Object.keys(tasks) } };
  const whole = Object.entries({ connections: CONNECTIONS, tasks, scenarios });
  const rest = Object.fromEntries(whole.filter(([section]) => !(section in shown)));
  const files = [stringify(rest), configuration].map((text, index) => {
    const file = join(directory, `${index}.yml`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  });
  loadConfig({ files, env: VARIABLES });
}

/** Tasks with the registered names that the SLOs are about. */
function tasksOfSlos(shown: Readonly<Record<string, unknown>>): object {
  const slos = (shown.slos ?? []) as readonly { readonly task?: string }[];
  const named = slos
    .flatMap(({ task }) => task ?? [])
    .map((name, index) => [`task${index}`, { name }]);
  return named.length > 0 ? Object.fromEntries(named) : TASKS;
}
