import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runDashboards } from "../../../src/commands/dashboards.js";
import { allDashboards } from "../../../src/dashboards/boards.js";
import { dashboardText } from "../../../src/dashboards/classic-json.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-dashboards-"));
after(() => rmSync(directory, { recursive: true }));

const expected = new Map(
  allDashboards().map((dashboard) => [`${dashboard.uid}.json`, dashboardText(dashboard)]),
);

test("celery-load dashboards --out makes the folder, writes every dashboard, and says where", () => {
  const out = join(directory, "new", "folder");
  const { code, text } = run(out);
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(out).sort(), [...expected.keys()].sort());
  for (const [file, content] of expected) {
    assert.equal(readFileSync(join(out, file), "utf8"), content);
    assert.ok(text.includes(`${join(out, file)}\n`), text);
  }
});

test("an older version of a dashboard is overwritten, other files stay", () => {
  const out = mkdtempSync(join(directory, "used-"));
  const [file = "", content] = [...expected][0]!;
  writeFileSync(join(out, file), "{}");
  writeFileSync(join(out, "own.json"), "{}");
  run(out);
  assert.equal(readFileSync(join(out, file), "utf8"), content);
  assert.equal(readFileSync(join(out, "own.json"), "utf8"), "{}");
});

test("without --out the dashboards are listed by file and title, and how to get them", () => {
  const { code, text } = run(undefined);
  assert.equal(code, 0);
  for (const { uid, title } of allDashboards()) {
    assert.match(text, new RegExp(`^${uid}\\.json +${title}$`, "m"));
  }
  assert.match(text, /celery-load dashboards --out DIR/);
});

test("a folder that cannot be written to is one clear message", () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  assert.throws(() => run(file), {
    name: "UserError",
    message: /^Cannot write a dashboard to .*file.*EEXIST/,
  });
});

function run(out: string | undefined): { code: number; text: string } {
  let text = "";
  const code = runDashboards(
    { out },
    {
      stdout: {
        write(part) {
          text += part;
          return true;
        },
      },
    },
  );
  return { code, text };
}
