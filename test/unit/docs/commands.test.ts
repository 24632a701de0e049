import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { repository, repositoryText } from "../dashboards/classic-board.js";
import { codeBlocks, codeSpans } from "./markdown-code.js";
import { markdownPages } from "./pages.js";

const MAIN = fileURLToPath(new URL("../../../src/main.js", import.meta.url));
/** Lines of the log that read like a command. */
const LOGGED = new Set(["celery-load starts"]);
const SHELLS = new Set(["", "console", "bash", "sh", "shell"]);

const commands = new Map(
  [...help([]).matchAll(/^ {2}([a-z-]+)(?: \[| <| {2})/gm)].map(([, name = ""]) => {
    return [name, flagsOf(name)] as const;
  }),
);
const scripts = Object.keys(JSON.parse(repositoryText("package.json")).scripts as object);

for (const page of markdownPages()) {
  test(`every command line of celery-load on ${page} can be given`, () => {
    const faults = codeLines(repositoryText(page)).flatMap(ownCommands).flatMap(faultsOf);
    assert.deepEqual(faults, []);
  });

  test(`every script of npm that ${page} names exists`, () => {
    const named = [...repositoryText(page).matchAll(/\bnpm run ([a-z:]+)/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(
      named.filter((name) => !scripts.includes(name!)),
      [],
    );
  });
}

test("unknown commands and flags are found", () => {
  assert.deepEqual(faultsOf("celery-load rum load.yml"), ["celery-load rum load.yml: rum"]);
  assert.deepEqual(faultsOf("celery-load run load.yml --four 1m"), [
    "celery-load run load.yml --four 1m: --four",
  ]);
  assert.deepEqual(faultsOf("celery-load check load.yml --json"), [
    "celery-load check load.yml --json: --json",
  ]);
  assert.deepEqual(faultsOf("celery-load run load.yml --set a='b --c' --json"), []);
  assert.deepEqual(ownCommands("CI=1 npx celery-load run a.yml > b || exit # --x"), [
    "celery-load run a.yml",
  ]);
});

/** Lines of the blocks for a shell, those that go on joined, and the spans of code in the prose. */
function codeLines(markdown: string): string[] {
  const lines = codeBlocks(markdown)
    .filter(({ language }) => SHELLS.has(language))
    .flatMap(({ text, language }) =>
      text
        .replaceAll(/\\\n\s*/g, "")
        .split("\n")
        // What a console has printed is not what was typed.
        .filter((line) => language === "bash" || language === "sh" || line.startsWith("$ "))
        .map((line) => line.replace(/^\$ /, "")),
    );
  return [...lines, ...codeSpans(markdown)];
}

/** What may stand before the command in a line of a shell. */
const OWN = /^(?:\w+=\S*\s+|npx (?:--\S+ )*|if |! |timeout \S+ )*(celery-load(?: .*)?)$/;

/** The command lines of celery-load in a line of a shell, without what the shell does with them. */
function ownCommands(line: string): string[] {
  const pieces = line.split(/\s*(?:&&|\|\|?|;|\s#|\s\d?>{1,2}|\)$)\s*/);
  return pieces.flatMap((piece) => OWN.exec(piece)?.[1] ?? []).filter((one) => !LOGGED.has(one));
}

function faultsOf(command: string): string[] {
  const [, ...words] = wordsOf(command);
  const [first] = words;
  if (first === undefined) return [];
  const known = commands.get(first);
  if (known === undefined && !first.startsWith("-")) return [`${command}: ${first}`];
  const flags = known ?? flagsOf("");
  const unknown = words.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]!);
  return unknown.filter((flag) => !flags.has(flag)).map((flag) => `${command}: ${flag}`);
}

/** The words of a command line; those in quotes are no flags. */
function wordsOf(command: string): string[] {
  return command.replaceAll(/'[^']*'|"[^"]*"/g, "QUOTED").split(/\s+/);
}

function flagsOf(command: string): Set<string> {
  const page = help(command === "" ? [] : command.split(" "));
  const own = [...page.matchAll(/^ {2}(-\w), (--[\w-]+)|^ {2}(--[\w-]+)/gm)];
  // The flags of ctl are those of its orders.
  const orders = command === "ctl" ? [...page.matchAll(/^ {2}([a-z-]+) \[options\]/gm)] : [];
  return new Set([
    ...own.flatMap(([, ...flags]) => flags),
    ...orders.flatMap(([, name]) => [...flagsOf(`ctl ${name}`)]),
  ]);
}

function help(command: readonly string[]): string {
  const [name] = command;
  if (name === "help") return "";
  return execFileSync(process.execPath, [MAIN, ...command, "--help"], {
    cwd: fileURLToPath(repository),
    encoding: "utf8",
  });
}
