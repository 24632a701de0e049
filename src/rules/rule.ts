/** One rule of Prometheus, as its file has it. */
export type Rule = RecordingRule | AlertingRule;

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: Severity } & Readonly<Record<string, string>>;
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    readonly runbook_url: string;
    readonly dashboard_url: string;
  };
}

/** `critical`: somebody must come now. `warning`: somebody must look today. `info`: good to know. */
export type Severity = "critical" | "warning" | "info";

export interface RuleGroup {
  readonly name: string;
  /** How often it is evaluated; default: Prometheus' own interval. */
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

/** For texts: the results of a query as one list: "a, b, c". `each` is the text of one, which is `$each`. */
export function listed(each: string): string {
  return `{{ range $index, $each := . }}{{ if $index }}, {{ end }}${each}{{ end }}`;
}

export type Dashboard = "overview" | "tasks" | "correlation" | "soak";

/** An alert before its links: what differs from one to the next. */
export interface Alert {
  /** Without the prefix. */
  readonly name: string;
  readonly severity: Severity;
  /** Labels that tell rules of one name apart. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly expr: string;
  readonly for: string;
  readonly summary: string;
  readonly description: string;
  /** The page of Grafana that shows more, by its uid without the prefix. */
  readonly dashboard: Dashboard;
  /**
   * Labels that lead to the right part of the page, where the alert is not of a daemon: the label `job` of what
   * comes from another exporter is that exporter's.
   */
  readonly variables?: readonly string[];
}

/** Where the links of alerts lead. */
export interface Links {
  /** Folder or URL of the pages, without a slash at the end. */
  readonly runbooks: string;
  /** URL of Grafana, without a slash at the end. */
  readonly grafana: string;
}

export const ALERT_PREFIX = "CeleryLoad";
/** How far each page looks back, and the labels of a daemon's alert that it has variables for. */
const PAGES = {
  overview: { from: "now-3h", variables: ["job", "scenario", "task", "slo"] },
  tasks: { from: "now-3h", variables: ["job", "scenario", "task"] },
  correlation: { from: "now-3h", variables: ["job", "scenario", "task"] },
  soak: { from: "now-2d", variables: ["job", "scenario", "task"] },
} as const satisfies Record<Dashboard, { from: string; variables: readonly string[] }>;

export function alertingRule(alert: Alert, { runbooks, grafana }: Links): AlertingRule {
  const name = ALERT_PREFIX + alert.name;
  const variable = (label: string) => `{{ with $labels.${label} }}&var-${label}={{ . }}{{ end }}`;
  const page = PAGES[alert.dashboard];
  const variables = (alert.variables ?? page.variables).map(variable).join("");
  return {
    alert: name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity, ...alert.labels },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: `${runbooks}/${name}.md`,
      dashboard_url: `${grafana}/d/celery-load-${alert.dashboard}?from=${page.from}${variables}`,
    },
  };
}
