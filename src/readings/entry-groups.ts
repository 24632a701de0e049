import type { LedgerView } from "./ledger-view.js";
import type { Subject } from "./subject.js";

type Labels = Record<string, string>;

/** Rows of the ledger that share their labels: tasks of one name with different arguments are one series. */
export interface Group {
  readonly labels: Labels;
  readonly rows: number[];
}

export type RowReader = (ledger: LedgerView, row: number) => number;

export function groupByTask(subject: Subject): Group[] {
  return groupRows([...subject.entries.keys()], (entry) => labelsOf(subject, entry));
}

export function groupByQueue(subject: Subject): Group[] {
  return groupRows([...subject.entries.keys()], (entry) => ({
    ...labelsOf(subject, entry),
    queue: subject.entries[entry]!.queue,
  }));
}

/** Members of one workflow that are the same task are one series. */
export function groupByMember(subject: Subject): Group[] {
  const labels = new Map(
    subject.members.map(({ row, workflow, task }) => {
      const { scenario, task: name } = subject.entries[workflow]!;
      return [row, { scenario: subject.scenarios[scenario]!.name, workflow: name, task }];
    }),
  );
  return groupRows([...labels.keys()], (row) => labels.get(row)!);
}

export function sumOf(rows: readonly number[], ledger: LedgerView, read: RowReader): number {
  let sum = 0;
  for (const row of rows) sum += read(ledger, row);
  return sum;
}

function labelsOf(subject: Subject, entry: number): Labels {
  const { scenario, task } = subject.entries[entry]!;
  return { scenario: subject.scenarios[scenario]!.name, task };
}

function groupRows(rows: readonly number[], labelsOf: (row: number) => Labels): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const labels = labelsOf(row);
    const key = JSON.stringify(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}
