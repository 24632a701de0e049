import type { Series, TestPrometheus } from "../support/prometheus.js";
import type { ClassicTarget } from "../unit/dashboards/classic-board.js";
import { substituted } from "../unit/dashboards/variables.js";

/** A series as Prometheus answered it. */
export type Answered = Pick<Series, "labels" | "points">;

/** The time that a picture shows. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** How long ago the time is that it is compared with, as the variable Before says it. */
  readonly before: string;
}

/** Asks Prometheus a panel's query as Grafana does: over the span, or at its end only. */
export function answered(
  prometheus: TestPrometheus,
  { expr, instant }: Pick<ClassicTarget, "expr" | "instant">,
  { start, end, before }: Span,
): Promise<Answered[]> {
  const query = substituted(expr, {
    rateInterval: "20s",
    interval: "20s",
    before,
    rangeSeconds: Math.round(end - start),
    quantile: "0.95",
    selections: { job: "celery-load" },
  });
  return instant ? prometheus.at(query, end) : prometheus.range(query, start, end, 2);
}

/** A series' name as its legend says it. */
export function nameOf(legend: string, labels: Answered["labels"]): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? "").trim();
}

/** A value with its unit, short enough for an axis. */
export function valueText(value: number, unit: string): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return "∞";
  switch (unit) {
    case "percentunit":
      return `${rounded(value * 100)} %`;
    case "cps":
      return `${rounded(value)}/s`;
    case "s":
      return Math.abs(value) < 1 ? `${rounded(value * 1000)} ms` : `${rounded(value)} s`;
    case "dtdurations":
      return value < 120
        ? `${rounded(value)} s`
        : value < 172_800
          ? `${rounded(value / 60)} min`
          : `${rounded(value / 86_400)} d`;
    case "bytes":
      return `${rounded(value / 1e6)} MB`;
    case "dateTimeAsIso":
      return new Date(value).toISOString().slice(0, 19);
    default:
      return String(rounded(value));
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
