import * as z from "zod";
import {
  COLUMN_TYPES,
  type ColumnType,
  DATA_FORMATS,
  type DataFormat,
  formatOf,
  TAKES,
  type Take,
} from "../../data/data-source.js";
import { field, ReadError } from "../fields.js";
import { mappingMeta, readMapping } from "../mapping.js";

/** Rows that the templates of tasks can take. */
export interface DataConfig {
  /** As it is written: it lies beside the configuration. */
  readonly file: string;
  readonly take: Take;
  readonly format: DataFormat;
  /** By column, where it was said. */
  readonly types: Readonly<Record<string, ColumnType>>;
}

export const dataSchema = z
  .strictObject({
    file: z
      .string({ error: "must be the path of a file" })
      .min(1, { error: "must be the path of a file" })
      .meta({
        description:
          "File of the rows, in the folder of the (first) configuration file or below it; 1 GiB at most.",
        examples: ["customers.csv"],
      }),
    take: z
      .enum(TAKES, { error: "must be inOrder, random or once" })
      .meta({
        description:
          "inOrder: one row after the other, from the first again after the last; random: any; once: each row once, then the scenario ends.",
      })
      .prefault("inOrder"),
    format: z
      .enum(DATA_FORMATS, { error: "must be csv, jsonl or lines" })
      .meta({
        description:
          "csv: the first line names the columns; jsonl: a JSON value on each line; lines: a text or number on each line. Default: by the file's ending, .csv, .jsonl or .ndjson, else lines.",
      })
      .optional(),
    types: field(
      {
        ...mappingMeta(
          "Of columns of CSV that are not to be read as they look (a number as JSON writes it is a number, all else a text): text, number, boolean or json. An empty cell is null, of a text the empty text.",
        ),
        examples: [{ zip: "text" }],
      },
      readTypes,
    ).prefault({}),
  })
  .transform((data): DataConfig => ({ ...data, format: data.format ?? formatOf(data.file) }));

function readTypes(value: unknown): Readonly<Record<string, ColumnType>> {
  const types = readMapping(value);
  for (const [column, type] of Object.entries(types)) {
    if ((COLUMN_TYPES as readonly unknown[]).includes(type)) continue;
    const remedy = `Write {${column}: text}.`;
    throw new ReadError("must be text, number, boolean or json", { remedy }, [column]);
  }
  return types as Readonly<Record<string, ColumnType>>;
}
