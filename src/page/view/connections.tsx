import type { LiveStatus } from "../../reports/live-status.js";
import type { ConnectionStatus } from "../../reports/status.js";
import { bytesText, countText, UNKNOWN } from "../model/format.js";
import { Chip, Section, Table } from "./parts.js";

export function Connections({ live: { status } }: { live: LiveStatus }) {
  return (
    <Section title="Connections" name="connections">
      <Table
        caption="Connections"
        heads={[
          ["connection"],
          ["broker"],
          ["result backend"],
          ["events"],
          ["backend's memory", "number"],
          ["tasks of others", "number"],
        ]}
      >
        {Object.entries(status.connections).map(([name, connection]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              {connection.broker.isBlocked ? (
                <Chip tone="bad">blocked</Chip>
              ) : (
                <Role role={connection.broker} />
              )}
            </td>
            <td>
              <Role role={connection.backend} />
            </td>
            <td>
              {connection.events === null ? (
                <span class="muted">off</span>
              ) : (
                <Role role={connection.events} />
              )}
            </td>
            <td class="number">{bytesText(connection.backendMemoryBytes)}</td>
            <td class="number">
              {connection.unexplainedTasks === null
                ? UNKNOWN
                : countText(connection.unexplainedTasks)}
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Role({ role: { isUp, reconnects } }: { role: ConnectionStatus["backend"] }) {
  return (
    <>
      <Chip tone={isUp ? "good" : "bad"}>{isUp ? "up" : "down"}</Chip>
      {reconnects > 0 && <div class="muted small">{countText(reconnects)} reconnects</div>}
    </>
  );
}
