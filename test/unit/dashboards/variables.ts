/** Values for Grafana's variables. */
export interface VariableValues {
  readonly rateInterval: string;
  readonly rangeSeconds: number;
  readonly quantile: string;
  /** Regular expressions for job, instance, scenario and task. */
  readonly selections: Readonly<Record<string, string>>;
}

/** An expression as Grafana sends it: with values in place of the variables. */
export function substituted(expr: string, values: VariableValues): string {
  return expr
    .replaceAll("$__rate_interval", values.rateInterval)
    .replaceAll("$__range_s", String(values.rangeSeconds))
    .replaceAll("$__range", `${values.rangeSeconds}s`)
    .replaceAll("$quantile", values.quantile)
    .replaceAll(/\$(job|instance|scenario|task)\b/g, (_, name) => values.selections[name] ?? ".+");
}
