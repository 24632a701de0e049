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
  control: ["plan"],
  config: ["plan", "celery", "data", "slo", "lease", "terminal"],
  lease: ["celery"],
  connections: ["celery", "lease"],
  data: ["plan", "celery"],
  scripts: ["plan", "celery", "data", "config"],
  engine: ["plan", "celery", "data", "scripts", "ledger", "lease", "connections"],
  observer: ["celery", "connections"],
  readings: ["ledger", "lease", "plan"],
  threads: ["plan", "celery", "scripts", "ledger", "engine", "observer"],
  diagnosis: ["control", "ledger", "slo", "engine", "observer", "readings"],
  guards: ["ledger", "observer", "readings", "control"],
  feeds: ["plan"],
  state: ["config", "plan", "control"],
  exposition: ["control", "ledger", "observer", "readings", "diagnosis", "guards"],
  history: ["ledger", "observer", "readings"],
  http: ["exposition", "history", "control", "config", "plan"],
  docs: [
    "plan",
    "config",
    "control",
    "celery",
    "exposition",
    "ledger",
    "readings",
    "diagnosis",
    "guards",
    "doctor",
  ],
  dashboards: ["ledger", "readings", "diagnosis", "exposition", "rules"],
  rules: ["slo", "exposition", "readings"],
  doctor: ["config", "plan", "celery", "connections", "engine", "observer", "terminal"],
  init: ["config", "celery", "doctor"],
  learn: ["plan", "celery", "config", "init", "terminal"],
  workload: [
    ...["config", "plan", "celery", "data", "ledger", "lease", "engine", "observer", "readings"],
    ...["diagnosis", "guards", "feeds", "exposition", "control", "scripts"],
  ],
  reports: [
    ...["plan", "ledger", "slo", "connections", "observer", "readings", "diagnosis", "guards"],
    ...["exposition", "history", "http", "terminal"],
  ],
  news: [
    ...["celery", "scripts", "ledger", "connections", "engine", "observer", "readings", "http"],
    "reports",
  ],
  daemon: [
    ...["plan", "ledger", "lease", "connections", "engine", "threads", "observer", "readings"],
    ...[
      "diagnosis",
      "control",
      "state",
      "guards",
      "feeds",
      "exposition",
      "history",
      "http",
      "reports",
    ],
    ...["news", "config", "celery", "workload"],
  ],
  ctl: ["config", "control", "http", "terminal"],
  commands: [
    ...["config", "plan", "celery", "data", "connections", "workload", "daemon", "doctor", "init"],
    ...["learn", "control", "state", "rules", "setup", "terminal", "ctl", "http"],
  ],
};
/** Files beside the folders that anyone may import. */
const COMMON = [
  ...[
    "answer-parts",
    "errors",
    "clock",
    "deadline",
    "did-you-mean",
    "library-lines",
    "mapping",
    "log",
    "open-files",
  ],
  ...["signals", "version"],
];
/** Folders that compute and nothing else: of Node only what does so too. */
const PURE = ["plan", "celery", "ledger", "slo", "lease", "init", "learn", "cli", "terminal"];

/** The only folder or file that may import a package. */
const HOME: Readonly<Record<string, readonly string[]>> = {
  ioredis: ["connections"],
  amqplib: ["connections"],
  "prom-client": ["exposition"],
  express: ["http"],
  "p-limit": ["observer"],
  // What may be configured, what may be ordered, what is kept of it, and what is reported.
  zod: ["config", "http", "state", "reports"],
  // Configurations, Prometheus' rules, and results of workers.
  yaml: ["config", "rules", "init", "celery"],
  commander: ["main.ts", "command-line.ts", "describe-commands.ts"],
  "string-width": ["terminal"],
  pino: ["log.ts"],
  "pino-pretty": ["log.ts"],
  "@grafana/grafana-foundation-sdk": ["dashboards"],
};

const sources = readdirSync(join(CHECKOUT, "src"), { recursive: true })
  .map(String)
  .filter((file) => /\.tsx?$/.test(file));
/** The front end is a program of its own. */
const isOfPage = (file: string) => file.startsWith("page/");
const files = sources.filter((file) => !isOfPage(file));
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

test("plan, celery, ledger, slo, lease, init, learn, cli and terminal read no clock, file, socket or environment and throw no dice", () => {
  for (const file of files.filter((name) => PURE.includes(roomOf(name)))) {
    // Addresses alone are arithmetic.
    const text = readFileSync(join(CHECKOUT, "src", file), "utf8");
    const isOfAddresses = text.includes('import { BlockList, isIP } from "node:net";');
    assert.deepEqual(
      // Compression is arithmetic.
      importsOf(file)
        .filter((name) => name.startsWith("node:") && name !== "node:zlib")
        .filter((name) => name !== "node:net" || !isOfAddresses),
      [],
      file,
    );
    const impure =
      /\b(Date\.now|new Date\(\)|performance\.|Math\.random|process\.|setTimeout|setInterval)/;
    assert.doesNotMatch(text.replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, ""), impure, file);
  }
});

/** Entries of a thread and of a process of their own. */
const OWN_ENDS = ["main.ts", "scripts/code-thread.ts", "scripts/probe.ts"];

test("only main ends the process", () => {
  for (const file of files.filter((name) => !OWN_ENDS.includes(name))) {
    assert.doesNotMatch(readFileSync(join(CHECKOUT, "src", file), "utf8"), /process\.exit\(/, file);
  }
});

test("the page takes types of the status, the history and orders from the daemon, and nothing that runs", () => {
  const types =
    /^\.\.\/(\.\.\/)?(reports\/(live-status|status|slo-report)|history\/answer|http\/scenarios|control\/steering-port|observer\/worker)\.js$/;
  const packages = ["preact", "preact/hooks", "@preact/signals", "uplot"];
  for (const file of sources.filter(isOfPage)) {
    const text = readFileSync(join(CHECKOUT, "src", file), "utf8");
    for (const name of importsOf(file)) {
      const isOwn = name.startsWith("./") || isOfPage(join(file, "..", name));
      const isType = types.test(name) && text.includes(`from "${name}"`);
      assert.ok(isOwn || isType || packages.includes(name), `${file} imports ${name}`);
      if (!isType) continue;
      const [statement] = new RegExp(`import[^;]*from "${name}"`).exec(text) ?? [""];
      assert.match(statement, /^import type /, `${file} takes more than types from ${name}`);
    }
  }
});

test("the page's models draw nothing and ask nobody", () => {
  for (const file of sources.filter((name) => name.startsWith("page/model/"))) {
    const text = readFileSync(join(CHECKOUT, "src", file), "utf8");
    assert.doesNotMatch(
      text,
      /\b(document|window|fetch|Date\.now|new Date\(\)|setTimeout)\b/,
      file,
    );
    assert.ok(
      importsOf(file).every((name) => name.startsWith(".")),
      file,
    );
  }
});
