import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../exposition/metrics.js";
import { dataSource } from "./panels.js";
import { firingAlerts, ofProcess, ofScenario } from "./promql.js";

/**
 * Markers of what happened to the load, on every dashboard. They come from PromQL alone, so that no
 * token for writing annotations is needed.
 */
export function markers(): dashboard.AnnotationQueryBuilder[] {
  return [
    at("Starts", changedAt('kind="start"'), "green", "{{scenario}} started on {{instance}}"),
    at(
      "Orders",
      changedAt('kind=~"override|pause|resume|reload|guard"'),
      "purple",
      "{{scenario}}: {{kind}}",
    ),
    at("Stage changes", changedAt('kind="stage"'), "blue", "{{scenario}}: next stage"),
    at(
      "Daemon starts",
      ofProcess("process_start_time_seconds"),
      "orange",
      "daemon {{instance}} started",
    ),
    alerts(),
  ];
}

function changedAt(matcher: string): string {
  return ofScenario(METRICS.lastChange, matcher);
}

/**
 * Markers at the exact time of something. The series' *value* is that time in Unix seconds, and Grafana
 * wants milliseconds; so no step blurs them.
 */
function at(
  name: string,
  unixSeconds: string,
  colour: string,
  title: string,
): dashboard.AnnotationQueryBuilder {
  return (
    marker(name, colour)
      // 0 stands for "never so far" and would be drawn at 1970.
      .expr(`(${unixSeconds} > 0) * 1000`)
      .useValueForTime(true)
      .titleFormat(title)
      .textFormat("{{job}} {{instance}}")
      .tagKeys("scenario,kind")
  );
}

/** As long as an alert about this load fires. Alerts that are about no single daemon are among them. */
function alerts(): dashboard.AnnotationQueryBuilder {
  return marker("Firing alerts", "red")
    .expr(firingAlerts())
    .titleFormat("{{alertname}} {{slo}}{{scenario}}")
    .textFormat("{{severity}} {{instance}}")
    .tagKeys("alertname,severity");
}

function marker(name: string, colour: string): dashboard.AnnotationQueryBuilder {
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(dataSource)
    .enable(true)
    .iconColor(colour)
    .step("15s");
}
