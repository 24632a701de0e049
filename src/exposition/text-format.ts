/**
 * Prometheus' text formats. prom-client renders only one of them for a registry: switching its content
 * type takes `_total` off its counters for good.
 *
 * Sources: prometheus.io/docs/instrumenting/exposition_formats (0.0.4), the OpenMetrics 1.0 specification.
 */
export type TextFormat = "text" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The `# HELP` and `# TYPE` lines of a metric. In OpenMetrics a counter's family lacks `_total`. */
export function familyHeader(name: string, type: string, help: string, format: TextFormat): string {
  const family =
    format === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  const unit =
    format === "openmetrics" && /_(seconds|bytes)$/.test(family)
      ? `# UNIT ${family} ${family.slice(family.lastIndexOf("_") + 1)}\n`
      : "";
  return `# HELP ${family} ${escapeHelp(help, format)}\n# TYPE ${family} ${type}\n${unit}`;
}

/** `a="x",b="y"`, without braces; "" for no labels. */
export function labelText(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(",");
}

/** All that stands before a sample's value. `labels` as `labelText` gives them. */
export function sampleHead(name: string, labels: string): string {
  return labels === "" ? `${name} ` : `${name}{${labels}} `;
}

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/** A bucket's `le`: OpenMetrics wants a float, and so does Prometheus 3 when it stores one. */
export function boundText(bound: number, format: TextFormat): string {
  const text = numberText(bound);
  return format === "openmetrics" && /^\d+$/.test(text) ? `${text}.0` : text;
}

function escapeHelp(help: string, format: TextFormat): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
