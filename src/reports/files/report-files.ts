import { type JunitOptions, junitText } from "./junit.js";
import type { RunReport } from "./report-schema.js";
import { summaryMarkdown } from "./summary-markdown.js";

/** The files of `--report`, by name: made one after the other, as each is asked for. */
export function* reportFiles(
  report: RunReport,
  page: () => string,
  options: JunitOptions,
): Generator<readonly [name: string, text: string]> {
  yield ["report.json", `${JSON.stringify(report)}\n`];
  yield ["junit.xml", junitText(report, options)];
  yield ["summary.md", summaryMarkdown(report)];
  yield ["report.html", page()];
}
