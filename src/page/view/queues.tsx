import type { LiveStatus } from "../../reports/live-status.js";
import { countText } from "../model/format.js";
import { Section, Table } from "./parts.js";

export function Queues({ live: { status } }: { live: LiveStatus }) {
  const rows = Object.entries(status.connections).flatMap(([connection, { queues }]) =>
    queues.map((queue) => ({ connection, ...queue })),
  );
  return (
    <Section title="Queues" name="queues">
      <Table
        caption="Queues"
        heads={[
          ["queue"],
          ["connection"],
          ["waiting", "number"],
          ["unacknowledged", "number"],
          ["workers", "number"],
        ]}
      >
        {rows.map(({ connection, name, ready, unacked, consumers }) => (
          <tr key={`${connection}/${name}`}>
            <th scope="row">{name}</th>
            <td>{connection}</td>
            <td class="number" data-queue={name}>
              {countText(ready)}
            </td>
            <td class="number">{countText(unacked)}</td>
            <td class={`number ${consumers === 0 ? "bad" : ""}`}>{countText(consumers)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
