import { chartsOf, saturatedIn } from "../model/charts.js";
import { timeText } from "../model/format.js";
import { chosenTask, history, shown, span, zone, zoom } from "../source/state.js";
import { ChartFigure } from "./chart-figure.js";

const SPANS: readonly (readonly [seconds: number, label: string])[] = [
  [600, "10 min"],
  [3_600, "1 h"],
  [21_600, "6 h"],
  [172_800, "2 d"],
];

/** All charts, with one time and one cursor. */
export function Charts() {
  const { current } = history.value;
  const { from, to } = shown.value;
  const moments = current.moments(from, to);
  const saturated = saturatedIn(current.series, moments);
  const marks = current.marks.filter(({ at }) => at >= from && at <= to);
  return (
    <section class="charts" aria-label="Charts">
      <Toolbar />
      <div class="chart-grid">
        {chartsOf(current.series, chosenTask.value).map((chart) => (
          <ChartFigure
            key={chart.id}
            chart={chart}
            moments={moments}
            marks={marks}
            saturated={saturated}
            from={from}
            to={to}
          />
        ))}
      </div>
      <p class="muted small key">
        <span class="mark-key is-change" aria-hidden="true" /> change{" "}
        <span class="mark-key is-stage" aria-hidden="true" /> stage{" "}
        <span class="saturated-key" aria-hidden="true" /> this daemon is saturated: not the workers'
        doing. Drag over a chart to look closer; with the keyboard: arrows, + and −, Escape.
      </p>
    </section>
  );
}

function Toolbar() {
  const task = chosenTask.value;
  const closer = zoom.value;
  return (
    <div class="toolbar">
      <fieldset class="acts" aria-label="How far back">
        {SPANS.map(([seconds, label]) => (
          <button
            key={seconds}
            type="button"
            class="quiet"
            aria-pressed={closer === null && span.value === seconds}
            onClick={() => {
              zoom.value = null;
              span.value = seconds;
            }}
          >
            {label}
          </button>
        ))}
      </fieldset>
      {closer !== null && (
        <button
          type="button"
          onClick={() => {
            zoom.value = null;
          }}
        >
          {timeText(closer.from, zone.value)} to {timeText(closer.to, zone.value)}: back to now
        </button>
      )}
      {task !== null && (
        <button
          type="button"
          onClick={() => {
            chosenTask.value = null;
          }}
        >
          Only {task}: back to all
        </button>
      )}
    </div>
  );
}
