import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.js";
import { ConfigError } from "../errors.js";
import { code, GENERATED, table } from "./markdown.js";

/** Where a mistake stands in a configuration that has none else. */
type Place = "connection" | "task" | "scenario" | "top";

/** What people write at first, in the order in which they write a file. */
const MISTAKES: readonly (readonly [place: Place, text: string])[] = [
  ["connection", "broker: localhost:6379"],
  ["connection", "broker: rabbit:5672"],
  ["connection", "broker: http://localhost:15672"],
  ["connection", "broker: [redis://a, 5]"],
  ["connection", "broker: redis://h/cache"],
  ["connection", "brokr: redis://h"],
  ["task", "que: images"],
  ["task", "soft_time_limit: 5s"],
  ["task", "timeout: 30"],
  ["task", "timeout: 1h30m"],
  ["task", "args: {a: 1}"],
  ["task", "kwargs: [1]"],
  ["task", "args: [{{ uuid }}]"],
  ["task", 'args: ["{{ uid }}"]'],
  ["task", "queue: @images"],
  ["task", "queue:images"],
  ["task", "args: [*]"],
  ["scenario", "rate: 20/s"],
  ["scenario", "profile: 20"],
  ["scenario", "profile: 20rps"],
  ["scenario", "profile: [10/s for 1m]"],
  ["scenario", "profile: {steps: [10/s 1m]}"],
  ["scenario", "profile: {ramp: {stages: [{target: 5/s, duration: 1m}]}}"],
  ["scenario", "mix: {app.tasks.resize: 1}"],
  ["scenario", "arrival: possion"],
  ["scenario", "users: 50"],
  ["top", "slos: [{name: a, objective: 99.9}]"],
  ["top", "result_backend: redis://h"],
  ["top", "server: {port: 9809}"],
];

/** docs/mistakes.md: typical mistakes in a configuration, each with what it is answered. */
export function mistakesPage(): string {
  return `${GENERATED}

# Typical mistakes

What is written at first, and what \`check\`, \`plan\`, \`doctor\` and \`run\` say to it. Each fault has its line and column, and
nothing is sent. All faults of a file are told at once, those of YAML itself before the others. The places here are those in
a file of a dozen lines.

${table(
  ["you wrote", "in", "and are told"],
  MISTAKES.map(([place, text]) => [code(text), NAMES[place], faultsOf(place, text).join("<br>")]),
)}

On the command line a word that is no command and no file is told so, with the one that was most likely meant
(\`chek\` for \`check\`), and so are flags and their values. [Operations](operations.md) has the exit codes.
`;
}

const NAMES: Record<Place, string> = {
  connection: "a connection",
  task: "a task",
  scenario: "a scenario",
  top: "the file",
};

/** @throws {Error} when it is none */
function faultsOf(place: Place, text: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-mistake-"));
  try {
    writeFileSync(join(directory, "load.yml"), fileWith({ [place]: text }), { mode: 0o600 });
    loadConfig({ files: ["load.yml"], env: {}, cwd: directory });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
  throw new Error(`${text} is no mistake`);
}

function fileWith({ connection, task, scenario, top }: Partial<Record<Place, string>>): string {
  // What is written twice would be another mistake.
  const profile = /^(profile|rate):/.test(scenario ?? "") ? [] : ["    profile: 20/s"];
  return [
    "connections:",
    "  main:",
    `    ${connection ?? "broker: redis://127.0.0.1:6379/0"}`,
    "tasks:",
    "  resize:",
    "    name: app.tasks.resize",
    ...(task === undefined ? [] : [`    ${task}`]),
    "scenarios:",
    "  steady:",
    ...profile,
    ...(scenario === undefined ? [] : [`    ${scenario}`]),
    ...(top === undefined ? [] : [top]),
    "",
  ].join("\n");
}
