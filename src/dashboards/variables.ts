import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS, metric } from "../exposition/metrics.js";
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
    labelValues("job", "Job", "The scrape job of the daemons.", metric(METRICS.buildInfo)),
    labelValues(
      "instance",
      "Instance",
      "The daemons of the job.",
      `${metric(METRICS.buildInfo)}{job=~"$job"}`,
    ),
    labelValues(
      "scenario",
      "Scenario",
      "Scenarios that are configured.",
      ofDaemon(METRICS.targetRate),
    ),
    labelValues(
      "task",
      "Task",
      "Registered names of the tasks that the scenarios send.",
      ofScenario(METRICS.planned),
    ),
  ];
}

/** Which objectives the page is about. */
export function sloVariable(): dashboard.QueryVariableBuilder {
  return labelValues(
    "slo",
    "SLO",
    "Objectives that are configured.",
    ofDaemon(METRICS.sloObjective),
  );
}

/**
 * Which Celery deployments foreign metrics are from, by the label `deployment` of the scrape
 * configuration. Without that label all are one, hence `.*`, which matches its absence.
 */
export function deploymentVariable(): dashboard.QueryVariableBuilder {
  return labelValues(
    "deployment",
    "Deployment",
    "Deployments by the label `deployment` of scrape jobs; All where it is not used.",
    ofDaemon(METRICS.buildInfo),
  ).allValue(".*");
}

/** How long ago the time is that a page compares with. */
export function beforeVariable(): dashboard.CustomVariableBuilder {
  return choice(
    "before",
    "Before",
    "How long ago the time is that this one is compared with.",
    ["1h", "6h", "1d", "7d"],
    "1d",
  );
}

/** Whose memory is shown: a regular expression of scrape jobs or pods. */
export function workerProcessesVariable(): dashboard.TextBoxVariableBuilder {
  const anyWorker = ".*celery.*worker.*";
  return new dashboard.TextBoxVariableBuilder("worker_processes")
    .label("Worker processes")
    .description("Regular expression of the jobs or pods whose memory is shown.")
    .defaultValue(anyWorker)
    .current({ text: anyWorker, value: anyWorker });
}

/** Which quantile the latency panels draw. */
export function quantileVariable(): dashboard.CustomVariableBuilder {
  return choice(
    "quantile",
    "Quantile",
    "The quantile of the panels that name one: 0.95 is the value that 95 % stay below.",
    ["0.5", "0.9", "0.95", "0.99"],
    "0.95",
  );
}

/** One of a few values. */
function choice(
  name: string,
  label: string,
  description: string,
  values: readonly string[],
  chosen: string,
): dashboard.CustomVariableBuilder {
  return new dashboard.CustomVariableBuilder(name)
    .label(label)
    .description(description)
    .values(values.join(","))
    .options(values.map((value) => ({ text: value, value, selected: value === chosen })))
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
