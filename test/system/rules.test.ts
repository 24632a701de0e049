import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { rulesText } from "../../src/rules/rules-file.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { scratchFile } from "../support/scratch.js";

const run = promisify(execFile);
const FOLDER = join(CHECKOUT, "prometheus");

/** Another promtool than the installed one may be named, to see that the rules mean the same there. */
async function promtool(...args: string[]): Promise<string> {
  const program = process.env.PROMTOOL ?? (await ensurePrometheus()).promtool;
  try {
    const { stdout } = await run(program, args, { cwd: FOLDER });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${args.join(" ")}:\n${stdout}${stderr}`);
  }
}

test("promtool finds no fault in the rules, nor in the configuration that names them", async () => {
  const strict = ["--lint=all", "--lint-fatal"];
  for (const file of ["rules.yml", "correlation-rules.yml"]) {
    assert.match(await promtool("check", "rules", ...strict, file), /SUCCESS: \d+ rules found/);
  }
  assert.match(await promtool("check", "config", "prometheus.yml"), /SUCCESS: 2 rule files found/);
});

test("the rules with other links are as good", async () => {
  const file = await scratchFile("rules.yml");
  const links = { runbooks: "https://wiki.example/x", grafana: "https://grafana.example" };
  await writeFile(file, rulesText("prometheus", links));
  assert.match(await promtool("check", "rules", "--lint=all", "--lint-fatal", file), /SUCCESS/);
});

test("promtool can read every query of the runbooks", async () => {
  const folder = join(CHECKOUT, "docs", "runbooks");
  const queries = readdirSync(folder).flatMap((page) =>
    [...readFileSync(join(folder, page), "utf8").matchAll(/```promql\n(.*?)```/gs)].map(
      ([, query = ""], index) => ({
        record: `${page.replace(".md", "")}:query:${index}`,
        expr: query,
      }),
    ),
  );
  assert.ok(queries.length > 20);
  const file = await scratchFile("queries.yml");
  await writeFile(file, JSON.stringify({ groups: [{ name: "queries", rules: queries }] }));
  assert.match(await promtool("check", "rules", file), /SUCCESS/);
});

for (const file of readdirSync(join(FOLDER, "tests"))) {
  test(`the rules do what prometheus/tests/${file} says`, async () => {
    assert.match(await promtool("test", "rules", join("tests", file)), /SUCCESS/);
  });
}
