import { tableLines } from "../terminal/table.js";
import type { Fit } from "./fit.js";

/** How well a plan fits its source, as a table. */
export function fitText(fit: Fit, columns: number): string {
  const rows: readonly (readonly [name: string, source: string, plan: string, apart: string])[] = [
    [
      "tasks",
      whole(fit.tasks.source),
      whole(fit.tasks.plan),
      percent(Math.abs(fit.tasks.plan - fit.tasks.source) / fit.tasks.source),
    ],
    [`rate, by ${length(fit.rate.windowMs)}`, "", "", percent(fit.rate.distance)],
    ["mix", "", "", percent(fit.mix)],
    [`mix, by ${length(fit.rate.windowMs)}`, "", "", percent(fit.mixByWindow)],
    ...fit.dispersions.map(
      ({ seconds, source, plan }) =>
        [
          `dispersion at ${seconds} s`,
          index(source),
          plan === null ? "-" : index(plan),
          plan === null ? "-" : index(Math.abs(source - plan)),
        ] as const,
    ),
    ...(fit.gaps === null ? [] : [["gaps between tasks", "", "", percent(fit.gaps)] as const]),
  ];
  const column = (title: string, place: 1 | 2 | 3) => ({
    ...{ title, cells: rows.map((row) => row[place]) },
  });
  const table = {
    title: "How well the plan fits",
    names: rows.map(([name]) => name),
    groups: [[column("source", 1), column("plan", 2), column("apart", 3)]],
  };
  return tableLines(table, columns)
    .map((line) => `${line}\n`)
    .join("");
}

function whole(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function index(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function length(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Number((seconds / 60).toPrecision(3))} min`;
  return `${Number((seconds / 3600).toPrecision(3))} h`;
}
