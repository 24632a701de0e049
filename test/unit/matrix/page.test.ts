import assert from "node:assert/strict";
import { test } from "node:test";
import { type Combination, chooseCombinations } from "../../matrix/combinations.js";
import { kindsDigest } from "../../matrix/kinds.js";
import { compatibilityPage } from "../../matrix/page.js";
import {
  type MatrixRun,
  mergeRun,
  RESULTS_FILE,
  readResults,
  runsThatCount,
  type Trial,
} from "../../matrix/results.js";
import { repositoryText } from "../dashboards/classic-board.js";

const trial = (combination: Combination, found: Partial<Trial> = {}): Trial => ({
  ...combination,
  notRun: null,
  problems: [],
  repeats: 0,
  scrapes: 50,
  seconds: 9.5,
  ...found,
});
const runOf = (trials: Trial[], date = "2026-11-25T10:00:00.000Z"): MatrixRun => ({
  date,
  kinds: kindsDigest(),
  daemon: "0.1.0",
  node: "20.20.2",
  servers: { redis: "7.0.15", rabbitmq: null },
  packages: {
    "5.2": { celery: "5.2.6", from: "Debian", python: "3.11.2", kombu: "5.2.4" },
    "5.7": { celery: "5.7.0", from: "PyPI", python: "3.11.7", kombu: "5.7.0", gevent: "26.9.0" },
  },
  trials,
});
const all = chooseCombinations({});
const rowOf = (page: string, start: string, table: number) =>
  page.split("\n").filter((line) => line.startsWith(`| ${start}`))[table];

test("docs/compatibility.md says what the stored results say", async () => {
  assert.equal(repositoryText("docs/compatibility.md"), compatibilityPage(await readResults()));
});

test("the stored results name no directory of a machine", () => {
  assert.doesNotMatch(repositoryText("test/matrix/results.json"), /\/(home|root|tmp|work)\b/);
  assert.match(RESULTS_FILE, /test.matrix.results\.json$/);
});

test("a page of trials that all are right has 240 marks and no remark", () => {
  const page = compatibilityPage([runOf(all.map((combination) => trial(combination)))]);
  assert.equal(page.match(/ ✓(?= \|)/g)?.length, 240);
  assert.match(page, /\*\*240 of 240 combinations are right\.\*\*\n/);
  assert.match(page, /12,000 pages in all trials/);
  assert.doesNotMatch(page, /^1\. /m);
  assert.doesNotMatch(page, /repeated/);
});

test("a page shows what went wrong, what could not run and what was never tried, each with its reason", () => {
  const broken = { problems: ["metrics: tests.add: late is 1 instead of 0"] };
  const page = compatibilityPage([
    runOf(
      chooseCombinations({ celery: "5.2", broker: "redis" }).map((combination) => {
        if (combination.pool === "solo") return trial(combination, broken);
        if (combination.pool === "gevent") return trial(combination, { notRun: "No gevent." });
        return trial(combination, { repeats: combination.backend === "rpc" ? 1 : 0 });
      }),
    ),
  ]);
  const half = "✓ | ✓ | – (1) | ✗ (2)";
  assert.equal(rowOf(page, "5.2.6 (Debian)", 0), `| 5.2.6 (Debian) | ${half} | ${half} |`);
  assert.equal(rowOf(page, "5.7", 1), `| 5.7 |${"  |".repeat(8)}`);
  assert.match(
    page,
    /\*\*4 of 240 combinations are right\.\*\* 2 went wrong\. 2 could not run\. 232 were never tried\./,
  );
  assert.match(page, /^1\. Could not run: No gevent\.\n2\. Wrong: metrics: tests\.add: late is 1/m);
  assert.match(page, /2 trials were repeated/);
});

test("the table of tasks says where the right outcome is another one", () => {
  const page = compatibilityPage([]);
  const outcomeOf = (what: string) =>
    page
      .split("\n")
      .find((line) => line.includes(what))
      ?.split(" | ")
      .at(-1);
  assert.equal(outcomeOf("returns 20 kB"), "`succeeded` |");
  assert.equal(
    outcomeOf("raises `Reject`"),
    "Celery 5.2–5.6: `timed_out`; Celery 5.7: `failed`, `Reject` |",
  );
  assert.equal(
    outcomeOf("expires in the queue"),
    "Redis: `revoked`, `TaskRevokedError`; RabbitMQ: `timed_out` |",
  );
});

test("mergeRun() replaces what was run again, good or bad, and drops runs of which nothing is left", () => {
  const [first, second, third] = all.slice(0, 3).map((combination) => trial(combination));
  const old = [runOf([first!], "2026-01-01"), runOf([second!, third!], "2026-01-02")];
  const failed = { ...first!, problems: ["wrong"] };
  const merged = mergeRun(old, runOf([failed, second!], "2026-01-03"));
  assert.deepEqual(
    merged.map(({ date, trials }) => [date, trials]),
    [
      ["2026-01-02", [third]],
      ["2026-01-03", [failed, second]],
    ],
  );
  assert.deepEqual(mergeRun(old, runOf([])), old);
});

test("results of trials with other tasks do not count", () => {
  const run = runOf([trial(all[0]!)]);
  assert.deepEqual(runsThatCount([{ ...run, kinds: "0123456789ab" }, run]), [run]);
});

test("a release counts for the rows and the packages only where a trial of it does", () => {
  const page = compatibilityPage([runOf([trial(all[0]!)])]);
  assert.ok(rowOf(page, "5.7", 0)?.startsWith("| 5.7 |"), "5.7.0 was installed and not tried");
  assert.doesNotMatch(page, /\| 5\.7\.0 \| PyPI/);
  assert.match(page, /\| 5\.2\.6 \| Debian \| 3\.11\.2 \| 5\.2\.4 \| – \|/);
});
