import {
  compileText,
  type RenderContext,
  type Row,
} from "../../../src/celery/messages/body-text.js";
import { readerOf, shapeOf } from "../../../src/data/row-values.js";
import { median } from "../statistics.js";

/*
 * What it costs to make arguments of rows, beside ordinary templates: the body of a message, from the text of the row
 * on, in one thread.
 */

const ROUNDS = 15;
const TIMES = 200_000;

export interface RowsResult {
  readonly name: string;
  readonly nanoseconds: number;
  /** Of the ordinary templates, measured by turns with it. */
  readonly ratio: number;
}

const CONTEXT: RenderContext = {
  ...{ seq: 1, plannedUnixSeconds: 1.5, nowUnixSeconds: 1.6, id: "id", eta: "", expires: "" },
  ...{ group: "", memberIds: [], row: null },
};
const CSV = {
  format: "csv",
  columns: ["user_id", "name", "balance", "zip"],
  types: ["plain", "plain", "plain", "plain"],
} as const;
const JSONL = { format: "jsonl", columns: CSV.columns, types: [] } as const;
const CSV_ROW = "1234567,Ann Smith,19.90,01234";
const QUOTED_ROW = '1234567,"Smith, Ann",19.90,01234';
const JSON_ROW = '{"user_id": 1234567, "name": "Ann Smith", "balance": 19.9, "zip": "01234"}';

function renderer(args: readonly string[], shaped: typeof CSV | typeof JSONL, text: string) {
  const read: (text: string) => Row = readerOf(shaped);
  const sources = { readLines: () => [], random: Math.random, rows: shapeOf(shaped) };
  const body = compileText([args, {}, {}], sources);
  const takesRow = args.some((arg) => arg.includes("row"));
  return () => body.render(takesRow ? { ...CONTEXT, row: read(text) } : { ...CONTEXT });
}

/** Milliseconds of many. */
function timeOf(render: () => string): number {
  const sinceMs = performance.now();
  let length = 0;
  for (let time = 0; time < TIMES; time++) length += render().length;
  const tookMs = performance.now() - sinceMs;
  // What nobody reads might not be made.
  if (length === 0) throw new Error("nothing was rendered");
  return tookMs;
}

export function rows(): RowsResult[] {
  const plain = renderer(["{{ uuid }}", "{{ int(1, 1000) }}"], CSV, "");
  const cases = {
    "templates without rows": plain,
    "two cells of CSV": renderer(["{{ row.user_id }}", "{{ row.name }}"], CSV, CSV_ROW),
    "a whole row of CSV": renderer(["{{ row | json }}"], CSV, CSV_ROW),
    "a whole row of CSV with quotes": renderer(["{{ row | json }}"], CSV, QUOTED_ROW),
    "two values of JSON lines": renderer(["{{ row.user_id }}", "{{ row.name }}"], JSONL, JSON_ROW),
    "a whole row of JSON lines": renderer(["{{ row | json }}"], JSONL, JSON_ROW),
  };
  for (const render of Object.values(cases)) timeOf(render);
  return Object.entries(cases).map(([name, render]) => {
    const pairs = Array.from({ length: ROUNDS }, () => [timeOf(plain), timeOf(render)] as const);
    return {
      name,
      nanoseconds: (median(pairs.map(([, own]) => own)) / TIMES) * 1e6,
      ratio: median(pairs.map(([without, own]) => own / without)),
    };
  });
}

export function rowsLine({ name, nanoseconds, ratio }: RowsResult): string {
  return `${name}: ${nanoseconds.toFixed(0)} ns a message, ×${ratio.toFixed(2)} of templates without rows`;
}
