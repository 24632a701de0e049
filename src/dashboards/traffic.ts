import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { changeMarkers } from "./annotations.js";
import { errorPanels } from "./traffic/errors.js";
import { latencyPanels } from "./traffic/latency.js";
import { statePanels } from "./traffic/state.js";
import { throughputPanels } from "./traffic/throughput.js";
import { trustPanels } from "./traffic/trust.js";
import { commonVariables, quantileVariable } from "./variables.js";

/**
 * The dashboard "Traffic and latency by task": is the planned load real, what became of the tasks,
 * where does the time go, what breaks, and can these numbers be believed.
 */
export function trafficDashboard(): dashboard.Dashboard {
  const board = new dashboard.DashboardBuilder("Celery load / Traffic and latency by task")
    .uid("celery-load-traffic")
    .description(
      "Synthetic traffic of celery-load-exporter, by task: state, throughput, latency, errors, and whether the numbers can be trusted.",
    )
    .tags(["celery-load"])
    .timezone("browser")
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .readonly()
    .variables([...commonVariables(), quantileVariable()])
    .annotations(changeMarkers())
    .link(
      new dashboard.DashboardLinkBuilder("Celery load")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(["celery-load"])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    );
  const rows = {
    State: statePanels(),
    Throughput: throughputPanels(),
    Latency: latencyPanels(),
    Errors: errorPanels(),
    "Can we trust this?": trustPanels(),
  };
  for (const [title, panels] of Object.entries(rows)) {
    board.withRow(new dashboard.RowBuilder(title));
    for (const panel of panels) board.withPanel(panel);
  }
  return board.build();
}
