import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { dataSource } from "./panels.js";
import { ofScenario } from "./promql.js";

/**
 * Markers at the exact time of a change. The series' *value* is that time, which Grafana wants in
 * milliseconds; so no token for writing annotations is needed, and no step blurs them.
 */
export function changeMarkers(): dashboard.AnnotationQueryBuilder[] {
  return [
    changes("Starts", "start", "green", "{{scenario}} started on {{instance}}"),
    changes("Stage changes", "stage", "blue", "{{scenario}}: next stage"),
  ];
}

function changes(
  name: string,
  kind: string,
  colour: string,
  title: string,
): dashboard.AnnotationQueryBuilder {
  const changedAt = ofScenario("last_change_timestamp_seconds", `kind="${kind}"`);
  return (
    new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(dataSource)
      .enable(true)
      .iconColor(colour)
      // 0 stands for "never so far" and would be drawn at 1970.
      .expr(`(${changedAt} > 0) * 1000`)
      .step("15s")
      .useValueForTime(true)
      .titleFormat(title)
      .textFormat("{{job}} {{instance}}")
      .tagKeys("scenario,kind")
  );
}
