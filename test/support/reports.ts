import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport } from "../../src/reports/files/report-schema.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { ensurePython } from "../../src/setup/python.js";
import { ensureModules } from "./python-modules.js";

/** What `--report` has written. */
export interface ReadReports {
  readonly json: RunReport;
  readonly junit: string;
  readonly markdown: string;
  readonly html: string;
}

export function readReports(directory: string): ReadReports {
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  return {
    json: JSON.parse(read("report.json")),
    junit: read("junit.xml"),
    markdown: read("summary.md"),
    html: read("report.html"),
  };
}

/** Why the schema of JUnit's form refuses each text, null where it does not; and each Markdown as HTML. */
export async function judgedTexts(
  junit: readonly string[],
  markdown: readonly string[],
): Promise<{ junit: (string | null)[]; html: string[] }> {
  const interpreter = await ensurePython("current");
  const modules = await ensureModules("reports", "requirements-reports.txt", "current");
  const xsd = join(CHECKOUT, "test", "vectors", "junit", "junit.xsd");
  const script = join(CHECKOUT, "test", "support", "read_reports.py");
  const { status, stdout, stderr } = spawnSync(interpreter, [script], {
    input: JSON.stringify({ xsd, junit, markdown }),
    env: { ...process.env, PYTHONPATH: modules },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`read_reports.py ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
