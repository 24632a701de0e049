import assert from "node:assert/strict";
import { hasLabels, parseExpositionText, type Sample } from "../../src/setup/exposition-text.js";

export type Labels = Readonly<Record<string, string>>;

/** The counts of one task of one scenario, as /metrics shows them. */
export interface LedgerRow {
  readonly scenario: string;
  readonly task: string;
  readonly planned: number;
  readonly publishing: number;
  readonly published: number;
  readonly dropped: number;
  readonly publishFailed: number;
  readonly inFlight: number;
  /** succeeded, failed, revoked, timed_out, unknown. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** One page of metrics, read once. */
export class Metrics {
  readonly text: string;
  readonly samples: readonly Sample[];

  /** @throws Error when the text is not in Prometheus' text format */
  constructor(text: string) {
    this.text = text;
    this.samples = parseExpositionText(text);
  }

  /** All samples of this name that carry these labels (and maybe more). */
  select(name: string, labels: Labels = {}): Sample[] {
    return this.samples.filter((sample) => sample.name === name && hasLabels(sample, labels));
  }

  /**
   * The value of the one sample with this name and these labels.
   * @throws Error when there is none or more than one, with what is there
   */
  value(name: string, labels: Labels = {}): number {
    const found = this.select(name, labels);
    if (found.length === 1) return found[0]!.value;
    const there = this.select(name).map((sample) => JSON.stringify(sample.labels));
    throw new Error(
      `Expected one sample ${name}${JSON.stringify(labels)}, found ${found.length}. ` +
        `With this name: ${there.join(" ") || "none"}`,
    );
  }

  /** The sum of all samples with this name and these labels; 0 when there are none. */
  sum(name: string, labels: Labels = {}): number {
    return this.select(name, labels).reduce((total, sample) => total + sample.value, 0);
  }

  /** How many brokers and result backends are connected; the observer's connections do not count. */
  linksUp(): number {
    return this.#ofLinks("celery_load_connection_up");
  }

  /** How often connections to brokers and result backends came back. */
  reconnects(): number {
    return this.#ofLinks("celery_load_reconnects_total");
  }

  #ofLinks(name: string): number {
    return this.sum(name, { role: "broker" }) + this.sum(name, { role: "backend" });
  }

  /** A row for each scenario and task that has a planned count, sorted. */
  ledger(): LedgerRow[] {
    const pairs = this.select("celery_load_tasks_planned_total").map(({ labels }) => ({
      scenario: labels.scenario ?? "",
      task: labels.task ?? "",
    }));
    return pairs
      .map((pair) => this.#row(pair))
      .sort((a, b) => `${a.scenario} ${a.task}`.localeCompare(`${b.scenario} ${b.task}`));
  }

  #row(pair: { scenario: string; task: string }): LedgerRow {
    const outcomes: Record<string, number> = {};
    for (const { labels, value } of this.select("celery_load_task_outcomes_total", pair)) {
      const outcome = labels.outcome ?? "";
      outcomes[outcome] = (outcomes[outcome] ?? 0) + value;
    }
    return {
      ...pair,
      planned: this.sum("celery_load_tasks_planned_total", pair),
      publishing: this.sum("celery_load_tasks_publishing", pair),
      published: this.sum("celery_load_tasks_published_total", pair),
      dropped: this.sum("celery_load_tasks_dropped_total", pair),
      publishFailed: this.sum("celery_load_publish_failures_total", pair),
      inFlight: this.sum("celery_load_tasks_in_flight", pair),
      outcomes,
    };
  }
}

/**
 * Both equations of the ledger, exactly, for every task of every scenario:
 *
 *     planned   = publishing + published + dropped + publish_failed
 *     published = in_flight + the sum of all outcomes
 *
 * @throws AssertionError that lists every row that does not balance, or says that there is none
 */
export function assertBalanced(metrics: Metrics): void {
  const rows = metrics.ledger();
  assert.ok(rows.length > 0, "There is no celery_load_tasks_planned_total in the metrics");
  const faults = rows.flatMap(faultsOf);
  assert.equal(faults.length, 0, `The ledger does not balance:\n${faults.join("\n")}`);
}

function faultsOf(row: LedgerRow): string[] {
  const settled = Object.values(row.outcomes).reduce((total, count) => total + count, 0);
  const placed = row.publishing + row.published + row.dropped + row.publishFailed;
  const where = `${row.scenario}, ${row.task}`;
  const faults: string[] = [];
  const counts = [placed, settled, row.planned, row.published, row.inFlight, row.publishing];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    faults.push(`${where}: not all of these are counts: ${JSON.stringify(row)}`);
  }
  if (row.planned !== placed) {
    faults.push(
      `${where}: planned ${row.planned} is not publishing ${row.publishing} + published ` +
        `${row.published} + dropped ${row.dropped} + publish_failed ${row.publishFailed} = ${placed}`,
    );
  }
  if (row.published !== row.inFlight + settled) {
    faults.push(
      `${where}: published ${row.published} is not in_flight ${row.inFlight} + outcomes ` +
        `${JSON.stringify(row.outcomes)} = ${row.inFlight + settled}`,
    );
  }
  return faults;
}
