import type { ConnectionCell } from "../ledger/layout.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";
import type { Emit } from "./snapshot-metric.js";

const DATA_LOSS_EVIDENCE = {
  restarted_empty: "restartedEmpty",
  failover: "failover",
  purged: "purged",
  reply_queue_deleted: "replyQueueDeleted",
} as const satisfies Record<string, ConnectionCell>;

type EventsLink = NonNullable<ObservedConnection["events"]>;

export function connectionMetrics(
  subject: Subject,
  metric: MakeMetric,
  observed: () => readonly ObservedConnection[],
): LedgerMetric[] {
  const roles = ["broker", "backend"] as const;
  const each =
    (suffix: "Up" | "Reconnects", ofEvents: (events: EventsLink) => number) =>
    (ledger: LedgerView, emit: Emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        for (const role of roles) {
          emit({ connection, role }, ledger.connection(index, `${role}${suffix}`));
        }
      }
      for (const { name, events } of observed()) {
        if (events !== null) emit({ connection: name, role: "events" }, ofEvents(events));
      }
    };
  return [
    metric(
      METRICS.connectionUp,
      each("Up", ({ isUp }) => (isUp ? 1 : 0)),
    ),
    metric(
      METRICS.reconnects,
      each("Reconnects", ({ reconnects }) => reconnects),
    ),
    metric(METRICS.dataLoss, (ledger, emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        for (const [evidence, cell] of Object.entries(DATA_LOSS_EVIDENCE)) {
          emit({ connection, evidence }, ledger.connection(index, cell));
        }
      }
    }),
    metric(METRICS.blocked, (ledger, emit) => {
      for (const [index, connection] of subject.connections.entries()) {
        emit({ connection }, ledger.connection(index, "brokerBlocked"));
      }
    }),
  ];
}
