import type { LiveStatus } from "../../reports/live-status.js";
import { countText } from "../model/format.js";
import { errorsByException } from "../model/tasks.js";
import { chosenTask } from "../source/state.js";
import { Section, Table } from "./parts.js";

/** What was raised, since the beginning. */
export function Errors({ live }: { live: LiveStatus }) {
  const task = chosenTask.value;
  const errors = errorsByException(live, task);
  return (
    <Section title={task === null ? "Errors" : `Errors of ${task}`} name="errors-table">
      {errors.length === 0 ? (
        <p class="empty">No task has raised anything.</p>
      ) : (
        <Table caption="Errors by exception" heads={[["exception"], ["tasks", "number"]]}>
          {errors.map(([exception, count]) => (
            <tr key={exception}>
              <th scope="row">{exception}</th>
              <td class="number" data-exception={exception}>
                {countText(count)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
