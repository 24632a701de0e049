import type { ClassicTarget } from "../unit/dashboards/classic-board.js";
import { substituted } from "../unit/dashboards/variables.js";

/** A series as Prometheus answered it; times in Unix seconds. */
export interface Answered {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [unixSeconds: number, value: number])[];
}

/** The time that a picture shows. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Asks Prometheus a panel's query as Grafana does: over the span, or at its end only. */
export async function answered(
  prometheusUrl: string,
  { expr, instant }: Pick<ClassicTarget, "expr" | "instant">,
  { start, end }: Span,
): Promise<Answered[]> {
  const query = substituted(expr, {
    rateInterval: "20s",
    interval: "20s",
    before: "1m",
    rangeSeconds: Math.round(end - start),
    quantile: "0.95",
    selections: {},
  });
  const times = instant
    ? { time: String(end) }
    : { start: String(start), end: String(end), step: "2" };
  const path = instant ? "query" : "query_range";
  const url = `${prometheusUrl}/api/v1/${path}?${new URLSearchParams({ query, ...times })}`;
  const answer = (await (await fetch(url)).json()) as {
    data?: { result: { metric: Record<string, string>; value?: Point; values?: Point[] }[] };
    error?: string;
  };
  if (!answer.data) throw new Error(`Prometheus refused ${query}: ${answer.error}`);
  return answer.data.result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? [value!]).map(
      ([at, text]) => [at, Number(text.replace("Inf", "Infinity"))] as const,
    ),
  }));
}

type Point = [unixSeconds: number, value: string];

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
