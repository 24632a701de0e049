import type { Row } from "../celery/messages/body-text.js";
import { isExactNumber, readPlain, wholeOf } from "../celery/messages/exact-number.js";
import type { DataSource } from "../data/data-source.js";
import { shapeOf } from "../data/row-values.js";
import { isMapping } from "../mapping.js";

/** A row as code sees it: a mapping by column, or its only value. */
export function rowObject(source: DataSource, row: Row): unknown {
  const { columns, isPlain } = shapeOf(source);
  const valueAt = (index: number) => {
    const value = row[index];
    return plainValue(isPlain[index] && typeof value === "string" ? readPlain(value) : value);
  };
  if (columns === null) return valueAt(0);
  return Object.fromEntries(columns.map((column, index) => [column, valueAt(index)]));
}

/** With numbers as JavaScript has them: a bigint where no other would be exact. */
export function plainValue(value: unknown): unknown {
  if (isExactNumber(value)) return wholeOf(value) ?? Number(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(item)]));
}
