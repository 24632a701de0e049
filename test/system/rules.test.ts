import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { DEFAULT_LINKS, ruleGroups, rulesText } from "../../src/rules/rules-file.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { ensurePrometheus } from "../../src/setup/prometheus.js";
import { serverReady, startServerProcess } from "../../src/setup/server-process.js";
import { startDaemon } from "../support/daemon.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";

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
  assert.match(
    await promtool("check", "rules", ...strict, "rules.yml"),
    /SUCCESS: \d+ rules found/,
  );
  assert.match(await promtool("check", "config", "prometheus.yml"), /SUCCESS: 1 rule files found/);
});

test("promtool takes the configuration with all that it holds ready, and that of the composition", async () => {
  const ready = (await readFile(join(FOLDER, "prometheus.yml"), "utf8")).replaceAll(
    /^ {2}#(- | {2})/gm,
    "  $1",
  );
  const composed = await readFile(join(CHECKOUT, "demo", "prometheus.yml"), "utf8");
  for (const text of [ready, composed]) {
    const file = join(await besideRules(), "prometheus.yml");
    await writeFile(file, text);
    assert.match(await promtool("check", "config", file), /SUCCESS: 1 rule files found/);
  }
});

test("Prometheus with the bundled configuration scrapes the daemon of this machine, and loads every rule", async () => {
  await using daemon = await startDaemon({
    args: ["--broker", "redis://127.0.0.1:1/0", "--task", "tests.add", "--rate", "1/s"],
  });
  const port = await freePort();
  const directory = await besideRules();
  const text = await readFile(join(FOLDER, "prometheus.yml"), "utf8");
  // Its own ports may be in use here: other ports are all that differs.
  const moved = text.replace(":9809", `:${daemon.port}`).replace(":9090", `:${port}`);
  await writeFile(join(directory, "prometheus.yml"), moved);
  const logFile = join(directory, "log");
  const server = await startServerProcess({
    name: "Prometheus",
    program: (await ensurePrometheus()).prometheus,
    args: ["--config.file=prometheus.yml", `--web.listen-address=127.0.0.1:${port}`],
    cwd: directory,
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  try {
    const ask = async <Data>(path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      return ((await answer.json()) as { data: Data }).data;
    };
    await serverReady(server, async () => (await ask("status/buildinfo")) !== undefined, 30_000);
    const states = async () => {
      const { activeTargets } = await ask<{ activeTargets: Target[] }>("targets");
      return activeTargets
        .map(({ labels, health, lastError }) => `${labels.job} ${health} ${lastError}`)
        .sort();
    };
    const isScraped = async () => {
      const known = (await states()).filter((state) => !state.includes("unknown"));
      return known.length === 2;
    };
    await waitUntil(isScraped, 30_000, "both to be scraped");
    assert.deepEqual(await states(), ["celery-load up ", "prometheus up "]);
    const { groups } = await ask<{ groups: { name: string }[] }>("rules");
    const expected = ruleGroups(DEFAULT_LINKS).map(({ name }) => name);
    assert.deepEqual(groups.map(({ name }) => name).sort(), expected.sort());
  } finally {
    await server.stop(0);
  }
});

interface Target {
  readonly labels: { readonly job: string };
  readonly health: string;
  readonly lastError: string;
}

/** A new directory with the rules, where a configuration finds them. */
async function besideRules(): Promise<string> {
  const directory = await scratchFile("prometheus");
  await mkdir(directory);
  await cp(join(FOLDER, "rules.yml"), join(directory, "rules.yml"));
  return directory;
}

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
