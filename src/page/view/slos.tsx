import type { LiveStatus } from "../../reports/live-status.js";
import type { SloReport } from "../../reports/slo-report.js";
import { countText, percentText } from "../model/format.js";
import type { Tone } from "../model/headline.js";
import { budgetLeft, budgetText } from "../model/slos.js";
import { Bar, Chip, Section, Table } from "./parts.js";

const TONES: Readonly<Record<SloReport["verdict"], Tone>> = {
  met: "good",
  missed: "bad",
  inconclusive: "doubtful",
};

export function Slos({ live: { status } }: { live: LiveStatus }) {
  const slos = Object.entries(status.slos);
  return (
    <Section title="Objectives" name="slos">
      {status.thresholds.length === 0 ? null : <Thresholds thresholds={status.thresholds} />}
      {slos.length === 0 ? (
        <p class="empty">The configuration has no SLOs.</p>
      ) : (
        <Table
          caption="Service level objectives"
          heads={[["SLO"], ["so far"], ["budget left"], ["why"]]}
        >
          {slos.map(([name, slo]) => (
            <Row key={name} name={name} slo={slo} />
          ))}
        </Table>
      )}
    </Section>
  );
}

/** As they would be judged if the run ended now. */
function Thresholds({ thresholds }: { thresholds: LiveStatus["status"]["thresholds"] }) {
  return (
    <Table caption="Thresholds" heads={[["threshold"], ["so far"], ["why"]]}>
      {thresholds.map(({ threshold, verdict, reason }) => (
        <tr key={threshold}>
          <th scope="row">{threshold}</th>
          <td>
            <Chip tone={TONES[verdict]}>{verdict}</Chip>
          </td>
          <td class="words">{reason}</td>
        </tr>
      ))}
    </Table>
  );
}

function Row({ name, slo }: { name: string; slo: SloReport }) {
  const left = budgetLeft(slo);
  return (
    <tr>
      <th scope="row">
        {name}
        <div class="muted small">{percentText(slo.objective)} good</div>
      </th>
      <td>
        <Chip tone={TONES[slo.verdict]}>{slo.verdict}</Chip>
      </td>
      <td>
        <span class="with-bar">
          {budgetText(left)}
          <Bar ratio={left ?? 0} tone={left !== null && left <= 0 ? "bad" : "good"} />
        </span>
      </td>
      <td class="words">
        {slo.reason}
        <div class="muted small">
          <span data-slo-bad={name}>{countText(slo.bad)}</span> bad of{" "}
          <span data-slo-events={name}>{countText(slo.events)}</span>
        </div>
      </td>
    </tr>
  );
}
