import { box, colour, FAINT, fitting, page, path, text } from "../pictures/svg.js";
import type { Row } from "./parts/compare.js";
import { rateText } from "./text.js";

const WIDTH = 860;
const LABELS = 330;
const BARS = WIDTH - LABELS - 150;
const BAR = 18;
const HEADER = 30;
const COLOURS = {
  ours: colour("blue"),
  floor: colour("#8b949e"),
  client: colour("orange"),
} as const;

/** Bars of CPU for each task, on a logarithmic scale, a block for each broker and rate. */
export function comparisonPicture(rows: readonly Row[], about: string): string {
  const values = rows.map(({ cpuMsPerTask }) => cpuMsPerTask);
  const from = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const to = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const widthOf = (ms: number) => (Math.log(ms / from) / Math.log(to / from)) * BARS;
  const drawn: string[] = [];
  let y = 60;
  for (const block of blocksOf(rows)) {
    drawn.push(
      text(20, y + 12, `${brokerTitle(block[0]!)}, ${rateText(block[0]!.rate)}`, {
        weight: "bold",
      }),
    );
    y += HEADER - 8;
    for (const row of block) {
      drawn.push(
        text(LABELS - 8, y + 12, fitting(`${row.peer}: ${row.what}`, LABELS - 20), {
          anchor: "end",
        }),
        box(LABELS, y, widthOf(row.cpuMsPerTask), BAR - 4, COLOURS[row.kind]),
        text(LABELS + widthOf(row.cpuMsPerTask) + 6, y + 11, valueText(row)),
      );
      y += BAR;
    }
    y += 10;
  }
  const grid: string[] = [];
  for (let ms = from; ms <= to * 1.001; ms *= 10) {
    const x = LABELS + widthOf(ms);
    grid.push(
      path(
        [
          [x, 56],
          [x, y],
        ],
        FAINT,
        { width: 0.5, dash: "2 3" },
      ),
    );
    grid.push(
      text(x, y + 14, `${Number(ms.toPrecision(1))} ms`, { fill: FAINT, anchor: "middle" }),
    );
  }
  const head = [
    text(20, 24, "CPU for each task (user and system, logarithmic)", { size: 15, weight: "bold" }),
    text(20, 42, about, { fill: FAINT }),
  ];
  return page(WIDTH, y + 30, [...grid, ...head, ...drawn]);
}

function blocksOf(rows: readonly Row[]): Row[][] {
  const blocks = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.broker} ${row.rate}`;
    blocks.set(key, [...(blocks.get(key) ?? []), row]);
  }
  const byBroker = (a: Row[], b: Row[]) =>
    Number(a[0]!.broker === "rabbitmq") - Number(b[0]!.broker === "rabbitmq");
  return [...blocks.values()].sort(byBroker);
}

function brokerTitle({ broker }: Row): string {
  return broker === "redis" ? "Redis" : "RabbitMQ";
}

function valueText(row: Row): string {
  const times =
    row.timesOurs === null || row.kind === "ours" ? "" : ` (× ${row.timesOurs.toPrecision(3)})`;
  return `${row.cpuMsPerTask.toPrecision(2)} ms${times}, ${row.perSecond.toFixed(0)}/s`;
}
