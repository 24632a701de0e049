import type { LiveStatus } from "../../reports/live-status.js";
import { countText, percentText, rateText, secondsText } from "../model/format.js";
import { type Phase, SIDE_WORDS, type TaskRow, taskRows } from "../model/tasks.js";
import { chosenTask, history } from "../source/state.js";
import { Section, Table } from "./parts.js";

/** A row for each task; one that is clicked is what the charts are about. */
export function Tasks({ live }: { live: LiveStatus }) {
  const { current } = history.value;
  const rows = taskRows(live, current.series, current.recent);
  return (
    <Section
      title="Tasks"
      name="tasks"
      side={<p class="muted">over the last ten seconds; phases over half a minute</p>}
    >
      <Table
        caption="Tasks"
        heads={[
          ["task"],
          ["rate", "number"],
          ["p50", "number"],
          ["p95", "number"],
          ["p99", "number"],
          ["where its time goes"],
          ["errors", "number"],
          ["retries", "number"],
          ["in flight", "number"],
          ["what makes it slow"],
        ]}
      >
        {rows.map((row) => (
          <Row key={row.task} row={row} />
        ))}
      </Table>
      <Legend />
    </Section>
  );
}

function Row({ row }: { row: TaskRow }) {
  const { task, rate, p50, p95, p99, phases, errors, errorShare, retries, inFlight, dropped } = row;
  const isChosen = chosenTask.value === task;
  return (
    <tr class={isChosen ? "is-chosen" : ""}>
      <th scope="row">
        <button
          type="button"
          class="name"
          aria-pressed={isChosen}
          title={isChosen ? "Charts of all tasks again" : `Charts of ${task} alone`}
          onClick={() => {
            chosenTask.value = isChosen ? null : task;
          }}
        >
          {task}
        </button>
      </th>
      <td class="number">{rateText(rate)}</td>
      <td class="number">{secondsText(p50)}</td>
      <td class="number">{secondsText(p95)}</td>
      <td class="number">{secondsText(p99)}</td>
      <td>
        <Phases phases={phases} />
      </td>
      <td class="number">
        <span data-errors={task}>{countText(errors)}</span>
        {errors > 0 && <span class="muted"> ({percentText(errorShare)})</span>}
        {dropped > 0 && <div class="bad">{countText(dropped)} not sent</div>}
      </td>
      <td class="number">{countText(retries)}</td>
      <td class="number">{countText(inFlight)}</td>
      <td class={row.side === "none" ? "words muted" : "words"}>
        {SIDE_WORDS[row.side]}
        {row.evidence !== "" && <div class="muted small">{row.evidence}</div>}
      </td>
    </tr>
  );
}

function Phases({ phases }: { phases: readonly Phase[] }) {
  if (phases.length === 0) return <span class="muted">not known yet</span>;
  const words = phases.map(({ name, seconds, share }) => {
    return `${name} ${secondsText(seconds)} (${percentText(share)})`;
  });
  return (
    <div class="phases" role="img" aria-label={words.join(", ")} title={words.join("\n")}>
      {phases.map(({ name, share }) => (
        <span key={name} class={`phase-${name}`} style={{ flexGrow: share }} />
      ))}
    </div>
  );
}

const PHASES: readonly Phase["name"][] = [
  "dispatch",
  "publish",
  "queue",
  "run",
  "work",
  "delivery",
];

function Legend() {
  return (
    <ul class="legend" aria-label="Phases">
      {PHASES.map((name) => (
        <li key={name}>
          <span class={`swatch phase-${name}`} aria-hidden="true" />
          {name === "work" ? "work: queue and run, without events" : name}
        </li>
      ))}
    </ul>
  );
}
