import { rowUses } from "../celery/messages/arguments.js";
import { type ConfigIssue, listNames, unfit } from "../config/faults/config-issue.js";
import { quote } from "../config/faults/quote.js";
import { type Config, isWorkflow } from "../config/schema.js";
import type { DataSource } from "../data/data-source.js";
import { didYouMean } from "../did-you-mean.js";

/** Columns that are named in templates and types, and that the data has not. */
export function checkColumns(config: Config, sources: readonly DataSource[]): ConfigIssue[] {
  const byName = new Map(sources.map((source) => [source.name, source]));
  const ofTasks = Object.entries(config.tasks).flatMap(([key, task]) => {
    const source = isWorkflow(task) || task.data === null ? undefined : byName.get(task.data);
    if (isWorkflow(task) || source === undefined) return [];
    return (["args", "kwargs"] as const).flatMap((part) =>
      rowUses(task[part]).flatMap(({ column, path }) => {
        const fault = faultOf(column, source);
        return fault === undefined ? [] : [unfit(["tasks", key, part, ...path], ...fault)];
      }),
    );
  });
  const ofTypes = sources.flatMap((source) =>
    Object.keys(config.data[source.name]!.types).flatMap((column) => {
      const fault = faultOf(column, source);
      return fault === undefined ? [] : [unfit(["data", source.name, "types", column], ...fault)];
    }),
  );
  return [...ofTasks, ...ofTypes];
}

function faultOf(
  column: string | null | undefined,
  { name, columns }: DataSource,
): [message: string, remedy: string] | undefined {
  if (columns === null) {
    if (column === undefined) return undefined;
    return [`data ${quote(name)} has no columns, but one value in each row`, "Write {{ row }}."];
  }
  if (column === undefined) {
    const remedy = `Write {{ row.${columns[0]} }}, or {{ row | json }} for all of it.`;
    return [`data ${quote(name)} has rows of several columns`, remedy];
  }
  if (column === null || columns.includes(column)) return undefined;
  const meant = didYouMean(column, columns);
  return [
    `data ${quote(name)} has no column ${quote(column)}`,
    meant === undefined ? `There are ${listNames(columns)}.` : `Did you mean ${quote(meant)}?`,
  ];
}
