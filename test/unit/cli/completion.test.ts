import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Command } from "commander";
import { completionScript } from "../../../src/cli/completion.js";
import { SHELLS, type Shell } from "../../../src/cli/shells.js";
import { commandLine, DEFAULT_COMMAND } from "../../../src/command-line.js";
import { describeCommand } from "../../../src/describe-commands.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-completion-"));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "folder"));
for (const name of ["load.yml", "with space.yml"]) writeFileSync(join(directory, name), "");

const program = describeCommand(
  commandLine(() => {}),
  DEFAULT_COMMAND,
);

function scriptOf(shell: Shell, of = program): string {
  const file = join(directory, `${of.name}.${shell}`);
  writeFileSync(file, completionScript(shell, of));
  return file;
}

interface Row {
  /** The words before the cursor; the last one is what is being typed. */
  readonly words: readonly string[];
  readonly offers: readonly string[];
  readonly not?: readonly string[];
  /** Bash gives `--flag=value` as three words. */
  readonly onlyBash?: boolean;
}

const ROWS: readonly Row[] = [
  { words: [""], offers: ["run", "check", "completion"], not: ["--broker"] },
  { words: ["ch"], offers: ["check"], not: ["run"] },
  { words: ["lo"], offers: ["load.yml"] },
  { words: ["--"], offers: ["--help", "--version", "--broker", "--rate"], not: ["check"] },
  { words: ["run", "--"], offers: ["--log-level", "--exit-on-slo"], not: ["--json-schema"] },
  { words: ["check", "--js"], offers: ["--json-schema"] },
  { words: ["run", ""], offers: ["load.yml", "with space.yml"], not: ["check", "run"] },
  { words: ["--log-level", "de"], offers: ["debug"] },
  { words: ["run", "--log-level", ""], offers: ["trace", "silent"], not: ["load.yml", "run"] },
  { words: ["run", "--log-level", "=", "de"], offers: ["debug"], onlyBash: true },
  { words: ["run", "--log-level", "="], offers: ["trace", "debug"], onlyBash: true },
  { words: ["run", "--rate", ""], offers: [], not: ["load.yml", "check", "--log-level"] },
  { words: ["--rate", ""], offers: [], not: ["load.yml", "check", "--log-level"] },
  // The value of a flag is no command, and a command behind flags is one.
  { words: ["--task", "check", "--"], offers: ["--broker"], not: ["--json-schema"] },
  { words: ["run", "--json", "load.yml", "--exit"], offers: ["--exit-on-slo"] },
  { words: ["rules", "--format", "op"], offers: ["operator"], not: ["prometheus"] },
  { words: ["rules", "--out", "lo"], offers: ["load.yml"] },
  { words: ["completion", ""], offers: ["bash", "zsh", "fish"], not: ["load.yml"] },
];

function assertOffers({ words, offers, not = [] }: Row, lines: readonly string[]): void {
  const text = `celery-load ${words.join(" ")}: ${lines.join(" | ")}`;
  for (const word of offers) assert.ok(lines.includes(word), `no ${word} in ${text}`);
  for (const word of not) assert.ok(!lines.includes(word), `${word} in ${text}`);
  if (offers.length === 0) assert.deepEqual(lines, [], text);
}

function inShell(shell: Shell, args: readonly string[]) {
  const flags = { bash: ["--norc", "--noprofile"], zsh: ["-f"], fish: ["--no-config"] };
  return spawnSync(shell, [...flags[shell], ...args], { cwd: directory, encoding: "utf8" });
}

function isInstalled(shell: Shell): boolean {
  return inShell(shell, ["-c", "exit 0"]).status === 0;
}

for (const shell of SHELLS) {
  test(`${shell} reads its script`, (t) => {
    if (!isInstalled(shell)) return t.skip(`${shell} is not installed here`);
    const { status, stderr } = inShell(shell, [
      shell === "fish" ? "--no-execute" : "-n",
      scriptOf(shell),
    ]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
  });
}

/** As readline does: the words, the one with the cursor, and then what the function has found. */
const IN_BASH = `source "$1"; shift
set -u
COMP_WORDS=(celery-load "$@"); COMP_CWORD=$#
_celery_load
printf '%s\\n' "\${COMPREPLY[@]:-}"`;

test("bash completes commands, flags, their values and files", () => {
  const script = scriptOf("bash");
  for (const row of ROWS) {
    const { stdout, stderr } = inShell("bash", ["-c", IN_BASH, "bash", script, ...row.words]);
    // Outside of readline there is no completion whose options could be set.
    assert.equal(stderr, "", row.words.join(" "));
    assertOffers(
      row,
      stdout.split("\n").filter((line) => line !== ""),
    );
  }
});

test("fish completes commands, flags, their values and files", (t) => {
  if (!isInstalled("fish")) return t.skip("fish is not installed here");
  const script = scriptOf("fish");
  for (const row of ROWS.filter(({ onlyBash }) => !onlyBash)) {
    const line = ["celery-load", ...row.words].join(" ");
    const { stdout } = inShell("fish", [
      "-c",
      `source ${script}; complete --do-complete "${line}"`,
    ]);
    const lines = stdout.split("\n").filter((text) => text !== "");
    assertOffers(
      row,
      lines.map((text) => text.split("\t")[0]!.replaceAll("\\ ", " ")),
    );
  }
});

test("a command that is added is completed, with its own commands and flags, and what is hidden is not", () => {
  const other = new Command("celery-load");
  other.command("secret", { hidden: true });
  const control = other.command("ctl").description("orders: to 'a' [running] daemon\\");
  control.command("pause").option("--state <dir>", "where").option("--why <text>", "a: 'b' [c]");
  const described = describeCommand(other);
  for (const shell of SHELLS.filter(isInstalled)) {
    const { stderr } = inShell(shell, [
      shell === "fish" ? "--no-execute" : "-n",
      scriptOf(shell, described),
    ]);
    assert.equal(stderr, "", shell);
  }
  const offered = (...words: string[]) =>
    inShell("bash", ["-c", IN_BASH, "bash", scriptOf("bash", described), ...words]).stdout.split(
      "\n",
    );
  assert.deepEqual(offered("").slice(0, 2), ["ctl", "help"]);
  assert.ok(offered("ctl", "").includes("pause"));
  assert.ok(offered("ctl", "pause", "--").includes("--state"));
  assert.deepEqual(offered("ctl", "pause", "--state", "f"), ["folder", ""]);
  scriptOf("bash");
});

test("every flag with one of several values, and every file, can be completed", () => {
  const options = program.commands.flatMap((command) => command.options);
  const choices = options.filter(({ value }) => value?.choices != null);
  assert.ok(choices.length >= 2);
  assert.ok(options.some(({ value }) => value?.path === "file"));
  // A value of which the help lists the forms is a choice.
  for (const { flags, value, summary } of options) {
    assert.ok(value?.choices != null || !/choices:/.test(summary), flags.join());
  }
});
