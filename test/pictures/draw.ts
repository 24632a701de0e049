import type { ClassicPanel } from "../unit/dashboards/classic-board.js";
import { type Answered, nameOf, type Span, valueText } from "./answers.js";
import { box, colour, FAINT, fitting, INK, path, text } from "./svg.js";

/** Where a panel is drawn, and what its queries were answered, in their order. */
export interface Drawing {
  readonly panel: DrawnPanel;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly span: Span;
  readonly answers: readonly (readonly Answered[])[];
}

/** What the drawing looks at beside what the tests do. */
export interface DrawnPanel extends ClassicPanel {
  fieldConfig?: {
    defaults: {
      unit?: string;
      noValue?: string;
      mappings?: Mapping[];
      thresholds?: { steps: { value: number | null; color: string }[] };
      custom?: { stacking?: { mode: string }; thresholdsStyle?: { mode: string } };
    };
    overrides: { matcher: { id: string; options: string }; properties: Property[] }[];
  };
}

interface Mapping {
  options: Record<string, { text: string; color: string }>;
}

interface Property {
  id: string;
  value: unknown;
}

interface Line extends Answered {
  readonly name: string;
  readonly colour: string;
  readonly isDashed: boolean;
  readonly isOnTheRight: boolean;
  readonly unit: string;
}

const HEADING = 24;
const LEGEND_ROW = 14;

/** A panel as a simple drawing of what it holds. */
export function drawn(drawing: Drawing): string {
  const { panel, x, y, width, height } = drawing;
  const frame = [
    box(x, y, width, height, "#ffffff", "#d0d7de"),
    text(x + 8, y + 16, fitting((panel.title ?? "").replace("$quantile", "0.95"), width - 16, 12), {
      size: 12,
      weight: "bold",
    }),
  ];
  return [...frame, ...body(drawing)].join("\n");
}

function body(drawing: Drawing): string[] {
  if (drawing.answers.flat().length === 0) return [nothing(drawing)];
  switch (drawing.panel.type) {
    case "stat":
      return stat(drawing);
    case "table":
      return tableRows(drawing);
    case "heatmap":
      return heatmap(drawing);
    case "bargauge":
      return bars(drawing);
    case "state-timeline":
      return bands(drawing);
    default:
      return graph(drawing);
  }
}

function nothing({ panel, x, y, width, height }: Drawing): string {
  const words = panel.fieldConfig?.defaults.noValue ?? "No data";
  return text(x + width / 2, y + height / 2 + 8, words, { fill: FAINT, anchor: "middle" });
}

function linesOf({ panel, answers }: Drawing): Line[] {
  let next = 0;
  return answers.flatMap((series, query) =>
    series.map((one) => {
      const name = nameOf(panel.targets![query]!.legendFormat ?? "", one.labels);
      const properties = (panel.fieldConfig?.overrides ?? [])
        .filter(({ matcher }) => isMatched(matcher, name))
        .flatMap((override) => override.properties);
      const property = (id: string) => properties.find((found) => found.id === id)?.value;
      const fixed = property("color") as { fixedColor?: string } | undefined;
      return {
        ...one,
        name,
        colour: colour(fixed?.fixedColor ?? next++),
        isDashed: property("custom.lineStyle") !== undefined,
        isOnTheRight: property("custom.axisPlacement") === "right",
        unit: (property("unit") as string) ?? panel.fieldConfig?.defaults.unit ?? "none",
      };
    }),
  );
}

function isMatched({ id, options }: { id: string; options: string }, name: string): boolean {
  return id === "byRegexp" ? new RegExp(options.slice(1, -1)).test(name) : options === name;
}

function graph(drawing: Drawing): string[] {
  const { panel, x, y, width, height, span } = drawing;
  const lines = linesOf(drawing).sort((a, b) => last(b) - last(a));
  const legendRows = Math.min(lines.length, 4);
  const isStacked = (panel.fieldConfig?.defaults.custom?.stacking?.mode ?? "none") !== "none";
  const isPercent = panel.fieldConfig?.defaults.custom?.stacking?.mode === "percent";
  const left = lines.filter(({ isOnTheRight }) => !isOnTheRight);
  const right = lines.filter(({ isOnTheRight }) => isOnTheRight);
  const area = {
    x: x + 62,
    y: y + HEADING + 4,
    width: width - 74 - (right.length > 0 ? 52 : 0),
    height: height - HEADING - 28 - legendRows * LEGEND_ROW,
  };
  const atX = (unixSeconds: number) =>
    area.x + ((unixSeconds - span.start) / (span.end - span.start)) * area.width;
  const stacked = isStacked ? piled(left, isPercent) : [];
  const tops = isStacked
    ? stacked.flatMap(({ upper }) => upper.map(([, value]) => value))
    : left.flatMap(({ points }) => points.map(([, value]) => value));
  const steps = panel.fieldConfig?.defaults.custom?.thresholdsStyle
    ? (panel.fieldConfig.defaults.thresholds?.steps ?? [])
    : [];
  const limits = steps.flatMap(({ value, color }) =>
    value === null || value === undefined || color === "transparent" ? [] : [{ value, color }],
  );
  const unit = isPercent ? "percentunit" : (left[0]?.unit ?? "none");
  const scale = scaleOf(area, tops);
  const elements = [
    ...grid(area, scale, unit, span),
    ...limits
      .filter(({ value }) => value <= scale.top)
      .map(({ value, color }) =>
        path(
          [
            [area.x, scale.at(value)],
            [area.x + area.width, scale.at(value)],
          ],
          colour(color),
          { dash: "6 4", width: 1 },
        ),
      ),
  ];
  if (isStacked) {
    for (const { line, upper, lower } of stacked) {
      const edge = upper.map(([at, value]) => [atX(at), scale.at(value)] as const);
      const floor = lower.map(([at, value]) => [atX(at), scale.at(value)] as const);
      elements.push(path([...edge, ...floor.reverse()], "none", { fill: line.colour }));
    }
  } else {
    for (const line of left) elements.push(...strokes(line, atX, scale.at));
  }
  if (right.length > 0) {
    const other = scaleOf(
      area,
      right.flatMap(({ points }) => points.map(([, value]) => value)),
    );
    for (const line of right) elements.push(...strokes(line, atX, other.at));
    for (const share of [0, 0.5, 1]) {
      const words = valueText(other.top * share, right[0]!.unit);
      elements.push(
        text(area.x + area.width + 6, other.at(other.top * share) + 4, words, {
          size: 10,
          fill: FAINT,
        }),
      );
    }
  }
  for (const [row, line] of lines.slice(0, legendRows).entries()) {
    const at = y + height - 6 - (legendRows - 1 - row) * LEGEND_ROW;
    const more = row === legendRows - 1 && lines.length > legendRows;
    const words = `${line.name}   ${valueText(last(line), line.unit)}${more ? `   … and ${lines.length - legendRows} more` : ""}`;
    elements.push(box(x + 10, at - 7, 12, 3, line.colour));
    elements.push(text(x + 28, at, fitting(words, width - 40, 10), { size: 10 }));
  }
  return elements;
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Scale {
  readonly top: number;
  at(value: number): number;
}

/** From 0, or from below it, to a little above the highest value. */
function scaleOf(area: Area, values: readonly number[]): Scale {
  const finite = values.filter(Number.isFinite);
  const bottom = Math.min(0, ...finite);
  const highest = Math.max(...finite, bottom);
  const top = highest > bottom ? highest * 1.05 : bottom + 1;
  return {
    top,
    at: (value) => area.y + area.height * (1 - (value - bottom) / (top - bottom)),
  };
}

function grid(area: Area, scale: Scale, unit: string, span: Span): string[] {
  const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => scale.top * share);
  const marks = levels.flatMap((value) => [
    path(
      [
        [area.x, scale.at(value)],
        [area.x + area.width, scale.at(value)],
      ],
      "#eaeef2",
      { width: 1 },
    ),
    text(area.x - 6, scale.at(value) + 4, valueText(value, unit), {
      size: 10,
      fill: FAINT,
      anchor: "end",
    }),
  ]);
  const minutes = Math.floor((span.end - span.start) / 60);
  const times = Array.from({ length: minutes + 1 }, (_, minute) => {
    const at = area.x + ((minute * 60) / (span.end - span.start)) * area.width;
    return text(at, area.y + area.height + 13, `${minute} min`, {
      size: 10,
      fill: FAINT,
      anchor: "middle",
    });
  });
  return [...marks, ...times];
}

/** A line with gaps where there is no value. */
function strokes(
  { points, colour: stroke, isDashed }: Line,
  atX: (at: number) => number,
  atY: (value: number) => number,
): string[] {
  const runs: (readonly [number, number])[][] = [[]];
  let before = Number.NaN;
  for (const [at, value] of points) {
    if (!Number.isFinite(value) || at - before > 10) runs.push([]);
    if (Number.isFinite(value)) runs.at(-1)!.push([atX(at), atY(value)]);
    before = at;
  }
  return runs
    .filter((run) => run.length > 1)
    .map((run) => path(run, stroke, { dash: isDashed ? "6 4" : "" }));
}

/** Lines on top of each other, as shares of their sum if they are percent. */
function piled(lines: readonly Line[], isPercent: boolean) {
  const times = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort(
    (a, b) => a - b,
  );
  const valuesOf = lines.map(({ points }) => new Map(points));
  const valueAt = (line: number, at: number) => {
    const value = valuesOf[line]!.get(at) ?? 0;
    return Number.isFinite(value) ? value : 0;
  };
  const sums = times.map((at) => lines.reduce((sum, _, line) => sum + valueAt(line, at), 0));
  let floor = times.map(() => 0);
  return lines.map((line, index) => {
    const lower = floor;
    floor = times.map((at, time) => {
      const share = isPercent ? sums[time] || 1 : 1;
      return lower[time]! + valueAt(index, at) / share;
    });
    const curve = (values: readonly number[]) =>
      times.map((at, time) => [at, values[time]!] as const);
    return { line, upper: curve(floor), lower: curve(lower) };
  });
}

function stat(drawing: Drawing): string[] {
  const { panel, x, y, width, height } = drawing;
  const lines = linesOf(drawing);
  const steps = panel.fieldConfig?.defaults.thresholds?.steps ?? [];
  return lines.slice(0, 3).flatMap((line, index) => {
    const value = last(line);
    const at = x + (width / Math.min(lines.length, 3)) * (index + 0.5);
    const words = valueText(value, line.unit);
    return [
      text(at, y + height / 2 + 18, words, {
        size: Math.min(26, (width / Math.min(lines.length, 3) / words.length) * 1.5),
        fill: stepColour(steps, value),
        anchor: "middle",
        weight: "bold",
      }),
      lines.length > 1
        ? text(at, y + height - 8, line.name, { size: 10, fill: FAINT, anchor: "middle" })
        : "",
    ];
  });
}

function stepColour(
  steps: readonly { value: number | null; color: string }[],
  value: number,
): string {
  const reached = steps.filter((step) => value >= (step.value ?? Number.NEGATIVE_INFINITY));
  return colour(reached.at(-1)?.color ?? "text");
}

function last({ points }: Answered): number {
  return points.findLast(([, value]) => Number.isFinite(value))?.[1] ?? Number.NaN;
}

function bars(drawing: Drawing): string[] {
  const { x, y, width, height } = drawing;
  const lines = linesOf(drawing).sort((a, b) => last(b) - last(a));
  const most = Math.max(...lines.map(last), 1e-9);
  const step = Math.min(26, (height - HEADING - 8) / lines.length);
  return lines.flatMap((line, index) => {
    const at = y + HEADING + 6 + index * step;
    const full = width - 250;
    return [
      text(x + 180, at + step / 2 + 3, fitting(line.name, 166), { anchor: "end" }),
      box(x + 188, at + 2, (last(line) / most) * full, step - 6, colour("red")),
      text(x + width - 10, at + step / 2 + 3, valueText(last(line), line.unit), { anchor: "end" }),
    ];
  });
}

function bands(drawing: Drawing): string[] {
  const { panel, x, y, width, height, span } = drawing;
  const words = Object.assign(
    {},
    ...(panel.fieldConfig?.defaults.mappings ?? []).map(({ options }) => options),
  ) as Mapping["options"];
  const lines = linesOf(drawing);
  const step = Math.min(34, (height - HEADING - 26) / lines.length);
  const from = x + 150;
  const full = width - 162;
  const atX = (at: number) => from + ((at - span.start) / (span.end - span.start)) * full;
  const legend = Object.values(words).map(({ text: word, color }, index) => {
    const at = x + 150 + index * ((width - 160) / Object.keys(words).length);
    return (
      box(at, y + height - 15, 10, 8, colour(color)) +
      text(at + 14, y + height - 7, word, { size: 10 })
    );
  });
  const rows = lines.flatMap((line, index) => {
    const top = y + HEADING + 6 + index * step;
    return [
      text(from - 6, top + step / 2 + 3, fitting(line.name, 136, 10), { size: 10, anchor: "end" }),
      ...stretches(line.points).map(({ from: since, to, value }) =>
        box(
          atX(since),
          top,
          atX(Math.min(to, span.end)) - atX(since),
          step - 4,
          colour(words[String(value)]?.color ?? "text"),
        ),
      ),
    ];
  });
  return [...rows, ...legend];
}

/** Times in which a value was the same; a gap in the scrapes ends one. */
function stretches(points: Answered["points"]): { from: number; to: number; value: number }[] {
  const found: { from: number; to: number; value: number }[] = [];
  for (const [at, value] of points) {
    const before = found.at(-1);
    if (before && before.value === value && at - before.to <= 10) before.to = at + 2;
    else found.push({ from: at, to: at + 2, value });
  }
  return found;
}

function heatmap({ panel, answers, x, y, width, height, span }: Drawing): string[] {
  const series = [...(answers[0] ?? [])]
    .map(({ labels, points }) => ({
      le: Number((labels.le ?? "").replace("+Inf", "Infinity")),
      points,
    }))
    .sort((a, b) => a.le - b.le);
  const own = series.map(({ le, points }, index) => {
    const below = new Map(series[index - 1]?.points ?? []);
    return { le, points: points.map(([at, value]) => [at, value - (below.get(at) ?? 0)] as const) };
  });
  const used = own.filter(({ points }) => points.some(([, value]) => value > 1e-9));
  const most = Math.max(...used.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9);
  const from = x + 62;
  const full = width - 74;
  const step = (height - HEADING - 22) / used.length;
  const unit = panel.fieldConfig?.defaults.unit ?? "s";
  return used.flatMap(({ le, points }, index) => {
    const top = y + height - 16 - (index + 1) * step;
    return [
      text(from - 6, top + step / 2 + 4, `≤ ${valueText(le, unit)}`, {
        size: 10,
        fill: FAINT,
        anchor: "end",
      }),
      ...points
        .filter(([, value]) => value > 1e-9)
        .map(([at, value]) => {
          const share = Math.sqrt(value / most);
          const shade = `rgb(${[255 - share * 40, 235 - share * 165, 205 - share * 200].map(Math.round)})`;
          const left = from + ((at - span.start) / (span.end - span.start)) * full;
          return box(left, top, (2 / (span.end - span.start)) * full + 0.3, step - 1, shade);
        }),
    ];
  });
}

function tableRows({ panel, answers, x, y, width, height }: Drawing): string[] {
  const options = (id: string) =>
    panel.transformations?.find((found) => found.id === id)?.options as
      | {
          byField?: string;
          renameByName?: Record<string, string>;
          indexByName?: Record<string, number>;
        }
      | undefined;
  const key = options("joinByField")?.byField ?? "";
  const order = options("organize")?.indexByName ?? {};
  const headings = Object.entries(options("organize")?.renameByName ?? {}).sort(
    ([one], [other]) => order[one]! - order[other]!,
  );
  const rows = new Map<string, Record<string, string | number>>();
  for (const [query, series] of answers.entries()) {
    const field = answers.length === 1 ? "Value" : `Value #${panel.targets![query]!.refId}`;
    for (const { labels, points } of series) {
      const row = rows.get(labels[key] ?? "") ?? {};
      rows.set(labels[key] ?? "", { ...labels, ...row, [field]: points.at(-1)![1] });
    }
  }
  const step = width / headings.length;
  const heads = headings.map(([, heading], column) =>
    text(x + 8 + column * step, y + HEADING + 12, fitting(heading, step - 8, 10), {
      size: 10,
      fill: FAINT,
    }),
  );
  const shown = [...rows.values()].slice(0, Math.floor((height - HEADING - 20) / 18));
  const cells = shown.flatMap((row, index) =>
    headings.map(([field, heading], column) => {
      const { words, fill } = cell(panel, heading, row[field]);
      const at = y + HEADING + 30 + index * 18;
      return text(x + 8 + column * step, at, fitting(words, step - 10), { fill });
    }),
  );
  return [...heads, ...cells];
}

function cell(
  panel: DrawnPanel,
  heading: string,
  value: string | number | undefined,
): { words: string; fill: string } {
  const properties = (panel.fieldConfig?.overrides ?? [])
    .filter(({ matcher }) => matcher.options === heading)
    .flatMap((override) => override.properties);
  const property = <Value>(id: string) =>
    properties.find((found) => found.id === id)?.value as Value | undefined;
  if (typeof value === "string") return { words: value, fill: INK };
  if (value === undefined) return { words: property<string>("noValue") ?? "", fill: FAINT };
  const mapped = property<Mapping[]>("mappings")?.[0]?.options[String(value)];
  if (mapped) return { words: mapped.text, fill: colour(mapped.color) };
  const unit = property<string>("unit") ?? panel.fieldConfig?.defaults.unit ?? "short";
  const steps = property<{ steps: { value: number | null; color: string }[] }>("thresholds")?.steps;
  return { words: valueText(value, unit), fill: steps ? stepColour(steps, value) : INK };
}
