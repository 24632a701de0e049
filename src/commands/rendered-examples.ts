import { compileText } from "../celery/messages/body-text.js";
import { SAMPLE_FILL } from "../celery/messages/message.js";
import { type Config, isWorkflow } from "../config/schema.js";
import { shapeOf } from "../data/row-values.js";
import { createRandom } from "../plan/random.js";
import { printable, shortened } from "../terminal/text.js";
import type { DataFile } from "./data-files.js";
import type { TemplateLines } from "./template-lines.js";

/** Longer arguments are cut. */
const MAX_LENGTH = 500;
/** Of tasks; beyond them nobody reads on. */
const MAX_EXAMPLES = 20;

/** What there is of rows, and what tasks that take them send with the first one. */
export function renderedExamples(
  config: Config,
  files: readonly DataFile[],
  templateLines: TemplateLines["lines"],
): string[] {
  const rows = files.map(({ source: { name, rowCount, columns } }) => {
    const what = columns === null ? "one value each" : `columns ${columns.join(", ")}`;
    return `data ${name}: ${rowCount} ${rowCount === 1 ? "row" : "rows"}, ${what}`;
  });
  const byName = new Map(files.map((file) => [file.source.name, file]));
  const examples = Object.entries(config.tasks).flatMap(([key, task]) => {
    const file = isWorkflow(task) ? undefined : byName.get(task.data ?? "");
    if (isWorkflow(task) || file === undefined || task.payload !== null) return [];
    const sources = {
      readLines: (name: string) => templateLines[name] ?? [],
      random: createRandom(config.seed),
      rows: shapeOf(file.source),
    };
    const context = {
      ...{ ...SAMPLE_FILL, seq: 0, memberIds: [], row: file.firstRow },
      ...{ plannedUnixSeconds: 0, nowUnixSeconds: 0 },
    };
    const textOf = (value: unknown) => compileText(value, sources).render(context);
    return [`task ${key} with its first row: ${textOf(task.args)}, ${textOf(task.kwargs)}`];
  });
  return [...rows, ...examples.slice(0, MAX_EXAMPLES)].map((line) =>
    shortened(printable(line), MAX_LENGTH),
  );
}
