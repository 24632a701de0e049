import type { LiveStatus } from "../../reports/live-status.js";
import { durationText } from "../model/format.js";
import { type GuardStatus, guardText } from "../model/guards.js";
import type { Tone } from "../model/headline.js";
import { Bar, Chip, Section, Table } from "./parts.js";

const TONES: Readonly<Record<GuardStatus["state"], Tone>> = {
  ok: "good",
  pending: "doubtful",
  fired: "bad",
};

export function Guards({ live: { status } }: { live: LiveStatus }) {
  const guards = Object.entries(status.guards);
  return (
    <Section title="Guards" name="guards">
      {guards.length === 0 ? (
        <p class="empty">No guard watches this run.</p>
      ) : (
        <Table
          caption="Guards"
          heads={[["guard"], ["state"], ["how far away"], ["what it watches"]]}
        >
          {guards.map(([name, guard]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Chip tone={TONES[guard.state]}>{guard.state}</Chip>
                {guard.state !== "ok" && (
                  <div class="muted small">for {durationText(guard.seconds)}</div>
                )}
              </td>
              <td>
                <Headroom guard={guard} />
              </td>
              <td class="words">
                {guard.subject}
                <div class="muted small">{guardText(guard)}</div>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function Headroom({ guard: { headroomRatio, unknown } }: { guard: GuardStatus }) {
  if (headroomRatio === null) return <span class="muted">{unknown ?? "not known"}</span>;
  const percent = Math.round(headroomRatio * 100);
  return (
    <span class="with-bar">
      {percent <= 0 ? "beyond its limit" : `${percent}% to go`}
      <Bar ratio={1 - headroomRatio} tone={headroomRatio <= 0.2 ? "bad" : "calm"} />
    </span>
  );
}
