import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { commandsOf } from "../../../src/cli/description.js";
import { manPage } from "../../../src/cli/man-page.js";
import { commandLine, DEFAULT_COMMAND } from "../../../src/command-line.js";
import { describeCommand } from "../../../src/describe-commands.js";
import { EXIT } from "../../../src/errors.js";
import { version } from "../../../src/version.js";
import { repositoryText } from "../dashboards/classic-board.js";

const program = describeCommand(
  commandLine(() => {}),
  DEFAULT_COMMAND,
);
const page = manPage(program, version);

test("the page has every command, flag, exit code and section", () => {
  for (const { path, command } of commandsOf(program)) {
    if (path.length === 0 || path[0] === "help") continue;
    const [, section = ""] = page.split(`\n.SS "${path.join(" ")}"\n`);
    assert.ok(section, path.join(" "));
    for (const flag of command.options.flatMap(({ flags }) => flags)) {
      const isOfAll = flag === "-h" || flag === "--help";
      const text = `\\fB${flag.replaceAll("-", "\\-")}\\fR`;
      assert.ok((isOfAll ? page : section.split("\n.SS ")[0]!).includes(text), flag);
    }
  }
  for (const code of Object.values(EXIT))
    assert.ok(page.includes(`\n.TP\n.B ${code}\n`), `${code}`);
  for (const name of ["CELERY_BROKER_URL", "CELERY_LOAD_LOG_LEVEL", "NAME_FILE"]) {
    assert.ok(page.includes(`\n.B ${name}\n`), name);
  }
});

test("no text of the help can become a command of roff", () => {
  const odd = {
    name: "odd",
    summary: "'quoted' at the start",
    usage: "[options]",
    arguments: [],
    options: [
      {
        flags: ["--dot"],
        value: { name: "path\\to", choices: null, path: null },
        isRepeated: false,
        summary: "",
        details: `.dot 'x' ${"word ".repeat(14)}.so\\n é ${"y".repeat(90)}`,
      },
    ],
    commands: [],
    defaultCommand: null,
  };
  const text = manPage({ ...odd, name: "celery-load", commands: [odd] }, "1.0");
  for (const line of text.split("\n")) {
    if (/^[.']/.test(line))
      assert.match(line, /^\.(\\" |[A-Z]{1,2}( |$)|nh$|ad l$|nf$|fi$|br$)/, line);
    assert.doesNotMatch(line, /[^\x20-\x7e]/);
    assert.doesNotMatch(line, /\\(?![efu(&"[-])/, line);
  }
});

test("mandoc has nothing to say about the page", (t) => {
  const { error, stdout, stderr } = spawnSync("mandoc", ["-T", "lint"], {
    input: page,
    encoding: "utf8",
  });
  if (error !== undefined) return t.skip("mandoc is not installed here");
  // How long a line of the source is, no reader sees.
  const told = `${stdout}${stderr}`
    .split("\n")
    .filter((line) => line !== "" && !/longer than 80 bytes/.test(line));
  assert.deepEqual(told, []);
});

test("the page is in the package, where npm finds it for man", () => {
  const { man, files } = JSON.parse(repositoryText("package.json"));
  assert.ok(files.includes("docs"));
  assert.equal(repositoryText(man[0]), page);
});
