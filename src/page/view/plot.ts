import { effect } from "@preact/signals";
import uPlot from "uplot";
import type { Mark } from "../../history/answer.js";
import type { Chart, Stretch } from "../model/charts.js";
import { inZone, type Zone } from "../model/format.js";
import { cursor } from "../source/state.js";

/** What is drawn. */
export interface Drawn {
  readonly at: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
  readonly marks: readonly Mark[];
  readonly saturated: readonly Stretch[];
  readonly from: number;
  readonly to: number;
}

/** Steps of an axis of counts. */
const WHOLE = Array.from(
  { length: 30 },
  (_, index) => [1, 2, 5][index % 3]! * 10 ** Math.floor(index / 3),
);
/** Charts of one page have one cursor. */
const SYNC = "celery-load";

/** A chart on a canvas: as wide as its place, in the colours of the page. */
export class Plot {
  readonly #place: HTMLElement;
  readonly #chart: Chart;
  readonly #zone: Zone;
  readonly #onZoom: (closer: { from: number; to: number }) => void;
  readonly #resizes: ResizeObserver;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #stopFollowing: () => void;
  readonly #renew = () => this.#make();
  #plot: uPlot | undefined;
  #drawn: Drawn = { at: [], values: [], marks: [], saturated: [], from: 0, to: 1 };

  constructor(
    place: HTMLElement,
    chart: Chart,
    zone: Zone,
    onZoom: (closer: { from: number; to: number }) => void,
  ) {
    this.#place = place;
    this.#chart = chart;
    this.#zone = zone;
    this.#onZoom = onZoom;
    this.#make();
    this.#resizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#resizes.observe(place);
    this.#dark.addEventListener("change", this.#renew);
    // The cursor may be moved from elsewhere, by the keyboard.
    this.#stopFollowing = effect(() => this.#point(cursor.value));
  }

  show(drawn: Drawn): void {
    this.#drawn = drawn;
    const plot = this.#plot!;
    plot.batch(() => {
      plot.setData(dataOf(drawn), false);
      plot.setScale("x", { min: drawn.from, max: drawn.to });
    });
  }

  destroy(): void {
    this.#stopFollowing();
    this.#dark.removeEventListener("change", this.#renew);
    this.#resizes.disconnect();
    this.#plot?.destroy();
  }

  #size(): { width: number; height: number } {
    return { width: this.#place.clientWidth, height: this.#place.clientHeight };
  }

  #point(time: number | null): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const isThere = time !== null && time >= this.#drawn.from && time <= this.#drawn.to;
    const left = isThere ? plot.valToPos(time, "x") : -10;
    if (Math.abs((plot.cursor.left ?? -10) - left) < 1) return;
    plot.setCursor({ left, top: isThere ? plot.bbox.height / 2 / devicePixelRatio : -10 }, false);
  }

  #make(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(this.#place);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const { lines, isLogarithmic, isCount, axisText } = this.#chart;
    const font = `${style.getPropertyValue("--chart-font").trim()} ${style.fontFamily}`;
    const em = Number.parseFloat(style.getPropertyValue("--chart-font"));
    const axis: uPlot.Axis = {
      stroke: colour("muted"),
      font,
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      ...this.#size(),
      legend: { show: false },
      padding: [8, em * 2.4, 0, 0],
      cursor: {
        sync: { key: SYNC, setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        y: false,
      },
      scales: {
        x: { time: true, auto: false },
        y: isLogarithmic
          ? { distr: 3, range: (_, min, max) => decades(min, max) }
          : { range: (_, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          ...axis,
          space: em * 7,
          size: em * 2.2,
          values: (_, splits) => timesOf(splits, this.#zone),
        },
        {
          ...axis,
          size: em * 4.6,
          space: em * 2.4,
          values: (_, splits) => splits.map((value) => (value === null ? "" : axisText(value))),
          ...(isCount ? { incrs: WHOLE } : {}),
          ...(isLogarithmic ? { splits: (_, __, min, max) => powers(min, max) } : {}),
        },
      ],
      series: [
        {},
        ...lines.map(
          ({ label, colour: name, isDashed, isFilled }): uPlot.Series => ({
            label,
            stroke: colour(name),
            width: 2,
            ...(isDashed ? { dash: [6, 5] } : {}),
            ...(isFilled ? { fill: `${colour(name)}22` } : {}),
            spanGaps: false,
            points: { show: true, size: 5, fill: colour(name), filter: lonely },
          }),
        ),
      ],
      hooks: {
        drawClear: [(plot) => this.#shade(plot, colour("saturated"))],
        drawAxes: [(plot) => this.#drawMarks(plot, colour)],
        setCursor: [
          (plot) => {
            if (!isPointed(plot)) return;
            const { idx } = plot.cursor;
            cursor.value = idx === null || idx === undefined ? null : plot.data[0][idx]!;
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 4) return;
            this.#onZoom({ from: plot.posToVal(left, "x"), to: plot.posToVal(left + width, "x") });
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
    this.#plot = new uPlot(options, dataOf(this.#drawn), this.#place);
    this.#plot.over.addEventListener("mouseleave", () => {
      cursor.value = null;
    });
    this.#plot.setScale("x", { min: this.#drawn.from, max: this.#drawn.to });
  }

  /** Where this daemon was the bottleneck. */
  #shade({ ctx, bbox, valToPos }: uPlot, colour: string): void {
    ctx.save();
    ctx.fillStyle = colour;
    for (const { from, to } of this.#drawn.saturated) {
      const left = valToPos(Math.max(from, this.#drawn.from), "x", true);
      const right = valToPos(Math.min(to, this.#drawn.to), "x", true);
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    }
    ctx.restore();
  }

  #drawMarks({ ctx, bbox, valToPos }: uPlot, colour: (name: string) => string): void {
    ctx.save();
    for (const { at, type } of this.#drawn.marks) {
      if (type !== "change" && type !== "stage" && type !== "config" && type !== "guard") continue;
      const x = Math.round(valToPos(at, "x", true)) + 0.5;
      const isStage = type === "stage";
      ctx.strokeStyle = colour(isStage ? "stage" : "change");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash(isStage ? [2 * devicePixelRatio, 4 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (isStage) continue;
      const size = 5 * devicePixelRatio;
      ctx.fillStyle = colour("change");
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + size);
      ctx.fill();
    }
    ctx.restore();
  }
}

/** The chart under the pointer: the others follow it. */
function isPointed(plot: uPlot): boolean {
  return plot.over.matches(":hover");
}

function dataOf({ at, values }: Drawn): uPlot.AlignedData {
  return [at as number[], ...(values as (number | null)[][])];
}

/** Those that stand alone, between gaps, which no line would show. */
const lonely: uPlot.Series.Points.Filter = ({ data }, series, show) => {
  const values = data[series]!;
  const isKnown = (index: number) => values[index] !== null && values[index] !== undefined;
  const indices: number[] = [];
  for (let index = 0; show !== false && index < values.length; index++) {
    if (isKnown(index) && !isKnown(index - 1) && !isKnown(index + 1)) indices.push(index);
  }
  return indices;
};

/** Whole decades around the values, as a range of a logarithmic scale. */
function decades(min: number | null, max: number | null): [number, number] {
  const low = min === null || min <= 0 ? 0.001 : min;
  const high = max === null || max <= 0 ? 1 : max;
  const from = 10 ** Math.floor(Math.log10(low));
  const to = 10 ** Math.ceil(Math.log10(high));
  return [from, to > from ? to : from * 10];
}

function powers(min: number, max: number): number[] {
  const splits: number[] = [];
  for (let power = Math.round(Math.log10(min)); power <= Math.round(Math.log10(max)); power++) {
    splits.push(10 ** power);
  }
  return splits;
}

/** With seconds where they differ, and with the day where that does. */
function timesOf(splits: readonly number[], zone: Zone): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const format = new Intl.DateTimeFormat("en-GB", {
    ...inZone(zone),
    hour: "2-digit",
    minute: "2-digit",
    ...(step > 0 && step < 60 ? { second: "2-digit" } : {}),
    ...(step >= 21_600 ? { day: "numeric", month: "short" } : {}),
  });
  return splits.map((each) => format.format(each * 1000));
}
