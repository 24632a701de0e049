import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHECKOUT } from "../../src/setup/checkout.js";

/** What each folder of src may import of the others: downwards only. docs/architecture.md explains it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  plan: [],
  celery: [],
  ledger: [],
  slo: [],
  setup: [],
  cli: [],
  terminal: [],
  config: ["plan", "celery", "slo", "terminal"],
  connections: ["celery"],
  engine: ["plan", "celery", "ledger", "connections"],
  observer: ["celery", "connections"],
  readings: ["ledger", "plan"],
  diagnosis: ["ledger", "engine", "observer", "readings"],
  exposition: ["ledger", "observer", "readings", "diagnosis"],
  http: ["exposition"],
  docs: ["config", "celery", "exposition", "ledger", "readings", "diagnosis", "doctor"],
  dashboards: ["exposition"],
  rules: ["slo", "exposition", "readings"],
  doctor: ["config", "plan", "celery", "connections", "engine", "terminal"],
  init: ["config", "celery", "doctor"],
  workload: [
    ...["config", "plan", "celery", "ledger", "engine", "observer", "readings", "exposition"],
  ],
  reports: [
    ...["plan", "ledger", "slo", "connections", "observer", "readings", "diagnosis", "exposition"],
    ...["http", "terminal"],
  ],
  daemon: [
    ...["plan", "celery", "ledger", "connections", "engine", "observer", "readings", "diagnosis"],
    ...["exposition", "http", "reports"],
  ],
  commands: [
    ...["config", "plan", "celery", "connections", "workload", "daemon", "doctor", "init"],
    ...["rules", "setup", "terminal"],
  ],
};
/** Files beside the folders that anyone may import. */
const COMMON = [
  ...["errors", "clock", "deadline", "did-you-mean", "library-lines", "log", "open-files"],
  ...["signals", "version"],
];
/** Folders that compute and nothing else: of Node only what does so too. */
const PURE = ["plan", "celery", "ledger", "slo", "init", "cli", "terminal"];

/** The only folder or file that may import a package. */
const HOME: Readonly<Record<string, readonly string[]>> = {
  ioredis: ["connections"],
  amqplib: ["connections"],
  "prom-client": ["exposition"],
  express: ["http"],
  "p-limit": ["observer"],
  zod: ["config"],
  // Configurations, Prometheus' rules, and results of workers.
  yaml: ["config", "rules", "init", "celery"],
  commander: ["main.ts", "command-line.ts", "describe-commands.ts"],
  "string-width": ["terminal"],
  pino: ["log.ts"],
  "pino-pretty": ["log.ts"],
  "@grafana/grafana-foundation-sdk": ["dashboards"],
};

const files = readdirSync(join(CHECKOUT, "src"), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts"));
const importsOf = (file: string) =>
  [
    ...readFileSync(join(CHECKOUT, "src", file), "utf8").matchAll(
      /^(?:import|export)[^;]*?from "([^"]+)"/gms,
    ),
  ].map((match) => match[1]!);
const roomOf = (file: string) => file.split("/")[0]!;

for (const folder of new Set(files.filter((file) => file.includes("/")).map(roomOf))) {
  test(`src/${folder} imports only what lies below it`, () => {
    assert.ok(MAY_IMPORT[folder], `say in this test what src/${folder} may import`);
    for (const file of files.filter((name) => name.startsWith(`${folder}/`))) {
      for (const name of importsOf(file).filter((text) => text.startsWith("."))) {
        const target = join(file, "..", name);
        const room = roomOf(target).replace(/\.js$/, "");
        const allowed =
          room === folder || MAY_IMPORT[folder]!.includes(room) || COMMON.includes(room);
        assert.ok(allowed && !target.startsWith(".."), `${file} imports ${name}`);
      }
    }
  });
}

test("each package has its home", () => {
  for (const file of files) {
    for (const name of importsOf(file).filter((text) => !/^(\.|node:)/.test(text))) {
      const [home] =
        Object.entries(HOME).find(([pack]) => name === pack || name.startsWith(`${pack}/`)) ?? [];
      assert.ok(home, `${file} imports ${name}: say in this test where it belongs`);
      assert.ok(HOME[home]!.includes(roomOf(file)), `${file} imports ${name}`);
    }
  }
});

test("plan, celery, ledger, slo, init, cli and terminal read no clock, file, socket or environment and throw no dice", () => {
  for (const file of files.filter((name) => PURE.includes(roomOf(name)))) {
    const text = readFileSync(join(CHECKOUT, "src", file), "utf8");
    assert.deepEqual(
      // Compression is arithmetic.
      importsOf(file).filter((name) => name.startsWith("node:") && name !== "node:zlib"),
      [],
      file,
    );
    const impure =
      /\b(Date\.now|new Date\(\)|performance\.|Math\.random|process\.|setTimeout|setInterval)/;
    assert.doesNotMatch(text.replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, ""), impure, file);
  }
});

test("only main ends the process", () => {
  for (const file of files.filter((name) => name !== "main.ts")) {
    assert.doesNotMatch(readFileSync(join(CHECKOUT, "src", file), "utf8"), /process\.exit\b/, file);
  }
});
