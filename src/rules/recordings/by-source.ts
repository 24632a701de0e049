import type { RecordingRule } from "../rule.js";
import type { SidesRecord } from "./records.js";

/**
 * Recording rules that accept the workers' and the broker's side of the traffic from whoever exposes it:
 * our own observer, celery-exporter, Flower, rabbitmq_prometheus, redis_exporter. Every record says in
 * its label `source` whom it is from, and is summed up by the label `deployment` that scrape jobs may set.
 */
export interface SourceRule extends RecordingRule {
  readonly record: SidesRecord;
  readonly labels: readonly string[];
  /** What it is, and why it is computed like this. */
  readonly comment: string;
}

/** Which source is taken where several know the same, the most exact first. */
export const SOURCES = ["observer", "rabbitmq", "celery-exporter", "flower", "redis"] as const;

export type Source = (typeof SOURCES)[number];

/** Some of the sources, each with an expression that answers only where it is scraped. */
type BySource = Partial<Record<Source, string>>;

/** The observers of several daemons hear the same worker: one of them counts. */
export function ofOurWorkers(expr: string): string {
  return `sum by (deployment) (max by (deployment, connection, worker) (${expr}))`;
}

export function sumOf(label: string, expr: string): string {
  return `sum by (deployment, ${label}) (${expr})`;
}

/** The same series with the value of one label as another. */
export function renamed(expr: string, from: string, to: string): string {
  return `label_replace(${expr}, "${to}", "$1", "${from}", "(.+)")`;
}

export function bySource(expressions: BySource): string {
  return anyOf(
    ...SOURCES.flatMap((source) => {
      const expr = expressions[source];
      return expr === undefined ? [] : [named(source, expr)];
    }),
  );
}

export function named(source: Source, expr: string): string {
  return `label_replace(${expr}, "source", "${source}", "", "")`;
}

export function anyOf(...expressions: string[]): string {
  return expressions.join("\nor ");
}

/** Of the records by source, those of the first source that has one for these labels. */
export function best(record: string, labels: string): string {
  return SOURCES.map((source) => `${record}{source="${source}"}`).join(`\nor on (${labels}) `);
}
