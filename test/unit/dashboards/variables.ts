/** Values for Grafana's variables. */
export interface VariableValues {
  readonly rateInterval: string;
  /** The step of the graph, or what a panel has as the least. */
  readonly interval: string;
  /** How long ago the time is that a page compares with. */
  readonly before: string;
  readonly rangeSeconds: number;
  readonly quantile: string;
  /** Regular expressions for the variables that choose series; everything for those that are not here. */
  readonly selections: Readonly<Record<string, string>>;
}

/** An expression as Grafana sends it: with values in place of the variables. */
export function substituted(expr: string, values: VariableValues): string {
  return expr
    .replaceAll("$__rate_interval", values.rateInterval)
    .replaceAll("$__range_s", String(values.rangeSeconds))
    .replaceAll("$__range", `${values.rangeSeconds}s`)
    .replaceAll("$__interval", values.interval)
    .replaceAll("$quantile", values.quantile)
    .replaceAll("$before", values.before)
    .replaceAll(SELECTING, (_, name) => values.selections[name] ?? ".*");
}

const SELECTING = /\$(job|instance|scenario|task|slo|deployment|worker_processes)\b/g;
