import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Mark } from "../../history/answer.js";
import { type Chart, newestOf, type Stretch, valuesOf } from "../model/charts.js";
import { dateText, timeText, UNKNOWN } from "../model/format.js";
import type { Moments } from "../model/history.js";
import { tableRows } from "../model/table-rows.js";
import { cursor, zone, zoom } from "../source/state.js";
import { announce } from "./announcements.js";
import { Plot } from "./plot.js";

interface ChartProps {
  readonly chart: Chart;
  readonly moments: Moments;
  readonly marks: readonly Mark[];
  readonly saturated: readonly Stretch[];
  readonly from: number;
  readonly to: number;
}

type Values = readonly (number | null)[];

/** A chart with what it says at the cursor, and its numbers as a table. */
export function ChartFigure({ chart, moments, marks, saturated, from, to }: ChartProps) {
  const id = useId();
  const values = chart.lines.map((line) => valuesOf(line, moments, chart.meanSeconds));
  return (
    <figure class={`panel chart ${chart.id}`} aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{chart.title}</h2>
        <Readout chart={chart} at={moments.at} values={values} />
      </div>
      <Canvas {...{ chart, moments, marks, saturated, from, to, values }} />
      <Numbers chart={chart} at={moments.at} values={values} />
    </figure>
  );
}

/** Where the cursor is, -1 when it is nowhere. */
function rowAt(at: readonly number[]): number {
  const time = cursor.value;
  return time === null ? -1 : at.findLastIndex((each) => each <= time + 1e-3);
}

function Readout({
  chart,
  at,
  values,
}: {
  chart: Chart;
  at: readonly number[];
  values: readonly Values[];
}) {
  const row = rowAt(at);
  return (
    <ul class="legend">
      {row >= 0 && <li class="muted">{timeText(at[row]!, zone.value)}</li>}
      {chart.lines.map(({ label, colour, isDashed }, index) => {
        const value = row >= 0 ? (values[index]![row] ?? null) : newestOf(values[index]!);
        return (
          <li key={label}>
            <span
              class={`swatch line ${isDashed ? "is-dashed" : ""}`}
              style={{ borderColor: `var(--${colour})` }}
              aria-hidden="true"
            />
            {label} <b>{chart.text(value)}</b>
          </li>
        );
      })}
    </ul>
  );
}

function Canvas({
  chart,
  moments,
  marks,
  saturated,
  from,
  to,
  values,
}: ChartProps & { values: readonly Values[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  // Other lines are another plot; other numbers are not.
  const lines = JSON.stringify([chart.lines.map(({ label }) => label), zone.value]);
  useEffect(() => {
    const made = new Plot(place.current!, chart, zone.value, (closer) => {
      zoom.value = closer;
    });
    plot.current = made;
    return () => made.destroy();
  }, [chart.id, lines]);
  useEffect(() => {
    plot.current!.show({ at: moments.at, values, marks, saturated, from, to });
  });
  const newest = chart.lines.map(({ label }, index) => {
    return `${label} ${chart.text(newestOf(values[index]!))}`;
  });
  return (
    <div
      ref={place}
      class="plot"
      tabIndex={0}
      role="img"
      aria-label={`${chart.title}: ${newest.join(", ")}. Arrow keys move along it.`}
      onKeyDown={(event) => {
        const isMoved = act(event, moments.at, from, to);
        if (!isMoved) return;
        event.preventDefault();
        const row = rowAt(moments.at);
        if (row < 0) return;
        const texts = chart.lines.map(({ label }, index) => {
          return `${label} ${chart.text(values[index]![row] ?? null)}`;
        });
        announce(`${timeText(moments.at[row]!, zone.value)}: ${texts.join(", ")}`);
      }}
      onBlur={() => {
        cursor.value = null;
      }}
    />
  );
}

/** What a key does; false: nothing. */
function act(
  { key, shiftKey }: KeyboardEvent,
  at: readonly number[],
  from: number,
  to: number,
): boolean {
  const row = rowAt(at);
  const now = row < 0 ? at.length - 1 : row;
  const step = shiftKey ? 10 : 1;
  const move = (next: number) => {
    cursor.value = at[Math.min(at.length - 1, Math.max(0, next))] ?? null;
  };
  const closer = (times: number) => {
    const middle = row < 0 ? to : at[row]!;
    const half = Math.max(5, ((to - from) * times) / 2);
    zoom.value = { from: middle - half, to: middle + half };
  };
  switch (key) {
    case "ArrowLeft":
      move(now - step);
      return true;
    case "ArrowRight":
      move(now + step);
      return true;
    case "Home":
      move(0);
      return true;
    case "End":
      move(at.length - 1);
      return true;
    case "+":
    case "=":
      closer(0.5);
      return true;
    case "-":
      closer(2);
      return true;
    case "Escape":
      zoom.value = null;
      cursor.value = null;
      return true;
    default:
      return false;
  }
}

/** The same numbers for those who do not see the drawing, or want to copy them. */
function Numbers({
  chart,
  at,
  values,
}: {
  chart: Chart;
  at: readonly number[];
  values: readonly Values[];
}) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>
        Numbers<span class="hidden"> of {chart.title}</span>
      </summary>
      {isOpen.value && (
        <section class="scroll tall" tabIndex={0} aria-label={`Numbers of ${chart.title}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">time</th>
                {chart.lines.map(({ label }) => (
                  <th key={label} scope="col" class="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {tableRows(at).map((row) => (
                <tr key={at[row]}>
                  <th scope="row">{dateText(at[row]!, zone.value)}</th>
                  {values.map((column, index) => (
                    <td key={chart.lines[index]!.label} class="number">
                      {column[row] === undefined ? UNKNOWN : chart.text(column[row]!)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
