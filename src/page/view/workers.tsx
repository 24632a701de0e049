import type { ObservedWorker } from "../../observer/worker.js";
import type { LiveStatus } from "../../reports/live-status.js";
import { countText, secondsText, UNKNOWN } from "../model/format.js";
import { Bar, Chip, Section, Table } from "./parts.js";

export function Workers({ live: { status } }: { live: LiveStatus }) {
  const rows = Object.entries(status.connections).flatMap(([connection, { workers }]) =>
    workers.map((worker) => ({ connection, ...worker })),
  );
  return (
    <Section title="Workers" name="workers">
      {rows.length === 0 ? (
        <p class="empty">No worker has been heard of.</p>
      ) : (
        <Table
          caption="Workers"
          heads={[["worker"], ["state"], ["busy"], ["done", "number"], ["clock", "number"]]}
        >
          {rows.map((worker) => (
            <tr key={`${worker.connection}/${worker.name}`}>
              <th scope="row">{worker.name}</th>
              <td>
                <Up up={worker.up} />
              </td>
              <td>
                <Busy worker={worker} />
              </td>
              <td class="number">{countText(worker.processed)}</td>
              <td class="number">{clockText(worker)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function Up({ up }: { up: number | null }) {
  if (up === null) return <Chip tone="calm">not known</Chip>;
  return up > 0 ? (
    <Chip tone="good">{up === 1 ? "up" : `${up} up`}</Chip>
  ) : (
    <Chip tone="bad">down</Chip>
  );
}

function Busy({ worker: { activeTasks, poolSize } }: { worker: ObservedWorker }) {
  if (activeTasks === null || poolSize === null) return <span class="muted">{UNKNOWN}</span>;
  return (
    <span class="with-bar">
      {countText(activeTasks)} of {countText(poolSize)}
      <Bar ratio={activeTasks / poolSize} tone="calm" />
    </span>
  );
}

/** How far its clock is ahead of ours. */
function clockText({ clockOffsetMs, clockUncertaintyMs }: ObservedWorker): string {
  if (clockOffsetMs === null) return UNKNOWN;
  const sign = clockOffsetMs < 0 ? "−" : "+";
  const offset = `${sign}${secondsText(Math.abs(clockOffsetMs) / 1000)}`;
  return clockUncertaintyMs === null
    ? offset
    : `${offset} ± ${secondsText(clockUncertaintyMs / 1000)}`;
}
