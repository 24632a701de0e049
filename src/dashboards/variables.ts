import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { dataSource } from "./panels.js";
import { ofDaemon, ofScenario } from "./promql.js";

/**
 * The variables at the top of every dashboard: data source, then each one narrowed by those before it.
 * All of them can hold several values, so that one page shows a whole fleet of daemons.
 */
export function commonVariables(): (
  | dashboard.DatasourceVariableBuilder
  | dashboard.QueryVariableBuilder
)[] {
  return [
    new dashboard.DatasourceVariableBuilder("datasource")
      .label("Data source")
      .description("The Prometheus server that scrapes the daemon.")
      .type("prometheus")
      .multi(false)
      .includeAll(false),
    labelValues("job", "Job", "The scrape job of the daemons.", "celery_load_build_info"),
    labelValues(
      "instance",
      "Instance",
      "The daemons of the job.",
      'celery_load_build_info{job=~"$job"}',
    ),
    labelValues("scenario", "Scenario", "Scenarios that are configured.", ofDaemon("target_rate")),
    labelValues(
      "task",
      "Task",
      "Registered names of the tasks that the scenarios send.",
      ofScenario("tasks_planned_total"),
    ),
  ];
}

/** Which quantile the latency panels draw. */
export function quantileVariable(): dashboard.CustomVariableBuilder {
  const quantiles = ["0.5", "0.9", "0.95", "0.99"];
  const chosen = "0.95";
  return new dashboard.CustomVariableBuilder("quantile")
    .label("Quantile")
    .description(
      "The quantile of the panels that name one: 0.95 is the value that 95 % stay below.",
    )
    .values(quantiles.join(","))
    .options(quantiles.map((value) => ({ text: value, value, selected: value === chosen })))
    .current({ text: chosen, value: chosen, selected: true })
    .multi(false)
    .includeAll(false);
}

function labelValues(
  label: string,
  shown: string,
  description: string,
  selector: string,
): dashboard.QueryVariableBuilder {
  const query = `label_values(${selector}, ${label})`;
  return new dashboard.QueryVariableBuilder(label)
    .label(shown)
    .description(description)
    .datasource(dataSource)
    .query(query)
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".+")
    .current({ text: ["All"], value: ["$__all"], selected: true });
}
